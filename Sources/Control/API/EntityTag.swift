/// Names one state of a resource by the revision that made it (RFC 9110 §8.8.3).
struct EntityTag: Equatable {
    let revision: UInt64

    var text: String { "\"r\(revision)\"" }
}

/// The conditions of a request on the state of what it is about (RFC 9110 §13.1).
struct Preconditions {
    let ifMatch: String?
    let ifNoneMatch: String?

    init(_ request: APIRequest) {
        ifMatch = request.field("if-match")
        ifNoneMatch = request.field("if-none-match")
    }

    /// Throws a 412 unless a change of what has that tag is wanted; `nil` is what is not there.
    func check(_ current: EntityTag?) throws(Problem) {
        if let ifMatch {
            // A weak tag is no proof that nothing was lost (RFC 9110 §13.1.1).
            let isMet = current.map { Self.list(ifMatch, contains: $0, weakly: false) } ?? false
            if !isMet {
                let now = current.map { "it is \($0.text)" } ?? "it is not there"
                throw Problem(412, "If-Match does not hold: \(now)")
            }
        }
        if let ifNoneMatch, let current,
            Self.list(ifNoneMatch, contains: current, weakly: true)
        {
            throw Problem(412, "If-None-Match does not hold: it is \(current.text)")
        }
    }

    /// Whether a reader has that state already, and is answered 304.
    func isKnown(_ current: EntityTag) -> Bool {
        ifNoneMatch.map { Self.list($0, contains: current, weakly: true) } ?? false
    }

    private static func list(_ list: String, contains tag: EntityTag, weakly: Bool) -> Bool {
        list.split(separator: ",").contains { item in
            let item = item.drop { $0 == " " || $0 == "\t" }
            let text = String(item.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
            return text == "*" || text == tag.text || weakly && text == "W/" + tag.text
        }
    }
}
