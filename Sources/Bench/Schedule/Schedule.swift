/// When the requests of one thread to one target are due.
///
/// It is made as it is asked for, so that a backlog of any length takes no memory.
public struct Schedule: Sendable {
    private enum Law: Sendable {
        /// Arrival number `index` is due at `(index · stride + offset)` intervals.
        case constant(interval: Double, stride: Double, offset: Double)
        case poisson(meanInterval: Double, RandomSource)
    }

    private var law: Law
    private var index: UInt64 = 0
    private var elapsed: Double = 0
    /// The next arrival, in nanoseconds since the start; never earlier than the one before.
    public private(set) var due: UInt64 = 0

    /// One thread's share of a rate.
    ///
    /// Constant arrivals are dealt out in turn, so that all threads together are evenly spaced.
    ///
    /// - Parameters:
    ///   - perSecond: The rate of all threads together, above 0.
    ///   - arrivals: How intervals are distributed.
    ///   - part: Which thread this is, from 0.
    ///   - parts: How many threads there are.
    ///   - phase: Where the first arrival lies, in intervals of all threads; from 0 to 1.
    ///   - seed: Where random intervals start.
    public init(
        perSecond: Double, arrivals: LoadPlan.Arrivals, part: Int = 0, of parts: Int = 1,
        phase: Double = 0, seed: UInt64 = 0
    ) {
        let interval = 1e9 / perSecond
        switch arrivals {
        case .constant:
            law = .constant(
                interval: interval, stride: Double(parts), offset: Double(part) + phase)
        case .poisson:
            law = .poisson(meanInterval: interval * Double(parts), RandomSource(seed: seed))
        }
        settle()
    }

    /// Goes on to the arrival after ``due``.
    public mutating func advance() {
        index += 1
        settle()
    }

    private mutating func settle() {
        switch law {
        case .constant(let interval, let stride, let offset):
            due = UInt64((Double(index) * stride + offset) * interval)
        case .poisson(let meanInterval, var random):
            elapsed += random.exponential() * meanInterval
            law = .poisson(meanInterval: meanInterval, random)
            due = UInt64(elapsed)
        }
    }
}

extension Schedule {
    /// How many arrivals from ``due`` on lie in `from..<end`; beyond ten million the rest is
    /// reckoned from the rate.
    func count(from: UInt64, before end: UInt64) -> UInt64 {
        var rest = self
        var count: UInt64 = 0
        while rest.due < end {
            if rest.due >= from { count += 1 }
            rest.advance()
            if count == 10_000_000 {
                return count + UInt64(Double(end - min(rest.due, end)) / rest.meanInterval)
            }
        }
        return count
    }

    /// How many arrivals a second there are on average.
    var perSecond: Double { 1e9 / meanInterval }

    private var meanInterval: Double {
        switch law {
        case .constant(let interval, let stride, _): interval * stride
        case .poisson(let meanInterval, _): meanInterval
        }
    }
}
