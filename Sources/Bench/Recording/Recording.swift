/// Why a request, or a connection, came to nothing.
public enum Failure: Int, CaseIterable, Sendable {
    /// No connection came about.
    case connect
    /// The connection ended before the answer did.
    case reset
    /// No whole answer in time; its latency is counted as the time that was waited.
    case timeout
    /// The answer was not HTTP as the request asked for it.
    case malformed

    public var name: String {
        switch self {
        case .connect: "connect"
        case .reset: "reset"
        case .timeout: "timeout"
        case .malformed: "protocol"
        }
    }
}

/// What became of one request.
enum Outcome {
    case answered(status: UInt16, version: VersionTally.Slot)
    case failed(Failure)
}

/// What was seen of one target; of one thread, then of all.
public struct Recording: Sendable {
    /// From when a request was due to the end of its answer; timeouts are among them.
    public internal(set) var latency = LatencyHistogram()
    /// From when a request was sent.
    public internal(set) var service = LatencyHistogram()
    /// The part of ``latency`` that ended in a timeout or a status of 400 and above.
    public internal(set) var failedLatency = LatencyHistogram()
    /// How late requests went out for which a connection was free: the generator's own fault.
    public internal(set) var lateness = LatencyHistogram()
    /// How long connections took to come about, those of the beginning included.
    public internal(set) var connectTime = LatencyHistogram()
    private(set) var statusCounts = [UInt64](repeating: 0, count: 1000)
    private var failureCounts = [UInt64](repeating: 0, count: Failure.allCases.count)
    public internal(set) var versions = VersionTally()
    public internal(set) var timeline: Timeline
    public internal(set) var sentByteCount: UInt64 = 0
    public internal(set) var receivedByteCount: UInt64 = 0
    /// Requests that were due while every connection was busy.
    public internal(set) var waitedCount: UInt64 = 0
    /// Requests that were due and never sent.
    public internal(set) var droppedCount: UInt64 = 0
    /// Answers a second, while the load was on.
    public internal(set) var rate: Double = 0
    /// How long the load was on, in nanoseconds.
    public internal(set) var activeNanoseconds: UInt64 = 0
    /// From the beginning of counting to the end of the load, in nanoseconds; more than
    /// ``activeNanoseconds`` where two targets take turns.
    var spanNanoseconds: UInt64 = 0
    var answeredInTime: UInt64 = 0

    init(expecting expected: UInt64 = 0) {
        timeline = Timeline(expecting: expected)
    }

    mutating func count(_ failure: Failure) {
        failureCounts[failure.rawValue] += 1
    }

    mutating func count(status: UInt16) {
        statusCounts[min(Int(status), statusCounts.count - 1)] += 1
    }

    public func count(of failure: Failure) -> UInt64 { failureCounts[failure.rawValue] }

    /// Every status that came, with how often it did.
    public var statuses: [(status: Int, count: UInt64)] {
        statusCounts.indices.filter { statusCounts[$0] > 0 }.map { ($0, statusCounts[$0]) }
    }

    public func count(ofStatuses statuses: Range<Int>) -> UInt64 {
        statusCounts[statuses].reduce(0, +)
    }

    /// Requests that were answered, whatever the status.
    public var answeredCount: UInt64 { statusCounts.reduce(0, +) }

    /// Requests without an answer, and answers of 400 and above.
    public var errorCount: UInt64 {
        failureCounts.reduce(0, +) + count(ofStatuses: 400..<1000)
    }

    /// Requests and connection attempts that ended one way or the other.
    public var endedCount: UInt64 { answeredCount + failureCounts.reduce(0, +) }

    /// The part of them that are errors, from 0 to 1.
    public var errorShare: Double {
        endedCount == 0 ? 0 : Double(errorCount) / Double(endedCount)
    }

    mutating func add(_ other: Recording) {
        latency.add(other.latency)
        service.add(other.service)
        failedLatency.add(other.failedLatency)
        lateness.add(other.lateness)
        connectTime.add(other.connectTime)
        for index in statusCounts.indices { statusCounts[index] += other.statusCounts[index] }
        for index in failureCounts.indices { failureCounts[index] += other.failureCounts[index] }
        versions.add(other.versions)
        timeline.add(other.timeline)
        sentByteCount += other.sentByteCount
        receivedByteCount += other.receivedByteCount
        waitedCount += other.waitedCount
        droppedCount += other.droppedCount
        rate += other.rate
        activeNanoseconds = max(activeNanoseconds, other.activeNanoseconds)
        spanNanoseconds = max(spanNanoseconds, other.spanNanoseconds)
        answeredInTime += other.answeredInTime
    }
}
