/// What a user runs and shifts traffic in: versions with their endpoints, and routes to them.
public struct Service: Equatable, Sendable {
    /// The most versions that a service has.
    public static let versionLimit = 32
    /// The most routes that a service has.
    public static let routeLimit = 64
    /// Names in the configuration of every sidecar.
    static let reservedNames = ["inbound", "outbound"]
    /// The longest name or value in a condition, in bytes.
    public static let textByteLimit = 1024

    /// What the endpoints speak.
    public enum Application: String, Sendable, CaseIterable {
        case http
        case http2
        case grpc
        /// Anything: connections are forwarded as they are.
        case tcp

        /// Reads the name of a protocol.
        ///
        /// - Throws: ``MeshError`` when it is not known.
        public init(parsing text: String) throws(MeshError) {
            guard let known = Application(rawValue: text) else {
                throw MeshError("", "\"\(text)\" is not one of http, http2, grpc and tcp")
            }
            self = known
        }
    }

    /// Whether callers and the service show each other who they are.
    public enum Security: String, Sendable, CaseIterable {
        /// The endpoints are programs that speak no TLS.
        case off
        /// The endpoints are sidecars, which take callers with an identity and, in the clear,
        /// callers without one.
        case permissive
        /// The endpoints are sidecars, which take callers with an identity and nobody else.
        case strict

        /// Reads the name of a mode.
        ///
        /// - Throws: ``MeshError`` when it is not known.
        public init(parsing text: String) throws(MeshError) {
            guard let known = Security(rawValue: text) else {
                throw MeshError("", "\"\(text)\" is not one of off, permissive and strict")
            }
            self = known
        }
    }

    /// A DNS label: what clients call the service by.
    public let name: String
    public let application: Application
    /// Where sidecars take connections for a service of `tcp`, which no name in a request leads to.
    public let listen: EndpointAddress?
    public let security: Security
    /// Who the service's sidecars are.
    public let identity: WorkloadIdentity
    /// Who may ask for what; `nil` lets everybody ask for everything.
    public let access: ServiceAccess?
    /// In the order of their names.
    public let versions: [Version]
    /// In order of precedence: the first that matches is taken.
    public let routes: [ServiceRoute]

    /// Makes a service whose routes share requests between versions that it has.
    ///
    /// Routes have the weights of versions by name; a service of a single version that has none
    /// gets one for all requests.
    ///
    /// - Throws: ``MeshError`` with the path of the wrong field in the user's document.
    public init(
        name: String,
        application: Application = .http,
        listen: EndpointAddress? = nil,
        security: Security = .off,
        identity: WorkloadIdentity? = nil,
        access: ServiceAccess? = nil,
        versions: [Version],
        routes: [ServiceRoute.Draft] = []
    ) throws(MeshError) {
        try require(label: name, "name")
        if Self.reservedNames.contains(name) {
            throw MeshError("name", "\"\(name)\" is what sidecars call one of their listeners")
        }
        if versions.isEmpty { throw MeshError("versions", "must not be empty") }
        if versions.count > Self.versionLimit {
            throw MeshError("versions", "are more than \(Self.versionLimit)")
        }
        if routes.count > Self.routeLimit {
            throw MeshError("routes", "are more than \(Self.routeLimit)")
        }
        var names: Set<String> = []
        for version in versions where !names.insert(version.name).inserted {
            throw MeshError("versions.\(version.name)", "is there twice")
        }
        self.name = name
        self.application = application
        self.listen = listen
        self.security = security
        self.identity = if let identity { identity } else { try WorkloadIdentity(account: name) }
        if security == .off { try Self.checkCallersAreUnknown(access) }
        self.access = access
        self.versions = versions.sorted { $0.name < $1.name }
        if routes.isEmpty {
            if versions.count > 1 {
                throw MeshError("routes", "must say how requests are split between the versions")
            }
            let draft = ServiceRoute.Draft(weights: [versions[0].name: Weight(1)])
            self.routes = [try ServiceRoute(draft, position: 0, versions: names)]
        } else {
            self.routes = try Self.check(routes, versions: names)
        }
        if application == .tcp {
            if listen == nil { throw MeshError("listen", "is where a service of tcp is reached") }
            if access != nil { throw MeshError("access", "is for requests; tcp has none") }
            try Self.checkTunnels(self.routes)
        } else if listen != nil {
            throw MeshError("listen", "is for services of tcp; others are reached by their name")
        }
    }

