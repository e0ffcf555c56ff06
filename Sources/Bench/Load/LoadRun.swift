import EventLoop
import Kernel

/// Runs a plan: threads that load, and the calling thread that watches them.
public final class LoadRun {
    /// How often progress is told.
    static let progressInterval = Duration.milliseconds(200)

    private let plan: LoadPlan
    private let loop: EventLoop
    private let addresses: [SocketAddress]
    private let securities: [LaneSecurity?]
    private let reports: Mailbox<WorkerReport>
    private var mailboxes: [Mailbox<LoadCommand>] = []
    private var figures: [LiveFigures] = []
    private var collected: [WorkerReport] = []
    private var isInterrupted = false
    private let start: Instant
    private let startDate: UInt64
    private let tellProgress: (Progress) -> Void

    /// Checks the plan, looks the targets up, and makes sure that they can be reached.
    ///
    /// - Parameters:
    ///   - plan: What to do.
    ///   - tellProgress: Called now and then while requests go out, on the thread of ``run()``.
    /// - Throws: ``BenchError``.
    public init(
        _ plan: LoadPlan, tellProgress: @escaping (Progress) -> Void = { _ in }
    ) throws(BenchError) {
        try plan.validate()
        let wanted = plan.connections * plan.targets.count + plan.threads * 4 + 16
        let limit = Machine.raiseDescriptorLimit()
        if wanted > limit { throw .descriptors(wanted: wanted, limit: limit) }
        self.plan = plan
        self.tellProgress = tellProgress
        var addresses: [SocketAddress] = []
        var securities: [LaneSecurity?] = []
        for target in plan.targets {
            addresses.append(try Probe.firstReachable(target, timeout: plan.timeout))
            if target.isSecure {
                let terms = if let terms = plan.security { terms } else { try SecurityTerms() }
                securities.append(try terms.security(for: target))
            } else {
                securities.append(nil)
            }
        }
        self.addresses = addresses
        self.securities = securities
        do throws(Errno) {
            loop = try EventLoop()
            reports = try Mailbox()
        } catch {
            throw .machine(error)
        }
        start = .now()
        startDate = WallClock.nanosecondsSinceEpoch()
    }

    /// Runs once, to the end or until somebody sends SIGINT or SIGTERM; a second such signal ends
    /// the process.
    ///
    /// - Returns: What was seen.
    /// - Throws: ``BenchError``.
    public func run() throws(BenchError) -> LoadResult {
        do throws(Errno) {
            let signals = try SignalBell { [unowned self] in
                isInterrupted = true
                for mailbox in mailboxes { mailbox.post(.stop) }
            }
            let signalToken = try loop.register(
                signals.queue.descriptor, for: .readable, handler: signals)
            let reportToken = try loop.register(
                reports.wakeUp.descriptor, for: .readable,
                handler: Bell { [unowned self] in collect() })
            try startThreads()
            let pulse = Pulse { [unowned self] in self.pulse($0) }
            _ = loop.schedule(after: Self.progressInterval, for: pulse)
            try loop.run()
            loop.deregister(signalToken)
            loop.deregister(reportToken)
        } catch {
            throw .machine(error)
        }
        return try result()
    }

    private func pulse(_ pulse: Pulse) {
        _ = loop.schedule(after: Self.progressInterval, for: pulse)
        let elapsed = Duration.nanoseconds(Int64(clamping: loop.now.nanoseconds(since: start)))
        tellProgress(Progress(of: figures, elapsed: elapsed))
    }

    private func startThreads() throws(Errno) {
        let seed = plan.seed ?? Machine.randomNumber()
        for part in 0..<plan.threads {
            let targets = plan.targets.indices.map { index in
                LaneTarget(
                    plan: plan, index: index, address: addresses[index],
                    security: securities[index], part: part, seed: seed)
            }
            let mailbox = try Mailbox<LoadCommand>()
            let figures = targets.map { _ in LiveFigures() }
            mailboxes.append(mailbox)
            self.figures += figures
            let reports = reports
            let thread = try Thread(name: "load-\(part)") {
                reports.post(report(targets: targets, live: figures, mailbox: mailbox))
            }
            // It ends with its report, for which the loop waits.
            thread.detach()
        }
    }

    private func collect() {
        collected += reports.take()
        // What the others would still find out is of no use without this one's share.
        if collected.contains(where: { $0.failure != nil }) {
            for mailbox in mailboxes { mailbox.post(.stop) }
        }
        if collected.count == plan.threads { loop.stop() }
    }

    private func result() throws(BenchError) -> LoadResult {
        for report in collected {
            if let failure = report.failure { throw failure }
        }
        var recordings: [Recording] = []
        for report in collected {
            for (index, recording) in report.recordings.enumerated() {
                if index < recordings.count {
                    recordings[index].add(recording)
                } else {
                    recordings.append(recording)
                }
            }
        }
        return LoadResult(
            plan: plan, recordings: recordings, startNanosecondsSinceEpoch: startDate,
            busyShare: collected.map(\.busyShare).max() ?? 0, isInterrupted: isInterrupted)
    }
}

/// Tells the first signal, and lets the next one end the process.
private final class SignalBell: EventHandler {
    let queue: SignalQueue
    private let body: () -> Void
    private static let signals = [SignalQueue.interrupt, SignalQueue.terminate]

    init(_ body: @escaping () -> Void) throws(Errno) {
        queue = try SignalQueue(Self.signals)
        self.body = body
    }

    func handle(_ readiness: Readiness) {
        guard queue.next() != nil else { return }
        SignalQueue.restoreDefaults(Self.signals)
        body()
    }
}

/// Passes timers on.
private final class Pulse: TimerHandler {
    private let body: (Pulse) -> Void

    init(_ body: @escaping (Pulse) -> Void) {
        self.body = body
    }

    func timerFired(_ timer: TimerToken) {
        body(self)
    }
}

private func report(
    targets: [LaneTarget], live: [LiveFigures], mailbox: Mailbox<LoadCommand>
) -> WorkerReport {
    do throws(Errno) {
        return try LoadWorker(targets: targets, live: live, mailbox: mailbox).run()
    } catch {
        return WorkerReport(recordings: [], busyShare: 0, failure: .machine(error))
    }
}
