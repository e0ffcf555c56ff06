import Bytes
import EventLoop
import HTTP
import Kernel
import Telemetry
import Transport

/// Who is told how a ``Lane`` fares.
protocol LaneDelegate: AnyObject {
    /// Every connection has come about or failed for the first time.
    func laneDidOpen(_ lane: Lane)
    /// A place became free, so that what is due can go out.
    func laneHasRoom(_ lane: Lane)
    /// The lane begins nothing at the moment, and nothing of it is under way.
    func laneDidRest(_ lane: Lane)
}

/// One thread's load on one target: its schedule, its connections and what it has seen.
final class Lane {
    private enum Stage: Equatable {
        case opening(unsettled: Int)
        case running
        /// Nothing new begins until ``Lane/resume(at:)``.
        case paused
        /// Nothing new begins any more.
        case ended
    }

    /// Most often that a request is sent again because the server did not process it.
    static let longestReturnCount = 10

    let target: LaneTarget
    let loop: EventLoop
    let scratch: Scratch
    /// Shared by all secured connections of a thread.
    let secureBuffers: SecureBuffers
    private let live: LiveFigures
    private unowned let delegate: any LaneDelegate
    private var stage: Stage
    private var schedule: Schedule?
    private var free: TicketQueue
    /// Requests that the server has given back; they go out before anything else.
    private var returned: [Flight] = []
    private var connections: [any LoadConnection] = []
    private(set) var recording: Recording
    private(set) var inFlightCount = 0
    private(set) var openCount = 0
    /// Why the latest attempt to connect failed.
    private(set) var connectFault: ConnectFault?
    /// Requests that may still begin; `nil` when only time ends the run.
    private var remaining: UInt64?
    private var start: UInt64 = 0
    private var countFrom: UInt64 = 0
    private var end = UInt64.max
    private var activeSince: UInt64?

    init(
        target: LaneTarget, loop: EventLoop, scratch: Scratch, secureBuffers: SecureBuffers,
        live: LiveFigures, delegate: any LaneDelegate
    ) {
        self.target = target
        self.loop = loop
        self.scratch = scratch
        self.secureBuffers = secureBuffers
        self.live = live
        self.delegate = delegate
        let expected = target.runNanoseconds ?? 0
        recording = Recording(expecting: expected)
        schedule = target.schedule
        remaining = target.requests
        stage = .opening(unsettled: target.connections)
        free = TicketQueue(capacity: 2 * target.connections * target.streams)
    }

    /// Opens all connections; ``LaneDelegate/laneDidOpen(_:)`` follows.
    func open() {
        for index in 0..<target.connections {
            let place = UInt32(index)
            let connection: any LoadConnection =
                target.isHTTP2
                ? HTTP2Client(place: place, lane: self) : HTTP1Client(place: place, lane: self)
            connections.append(connection)
            connection.open()
        }
    }

    /// Lets requests begin; times count from `start`.
    func run(from start: UInt64, isPaused: Bool) {
        self.start = start
        countFrom = start + target.warmUpNanoseconds
        if let time = target.runNanoseconds { end = countFrom + time }
        stage = .paused
        if !isPaused { resume(at: start) }
    }

    func resume(at now: UInt64) {
        guard stage == .paused else { return }
        stage = .running
        activeSince = now
        startDue()
    }

    func pause(at now: UInt64) {
        guard stage == .running else { return }
        stage = .paused
        if inFlightCount == 0 { rest(at: now) }
    }

    /// Lets nothing begin any more.
    func finish(at now: UInt64) {
        if stage == .ended { return }
        if let schedule, remaining == nil {
            end = min(end, now)
            let from = max(countFrom, start)
            recording.droppedCount = schedule.count(
                from: from - start, before: end - min(start, end))
        }
        end = min(end, now)
        stage = .ended
        if inFlightCount == 0 { rest(at: now) }
    }

    /// Forgets what is under way and closes the connections.
    func shut() {
        for connection in connections { connection.shut() }
        connections.removeAll()
        closeSpan(at: end)
        if end != .max { recording.spanNanoseconds = end - min(countFrom, end) }
        let seconds = Double(recording.activeNanoseconds) / 1e9
        recording.rate = seconds > 0 ? Double(recording.answeredInTime) / seconds : 0
    }

    var isEnded: Bool { stage == .ended }
    /// Whether a connection that has ended is to be opened again.
    var wantsConnections: Bool { stage != .ended || !returned.isEmpty }
    var isResting: Bool { inFlightCount == 0 && stage != .running }

    func tick(now: UInt64) {
        for connection in connections { connection.tick(now: now) }
        while let flight = returned.first, now > flight.sent + target.timeoutNanoseconds {
            returned.removeFirst()
            ended(flight, .failed(.timeout), now: now)
        }
    }

    // MARK: What is due

    /// When the next request is due; `nil` when there is none, or no place for it.
    var nextDue: UInt64? {
        if !returned.isEmpty, !free.isEmpty { return 0 }
        guard stage == .running, !free.isEmpty, let schedule, remaining != 0 else { return nil }
        let due = start + schedule.due
        return due < end ? due : nil
    }

    /// Begins what is due now, as long as there are places.
    ///
    /// - Parameter hadFreePlace: Whether what is overdue could have gone out before.
    func startDue(hadFreePlace: Bool = true) {
        while stage == .running || !returned.isEmpty, !free.isEmpty {
            let now = Instant.now().nanoseconds
            guard isDue(at: now), let connection = takeFree() else { return }
            guard let flight = takeDue(now: now, hadFreePlace: hadFreePlace) else { return }
            connection.begin(flight)
        }
    }

