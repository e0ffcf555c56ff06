import Balancing
import Telemetry

/// What one worker counts of one cluster; written by that worker alone, read by anyone.
final class ClusterMetrics: Sendable {
    let name: String

    /// Requests that routing gave to this cluster, each counted once, before any retry: what a
    /// split is measured by.
    let picks = Counter()
    /// Requests sent to an endpoint, the retries among them.
    let attempts = Counter()
    let retries = Counter()
    /// Attempts that ended without a response in the time they had.
    let timeouts = Counter()
    /// Attempts whose connection ended before the response was complete.
    let resets = Counter()
    let activeRequests = Gauge()

    let connections = Counter()
    let connectFailures = Counter()
    let activeConnections = Gauge()
    let security = SecurityMetrics()

    /// Responses to clients, after all retries.
    let responses = StatusCounters()
    /// Of the same those of gRPC, by how the call ended.
    let calls = CallCounters()
    /// From the first byte of the request to the last of the response, as the client sees it.
    let durations = Histogram()
    /// Bytes of response bodies that went to clients.
    let bytesSent = Counter()
    /// Bytes of request bodies that came from clients.
    let bytesReceived = Counter()

    init(name: String) {
        self.name = name
    }

    func attemptStarted(isRetry: Bool) {
        attempts.add()
        if isRetry { retries.add() }
        activeRequests.add()
    }

    /// Ends an attempt.
    ///
    /// - Parameter outcome: What became of it; `nil` when that is not the endpoint's doing.
    func attemptEnded(_ outcome: EndpointOutcome?) {
        activeRequests.subtract()
        switch outcome {
        case .timedOut: timeouts.add()
        case .reset: resets.add()
        case .connected, .connectFailed, .answered, nil: break
        }
    }

    /// Counts a request that has ended, whoever answered it.
    ///
    /// - Parameters:
    ///   - status: What the client was sent.
    ///   - nanoseconds: From the first byte of the request to the last of the response.
    func record(status: UInt16, nanoseconds: UInt64) {
        responses.add(status)
        durations.record(nanoseconds: nanoseconds)
    }
}
