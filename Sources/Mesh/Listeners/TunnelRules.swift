/// Where the connections of a listener go as they are, whatever is spoken on them:
/// `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`.
public struct TunnelRules: Equatable, Sendable {
    public static let defaultIdleTimeout = Duration.seconds(3600)
    /// Most endpoints that one connection may be tried at; the tries follow each other at once.
    public static let connectAttemptLimit: UInt32 = 100

    public let destination: ForwardAction.Destination
    /// Longest time without a byte in either direction; `nil` is no limit.
    public let idleTimeout: Duration?
    /// How many endpoints are tried before the client's connection is given up.
    public let maximumConnectAttempts: UInt32
    /// The same destination as one route that everything matches, so that connections are split
    /// and counted as requests are.
    public let routes: RouteConfiguration

    /// Makes rules.
    ///
    /// - Parameters:
    ///   - destination: The cluster, or the split over clusters, picked once for a connection.
    ///   - idleTimeout: As above.
    ///   - maximumConnectAttempts: 1…``connectAttemptLimit``.
    ///   - name: What the route is called in figures and logs.
    /// - Throws: ``MeshError`` when a name is empty, the timeout is not positive, the number of
    ///   attempts is out of its range, or a split has a weight of zero, which Envoy does not take.
    public init(
        destination: ForwardAction.Destination,
        idleTimeout: Duration? = TunnelRules.defaultIdleTimeout,
        maximumConnectAttempts: UInt32 = 1,
        name: String
    ) throws(MeshError) {
        try require(positive: idleTimeout, "idle_timeout")
        if !(1...Self.connectAttemptLimit).contains(maximumConnectAttempts) {
            throw MeshError("max_connect_attempts", "must be 1…\(Self.connectAttemptLimit)")
        }
        if case .weighted(let clusters) = destination {
            for (index, entry) in clusters.entries.enumerated() where entry.weight == 0 {
                throw MeshError(
                    "weighted_clusters.clusters[\(index)].weight", "must be more than zero")
            }
        }
        self.destination = destination
        self.idleTimeout = idleTimeout
        self.maximumConnectAttempts = maximumConnectAttempts
        let action = try ForwardAction(destination: destination, timeout: nil)
        let route = Route(
            name: name, match: RouteMatch(path: .prefix("/")), action: .forward(action))
        routes = try RouteConfiguration(
            name: name,
            virtualHosts: [
                try VirtualHost(
                    name: name, domains: [try DomainPattern(parsing: "*")], routes: [route])
            ])
    }
}
