import HTTP2
import Mesh
import Telemetry

/// What all workers together have counted at a moment.
struct MetricsSummary {
    struct Cluster {
        let name: String
        var picks: UInt64 = 0
        var attempts: UInt64 = 0
        var retries: UInt64 = 0
        var timeouts: UInt64 = 0
        var resets: UInt64 = 0
        var activeRequests: Int64 = 0
        var connections: UInt64 = 0
        var connectFailures: UInt64 = 0
        var activeConnections: Int64 = 0
        var security = SecuritySummary()
        var bytesSent: UInt64 = 0
        var bytesReceived: UInt64 = 0
        var responses = StatusSummary()
        /// By the index in ``CallCounters``.
        var calls = Array(repeating: UInt64(0), count: CallCounters.count)
        var durations = HistogramSummary()
    }

    struct Listener {
        let name: String
        let direction: Mesh.Listener.Direction
        /// By the class of the status, `1xx` to `5xx`.
        var durations = Array(repeating: HistogramSummary(), count: 5)
        var security = SecuritySummary()
        /// By the prefix of the rules.
        var access: [String: AccessSummary] = [:]
    }

    var connections: UInt64 = 0
    var activeConnections: Int64 = 0
    var requests: UInt64 = 0
    var activeRequests: Int64 = 0
    var retries: UInt64 = 0
    var listenerFailures: UInt64 = 0
    var protocolErrors: UInt64 = 0
    var http2Connections: UInt64 = 0
    var activeHTTP2Connections: Int64 = 0
    var http2Requests: UInt64 = 0
    /// What clients did that costs work and brings nothing, and for what connections had to end.
    var glitches: [(kind: String, count: UInt64, floods: UInt64)] = []
    var unroutedResponses = StatusSummary()
    var flags: [(code: String, count: UInt64)] = []
    /// In the order of the names.
    private(set) var clusters: [Cluster] = []
    private(set) var listeners: [Listener] = []

    init(of workers: [WorkerMetrics]) {
        for worker in workers { add(worker) }
        clusters = Self.clusters(of: workers)
        listeners = Self.listeners(of: workers)
        glitches = Glitch.allCases.map { glitch in
            (
                glitch.label, workers.reduce(0) { $0 &+ $1.count(of: glitch) },
                workers.reduce(0) { $0 &+ $1.floodCount(of: glitch) }
            )
        }
        flags = ResponseFlags.all.map { flag in
            (flag.codes, workers.reduce(0) { $0 &+ $1.count(of: flag) })
        }
    }

    private mutating func add(_ worker: WorkerMetrics) {
        connections &+= worker.connections.value
        activeConnections &+= worker.activeConnections.value
        requests &+= worker.requests.value
        activeRequests &+= worker.activeRequests.value
        retries &+= worker.retries.value
        listenerFailures &+= worker.listenerFailures.value
        protocolErrors &+= worker.protocolErrors.value
        http2Connections &+= worker.http2Connections.value
        activeHTTP2Connections &+= worker.activeHTTP2Connections.value
        http2Requests &+= worker.http2Requests.value
        unroutedResponses.add(worker.unroutedResponses)
    }

    private static func clusters(of workers: [WorkerMetrics]) -> [Cluster] {
        var clusters: [String: Cluster] = [:]
        for metrics in workers.flatMap(\.allClusters) {
            clusters[metrics.name, default: Cluster(name: metrics.name)].add(metrics)
        }
        return clusters.values.sorted { $0.name < $1.name }
    }

    private static func listeners(of workers: [WorkerMetrics]) -> [Listener] {
        var listeners: [String: Listener] = [:]
        for metrics in workers.flatMap(\.allListeners) {
            let empty = Listener(name: metrics.name, direction: metrics.direction)
            metrics.add(to: &listeners[metrics.name, default: empty].durations)
            listeners[metrics.name, default: empty].security.add(metrics.security)
            for (prefix, counters) in metrics.access.all {
                listeners[metrics.name, default: empty]
                    .access[prefix, default: AccessSummary()].add(counters)
            }
        }
        return listeners.values.sorted { $0.name < $1.name }
    }
}

extension MetricsSummary.Cluster {
    fileprivate mutating func add(_ metrics: ClusterMetrics) {
        picks &+= metrics.picks.value
        attempts &+= metrics.attempts.value
        retries &+= metrics.retries.value
        timeouts &+= metrics.timeouts.value
        resets &+= metrics.resets.value
        activeRequests &+= metrics.activeRequests.value
        connections &+= metrics.connections.value
        connectFailures &+= metrics.connectFailures.value
        activeConnections &+= metrics.activeConnections.value
        security.add(metrics.security)
        bytesSent &+= metrics.bytesSent.value
        bytesReceived &+= metrics.bytesReceived.value
        responses.add(metrics.responses)
        for index in calls.indices { calls[index] &+= metrics.calls.value(at: index) }
        metrics.durations.add(to: &durations)
    }

    /// The service and version of a cluster that the control plane named `SERVICE/VERSION`; any
    /// other cluster is a service without versions.
    var identity: (service: String, version: String) {
        guard let slash = name.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (name, "") }
        return (String(name[..<slash]), String(name[name.utf8.index(after: slash)...]))
    }
}

/// How many responses had which status.
struct StatusSummary {
    private(set) var counts = Array(repeating: UInt64(0), count: StatusCounters.count)

    mutating func add(_ counters: borrowing StatusCounters) {
        for index in counts.indices { counts[index] &+= counters.value(at: index) }
    }

    /// The codes that were ever sent, or classes where codes are counted together.
    var nonZero: [(code: String, isServerError: Bool, count: UInt64)] {
        counts.indices.compactMap { index in
            if counts[index] == 0 { return nil }
            let isServerError = StatusCounters.statusClass(at: index) == 5
            return (StatusCounters.label(at: index), isServerError, counts[index])
        }
    }

    var total: UInt64 { counts.reduce(0, &+) }

    /// Responses of a class from 1 to 5.
    func total(ofClass statusClass: Int) -> UInt64 {
        counts.indices.reduce(0) {
            StatusCounters.statusClass(at: $1) == statusClass ? $0 &+ counts[$1] : $0
        }
    }
}
