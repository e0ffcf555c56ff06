/// Upper bounds of the latency buckets in nanoseconds.
///
/// After 60 s comes padding that no value exceeds, so that five halvings find a bucket. A literal
/// of integers lies in constant data: reading it initialises nothing.
private let paddedBounds: InlineArray<31, UInt64> = [
    100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
    50_000_000, 75_000_000, 100_000_000, 250_000_000, 500_000_000, 750_000_000, 1_000_000_000,
    2_500_000_000, 5_000_000_000, 7_500_000_000, 10_000_000_000, 30_000_000_000, 60_000_000_000,
    .max, .max, .max, .max, .max, .max, .max, .max, .max, .max,
]

/// How long things took, in fixed buckets: one thread records, any thread reads.
///
/// The bounds are those of OpenTelemetry's HTTP durations, extended downwards to 0.1 ms, which a
/// proxy beside its service needs, and upwards to a minute.
public struct Histogram: ~Copyable, Sendable {
    /// How many buckets have an upper bound; one more takes what is longer.
    public static var boundCount: Int { 21 }

    private let buckets = InlineArray<22, Counter> { _ in Counter() }
    private let sum = Counter()

    public init() {}

    /// Counts one duration; only the thread that owns the histogram may.
    public func record(nanoseconds: UInt64) {
        buckets[Self.bucket(ofNanoseconds: nanoseconds)].add()
        sum.add(nanoseconds)
    }

    /// Adds what was recorded so far to `summary`.
    ///
    /// Taken while the owner records, a summary may lack the latest duration in one of its parts;
    /// its count is always the sum of its buckets.
    public func add(to summary: inout HistogramSummary) {
        for index in 0..<22 {
            summary.buckets[index] &+= buckets[index].value
        }
        summary.sumNanoseconds &+= sum.value
    }

    static func bucket(ofNanoseconds nanoseconds: UInt64) -> Int {
        var low = 0
        var step = 16
        while step > 0 {
            low += paddedBounds[low + step - 1] < nanoseconds ? step : 0
            step /= 2
        }
        return low
    }
}

/// What one or several histograms hold at a moment.
public struct HistogramSummary: Sendable {
    /// How many durations fell into each bucket, not cumulated; the last one has no upper bound.
    public fileprivate(set) var buckets = InlineArray<22, UInt64>(repeating: 0)
    /// The sum of all durations; wraps beyond 584 years of them.
    public fileprivate(set) var sumNanoseconds: UInt64 = 0

    public init() {}

    public var count: UInt64 {
        var total: UInt64 = 0
        for index in buckets.indices { total &+= buckets[index] }
        return total
    }

    /// The upper bound of the bucket at `index` below ``Histogram/boundCount``, inclusive.
    public static func boundNanoseconds(at index: Int) -> UInt64 { paddedBounds[index] }

    /// An upper estimate of the duration that `share` of all recorded ones do not exceed.
    ///
    /// - Parameter share: From 0 to 1.
    /// - Returns: The bound of the bucket in nanoseconds, the highest bound for what lies above
    ///   it; `nil` when nothing was recorded.
    public func quantileNanoseconds(_ share: Double) -> UInt64? {
        let total = count
        if total == 0 { return nil }
        let rank = (min(max(share, 0), 1) * Double(total)).rounded(.up)
        var seen: UInt64 = 0
        for index in 0..<Histogram.boundCount {
            seen &+= buckets[index]
            if Double(seen) >= rank { return Self.boundNanoseconds(at: index) }
        }
        return Self.boundNanoseconds(at: Histogram.boundCount - 1)
    }
}
