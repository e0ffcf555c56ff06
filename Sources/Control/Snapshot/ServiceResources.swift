import Mesh
import RegularExpressions
import XDS

/// What clients are told of one service, encoded once for all of them.
struct ServiceResources {
    /// How clients get there.
    private enum Reach {
        /// By its name: its part of the sidecars' route configuration, which has names and domains
        /// that no other service has, and one of its own for gRPC clients without a sidecar.
        case byName(EncodedVirtualHost, routesForGRPC: Resource)
        /// By an address of its own.
        case byAddress(EndpointAddress, listener: Resource)
    }

    /// How many endpoints a sidecar tries for a connection; nothing is sent before one takes it.
    private static let connectAttemptCount: UInt32 = 3

    /// The revision that changed the service last.
    let changedAt: UInt64
    /// Who its workloads are.
    let identity: WorkloadIdentity
    let inbound: InboundResources
    /// For clients without an identity, and for those with one.
    let clusters: [Resource]
    let secureClusters: [Resource]
    let assignments: [Resource]
    private let reach: Reach

    /// The namespace that a service is in where there are none.
    private static let namespace = "default"

    init(_ entry: World.Entry, in trustDomain: TrustDomain) throws(MeshError) {
        let service = entry.service
        changedAt = entry.changedAt
        identity = service.identity
        inbound = try InboundResources(service, in: trustDomain)
        var assignments: [Resource] = []
        for version in service.versions {
            let name = service.clusterName(of: version.name)
            assignments.append(try version.assignment(named: name).resource)
        }
        clusters = try Self.clusters(of: service, security: nil)
        if service.security == .off {
            secureClusters = clusters
        } else {
            let security = try MeshSecurity.upstream(of: service, in: trustDomain)
            secureClusters = try Self.clusters(of: service, security: security)
        }
        self.assignments = assignments
        if let address = service.listen {
            let listener = try Self.listener(for: service, on: address)
            reach = .byAddress(address, listener: listener.resource)
        } else {
            reach = try Self.reachByName(service)
        }
    }

    private static func clusters(
        of service: Service, security: UpstreamSecurity?
    ) throws(MeshError) -> [Resource] {
        var clusters: [Resource] = []
        for version in service.versions {
            let name = service.clusterName(of: version.name)
            clusters.append(
                try Cluster(
                    name: name, discovery: .eds(serviceName: name),
                    upstreamProtocol: service.application.upstreamProtocol, security: security
                ).resource)
        }
        return clusters
    }

    private static func listener(
        for service: Service, on address: EndpointAddress
    ) throws(MeshError) -> Listener {
        // There is one route, without conditions.
        let route = service.routes[0]
        let name = "\(service.name)/\(route.name)"
        var entries: [WeightedClusters.Entry] = []
        // Envoy takes no weight of zero here.
        for share in route.split.shares where share.partsPerMillion > 0 {
            entries.append(
                try WeightedClusters.Entry(
                    name: service.clusterName(of: share.version), weight: share.partsPerMillion))
        }
        let rules = try TunnelRules(
            destination: .weighted(WeightedClusters(entries: entries)),
            maximumConnectAttempts: connectAttemptCount, name: name)
        return try Listener(
            name: service.name, host: address.host, port: address.port, direction: .outbound,
            routes: .tunnel(rules), statPrefix: name)
    }

    private static func reachByName(_ service: Service) throws(MeshError) -> Reach {
        var routes: [Route] = []
        for route in service.routes { routes.append(try route.route(of: service)) }
        var domains: [DomainPattern] = []
        for suffix in ["", ".\(Self.namespace)", ".\(Self.namespace).svc", Self.clusterSuffix] {
            domains.append(try DomainPattern(parsing: service.name + suffix))
            domains.append(try DomainPattern(parsing: service.name + suffix + ":80"))
        }
        let virtualHost = EncodedVirtualHost(
            try VirtualHost(name: service.name, domains: domains, routes: routes))
        // Whatever name or port the client knows the service by, it has asked for this one.
        let anyHost = try VirtualHost(name: service.name, domains: [.any], routes: routes)
        let routesForGRPC = try RouteConfiguration(name: service.name, virtualHosts: [anyHost])
        return .byName(virtualHost, routesForGRPC: routesForGRPC.resource)
    }

