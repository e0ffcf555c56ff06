/// Why a text is not a document that can be used.
public enum DocumentError: Error, Equatable, Sendable {
    /// What the parser of YAML says; its wording is fixed.
    case syntax(problem: String, at: Position)
    case textTooLong(limitInBytes: Int)
    case nestedTooDeep(limit: Int, at: Position)
    /// Counts what aliases repeat, so that a short text cannot stand for an endless one.
    case tooManyNodes(limit: Int, at: Position)
    case duplicateKey(String, at: Position)
    case keyNotScalar(at: Position)
    case unknownAlias(String, at: Position)
    case unsupportedTag(String, at: Position)
    case severalDocuments(at: Position)

    public var position: Position? {
        switch self {
        case .textTooLong: nil
        case .syntax(_, let position), .nestedTooDeep(_, let position),
            .tooManyNodes(_, let position), .duplicateKey(_, let position),
            .keyNotScalar(let position), .unknownAlias(_, let position),
            .unsupportedTag(_, let position), .severalDocuments(let position):
            position
        }
    }
}

extension DocumentError: CustomStringConvertible {
    public var description: String {
        position.map { "\($0): \(reason)" } ?? reason
    }

    private var reason: String {
        switch self {
        case .syntax(let problem, _): problem
        case .textTooLong(let limit): "the text is longer than \(limit) bytes"
        case .nestedTooDeep(let limit, _): "nested deeper than \(limit) levels"
        case .tooManyNodes(let limit, _): "more than \(limit) values, repeated ones included"
        case .duplicateKey(let key, _): "the key \"\(key)\" stands twice"
        case .keyNotScalar: "a key must be a scalar"
        case .unknownAlias(let name, _): "the alias *\(name) has no anchor before it"
        case .unsupportedTag(let tag, _): "the tag \(tag) is not supported"
        case .severalDocuments: "only one document is expected"
        }
    }
}
