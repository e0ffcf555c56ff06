import Histogram

/// Latencies in nanoseconds with three significant digits, and their exact mean and extremes.
///
/// Recording takes no memory: what is longer than ``BenchLimits/longestLatency`` is told apart by
/// its maximum only.
public struct LatencyHistogram: Sendable {
    private var counts = Histogram<UInt64>(
        lowestDiscernibleValue: 1, highestTrackableValue: BenchLimits.longestLatency,
        numberOfSignificantValueDigits: .three)
    public private(set) var count: UInt64 = 0
    private var sum: UInt64 = 0
    private var sumOfSquares: Double = 0
    private var least = UInt64.max
    /// Zero when nothing was recorded.
    public private(set) var max: UInt64 = 0

    public init() {}

    public mutating func record(_ nanoseconds: UInt64) {
        counts.record(Swift.min(nanoseconds, BenchLimits.longestLatency))
        count += 1
        sum &+= nanoseconds
        sumOfSquares += Double(nanoseconds) * Double(nanoseconds)
        least = Swift.min(least, nanoseconds)
        max = Swift.max(max, nanoseconds)
    }

    public mutating func add(_ other: LatencyHistogram) {
        counts.add(other.counts)
        count += other.count
        sum &+= other.sum
        sumOfSquares += other.sumOfSquares
        least = Swift.min(least, other.least)
        max = Swift.max(max, other.max)
    }

    /// Zero when nothing was recorded.
    public var min: UInt64 { count == 0 ? 0 : least }
    /// The sum of all latencies in nanoseconds.
    public var total: UInt64 { sum }
    public var mean: Double { count == 0 ? 0 : Double(sum) / Double(count) }

    public var standardDeviation: Double {
        if count == 0 { return 0 }
        let variance = sumOfSquares / Double(count) - mean * mean
        return Swift.max(variance, 0).squareRoot()
    }

    /// What `percent` of the latencies do not exceed, within 0.1 %; zero when there are none.
    public func percentile(_ percent: Double) -> UInt64 {
        count == 0 ? 0 : Swift.min(counts.valueAtPercentile(percent), max)
    }

    /// Every latency that is told apart and was recorded, upwards, with how often it was.
    public var recordedValues: [(nanoseconds: UInt64, count: UInt64)] {
        counts.recordedValues().map { (Swift.min($0.value, max), $0.count) }
    }
}

/// Latencies of a piece of time, with two significant digits: small enough for one each interval.
struct CoarseHistogram: Sendable {
    private var counts = Histogram<UInt32>(
        lowestDiscernibleValue: 1024, highestTrackableValue: BenchLimits.longestLatency,
        numberOfSignificantValueDigits: .two)
    private(set) var count: UInt64 = 0

    mutating func record(_ nanoseconds: UInt64) {
        counts.record(Swift.min(nanoseconds, BenchLimits.longestLatency))
        count += 1
    }

    mutating func add(_ other: CoarseHistogram) {
        counts.add(other.counts)
        count += other.count
    }

    func percentile(_ percent: Double) -> UInt64 {
        count == 0 ? 0 : counts.valueAtPercentile(percent)
    }
}
