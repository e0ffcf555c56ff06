import Telemetry

/// What a thread lets others see while it runs; only that thread writes.
final class LiveFigures: Sendable {
    let latency = Histogram()
    let failed = Counter()
}

/// How far a run has come.
public struct Progress: Equatable, Sendable {
    /// Since requests began to go out, warm-up included.
    public var elapsed: Duration
    public var answeredCount: UInt64
    /// Errors of any kind.
    public var failedCount: UInt64
    /// Upper bounds of the shares 0.5 and 0.99 so far; `nil` while nothing is answered.
    public var median: Duration?
    public var p99: Duration?

    init(of figures: [LiveFigures], elapsed: Duration) {
        var summary = HistogramSummary()
        var failed: UInt64 = 0
        for figure in figures {
            figure.latency.add(to: &summary)
            failed += figure.failed.value
        }
        self.elapsed = elapsed
        answeredCount = summary.count
        failedCount = failed
        median = Self.bound(0.5, of: summary)
        p99 = Self.bound(0.99, of: summary)
    }

    private static func bound(_ share: Double, of summary: HistogramSummary) -> Duration? {
        summary.quantileNanoseconds(share).map { .nanoseconds(Int64(clamping: $0)) }
    }
}

extension Progress {
    /// How far `plan` has come, in one line.
    public func line(for plan: LoadPlan) -> String {
        var parts: [String] = []
        let seconds = Double(nanoseconds: elapsed) / 1e9
        switch plan.ending {
        case .after(let duration):
            let all = Double(nanoseconds: duration + plan.warmUp) / 1e9
            parts.append("\(Decimal.fixed(min(seconds, all), 1)) of \(Decimal.shortest(all)) s")
        case .requests(let count):
            let all = count * UInt64(plan.targets.count)
            parts.append("\(Decimal.grouped(answeredCount)) of \(Decimal.grouped(all))")
        }
        let rate = seconds > 0 ? Double(answeredCount) / seconds : 0
        parts.append("\(Decimal.rate(rate)) answers/s")
        if let median, let p99 {
            let bounds = (Double(nanoseconds: median), Double(nanoseconds: p99))
            parts.append("p50 ≤ \(Decimal.time(bounds.0)), p99 ≤ \(Decimal.time(bounds.1))")
        }
        if failedCount > 0 { parts.append("\(Decimal.grouped(failedCount)) errors") }
        return parts.joined(separator: " · ")
    }
}
