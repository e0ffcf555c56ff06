import EventLoop
import Kernel
import Transport

/// One thread of a run: its loop, and a lane for each target.
final class LoadWorker: TimerHandler, TurnHandler, LaneDelegate {
    private enum Phase {
        case opening(unopened: Int)
        case running
        /// Nothing new begins; what is under way comes to its end.
        case draining
        case over(BenchError?)
    }

    /// How long each of two targets gets the machine to itself in a closed loop.
    static let slice = Duration.milliseconds(250)
    /// Longest wait for what is under way, once somebody has asked for the end.
    static let interruptedDrain = Duration.seconds(1)

    private let loop: EventLoop
    private let alarm: PreciseTimer
    private let targets: [LaneTarget]
    private let mailbox: Mailbox<LoadCommand>
    private let live: [LiveFigures]
    private var lanes: [Lane] = []
    private var phase: Phase
    private var alarmTime: UInt64?
    private var hasRung = false
    private var isTurnWanted = false
    private var tickTimer: TimerToken?
    private var endTimer: TimerToken?
    private var sliceTimer: TimerToken?
    private let tickInterval: Duration
    private var cpuAtStart: UInt64 = 0
    private var start = Instant.now()
    private var busyShare = 0.0
    private var earliness: Earliness

    /// - Throws: What epoll_create1(2), timerfd_create(2) or eventfd(2) reports.
    init(
        targets: [LaneTarget], live: [LiveFigures], mailbox: Mailbox<LoadCommand>
    ) throws(Errno) {
        loop = try EventLoop(batchCapacity: 512)
        alarm = try PreciseTimer()
        self.targets = targets
        self.live = live
        self.mailbox = mailbox
        phase = .opening(unopened: targets.count)
        let timeout = targets.map(\.timeoutNanoseconds).min() ?? 0
        let perSecond = targets.reduce(0) { $0 + ($1.schedule?.perSecond ?? 0) }
        earliness = Earliness(perSecond: perSecond)
        tickInterval = .nanoseconds(Int64(clamping: min(max(timeout / 8, 1_000_000), 100_000_000)))
    }

    /// Runs on the calling thread until every request has ended.
    func run() -> WorkerReport {
        var failure: BenchError?
        do throws(Errno) {
            let alarmToken = try loop.register(
                alarm.descriptor, for: .readable, handler: Bell { [unowned self] in ring() })
            let mailToken = try loop.register(
                mailbox.wakeUp.descriptor, for: .readable,
                handler: Bell { [unowned self] in takeCommands() })
            openLanes()
            if case .over = phase {} else { try loop.run() }
            loop.deregister(alarmToken)
            loop.unwatch(mailbox.wakeUp.descriptor)
            loop.deregister(mailToken)
        } catch {
            failure = .machine(error)
        }
        if case .over(let error?) = phase { failure = error }
        for lane in lanes { lane.shut() }
        let recordings = lanes.map(\.recording)
        lanes.removeAll()
        // The loop keeps whom its timers are for, which is who keeps the loop.
        for timer in [tickTimer, endTimer, sliceTimer] {
            if let timer { loop.cancel(timer) }
        }
        return WorkerReport(recordings: recordings, busyShare: busyShare, failure: failure)
    }

    private func openLanes() {
        let scratch = Scratch()
        guard let secureBuffers = try? SecureBuffers() else {
            return finish(.machine(.outOfMemory))
        }
        for (target, figures) in zip(targets, live) {
            lanes.append(
                Lane(
                    target: target, loop: loop, scratch: scratch,
                    secureBuffers: secureBuffers, live: figures, delegate: self))
        }
        tickTimer = loop.schedule(after: tickInterval, for: self)
        for lane in lanes { lane.open() }
    }

    // MARK: What lanes tell

    func laneDidOpen(_ lane: Lane) {
        guard case .opening(let unopened) = phase else { return }
        phase = .opening(unopened: unopened - 1)
        if unopened == 1 { begin() }
    }

    func laneHasRoom(_ lane: Lane) {
        wantTurn()
    }

    func laneDidRest(_ lane: Lane) {
        if lanes.allSatisfy({ $0.isEnded && $0.isResting }) {
            finish(nil)
        } else if isSliced, case .running = phase {
            passOn(from: lane)
        }
    }

