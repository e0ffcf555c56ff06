public import Kernel

/// Who is told that a descriptor is ready.
public protocol EventHandler: AnyObject {
    func handle(_ readiness: Readiness)
}

/// Who is told that all events of a turn were handled, to do once what several events asked for.
public protocol TurnHandler: AnyObject {
    func turnEnded()
}

/// One thread's loop: waits for events, hands them out, fires timers.
///
/// A turn reads the clock once, handles the events of one wait, then timers, then
/// ``TurnHandler``s. Everything that it calls runs on the thread that called ``run()``.
public final class EventLoop {
    private struct Registration {
        var handler: (any EventHandler)?
        var generation: UInt32
    }

    /// The clock as read at the start of this turn.
    public private(set) var now: Instant
    private var poller: Poller
    private var registrations: [Registration] = []
    private var vacant: [UInt32] = []
    private var timers: TimerWheel
    private var turnHandlers: [any TurnHandler] = []
    private var isRunning = false

    /// - Parameter batchCapacity: Most events that one turn handles.
    /// - Throws: What epoll_create1(2) reports.
    public init(batchCapacity: Int = 256) throws(Errno) {
        poller = try Poller(batchCapacity: batchCapacity)
        now = .now()
        timers = TimerWheel(now: Self.tick(now))
    }

    /// Watches `descriptor` and keeps `handler` until ``deregister(_:)``.
    ///
    /// - Throws: What epoll_ctl(2) reports.
    public func register(
        _ descriptor: borrowing FileDescriptor, for interest: Readiness,
        handler: any EventHandler
    ) throws(Errno) -> Token {
        let slot: UInt32
        if let reused = vacant.popLast() {
            slot = reused
        } else {
            slot = UInt32(registrations.count)
            registrations.append(Registration(handler: nil, generation: 0))
        }
        let token = Token(slot: slot, generation: registrations[Int(slot)].generation)
        do {
            try poller.add(descriptor, for: interest, as: token)
        } catch {
            vacant.append(slot)
            throw error
        }
        registrations[Int(slot)].handler = handler
        return token
    }

    /// Changes what a registered descriptor is watched for.
    ///
    /// - Throws: What epoll_ctl(2) reports.
    public func modify(
        _ token: Token, _ descriptor: borrowing FileDescriptor, for interest: Readiness
    ) throws(Errno) {
        try poller.modify(descriptor, for: interest, as: token)
    }

    /// Lets another handler have the events of a registration from now on.
    public func reassign(_ token: Token, to handler: any EventHandler) {
        let slot = Int(token.slot)
        guard registrations[slot].generation == token.generation else { return }
        registrations[slot].handler = handler
    }

    /// Lets the handler of a registration hear of what the poller cannot know.
    public func tell(_ token: Token, _ readiness: Readiness) {
        let registration = registrations[Int(token.slot)]
        if registration.generation == token.generation {
            registration.handler?.handle(readiness)
        }
    }

    /// Forgets the handler; events that are already in the batch no longer reach it.
    ///
    /// The caller closes the descriptor, which ends the watching; see also ``unwatch(_:)``.
    public func deregister(_ token: Token) {
        let slot = Int(token.slot)
        guard registrations[slot].generation == token.generation else { return }
        registrations[slot].handler = nil
        registrations[slot].generation &+= 1
        vacant.append(token.slot)
    }

    /// Stops watching a descriptor that stays open after ``deregister(_:)``.
    public func unwatch(_ descriptor: borrowing FileDescriptor) {
        poller.remove(descriptor)
    }

    /// Sets a timer, `delay` from the start of this turn, to the next millisecond.
    public func schedule(after delay: Duration, for handler: any TimerHandler) -> TimerToken {
        schedule(at: now + delay, for: handler)
    }

    /// Sets a timer for a point in time, to the next millisecond.
    public func schedule(at deadline: Instant, for handler: any TimerHandler) -> TimerToken {
        let nanoseconds = deadline.nanoseconds
        let tick = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1)
        return timers.schedule(at: tick, for: handler)
    }

    /// Drops a timer; one that fired already is none any more.
    public func cancel(_ timer: TimerToken) {
        timers.cancel(timer)
    }

    /// Calls `handler` once when all events of this turn are handled.
    ///
    /// The caller asks once a turn; asked twice, it is called twice.
    public func atEndOfTurn(_ handler: any TurnHandler) {
        turnHandlers.append(handler)
    }

    /// Turns until ``stop()``.
    ///
    /// - Throws: What epoll_wait(2) reports.
    public func run() throws(Errno) {
        isRunning = true
        while isRunning {
            try turn()
        }
    }

    /// Ends ``run()`` after this turn.
    public func stop() {
        isRunning = false
    }

    /// Waits once and handles what came of it; ``run()`` does nothing else.
    ///
    /// - Parameter longestWait: How long to wait at most where no timer is earlier.
    /// - Throws: What epoll_wait(2) reports.
    public func turn(longestWait: Duration? = nil) throws(Errno) {
        let count = try poller.wait(timeoutMilliseconds: patience(longestWait))
        now = .now()
        for position in 0..<count {
            let event = poller[position]
            tell(event.token, event.readiness)
        }
        let tick = Self.tick(now)
        while let due = timers.takeDue(now: tick) {
            due.handler.timerFired(due.token)
        }
        endTurn()
    }

    private func endTurn() {
        var position = 0
        while position < turnHandlers.count {
            turnHandlers[position].turnEnded()
            position += 1
        }
        turnHandlers.removeAll(keepingCapacity: true)
    }

    private func patience(_ longestWait: Duration?) -> CInt? {
        let longest = longestWait.map { CInt(clamping: $0.wholeNanoseconds / 1_000_000) }
        guard let next = timers.nextTick else { return longest }
        let tick = Self.tick(.now())
        let untilNext = next > tick ? CInt(clamping: next - tick) : 0
        return min(untilNext, longest ?? untilNext)
    }

    private static func tick(_ instant: Instant) -> UInt64 {
        instant.nanoseconds / 1_000_000
    }
}
