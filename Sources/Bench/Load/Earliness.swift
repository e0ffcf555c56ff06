import Kernel

/// How much earlier than a request is due the thread has to be woken.
///
/// A sleeping thread runs again some ten microseconds after its timer, which would be part of every
/// latency. So the timer is set that much earlier, and what is left is waited for awake.
struct Earliness {
    /// Most that a timer is set early, in nanoseconds.
    static let longestLead: UInt64 = 60_000
    /// Rates above which the thread hardly sleeps, and waiting awake would take all of its time.
    static let highestRate = 8000.0

    /// In nanoseconds.
    private(set) var lead: UInt64 = 0
    /// How long was waited awake, in nanoseconds.
    private(set) var spun: UInt64 = 0
    private let isUsed: Bool

    /// - Parameter perSecond: How many requests the thread sends; zero without a schedule.
    init(perSecond: Double) {
        isUsed = perSecond > 0 && perSecond <= Self.highestRate
    }

    /// Takes in when a timer has woken the thread; one wake-up changes little.
    mutating func learn(_ now: UInt64, wanted: UInt64) {
        if !isUsed { return }
        let late = min(now - min(wanted, now), Self.longestLead)
        lead = (7 * lead + late) / 8
    }

    /// Waits for `time` when that is so near that a timer would be late.
    ///
    /// - Returns: Whether it has come.
    mutating func spin(until time: UInt64) -> Bool {
        let start = Instant.now().nanoseconds
        guard isUsed, time <= start + lead else { return time <= start }
        var now = start
        while now < time { now = Instant.now().nanoseconds }
        spun += now - start
        return true
    }
}
