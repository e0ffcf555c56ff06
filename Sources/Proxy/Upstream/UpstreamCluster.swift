import Balancing
import EventLoop
import Kernel
import Mesh
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
    private var assignment: EndpointAssignment?
    private var isUpToDate = false
    private var balancer: ClusterBalancer
    /// By the slot of the endpoint's handle.
    private var pools: [(any ConnectionPool)?] = []

    init(_ configuration: ClusterConfiguration, metrics: ClusterMetrics, seed: UInt64) {
        name = configuration.cluster.name
        limits = configuration.limits
        cluster = configuration.cluster
        self.metrics = metrics
        balancer = ClusterBalancer(seed: seed)
    }

    /// Takes a new configuration; connections to endpoints that went away end with their request.
    func update(_ configuration: ClusterConfiguration, on worker: Worker) {
        if isUpToDate, configuration.cluster == cluster, configuration.assignment == assignment {
            return
        }
        isUpToDate = true
        cluster = configuration.cluster
        assignment = configuration.assignment
        let changes = balancer.update(
            cluster: configuration.cluster, assignment: configuration.assignment,
            now: worker.loop.now.nanoseconds)
        for handle in changes.removed { remove(handle) }
        for handle in changes.added { add(handle, on: worker) }
    }

    /// Whether requests can be sent there; HTTP/2 is spoken with the control plane only so far.
    var speaksHTTP1: Bool { cluster.upstreamProtocol == .http1 }

    /// Chooses the endpoint of one attempt; `nil` when none may be used.
    func choose(hash: UInt64?, avoiding avoided: EndpointHandle?, now: Instant) -> EndpointHandle? {
        balancer.choose(hash: hash, avoiding: avoided, now: now.nanoseconds)
    }

    /// The connections to an endpoint; `nil` when it is gone.
    func pool(of endpoint: EndpointHandle) -> (any ConnectionPool)? {
        let slot = Int(endpoint.slot)
        guard slot < pools.count, let pool = pools[slot], pool.endpoint == endpoint else {
            return nil
        }
        return pool
    }

    /// The address of an endpoint in text; `nil` when it is gone.
    func addressText(of endpoint: EndpointHandle) -> String? {
        pool(of: endpoint)?.addressText ?? balancer.address(of: endpoint)?.description
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

    func report(_ outcome: EndpointOutcome, for endpoint: EndpointHandle, now: Instant) {
        balancer.report(outcome, for: endpoint, now: now.nanoseconds)
    }

    /// What is known of every endpoint, for the admin interface.
    func endpointSummaries() -> [EndpointSummary] {
        balancer.summaries()
    }

    /// Closes idle connections and lets none become idle again.
    func retire() {
        for pool in pools { pool?.retire() }
    }

    private func add(_ handle: EndpointHandle, on worker: Worker) {
        let slot = Int(handle.slot)
        while pools.count <= slot { pools.append(nil) }
        guard let endpoint = balancer.address(of: handle),
            let address = SocketAddress(host: endpoint.host, port: endpoint.port)
        else {
            preconditionFailure("a configuration with an address that cannot be read got through")
        }
        pools[slot] = HTTP1ConnectionPool(
            to: address, endpoint: handle, of: self, on: worker)
    }

    private func remove(_ handle: EndpointHandle) {
        guard let pool = pool(of: handle) else { return }
        pool.retire()
        pools[Int(handle.slot)] = nil
    }
}
