import Balancing
import EventLoop
import HTTP
import HTTP2
import Kernel
import Mesh
import TLS
import Telemetry

/// One cluster as one worker uses it: who its endpoints are, and the connections to them.
///
/// It outlives configurations: an update keeps connections, statistics and ejections of every
/// endpoint whose address stays. An exchange holds on to it until it has ended.
final class UpstreamCluster {
    let name: String
    let limits: ClusterLimits
    let metrics: ClusterMetrics
    private(set) var cluster: Cluster
    /// For connections from now on; `nil` where bytes go as they are.
    private(set) var context: TLS.Context?
    private var assignment: EndpointAssignment?
    private var isUpToDate = false
    private var balancer: ClusterBalancer
    /// For new connections on which HTTP/2 is spoken.
    private(set) var sessionLimits: SessionLimits
    /// By the slot of the endpoint's handle.
    private var endpoints: [EndpointPools?] = []
    private unowned let worker: Worker

    init(
        _ configuration: ClusterConfiguration, metrics: ClusterMetrics, seed: UInt64,
        on worker: Worker
    ) {
        name = configuration.cluster.name
        self.worker = worker
        limits = configuration.limits
        cluster = configuration.cluster
        sessionLimits = SessionLimits(configuration.cluster.http2Options)
        context = configuration.context
        self.metrics = metrics
        balancer = ClusterBalancer(seed: seed)
    }

    /// Takes a new configuration; connections to endpoints that went away end with their request.
    func update(_ configuration: ClusterConfiguration) {
        context = configuration.context
        if isUpToDate, configuration.cluster == cluster, configuration.assignment == assignment {
            return
        }
        isUpToDate = true
        if configuration.cluster.upstreamProtocol != cluster.upstreamProtocol
            || configuration.cluster.http2Options != cluster.http2Options
            || configuration.cluster.security != cluster.security
        {
            for pools in endpoints { pools?.retire() }
        }
        cluster = configuration.cluster
        sessionLimits = SessionLimits(cluster.http2Options)
        assignment = configuration.assignment
        let changes = balancer.update(
            cluster: configuration.cluster, assignment: configuration.assignment,
            now: worker.loop.now.nanoseconds)
        for handle in changes.removed { remove(handle) }
        for handle in changes.added { add(handle) }
    }

    /// Chooses the endpoint of one attempt; `nil` when none may be used.
    func choose(hash: UInt64?, avoiding avoided: EndpointHandle?, now: Instant) -> EndpointHandle? {
        balancer.choose(hash: hash, avoiding: avoided, now: now.nanoseconds)
    }

    /// The connections to an endpoint for a request of that version; `nil` when it is gone.
    func pool(of endpoint: EndpointHandle, for version: HTTP.Version) -> (any ConnectionPool)? {
        guard let pools = pools(of: endpoint) else { return nil }
        switch cluster.upstreamProtocol {
        case .http1: return pools.http1
        case .http2: return pools.http2
        case .downstream: return version == .http2 ? pools.http2 : pools.http1
        case .negotiated: return pools.refusesHTTP2 ? pools.http1 : pools.http2
        }
    }

    /// An endpoint has settled upon HTTP/1.1; it is asked again when its connections are retired.
    func settledOnHTTP1(_ endpoint: EndpointHandle) {
        pools(of: endpoint)?.refusesHTTP2 = true
    }

    private func pools(of endpoint: EndpointHandle) -> EndpointPools? {
        let slot = Int(endpoint.slot)
        guard slot < endpoints.count, let pools = endpoints[slot], pools.endpoint == endpoint
        else { return nil }
        return pools
    }

    /// The address of an endpoint in text; `nil` when it is gone.
    func addressText(of endpoint: EndpointHandle) -> String? {
        pools(of: endpoint)?.addressText ?? balancer.address(of: endpoint)?.description
    }

    /// The address of an endpoint; `nil` when it is gone.
    func socketAddress(of endpoint: EndpointHandle) -> SocketAddress? {
        balancer.address(of: endpoint).flatMap { SocketAddress(host: $0.host, port: $0.port) }
    }

    /// Takes in a request, counted once whatever becomes of its attempts.
    ///
    /// - Returns: Whether the breaker lets it in; then ``requestEnded()`` has to follow.
    func admitRequest() -> Bool {
        guard limits.acquire(.requests) else { return false }
        metrics.picks.add()
        return true
    }

    func requestEnded() {
        limits.release(.requests)
    }

    /// - Returns: Whether the breaker of retries lets one more request be repeated; then
    ///   ``retryEnded()`` has to follow.
    func admitRetry() -> Bool {
        limits.acquire(.retries)
    }

    func retryEnded() {
        limits.release(.retries)
    }

    func attemptStarted(at endpoint: EndpointHandle, isRetry: Bool) {
        balancer.requestStarted(endpoint)
        metrics.attemptStarted(isRetry: isRetry)
    }