    /// Gives a connection that has just become free its next request.
    ///
    /// - Returns: `nil` when nothing is due; the connection then parks its ticket.
    func next(now: UInt64) -> Flight? {
        isDue(at: now) ? takeDue(now: now, hadFreePlace: !free.isEmpty) : nil
    }

    /// Takes a free place.
    func park(_ ticket: Ticket) {
        if free.isFull { free.removeAll { isVoid($0) } }
        free.append(ticket)
        if schedule != nil { delegate.laneHasRoom(self) }
    }

    private func isDue(at now: UInt64) -> Bool {
        if !returned.isEmpty { return true }
        guard stage == .running, remaining != 0, now < end else { return false }
        guard let schedule else { return true }
        let due = start + schedule.due
        return due <= now && due < end
    }

    private func takeDue(now: UInt64, hadFreePlace: Bool) -> Flight? {
        if !returned.isEmpty {
            var flight = returned.removeFirst()
            flight.sent = now
            return flight
        }
        if let remaining { self.remaining = remaining - 1 }
        inFlightCount += 1
        guard let due = schedule?.due else { return Flight(due: now, sent: now) }
        schedule?.advance()
        let flight = Flight(due: start + due, sent: now)
        if flight.due >= countFrom {
            if hadFreePlace {
                recording.lateness.record(now - flight.due)
            } else {
                recording.waitedCount += 1
            }
        }
        return flight
    }

    private func takeFree() -> (any LoadConnection)? {
        while let ticket = free.popFirst() {
            if !isVoid(ticket) { return connections[Int(ticket.connection)] }
        }
        return nil
    }

    private func isVoid(_ ticket: Ticket) -> Bool {
        connections[Int(ticket.connection)].epoch != ticket.epoch
    }

    // MARK: What the connections tell

    /// A connection came about, with places for as many requests as it gives tickets.
    func opened(after nanoseconds: UInt64, tickets: Int, _ ticket: Ticket) {
        let hadFreePlace = !free.isEmpty
        for _ in 0..<tickets { park(ticket) }
        openCount += 1
        recording.connectTime.record(nanoseconds)
        settle()
        // Whatever waits can go out at once.
        startDue(hadFreePlace: hadFreePlace)
    }

    /// An attempt to connect failed.
    func openFailed(_ fault: ConnectFault) {
        connectFault = fault
        let now = Instant.now().nanoseconds
        if stage == .running || stage == .paused, now >= countFrom {
            recording.count(.connect)
            recording.timeline.recordFailure(at: time(at: now))
            live.failed.add()
        }
        settle()
    }

    /// Which version a response head names.
    func version(of head: borrowing ResponseHead) -> VersionTally.Slot {
        let name = target.versionHeader
        if name.isEmpty { return .unnamed }
        guard let index = head.fields.firstIndex(named: name.span) else { return .unnamed }
        return recording.versions.slot(of: head.fields.value(at: index))
    }

    /// The server has not processed a request, so that it can go out again (RFC 9113 §8.7).
    func giveBack(_ flight: Flight, now: UInt64) {
        var flight = flight
        flight.returnCount += 1
        if flight.returnCount > Self.longestReturnCount {
            return ended(flight, .failed(.reset), now: now)
        }
        returned.append(flight)
        delegate.laneHasRoom(self)
    }

    /// A request has ended one way or the other, after so many bytes either way.
    func ended(
        _ flight: Flight, _ outcome: Outcome, sentByteCount: Int = 0, receivedByteCount: Int = 0,
        now: UInt64
    ) {
        inFlightCount -= 1
        if flight.due >= countFrom {
            record(flight, outcome, now: now)
            recording.sentByteCount += UInt64(sentByteCount)
            recording.receivedByteCount += UInt64(receivedByteCount)
        }
        if inFlightCount == 0, stage != .running { rest(at: now) }
        if remaining == 0, inFlightCount == 0, stage == .running { finish(at: now) }
    }

    private func record(_ flight: Flight, _ outcome: Outcome, now: UInt64) {
        let latency = now - min(flight.due, now)
        switch outcome {
        case .answered(let status, let version):
            let isError = status >= 400
            recording.latency.record(latency)
            recording.service.record(now - min(flight.sent, now))
            recording.count(status: status)
            if isError { recording.failedLatency.record(latency) }
            if !target.versionHeader.isEmpty {
                recording.versions.record(latency, failed: isError, in: version)
            }
            recording.timeline.record(latency, failed: isError, at: time(at: now))
            if now <= end { recording.answeredInTime += 1 }
            live.latency.record(nanoseconds: latency)
            if isError { live.failed.add() }
        case .failed(let failure):
            recording.count(failure)
            if failure == .timeout {
                recording.latency.record(latency)
                recording.service.record(now - min(flight.sent, now))
                recording.failedLatency.record(latency)
                recording.timeline.record(latency, failed: true, at: time(at: now))
            } else {
                recording.timeline.recordFailure(at: time(at: now))
            }
            live.failed.add()
        }
    }

    // MARK: Private

    /// Nanoseconds since counting began.
    private func time(at now: UInt64) -> UInt64 { now - min(countFrom, now) }

    private func settle() {
        guard case .opening(let unsettled) = stage, unsettled > 0 else { return }
        stage = .opening(unsettled: unsettled - 1)
        if unsettled == 1 { delegate.laneDidOpen(self) }
    }

    private func rest(at now: UInt64) {
        if stage == .paused { closeSpan(at: now) }
        delegate.laneDidRest(self)
    }

    /// Adds the span of activity that ends at `now`.
    private func closeSpan(at now: UInt64) {
        guard let since = activeSince else { return }
        let from = max(since, countFrom)
        recording.activeNanoseconds += now - min(from, now)
        activeSince = nil
    }
}
