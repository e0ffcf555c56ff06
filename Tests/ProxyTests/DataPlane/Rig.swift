import Balancing
import EventLoop
import Kernel
import Mesh
import Telemetry
import Testing

@testable import Proxy

/// A data plane with one listener, in this process, and what a test asks of it.
final class Rig {
    let loop: EventLoop
    let dataPlane: DataPlane
    /// What the latest configuration holds.
    private(set) var snapshot = Snapshot()

    init(workerCount: Int = 1, connectionLimit: Int = 1000) throws {
        loop = try EventLoop()
        dataPlane = try DataPlane(
            on: loop, workerCount: workerCount, connectionLimit: connectionLimit)
    }

    deinit {
        dataPlane.stop()
    }

    /// Puts routes and clusters in effect, on a listener that stays.
    func apply(
        routes: [Route], clusters: [Cluster], limits: ListenerLimits = .default, port: UInt16 = 0
    ) throws {
        let configuration = try RouteConfiguration(
            name: "routes",
            virtualHosts: [VirtualHost(name: "all", domains: [.any], routes: routes)])
        let listener = try Mesh.Listener(
            name: "outbound", host: "127.0.0.1", port: port, routes: .discovered("routes"),
            limits: limits)
        snapshot = Snapshot(
            listeners: ["outbound": listener], routeConfigurations: ["routes": configuration],
            clusters: Dictionary(uniqueKeysWithValues: clusters.map { ($0.name, $0) }))
        try apply(snapshot)
    }

    func apply(_ snapshot: Snapshot) throws {
        var result: Result<Void, ApplyError>?
        dataPlane.apply(snapshot) { result = $0 }
        #expect(try turn(until: { result != nil }))
        try result?.get()
    }

    /// One cluster named `c` behind `/`, and `/direct`, which is answered by the proxy.
    func apply(
        to upstreams: [Upstream], breakers: CircuitBreakers = CircuitBreakers(),
        retry: RetryPolicy? = nil, timeout: Duration? = ForwardAction.defaultTimeout,
        limits: ListenerLimits = .default
    ) throws {
        let cluster = try Rig.cluster(
            endpoints: upstreams.map(\.address), breakers: breakers)
        try apply(
            routes: [
                try Rig.directRoute(byteCount: 4096),
                try Rig.route(retry: retry, timeout: timeout),
            ], clusters: [cluster], limits: limits)
    }

    static func cluster(
        _ name: String = "c", endpoints: [SocketAddress],
        breakers: CircuitBreakers = CircuitBreakers(), connectTimeout: Duration = .seconds(5),
        speaking upstreamProtocol: Cluster.UpstreamProtocol = .http1
    ) throws -> Cluster {
        let endpoints = try endpoints.map { try Endpoint(host: $0.hostText, port: $0.port) }
        return try Cluster(
            name: name,
            discovery: .static(
                EndpointAssignment(
                    clusterName: name, localities: [LocalityEndpoints(endpoints: endpoints)])),
            connectTimeout: connectTimeout, circuitBreakers: breakers,
            upstreamProtocol: upstreamProtocol)
    }

    static func route(
        to cluster: String = "c", retry: RetryPolicy? = nil,
        timeout: Duration? = ForwardAction.defaultTimeout
    ) throws -> Route {
        Route(
            match: RouteMatch(path: .prefix("/")),
            action: .forward(
                try ForwardAction(
                    destination: .cluster(cluster), timeout: timeout, retryPolicy: retry)))
    }

    static func directRoute(byteCount: Int) throws -> Route {
        Route(
            match: RouteMatch(path: .exact("/direct")),
            action: .directResponse(
                try DirectResponseAction(
                    status: 200, body: [UInt8](repeating: UInt8(ascii: "d"), count: byteCount))))
    }

    var address: SocketAddress { dataPlane.addresses["outbound"] ?? .loopback(port: 0) }

    func connect() throws -> Peer { try Peer(to: address) }

    /// Runs the main loop until `condition` holds, ten seconds at most.
    func turn(until condition: () -> Bool) throws -> Bool {
        let deadline = Instant.now() + .seconds(10)
        while !condition() {
            if Instant.now() > deadline { return false }
            try loop.turn(longestWait: .milliseconds(2))
        }
        return true
    }

    /// What is in use of the limits of cluster `c`, of connections nothing: they may be idle.
    var isQuiet: Bool {
        let limits = dataPlane.limits["c"]
        return limits?.activeCount(.requests) ?? 0 == 0
            && limits?.activeCount(.pendingRequests) ?? 0 == 0
            && limits?.activeCount(.retries) ?? 0 == 0
            && dataPlane.metrics.allSatisfy { worker in
                worker.activeRequests.value == 0
                    && worker.allClusters.allSatisfy { $0.activeRequests.value == 0 }
            }
    }

    var clientCount: Int64 { dataPlane.metrics.reduce(0) { $0 + $1.activeConnections.value } }

    var upstreamConnectionCount: Int64 {
        dataPlane.metrics.reduce(0) { sum, worker in
            worker.allClusters.reduce(sum) { $0 + $1.activeConnections.value }
        }
    }
}
