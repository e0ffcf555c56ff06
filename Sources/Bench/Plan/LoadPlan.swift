/// Everything that is asked for in one run.
public struct LoadPlan: Equatable, Sendable {
    public enum Arrivals: String, CaseIterable, Sendable {
        /// Every interval is the same.
        case constant
        /// Intervals are exponential, as those of many clients that know nothing of each other.
        case poisson
    }

    /// When the next request is begun.
    public enum Pacing: Equatable, Sendable {
        /// As soon as the one before it is answered, on every connection or stream.
        case closed
        /// At its scheduled time, whatever became of those before it.
        ///
        /// - Parameter perSecond: To each target, over all threads.
        case open(perSecond: Double, Arrivals)
    }

    public enum Ending: Equatable, Sendable {
        case after(Duration)
        /// After so many requests to each target, over all threads.
        case requests(UInt64)
    }

    public enum Wire: Equatable, Sendable {
        case http1
        /// With prior knowledge, without an upgrade (RFC 9113 §3.3); over TLS by ALPN.
        case http2(streams: Int)
    }

    public var targets: [Target]
    public var pacing = Pacing.closed
    public var ending = Ending.after(.seconds(10))
    /// What is sent before counting begins.
    public var warmUp = Duration.zero
    public var wire = Wire.http1
    /// Of each target, over all threads.
    public var connections = 16
    public var threads = 1
    /// How long a connection or an answer may take.
    public var timeout = Duration.seconds(10)
    public var request = RequestContent()
    /// For targets that ask for TLS.
    public var security: SecurityTerms?
    /// Whether every request has a connection of its own; HTTP/1.1 alone.
    public var reconnects = false
    /// The response field that says which version answered.
    public var versionHeader: String?
    /// Where random numbers start; `nil` takes a start of its own.
    public var seed: UInt64?

    /// - Parameter targets: One, or two that are compared.
    public init(targets: [Target]) {
        self.targets = targets
    }

    /// Requests that can be under way at once to one target.
    public var concurrency: Int {
        switch wire {
        case .http1: connections
        case .http2(let streams): connections * streams
        }
    }

    /// Refuses what is beyond ``BenchLimits`` or contradicts itself.
    ///
    /// - Throws: ``BenchError/option(name:value:expected:)`` and the like.
    public func validate() throws(BenchError) {
        try Self.check(threads, in: BenchLimits.threads, "--threads")
        try Self.check(connections, in: BenchLimits.connections, "--connections")
        if threads > connections {
            throw .option(
                name: "--threads", value: String(threads),
                expected: "no more than the \(connections) connections")
        }
        if case .http2(let streams) = wire {
            if reconnects { throw .conflict("--reconnect", "--http2") }
            try Self.check(streams, in: BenchLimits.streams, "--streams")
        }
        if case .open(let rate, _) = pacing {
            try Self.check(rate, in: BenchLimits.rate, "--rate")
        }
        switch ending {
        case .after(let duration):
            if duration <= .zero || duration > BenchLimits.longestRun {
                throw .option(
                    name: "--duration", value: "\(duration)", expected: "above 0 and up to 24h")
            }
        case .requests(let count):
            try Self.check(count, in: BenchLimits.requests, "--requests")
        }
        if warmUp < .zero || warmUp > BenchLimits.longestRun {
            throw .option(name: "--warm-up", value: "\(warmUp)", expected: "from 0 to 24h")
        }
        if timeout <= .zero || timeout > .seconds(3600) {
            throw .option(name: "--timeout", value: "\(timeout)", expected: "above 0 and up to 1h")
        }
        try request.validate()
    }

    private static func check<Value: Comparable>(
        _ value: Value, in range: ClosedRange<Value>, _ name: String
    ) throws(BenchError) {
        if range.contains(value) { return }
        throw .option(
            name: name, value: "\(value)",
            expected: "from \(range.lowerBound) to \(range.upperBound)")
    }
}
