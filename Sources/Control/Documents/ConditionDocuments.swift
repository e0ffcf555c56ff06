import Mesh
import RegularExpressions

/// What a path must be like; a bare string is the whole path.
enum PathDocument: Codable, Equatable {
    case exact(String)
    case prefix(String)
    case regex(String)

    enum CodingKeys: String, CodingKey, CaseIterable {
        case exact
        case prefix
        case regex
    }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            self = .exact(text)
            return
        }
        let (fields, key) = try decoder.choice(of: CodingKeys.self)
        let text = try fields.decode(String.self, forKey: key)
        switch key {
        case .exact: self = .exact(text)
        case .prefix: self = .prefix(text)
        case .regex: self = .regex(text)
        }
    }

    init(_ matcher: PathMatcher) {
        switch matcher {
        case .exact(let text): self = .exact(text)
        case .prefix(let text): self = .prefix(text)
        case .separatedPrefix(let prefix): self = .prefix(prefix.text)
        case .regex(let expression): self = .regex(expression.pattern)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .exact(let text): try fields.encode(text, forKey: .exact)
        case .prefix(let text): try fields.encode(text, forKey: .prefix)
        case .regex(let pattern): try fields.encode(pattern, forKey: .regex)
        }
    }

    func matcher() throws(MeshError) -> PathMatcher {
        switch self {
        case .exact(let text): .exact(text)
        case .prefix(let text): .prefix(text)
        case .regex(let pattern): .regex(try RegularExpression(checking: pattern, "regex"))
        }
    }
}

/// What the value of a field, parameter or cookie must be like; a bare string is the whole value.
enum ConditionDocument: Codable, Equatable {
    case exact(String)
    case prefix(String)
    case suffix(String)
    case contains(String)
    case regex(String)
    case present(Bool)

    enum CodingKeys: String, CodingKey, CaseIterable {
        case exact
        case prefix
        case suffix
        case contains
        case regex
        case present
    }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            self = .exact(text)
            return
        }
        let (fields, key) = try decoder.choice(of: CodingKeys.self)
        if key == .present {
            self = .present(try fields.decode(Bool.self, forKey: key))
            return
        }
        let text = try fields.decode(String.self, forKey: key)
        switch key {
        case .exact, .present: self = .exact(text)
        case .prefix: self = .prefix(text)
        case .suffix: self = .suffix(text)
        case .contains: self = .contains(text)
        case .regex: self = .regex(text)
        }
    }

    init(_ condition: QueryParameterMatcher.Condition) {
        switch condition {
        case .present(let isPresent): self = .present(isPresent)
        case .string(let matcher):
            switch matcher.pattern {
            case .exact(let text): self = .exact(text)
            case .prefix(let text): self = .prefix(text)
            case .suffix(let text): self = .suffix(text)
            case .contains(let text): self = .contains(text)
            case .regex(let expression): self = .regex(expression.pattern)
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .exact(let text): try fields.encode(text, forKey: .exact)
        case .prefix(let text): try fields.encode(text, forKey: .prefix)
        case .suffix(let text): try fields.encode(text, forKey: .suffix)
        case .contains(let text): try fields.encode(text, forKey: .contains)
        case .regex(let pattern): try fields.encode(pattern, forKey: .regex)
        case .present(let isPresent): try fields.encode(isPresent, forKey: .present)
        }
    }

    func condition() throws(MeshError) -> QueryParameterMatcher.Condition {
        switch self {
        case .exact(let text): .string(try StringMatcher(.exact(text)))
        case .prefix(let text): .string(try StringMatcher(.prefix(text)))
        case .suffix(let text): .string(try StringMatcher(.suffix(text)))
        case .contains(let text): .string(try StringMatcher(.contains(text)))
        case .regex(let pattern): .string(try StringMatcher(regex: pattern))
        case .present(let isPresent): .present(isPresent)
        }
    }
}

/// What keeps a user on a version.
enum StickyDocument: Codable, Equatable {
    case cookie(String)
    case header(String)
    case query(String)
    case sourceAddress

    enum CodingKeys: String, CodingKey, CaseIterable {
        case cookie
        case header
        case query
        case sourceAddress
    }

    init(from decoder: any Decoder) throws {
        let (fields, key) = try decoder.choice(of: CodingKeys.self)
        switch key {
        case .cookie: self = .cookie(try fields.decode(String.self, forKey: key))
        case .header: self = .header(try fields.decode(String.self, forKey: key))
        case .query: self = .query(try fields.decode(String.self, forKey: key))
        case .sourceAddress:
            if try !fields.decode(Bool.self, forKey: key) {
                throw DecodingError.dataCorrupted(
                    .init(
                        codingPath: decoder.codingPath + [key],
                        debugDescription: "must be true; leave sticky out otherwise"))
            }
            self = .sourceAddress
        }
    }

    init(_ stickiness: Stickiness) {
        switch stickiness {
        case .cookie(let name): self = .cookie(name)
        case .header(let name): self = .header(name)
        case .query(let name): self = .query(name)
        case .sourceAddress: self = .sourceAddress
        }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .cookie(let name): try fields.encode(name, forKey: .cookie)
        case .header(let name): try fields.encode(name, forKey: .header)
        case .query(let name): try fields.encode(name, forKey: .query)
        case .sourceAddress: try fields.encode(true, forKey: .sourceAddress)
        }
    }

    func stickiness() throws(MeshError) -> Stickiness {
        switch self {
        case .cookie(let name): try .cookie(named: name)
        case .header(let name): try .header(named: name)
        case .query(let name): try .query(named: name)
        case .sourceAddress: .sourceAddress
        }
    }
}
