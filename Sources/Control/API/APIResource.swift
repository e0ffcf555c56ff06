/// What a path of the API names.
enum APIResource: Equatable {
    case services
    case service(String)
    case split(String)
    case proxies
    case revisions
    /// `nil` is the current one.
    case revision(UInt64?)
    case restore(UInt64)
    case events
    case identity
    case roots
    case issued
    case tokens
    case token(String)
    case rotation
    case authorityEvents
    case version
    case health
    case ready
    case metrics
    case openAPI

    /// Reads a path as it was sent.
    ///
    /// - Throws: ``Problem`` 404 when it names nothing, 400 when it is not percent-encoded UTF-8.
    init(path: String) throws(Problem) {
        var parts: [String] = []
        for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        {
            guard let text = decodePercent(part) else {
                throw Problem(400, "the path is not percent-encoded UTF-8")
            }
            parts.append(text)
        }
        guard let resource = Self.named(parts.dropFirst()), parts.first == "" else {
            throw Problem(404, "there is nothing at this path; see /openapi.json")
        }
        self = resource
    }

    private static func named(_ parts: ArraySlice<String>) -> APIResource? {
        let parts = Array(parts)
        if parts.first == "v1" { return named(inV1: Array(parts.dropFirst())) }
        switch parts {
        case ["healthz"]: return .health
        case ["readyz"]: return .ready
        case ["metrics"]: return .metrics
        case ["openapi.json"]: return .openAPI
        default: return nil
        }
    }

    private static func named(inV1 parts: [String]) -> APIResource? {
        switch parts {
        case ["services"]: return .services
        case ["proxies"]: return .proxies
        case ["revisions"]: return .revisions
        case ["events"]: return .events
        case ["version"]: return .version
        case ["identity"]: return .identity
        case ["identity:rotate"]: return .rotation
        case ["identity", "roots"]: return .roots
        case ["identity", "certificates"]: return .issued
        case ["identity", "tokens"]: return .tokens
        case ["identity", "events"]: return .authorityEvents
        default: break
        }
        if parts.count == 3, parts[0] == "identity", parts[1] == "tokens", !parts[2].isEmpty {
            return .token(parts[2])
        }
        if parts.count == 2, parts[0] == "services", !parts[1].isEmpty { return .service(parts[1]) }
        if parts.count == 3, parts[0] == "services", parts[2] == "split", !parts[1].isEmpty {
            return .split(parts[1])
        }
        guard parts.count == 2, parts[0] == "revisions" else { return nil }
        if parts[1] == "current" { return .revision(nil) }
        if parts[1].hasSuffix(":restore") {
            return decimal(parts[1].dropLast(":restore".count)).map { .restore($0) }
        }
        return decimal(parts[1]).map { .revision($0) }
    }

    /// In the order of the `Allow` field.
    var methods: [String] {
        switch self {
        case .service: ["GET", "HEAD", "PUT", "DELETE"]
        case .split: ["GET", "HEAD", "PUT"]
        case .restore, .rotation: ["POST"]
        case .tokens: ["GET", "HEAD", "POST"]
        case .token: ["DELETE"]
        case .services, .proxies, .revisions, .revision, .events, .identity, .roots, .issued,
            .authorityEvents, .version, .health, .ready, .metrics, .openAPI:
            ["GET", "HEAD"]
        }
    }

    /// Whether it is for everybody, also where there is a token file.
    var isOpen: Bool {
        switch self {
        case .health, .ready, .openAPI: true
        case .services, .service, .split, .proxies, .revisions, .revision, .restore, .events,
            .identity, .roots, .issued, .tokens, .token, .rotation, .authorityEvents, .version,
            .metrics:
            false
        }
    }
}
