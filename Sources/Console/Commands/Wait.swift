import Kernel

/// How a wait for a revision ended.
public struct Arrival: Equatable, Sendable {
    public var status: RevisionStatus
    /// From the start of the wait until the answer that said so.
    public var elapsed: Duration

    /// How far it came: `live on 3 of 3 sidecars after 12 ms`.
    var text: String {
        if status.total == 0 { return "no sidecar is connected" }
        return "live on \(status.applied) of \(status.total) sidecars after \(elapsed.shortText)"
    }

    func render(palette: Palette) -> String {
        palette.paint(text, status.total == 0 ? .caution : .good) + "\n"
    }

    var document: JSONValue {
        let (seconds, attoseconds) = elapsed.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        return [
            "revision": .integer(status.number), "applied": .integer(Int64(status.applied)),
            "total": .integer(Int64(status.total)),
            "milliseconds": .number(Double(microseconds) / 1000),
        ]
    }
}

extension Session {
    /// Waits until a revision is in effect on every connected sidecar and says so.
    ///
    /// - Throws: ``ConsoleError/waitTimedOut(_:after:)`` or ``ConsoleError/sidecarsRefused(_:)``.
    public func wait(forRevision number: Int64, patience: Duration) throws(ConsoleError) {
        let arrival = try awaitRevision(number, since: .now(), patience: patience)
        show(arrival.document) { "revision \(number): " + arrival.render(palette: screen.palette) }
    }

    /// Asks for a revision until it is live everywhere; time counts from `start`.
    func awaitRevision(
        _ number: Int64, since start: Instant, patience: Duration
    ) throws(ConsoleError) -> Arrival {
        defer { screen.clearProgress() }
        var pause = Pause()
        var status = try control.status(ofRevision: number)
        while status.refusals.isEmpty, !status.isLive {
            let elapsed = start.elapsed
            if elapsed >= patience { throw .waitTimedOut(status, after: elapsed) }
            screen.showProgress(
                "revision \(number): live on \(status.applied) of \(status.total) sidecars, "
                    + "\(elapsed.shortText)")
            pause.sleep()
            status = try control.status(ofRevision: number)
        }
        if !status.refusals.isEmpty { throw .sidecarsRefused(status) }
        return Arrival(status: status, elapsed: start.elapsed)
    }
}

/// Ever longer pauses between two questions: short at first, since most changes arrive at once.
private struct Pause {
    private var milliseconds: CInt = 2
    private static let longestMilliseconds: CInt = 250

    mutating func sleep() {
        // A poller that watches nothing is a sleep; without one the next question comes early.
        if var poller = try? Poller(batchCapacity: 1) {
            _ = try? poller.wait(timeoutMilliseconds: milliseconds)
        }
        milliseconds = min(milliseconds * 2, Self.longestMilliseconds)
    }
}

extension Instant {
    var elapsed: Duration {
        .nanoseconds(Int64(clamping: Instant.now().nanoseconds(since: self)))
    }
}
