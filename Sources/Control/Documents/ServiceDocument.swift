import FoundationEssentials
import Mesh

/// A service as it is written in JSON: what the API takes and gives, and what the store keeps.
struct ServiceDocument: Codable, Equatable {
    var name: String?
    var application: String?
    var listen: String?
    var tls: String?
    var identity: String?
    var access: AccessDocument?
    /// In a reply the revision that changed the service last; in a request as `If-Match`.
    var revision: UInt64?
    var versions: [String: VersionDocument]
    var routes: [RouteDocument]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case application = "protocol"
        case listen
        case tls
        case identity
        case access
        case revision
        case versions
        case routes
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.strictContainer(keyedBy: CodingKeys.self)
        name = try fields.optional(String.self, forKey: .name)
        application = try fields.optional(String.self, forKey: .application)
        listen = try fields.optional(String.self, forKey: .listen)
        tls = try fields.optional(String.self, forKey: .tls)
        identity = try fields.optional(String.self, forKey: .identity)
        access = try fields.optional(AccessDocument.self, forKey: .access)
        revision = try fields.optionalRevision(forKey: .revision)
        versions = try fields.decode([String: VersionDocument].self, forKey: .versions)
        routes = try fields.optional([RouteDocument].self, forKey: .routes)
    }

    init(_ service: Service, revision: UInt64?) {
        name = service.name
        application = service.application.rawValue
        listen = service.listen?.description
        tls = service.security == .off ? nil : service.security.rawValue
        identity = service.hasStandardIdentity ? nil : service.identity.description
        access = service.access.map { AccessDocument($0) }
        self.revision = revision
        versions = service.versions.reduce(into: [:]) { documents, version in
            documents[version.name] = VersionDocument(
                endpoints: version.endpoints.map(\.description))
        }
        routes = service.routes.map { RouteDocument($0, of: service.application) }
    }
}

struct VersionDocument: Codable, Equatable {
    var endpoints: [String]

    enum CodingKeys: String, CodingKey, CaseIterable {
        case endpoints
    }

    init(endpoints: [String]) {
        self.endpoints = endpoints
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.strictContainer(keyedBy: CodingKeys.self)
        endpoints = try fields.decode([String].self, forKey: .endpoints)
    }
}

struct RouteDocument: Codable, Equatable {
    var name: String?
    var match: MatchDocument?
    var split: [String: Decimal]
    var sticky: StickyDocument?
    var timeout: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case match
        case split
        case sticky
        case timeout
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.strictContainer(keyedBy: CodingKeys.self)
        name = try fields.optional(String.self, forKey: .name)
        match = try fields.optional(MatchDocument.self, forKey: .match)
        split = try fields.decode([String: Decimal].self, forKey: .split)
        sticky = try fields.optional(StickyDocument.self, forKey: .sticky)
        timeout = try fields.optional(String.self, forKey: .timeout)
    }

    init(_ route: ServiceRoute, of application: Service.Application) {
        name = route.name
        match = route.match == .any ? nil : MatchDocument(route.match)
        split = route.split.percentages
        sticky = route.stickiness.map { StickyDocument($0) }
        timeout = application == .tcp ? nil : timeoutText(route.timeout)
    }
}

struct MatchDocument: Codable, Equatable {
    var path: PathDocument?
    var method: String?
    var headers: [String: ConditionDocument]?
    var query: [String: ConditionDocument]?
    var cookies: [String: ConditionDocument]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case path
        case method
        case headers
        case query
        case cookies
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.strictContainer(keyedBy: CodingKeys.self)
        path = try fields.optional(PathDocument.self, forKey: .path)
        method = try fields.optional(String.self, forKey: .method)
        headers = try fields.optional([String: ConditionDocument].self, forKey: .headers)
        query = try fields.optional([String: ConditionDocument].self, forKey: .query)
        cookies = try fields.optional([String: ConditionDocument].self, forKey: .cookies)
    }

    init(_ match: RequestMatch) {
        path = match.path.map { PathDocument($0) }
        method = match.method
        headers = Self.documents(match.headers)
        query = Self.documents(match.query)
        cookies = Self.documents(match.cookies)
    }

    private static func documents(_ named: [RequestMatch.Named]) -> [String: ConditionDocument]? {
        if named.isEmpty { return nil }
        return named.reduce(into: [:]) { $0[$1.name] = ConditionDocument($1.condition) }
    }
}

extension Split {
    /// The shares in percent, exactly, by name of the version.
    var percentages: [String: Decimal] {
        shares.reduce(into: [:]) { $0[$1.version] = $1.percentage }
    }
}

extension Split.Share {
    var percentage: Decimal {
        Decimal(sign: .plus, exponent: -4, significand: Decimal(partsPerMillion))
    }
}