    /// What the service adds to the sidecars' route configuration.
    var virtualHost: EncodedVirtualHost? {
        if case .byName(let host, _) = reach { host } else { nil }
    }

    /// The route configurations that are the service's alone.
    var routeConfigurations: [Resource] {
        if case .byName(_, let routes) = reach { [routes] } else { [] }
    }

    /// The listeners that are the service's alone.
    var listeners: [Resource] {
        if case .byAddress(_, let listener) = reach { [listener] } else { [] }
    }

    /// Where sidecars listen for the service alone.
    var address: EndpointAddress? {
        if case .byAddress(let address, _) = reach { address } else { nil }
    }

    /// Reads the resources as a proxy would, and refuses what a proxy would refuse.
    ///
    /// - Throws: `ResourceError` with what the proxy would answer.
    func check() throws(ResourceError) {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        for cluster in clusters + secureClusters { _ = try decoder.cluster(cluster.body) }
        for assignment in assignments { _ = try decoder.endpointAssignment(assignment.body) }
        try inbound.check(&decoder)
        var configurations: [RouteConfiguration] = []
        switch reach {
        case .byName(let host, let routesForGRPC):
            let alone = Resource.routeConfiguration(named: Catalog.outbound, with: [host])
            configurations.append(try decoder.routeConfiguration(alone.body))
            configurations.append(try decoder.routeConfiguration(routesForGRPC.body))
        case .byAddress(_, let listener):
            if let routes = try decoder.listener(listener.body).inlineRoutes {
                configurations.append(routes)
            }
        }
        let names = Set(clusters.map(\.name))
        for configuration in configurations {
            for reference in configuration.clusterReferences where !names.contains(reference.name) {
                throw ResourceError(
                    .routeConfiguration, configuration.name, path: reference.path,
                    "there is no cluster \"\(reference.name)\"")
            }
        }
    }

    static var clusterSuffix: String { ".\(namespace).svc.cluster.local" }

    /// The service that a gRPC client means by a target, such as `reviews`, `reviews:50051` or
    /// `reviews.default.svc.cluster.local`.
    static func serviceName(inTarget target: String) -> String {
        let host = target.split(separator: ":", maxSplits: 1).first ?? ""
        for suffix in [clusterSuffix, ".\(namespace).svc", ".\(namespace)"]
        where host.hasSuffix(suffix) {
            return String(host.dropLast(suffix.count))
        }
        return String(host)
    }
}

extension Service {
    func clusterName(of version: String) -> String { "\(name)/\(version)" }
}

extension Service.Application {
    var upstreamProtocol: Cluster.UpstreamProtocol {
        switch self {
        case .http, .tcp: .http1
        case .http2, .grpc: .http2
        }
    }
}

extension Version {
    fileprivate func assignment(named name: String) throws(MeshError) -> EndpointAssignment {
        var endpoints: [Endpoint] = []
        for address in self.endpoints {
            endpoints.append(try Endpoint(host: address.host, port: address.port))
        }
        return try .atOnePlace(name, endpoints)
    }
}

extension EndpointAssignment {
    /// Endpoints in one locality with a weight: a gRPC client passes over one without (gRFC A27).
    static func atOnePlace(
        _ name: String, _ endpoints: [Endpoint]
    ) throws(MeshError) -> EndpointAssignment {
        if endpoints.isEmpty { return try EndpointAssignment(clusterName: name) }
        let place = try LocalityEndpoints(
            locality: Locality(region: "default"), weight: 1, endpoints: endpoints)
        return try EndpointAssignment(clusterName: name, localities: [place])
    }
}