    private func begin() {
        for lane in lanes where lane.openCount == 0 {
            let address = lane.target.address.description
            switch lane.connectFault {
            case nil: return finish(.cannotConnect(address, .timedOut))
            case .system(let error): return finish(.cannotConnect(address, error))
            case .security(let error): return finish(.cannotSecure(address, error))
            case .protocolNotAgreed: return finish(.noHTTP2(address))
            }
        }
        phase = .running
        start = .now()
        cpuAtStart = Thread.cpuNanoseconds()
        if let time = targets.first?.runNanoseconds, let warmUp = targets.first?.warmUpNanoseconds {
            endTimer = loop.schedule(
                at: Instant(nanoseconds: start.nanoseconds + warmUp + time), for: self)
        }
        if isSliced { sliceTimer = loop.schedule(at: start + Self.slice, for: self) }
        for (index, lane) in lanes.enumerated() {
            lane.run(from: start.nanoseconds, isPaused: isSliced && index > 0)
        }
        wantTurn()
    }

    private func finish(_ error: BenchError?) {
        if case .over = phase { return }
        phase = .over(error)
        loop.stop()
    }

    private func drain() {
        guard case .running = phase else { return }
        phase = .draining
        let now = Instant.now()
        let wall = Double(now.nanoseconds(since: start))
        let busy = Thread.cpuNanoseconds() - cpuAtStart
        busyShare = wall > 0 ? Double(busy - min(earliness.spun, busy)) / wall : 0
        for lane in lanes { lane.finish(at: now.nanoseconds) }
    }

    // MARK: Slices

    /// Two targets in a closed loop would take each other's share of the machine, and the faster
    /// one would be sent more; so they take turns.
    private var isSliced: Bool { lanes.count > 1 && targets.allSatisfy { $0.schedule == nil } }

    private func passOn(from lane: Lane) {
        let now = Instant.now().nanoseconds
        guard let index = lanes.firstIndex(where: { $0 === lane }) else { return }
        let others = lanes[(index + 1)...] + lanes[...index]
        others.first { !$0.isEnded }?.resume(at: now)
    }

    // MARK: Time

    func timerFired(_ timer: TimerToken) {
        switch timer {
        case tickTimer:
            tickTimer = loop.schedule(after: tickInterval, for: self)
            let now = Instant.now().nanoseconds
            for lane in lanes { lane.tick(now: now) }
        case endTimer:
            if case .draining = phase { finish(nil) } else { drain() }
        case sliceTimer:
            sliceTimer = loop.schedule(after: Self.slice, for: self)
            let now = Instant.now().nanoseconds
            for lane in lanes { lane.pause(at: now) }
        default: break
        }
    }

    private func takeCommands() {
        for command in mailbox.take() {
            switch command {
            case .stop:
                if case .opening = phase { return finish(nil) }
                drain()
                if let endTimer { loop.cancel(endTimer) }
                endTimer = loop.schedule(after: Self.interruptedDrain, for: self)
            }
        }
    }

    // MARK: What is due

    private func ring() {
        if let alarmTime { earliness.learn(Instant.now().nanoseconds, wanted: alarmTime) }
        hasRung = true
        wantTurn()
    }

    private func wantTurn() {
        if isTurnWanted { return }
        isTurnWanted = true
        loop.atEndOfTurn(self)
    }

    func turnEnded() {
        isTurnWanted = false
        var next = startDue()
        if let due = next, earliness.spin(until: due) { next = startDue() }
        let time = next.map { $0 - min(earliness.lead, $0) }
        if time == alarmTime, !hasRung { return }
        // Setting it also ends the readiness of an alarm that has rung.
        hasRung = false
        alarmTime = time
        alarm.set(at: time.map { Instant(nanoseconds: $0) })
    }

    /// Sends what is due.
    ///
    /// - Returns: When the next request is due; `nil` when none is, or none could be sent.
    private func startDue() -> UInt64? {
        var next: UInt64?
        for lane in lanes {
            lane.startDue()
            if let due = lane.nextDue { next = min(due, next ?? due) }
        }
        return next
    }
}

/// What the thread that watches a run tells those that do it.
enum LoadCommand: Sendable {
    case stop
}

/// What a thread of a run has to tell at its end.
struct WorkerReport: Sendable {
    /// One for each target.
    var recordings: [Recording]
    /// The part of its time that the thread was on a processor, from 0 to 1.
    var busyShare: Double
    var failure: BenchError?
}

/// Passes readiness on.
final class Bell: EventHandler {
    private let body: () -> Void

    init(_ body: @escaping () -> Void) {
        self.body = body
    }

    func handle(_ readiness: Readiness) {
        body()
    }
}
