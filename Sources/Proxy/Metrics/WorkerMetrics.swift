import Mesh
import Synchronization
import Telemetry

/// What one worker counts; written by that worker alone, read by anyone.
///
/// Parts of clusters and listeners are made when a configuration is applied and live as long as
/// the worker, so that a counter never goes back. There are at most ``maximumPartCount`` of each:
/// whatever comes after that is counted together under ``overflowName``.
final class WorkerMetrics: Sendable {
    static let maximumPartCount = 1024
    /// No cluster or listener of that name is shown apart from it.
    static let overflowName = "overflow"

    let connections = Counter()
    let activeConnections = Gauge()
    let requests = Counter()
    let activeRequests = Gauge()
    /// Attempts that were made again, whatever the cluster.
    let retries = Counter()
    let listenerFailures = Counter()
    /// Requests that were refused because they are not HTTP.
    let protocolErrors = Counter()
    /// Responses to requests that no cluster was found for.
    let unroutedResponses = StatusCounters()
    private let flags = InlineArray<32, Counter> { _ in Counter() }

    private let clusters = Mutex<[String: ClusterMetrics]>([:])
    private let listeners = Mutex<[String: ListenerMetrics]>([:])

    init() {}

    func connectionOpened() {
        connections.add()
        activeConnections.add()
    }

    func connectionClosed() {
        activeConnections.subtract()
    }

    func requestStarted() {
        requests.add()
        activeRequests.add()
    }

    /// Counts a request that has ended, with the reasons for what it was answered.
    func requestEnded(_ reasons: ResponseFlags) {
        activeRequests.subtract()
        var rest = reasons.rawValue
        while rest != 0 {
            flags[rest.trailingZeroBitCount].add()
            rest &= rest - 1
        }
    }

    func count(of flag: ResponseFlags) -> UInt64 {
        flag.rawValue == 0 ? 0 : flags[flag.rawValue.trailingZeroBitCount].value
    }

    /// The part for a cluster; looked up when a configuration is applied, not for each request.
    func cluster(_ name: String) -> ClusterMetrics {
        clusters.withLock { clusters in
            let name = Self.key(name, among: clusters)
            if let metrics = clusters[name] { return metrics }
            let metrics = ClusterMetrics(name: name)
            clusters[name] = metrics
            return metrics
        }
    }

    /// The part for a listener; looked up when a configuration is applied.
    func listener(
        _ name: String, direction: Mesh.Listener.Direction = .unspecified
    ) -> ListenerMetrics {
        listeners.withLock { listeners in
            let name = Self.key(name, among: listeners)
            if let metrics = listeners[name] { return metrics }
            let metrics = ListenerMetrics(name: name, direction: direction)
            listeners[name] = metrics
            return metrics
        }
    }

    var allClusters: [ClusterMetrics] { clusters.withLock { Array($0.values) } }

    var allListeners: [ListenerMetrics] { listeners.withLock { Array($0.values) } }

    private static func key<Part>(_ name: String, among parts: [String: Part]) -> String {
        parts[name] == nil && parts.count >= maximumPartCount ? overflowName : name
    }
}
