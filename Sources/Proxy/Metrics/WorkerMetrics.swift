import HTTP2
import Mesh
import Synchronization
import Telemetry

/// What one worker counts; written by that worker alone, read by anyone.
///
/// Parts of clusters and listeners are made when a configuration is applied. They stay when it
/// goes, so that no counter goes back, until their place is needed: there are at most
/// ``maximumPartCount`` of each. What finds no place is counted together under ``overflowName``.
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
    let http2Connections = Counter()
    let activeHTTP2Connections = Gauge()
    let http2Requests = Counter()
    private let glitches = InlineArray<15, Counter> { _ in Counter() }
    private let floods = InlineArray<15, Counter> { _ in Counter() }
    /// Responses to requests that no cluster was found for.
    let unroutedResponses = StatusCounters()
    private let flags = InlineArray<32, Counter> { _ in Counter() }

    private let clusters = Mutex(MetricsParts<ClusterMetrics>())
    private let listeners = Mutex(MetricsParts<ListenerMetrics>())

    init() {}

    func connectionOpened() {
        connections.add()
        activeConnections.add()
    }

    func connectionClosed() {
        activeConnections.subtract()
    }

    func http2ConnectionOpened() {
        http2Connections.add()
        activeHTTP2Connections.add()
    }

    /// - Parameter lastStraw: For what the connection had to end.
    func http2ConnectionClosed(_ lastStraw: Glitch?) {
        activeHTTP2Connections.subtract()
        if let lastStraw { floods[lastStraw.rawValue].add() }
    }

    func count(_ counts: GlitchCounts) {
        for glitch in Glitch.allCases where counts[glitch] > 0 {
            glitches[glitch.rawValue].add(UInt64(counts[glitch]))
        }
        let errors = counts[.malformedMessage] &+ counts[.connectionError]
        if errors > 0 { protocolErrors.add(UInt64(errors)) }
    }

    func count(of glitch: Glitch) -> UInt64 { glitches[glitch.rawValue].value }

    func floodCount(of glitch: Glitch) -> UInt64 { floods[glitch.rawValue].value }

    func requestStarted() {
        requests.add()
        activeRequests.add()
    }

    /// Counts a request that has ended, with the reasons for what it was answered.
    func requestEnded(_ reasons: ResponseFlags) {
        activeRequests.subtract()
        count(reasons)
    }

    /// Counts why something ended as it did.
    func count(_ reasons: ResponseFlags) {
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
        clusters.withLock { $0.part(name) { ClusterMetrics(name: $0) } }
    }

    /// Says that a cluster is gone from the configuration.
    func retireCluster(_ name: String) {
        clusters.withLock { $0.retire(name) }
    }

    /// The part for a listener; looked up when a configuration is applied.
    func listener(
        _ name: String, direction: Mesh.Listener.Direction = .unspecified
    ) -> ListenerMetrics {
        listeners.withLock {
            $0.part(name) { ListenerMetrics(name: $0, direction: direction) }
        }
    }

    /// Says that a listener is gone from the configuration.
    func retireListener(_ name: String) {
        listeners.withLock { $0.retire(name) }
    }

    var allClusters: [ClusterMetrics] { clusters.withLock { Array($0.parts.values) } }

    var allListeners: [ListenerMetrics] { listeners.withLock { Array($0.parts.values) } }
}

/// The parts of one kind, and which of them nothing uses any more.
private struct MetricsParts<Part> {
    private(set) var parts: [String: Part] = [:]
    /// From the one that went first to the one that went last.
    private var retired: [String] = []

    mutating func part(_ name: String, make: (String) -> Part) -> Part {
        retired.removeAll { $0 == name }
        if let part = parts[name] { return part }
        if parts.count >= WorkerMetrics.maximumPartCount, !retired.isEmpty {
            parts[retired.removeFirst()] = nil
        }
        let hasPlace = parts.count < WorkerMetrics.maximumPartCount
        let name = hasPlace ? name : WorkerMetrics.overflowName
        let part = parts[name] ?? make(name)
        parts[name] = part
        return part
    }

    mutating func retire(_ name: String) {
        if parts[name] != nil, !retired.contains(name) { retired.append(name) }
    }
}