extension ServiceRoute {
    /// The route as sidecars, Envoy and gRPC clients take it; its name keeps the pick's counter.
    fileprivate func route(of service: Service) throws(MeshError) -> Route {
        var entries: [WeightedClusters.Entry] = []
        for share in split.shares {
            entries.append(
                try WeightedClusters.Entry(
                    name: service.clusterName(of: share.version), weight: share.partsPerMillion))
        }
        var policies: [HashPolicy] = []
        if let stickiness { policies.append(try stickiness.hashPolicy()) }
        let action = try ForwardAction(
            destination: .weighted(
                WeightedClusters(entries: entries, usesHashPolicy: stickiness != nil)),
            timeout: timeout(of: service), streamLimits: try streamLimits(of: service),
            hashPolicies: policies)
        return Route(
            name: "\(service.name)/\(name)", match: try match.routeMatch(),
            action: .forward(action))
    }
}

extension ServiceRoute {
    /// A call of gRPC may go on for ever, unless its client or its user says otherwise.
    private func timeout(of service: Service) -> Duration? {
        service.application == .grpc && timeout == Self.defaultTimeout ? nil : timeout
    }

    /// A call of gRPC brings its own deadline.
    private func streamLimits(of service: Service) throws(MeshError) -> StreamLimits {
        guard service.application == .grpc else { return .none }
        return try StreamLimits(grpcTimeout: .honoured(maximum: nil, margin: .zero))
    }
}

extension Stickiness {
    fileprivate func hashPolicy() throws(MeshError) -> HashPolicy {
        switch self {
        case .cookie(let name):
            let cookie = try HashPolicy.Cookie(name: name, timeToLive: .zero, path: "/")
            return try HashPolicy(.cookie(cookie))
        case .header(let name): return try HashPolicy(.header(name))
        case .query(let name): return try HashPolicy(.queryParameter(name))
        case .sourceAddress: return try HashPolicy(.sourceAddress)
        }
    }
}

extension RequestMatch {
    fileprivate func routeMatch() throws(MeshError) -> RouteMatch {
        var conditions: [HeaderMatcher] = []
        if let method {
            conditions.append(
                try HeaderMatcher(name: ":method", .string(StringMatcher(.exact(method)))))
        }
        for header in headers {
            conditions.append(try HeaderMatcher(name: header.name, header.condition.onField))
        }
        for cookie in cookies { conditions.append(try cookie.cookieMatcher()) }
        var parameters: [QueryParameterMatcher] = []
        for parameter in query {
            parameters.append(
                try QueryParameterMatcher(name: parameter.name, parameter.condition))
        }
        return RouteMatch(
            path: path ?? .prefix("/"), headers: conditions, queryParameters: parameters)
    }
}

extension QueryParameterMatcher.Condition {
    fileprivate var onField: HeaderMatcher.Condition {
        switch self {
        case .string(let matcher): .string(matcher)
        case .present(let isPresent): .present(isPresent)
        }
    }
}

extension RequestMatch.Named {
    /// One cookie among those of the field (RFC 6265 §4.2.1), by an expression on all of it:
    /// not every Envoy, and no gRPC client, knows conditions on cookies.
    fileprivate func cookieMatcher() throws(MeshError) -> HeaderMatcher {
        let value: String
        var isInverted = false
        switch condition {
        case .present(let isPresent):
            value = "[^;]*"
            isInverted = !isPresent
        case .string(let matcher):
            switch matcher.pattern {
            case .exact(let text): value = escaped(text)
            case .prefix(let text): value = escaped(text) + "[^;]*"
            case .suffix(let text): value = "[^;]*" + escaped(text)
            case .contains(let text): value = "[^;]*" + escaped(text) + "[^;]*"
            case .regex(let expression): value = "(?:\(expression.pattern))"
            }
        }
        let pattern = "(?:.*;)?[ \\t]*\(escaped(name))=\(value)[ \\t]*(?:;.*)?"
        return try HeaderMatcher(
            name: "cookie", .string(StringMatcher(regex: pattern)), isInverted: isInverted,
            treatsMissingAsEmpty: isInverted)
    }
}

/// The text as an expression of RE2 that matches it and nothing else.
private func escaped(_ text: String) -> String {
    // Not by characters: a mark that combines with a point leaves it a point to RE2.
    text.unicodeScalars.reduce(into: "") { escaped, scalar in
        if "\\.+*?()|[]{}^$".unicodeScalars.contains(scalar) { escaped.append("\\") }
        escaped.unicodeScalars.append(scalar)
    }
}
