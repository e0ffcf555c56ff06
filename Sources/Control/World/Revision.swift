import FoundationEssentials

/// One change of the world: who made it, when, why and how.
struct Revision: Equatable {
    enum Kind: String {
        case put
        case delete
        case split
        case restore
    }

    let number: UInt64
    /// Milliseconds since 1970.
    let at: Int64
    let who: String
    let why: String
    let kind: Kind
    /// The one service that was changed; `nil` when several may have been.
    let service: String?
}

/// One field that a change made different.
struct Difference: Codable, Equatable {
    /// The most that are kept of one revision.
    static let limit = 1000

    /// What a field holds.
    enum Value: Codable, Equatable {
        case text(String)
        case number(Decimal)

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let text = try? value.decode(String.self) {
                self = .text(text)
            } else {
                self = .number(try value.decode(Decimal.self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .text(let text): try value.encode(text)
            case .number(let number): try value.encode(number)
            }
        }
    }

    let path: String
    /// `nil` where the field was not there.
    let before: Value?
    /// `nil` where the field is there no more.
    let after: Value?
}
