/// Why the figures of a run may say more about the generator than about the target.
public enum Doubt: Equatable, Sendable {
    /// The generator's thread had no time left, as a share of a processor.
    case generatorBusy(Double)
    /// One of a hundred requests went out later than this many nanoseconds although a connection
    /// was free.
    case late(p99: UInt64)
    /// Requests that waited because every connection was busy, as a share of all.
    case connectionsBusy(Double)
    /// Requests that were due and never sent.
    case dropped(UInt64)
    /// Fewer requests a second than were asked for.
    case slow(asked: Double, achieved: Double)
    /// Somebody ended the run before its time.
    case interrupted

    /// From which on each of them is told.
    public static let busyLimit = 0.9
    public static let lateLimit: UInt64 = 1_000_000
    public static let waitedLimit = 0.01
    public static let slowLimit = 0.99

    /// Whether the load was not what was asked for.
    public var isSaturation: Bool {
        switch self {
        case .generatorBusy, .late, .connectionsBusy, .dropped, .slow: true
        case .interrupted: false
        }
    }
}

extension LoadResult {
    /// What speaks against the figures of a recording; empty when nothing does.
    public func doubts(about recording: Recording) -> [Doubt] {
        var doubts: [Doubt] = []
        if busyShare >= Doubt.busyLimit { doubts.append(.generatorBusy(busyShare)) }
        if case .open(let asked, _) = plan.pacing {
            let late = recording.lateness.percentile(99)
            if late > Doubt.lateLimit { doubts.append(.late(p99: late)) }
            let sent = recording.lateness.count + recording.waitedCount
            let waited = sent == 0 ? 0 : Double(recording.waitedCount) / Double(sent)
            if waited > Doubt.waitedLimit { doubts.append(.connectionsBusy(waited)) }
            if recording.droppedCount > 0 { doubts.append(.dropped(recording.droppedCount)) }
            // A few arrivals more or less are chance, all the more with Poisson's.
            let tolerance = 3 * (asked * Double(recording.activeNanoseconds) / 1e9).squareRoot()
            let expected = asked * Double(recording.activeNanoseconds) / 1e9
            let achieved = recording.rate * Double(recording.activeNanoseconds) / 1e9
            if achieved < expected * Doubt.slowLimit, achieved < expected - tolerance {
                doubts.append(.slow(asked: asked, achieved: recording.rate))
            }
        }
        if isInterrupted { doubts.append(.interrupted) }
        return doubts
    }
}