    /// Ends an attempt.
    ///
    /// - Parameters:
    ///   - endpoint: Where it was made.
    ///   - outcome: What this says of the endpoint; `nil` says nothing.
    ///   - now: The start of this turn.
    func attemptEnded(at endpoint: EndpointHandle, _ outcome: EndpointOutcome?, now: Instant) {
        balancer.requestEnded(endpoint)
        if let outcome { report(outcome, for: endpoint, now: now) }
        metrics.attemptEnded(outcome)
    }

    /// Counts what became of a request; a status of zero is no answer.
    func record(status: UInt16, nanoseconds: UInt64, bytesSent: UInt64, bytesReceived: UInt64) {
        if status != 0 { metrics.record(status: status, nanoseconds: nanoseconds) }
        metrics.bytesSent.add(bytesSent)
        metrics.bytesReceived.add(bytesReceived)
    }

    func connectionOpened(_ endpoint: EndpointHandle) {
        balancer.connectionOpened(endpoint)
    }

    func connectionClosed(_ endpoint: EndpointHandle) {
        balancer.connectionClosed(endpoint)
    }

    /// A connection of a tunnel's own is being made; it weighs as much as a request.
    func tunnelOpened(to endpoint: EndpointHandle) {
        metrics.activeConnections.add()
        balancer.connectionOpened(endpoint)
        balancer.requestStarted(endpoint)
    }

    func tunnelClosed(to endpoint: EndpointHandle) {
        metrics.activeConnections.subtract()
        balancer.requestEnded(endpoint)
        balancer.connectionClosed(endpoint)
    }

    func report(_ outcome: EndpointOutcome, for endpoint: EndpointHandle, now: Instant) {
        balancer.report(outcome, for: endpoint, now: now.nanoseconds)
    }

    /// What is known of every endpoint, for the admin interface.
    func endpointSummaries() -> [EndpointSummary] {
        balancer.summaries()
    }

    /// Closes idle connections and lets none become idle again.
    func retire() {
        for pools in endpoints { pools?.retire() }
    }

    private func add(_ handle: EndpointHandle) {
        let slot = Int(handle.slot)
        while endpoints.count <= slot { endpoints.append(nil) }
        guard let endpoint = balancer.address(of: handle),
            let address = SocketAddress(host: endpoint.host, port: endpoint.port)
        else {
            preconditionFailure("a configuration with an address that cannot be read got through")
        }
        endpoints[slot] = EndpointPools(to: address, endpoint: handle, of: self, on: worker)
    }

    private func remove(_ handle: EndpointHandle) {
        guard let pools = pools(of: handle) else { return }
        pools.retire()
        endpoints[Int(handle.slot)] = nil
    }
}

/// The connections of one worker to one endpoint, by the version that is spoken on them.
private final class EndpointPools {
    let endpoint: EndpointHandle
    let addressText: String
    private let address: SocketAddress
    private unowned let cluster: UpstreamCluster
    private unowned let worker: Worker
    private var pools: (http1: HTTP1ConnectionPool?, http2: HTTP2ConnectionPool?)
    /// Where that is settled in a handshake: whether it was HTTP/1.1 that it was settled upon.
    var refusesHTTP2 = false

    init(
        to address: SocketAddress, endpoint: EndpointHandle, of cluster: UpstreamCluster,
        on worker: Worker
    ) {
        self.address = address
        self.endpoint = endpoint
        addressText = address.description
        self.cluster = cluster
        self.worker = worker
    }

    var http1: HTTP1ConnectionPool {
        if let pool = pools.http1 { return pool }
        let pool = HTTP1ConnectionPool(to: address, endpoint: endpoint, of: cluster, on: worker)
        pools.http1 = pool
        return pool
    }

    var http2: HTTP2ConnectionPool {
        if let pool = pools.http2 { return pool }
        let pool = HTTP2ConnectionPool(to: address, endpoint: endpoint, of: cluster, on: worker)
        pools.http2 = pool
        return pool
    }

    /// Closes what is idle and lets nothing become idle again; later requests get new pools.
    func retire() {
        pools.http1?.retire()
        pools.http2?.retire()
        pools = (nil, nil)
        refusesHTTP2 = false
    }
}

extension SessionLimits {
    fileprivate init(_ options: HTTP2Options) {
        self.init()
        streamWindowByteCount = options.streamWindowByteCount
        connectionWindowByteCount = options.connectionWindowByteCount
        // Clients are slowed down long before that; what several wrote adds up.
        streamQueueByteCount = 1024 * 1024
        sessionQueueByteCount = .max
        // An endpoint serves many clients over one connection, so their sum must not end it.
        oversizedHeadCount = 100
        glitchBurst = 10_000
        glitchesPerSecond = 1000
    }
}