    /// Nothing is known of a connection, so that all take one route, and none has conditions.
    private static func checkTunnels(_ routes: [ServiceRoute]) throws(MeshError) {
        if routes.count > 1 { throw MeshError("routes[1]", "is for requests; tcp has one route") }
        for route in routes {
            if !route.match.isAny { throw MeshError("routes[0].match", "is for requests") }
            if route.stickiness != nil { throw MeshError("routes[0].sticky", "is for requests") }
            if route.timeout != ServiceRoute.defaultTimeout {
                throw MeshError("routes[0].timeout", "is for requests")
            }
        }
    }

    /// Whether the sidecars are who they are without a word about it.
    public var hasStandardIdentity: Bool {
        identity.namespace == WorkloadIdentity.standardNamespace && identity.account == name
    }

    /// A rule about callers of whom nothing is known would never hold.
    private static func checkCallersAreUnknown(_ access: ServiceAccess?) throws(MeshError) {
        for (index, rule) in (access?.rules ?? []).enumerated() where !rule.callers.isEmpty {
            throw MeshError(
                "access.rules[\(index)].\(rule.verdict.rawValue).from",
                "needs tls: permissive or strict; without it callers have no identity")
        }
    }

    /// The route of that name; `nil` when there is none.
    public func route(named name: String) -> ServiceRoute? {
        routes.first { $0.name == name }
    }

    /// The same service with another split of one of its routes.
    ///
    /// - Throws: ``MeshError`` as ``Split/init(_:of:)``, or when there is no such route.
    public func splitting(
        route name: String, by weights: [String: Weight]
    ) throws(MeshError) -> Service {
        guard let position = routes.firstIndex(where: { $0.name == name }) else {
            throw MeshError("route", "the service has no route of the name \"\(name)\"")
        }
        var routes = routes
        let split = try MeshError.at("weights") { () throws(MeshError) in
            try Split(weights, of: Set(versions.map(\.name)))
        }
        routes[position] = routes[position].splitting(by: split)
        return Service(unchecked: self, routes: routes)
    }

    private init(unchecked other: Service, routes: [ServiceRoute]) {
        name = other.name
        application = other.application
        listen = other.listen
        security = other.security
        identity = other.identity
        access = other.access
        versions = other.versions
        self.routes = routes
    }

    private static func check(
        _ drafts: [ServiceRoute.Draft], versions: Set<String>
    ) throws(MeshError) -> [ServiceRoute] {
        var routes: [ServiceRoute] = []
        var names: Set<String> = []
        for (position, draft) in drafts.enumerated() {
            let route = try MeshError.at("routes[\(position)]") { () throws(MeshError) in
                try ServiceRoute(draft, position: position, versions: versions)
            }
            if let last = routes.last, last.match.isAny {
                throw MeshError(
                    "routes[\(position)]", "is never reached: \"\(last.name)\" takes all requests")
            }
            if !names.insert(route.name).inserted {
                throw MeshError("routes[\(position)].name", "\"\(route.name)\" is used twice")
            }
            routes.append(route)
        }
        return routes
    }
}

/// One of the programs that a service is at the same time.
public struct Version: Equatable, Sendable {
    /// The most endpoints that a version has.
    public static let endpointLimit = 1000

    /// A DNS label.
    public let name: String
    /// May be empty: then the version answers 503.
    public let endpoints: [EndpointAddress]

    /// Makes a version.
    ///
    /// - Throws: ``MeshError`` when the name is not a DNS label, or an endpoint is there twice.
    public init(name: String, endpoints: [EndpointAddress]) throws(MeshError) {
        try require(label: name, "")
        if endpoints.count > Self.endpointLimit {
            throw MeshError("endpoints", "are more than \(Self.endpointLimit)")
        }
        var seen: Set<EndpointAddress> = []
        for (position, endpoint) in endpoints.enumerated() where !seen.insert(endpoint).inserted {
            throw MeshError("endpoints[\(position)]", "\"\(endpoint)\" is there twice")
        }
        self.name = name
        self.endpoints = endpoints
    }
}
