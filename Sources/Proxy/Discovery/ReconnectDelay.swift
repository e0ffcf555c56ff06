/// How long to wait before the control plane is tried again: exponential with full jitter.
struct ReconnectDelay {
    static let first = Duration.milliseconds(500)
    static let longest = Duration.seconds(30)

    private var failureCount = 0

    /// The stream brought something: the next failure is the first again.
    mutating func succeeded() {
        failureCount = 0
    }

    /// A time between nothing and a bound that doubles with every failure.
    mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        // Six doublings lead beyond the longest delay.
        let bound = min(Self.first * (1 << min(failureCount, 6)), Self.longest)
        failureCount += 1
        return bound * Double.random(in: 0...1, using: &random)
    }
}
