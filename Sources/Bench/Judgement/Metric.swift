/// A figure of a run that can be named.
public enum Metric: Equatable, Sendable {
    case percentile(Double)
    case minimum
    case mean
    case maximum
    case deviation
    /// Answers a second.
    case rate
    case requests
    case errors
    case dropped

    /// What a figure is measured in, and so what it can be compared with.
    public enum Unit: Equatable, Sendable {
        case time
        case perSecond
        /// A number, or a share of all requests.
        case count
    }

    public var unit: Unit {
        switch self {
        case .percentile, .minimum, .mean, .maximum, .deviation: .time
        case .rate: .perSecond
        case .requests, .errors, .dropped: .count
        }
    }

    /// Reads `p99.9`, `max`, `errors` and the like; `nil` for anything else.
    init?(parsing name: Substring) {
        switch name {
        case "min": self = .minimum
        case "mean", "avg": self = .mean
        case "max": self = .maximum
        case "stddev": self = .deviation
        case "rate": self = .rate
        case "requests": self = .requests
        case "errors": self = .errors
        case "dropped": self = .dropped
        default:
            guard name.first == "p", let number = Decimal.parse(name.dropFirst()), number > 0,
                number < 100
            else { return nil }
            self = .percentile(number)
        }
    }

    public var name: String {
        switch self {
        case .percentile(let share): "p" + Decimal.shortest(share)
        case .minimum: "min"
        case .mean: "mean"
        case .maximum: "max"
        case .deviation: "stddev"
        case .rate: "rate"
        case .requests: "requests"
        case .errors: "errors"
        case .dropped: "dropped"
        }
    }

    /// The figure: nanoseconds, answers a second, or a number.
    public func value(in recording: Recording) -> Double {
        switch self {
        case .percentile, .minimum, .mean, .maximum, .deviation: value(in: recording.latency)
        case .rate: recording.rate
        case .requests: Double(recording.answeredCount)
        case .errors: Double(recording.errorCount)
        case .dropped: Double(recording.droppedCount)
        }
    }

    /// A figure of time in a histogram of its own; zero for any other figure.
    func value(in latency: LatencyHistogram) -> Double {
        switch self {
        case .percentile(let share): Double(latency.percentile(share))
        case .minimum: Double(latency.min)
        case .mean: latency.mean
        case .maximum: Double(latency.max)
        case .deviation: latency.standardDeviation
        case .rate, .requests, .errors, .dropped: 0
        }
    }

    /// The part of all requests that the figure is, from 0 to 1; `nil` where it is no count.
    func share(in recording: Recording) -> Double? {
        if unit != .count { return nil }
        let all = Double(recording.endedCount + recording.droppedCount)
        return all == 0 ? 0 : value(in: recording) / all
    }
}
