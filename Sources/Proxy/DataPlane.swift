import Balancing
import EventLoop
import Kernel
import Mesh
import Routing
import Telemetry

/// All workers, seen from the main thread: starts them, gives them configurations, drains them.
final class DataPlane: ConfigurationSink, EventHandler, TimerHandler {
    /// How often files of certificates and keys are looked at.
    static let fileInterval = Duration.seconds(2)

    /// A configuration that is on its way to the workers.
    private struct Application {
        var snapshot: Snapshot
        var routing: RoutingState
        var plan: RoutingPlan
        var addresses: [String: SocketAddress]
        var security: SecurityStore
        var remaining: Int
        var completion: (Result<Void, ApplyError>) -> Void
    }

    /// What every worker's metrics are summed from.
    let metrics: [WorkerMetrics]
    /// The configuration that is in effect everywhere.
    private(set) var snapshot = Snapshot()
    /// Where the listeners in effect are bound, by their names.
    private(set) var addresses: [String: SocketAddress] = [:]
    /// Called on the main loop when the last connection has ended while draining.
    var onDrained: (() -> Void)?
    /// Called on the main loop when files have changed that cannot be used, or that are used now.
    var onFiles: ((_ sentence: String) -> Void)?
    /// Called on the main loop for a peer with which there is no session.
    var onRefusal: ((Refusal) -> Void)?
    private let loop: EventLoop
    private let reports: Mailbox<WorkerReport>
    private var mailboxes: [Mailbox<WorkerMessage>] = []
    private var threads: [WorkerThread] = []
    private var routing: RoutingState
    private(set) var security = SecurityStore()
    private var fileTimer: TimerToken?
    private var plan: RoutingPlan?
    /// The circuit breakers of the clusters in effect.
    private(set) var limits: [String: ClusterLimits] = [:]
    private var accessLogs: [String: AccessLogFile] = [:]
    private var revision: UInt64 = 0
    private var current: Application?
    private var waiting: [(Snapshot, (Result<Void, ApplyError>) -> Void)] = []
    private var undrainedCount = 0
    private var descriptions: [DescriptionRequest: Description] = [:]
    private var nextDescription: UInt64 = 0

    private struct Description {
        var remaining: Int
        var parts: [[String: [EndpointSummary]]] = []
        var completion: ([String: [EndpointSummary]]) -> Void
    }

    /// Starts the workers, which do nothing before the first configuration.
    ///
    /// - Parameters:
    ///   - loop: The main loop, on which everything here is called.
    ///   - workerCount: How many threads; at least 1.
    ///   - connectionLimit: Most connections of clients at a time.
    /// - Throws: What eventfd(2), epoll_create1(2) or pthread_create(3) reports.
    init(on loop: EventLoop, workerCount: Int, connectionLimit: Int) throws(Errno) {
        self.loop = loop
        reports = try Mailbox()
        routing = RoutingState(seed: Machine.randomNumber())
        metrics = (0..<workerCount).map { _ in WorkerMetrics() }
        _ = try loop.register(reports.wakeUp.descriptor, for: .readable, handler: self)
        for (index, metrics) in metrics.enumerated() {
            let mailbox = try Mailbox<WorkerMessage>()
            mailboxes.append(mailbox)
            threads.append(
                try WorkerThread(
                    index: index, mailbox: mailbox, reports: reports, metrics: metrics,
                    connectionLimit: max(1, connectionLimit / workerCount))
            )
        }
    }

    // MARK: Configuration

    func apply(_ snapshot: Snapshot, completion: @escaping (Result<Void, ApplyError>) -> Void) {
        if current == nil {
            begin(snapshot, completion)
        } else {
            waiting.append((snapshot, completion))
        }
    }

    private func begin(
        _ snapshot: Snapshot, _ completion: @escaping (Result<Void, ApplyError>) -> Void
    ) {
        do throws(ApplyError) {
            try checkAddresses(of: snapshot)
            var security = security
            try security.prepare(snapshot)
            var addresses: [String: SocketAddress] = [:]
            let listeners = try openListeners(of: snapshot, security, &addresses)
            var routing = routing
            let plan = routing.publish(snapshot)
            let clusters = prepareClusters(of: snapshot, security)
            revision += 1
            for mailbox in mailboxes {
                mailbox.post(
                    .apply(
                        WorkerConfiguration(
                            revision: revision,
                            tables: plan.number == self.plan?.number ? nil : plan.makeTables(),
                            clusterNames: plan.clusterNames, clusters: clusters,
                            listeners: listeners)))
            }
            current = Application(
                snapshot: snapshot, routing: routing, plan: plan, addresses: addresses,
                security: security, remaining: mailboxes.count, completion: completion)
        } catch {
            completion(.failure(error))
            beginNext()
        }
    }

    private func workerApplied(_ revision: UInt64) {
        guard revision == self.revision, var application = current else { return }
        application.remaining -= 1
        if application.remaining > 0 {
            current = application
            return
        }
        snapshot = application.snapshot
        addresses = application.addresses
        routing = application.routing
        security = application.security
        watchFiles()
        plan = application.plan
        limits = limits.filter { application.snapshot.clusters[$0.key] != nil }
        closeUnusedAccessLogs()
        current = nil
        application.completion(.success(()))
        beginNext()
    }

    private func beginNext() {
        guard current == nil, !waiting.isEmpty else { return }
        let (snapshot, completion) = waiting.removeFirst()
        begin(snapshot, completion)
    }

    private func prepareClusters(
        of snapshot: Snapshot, _ security: SecurityStore
    ) -> [ClusterConfiguration] {
        snapshot.clusters.values.map { cluster in
            let limits = self.limits[cluster.name] ?? ClusterLimits(cluster.circuitBreakers)
            limits.update(cluster.circuitBreakers)
            self.limits[cluster.name] = limits
            return ClusterConfiguration(
                cluster: cluster,
                assignment: cluster.assignmentName.flatMap(
                    { snapshot.assignments[$0] }),
                limits: limits, context: security.context(ofCluster: cluster.name))
        }
    }

    /// Refuses endpoints whose address is a name: nothing here looks names up.
    private func checkAddresses(of snapshot: Snapshot) throws(ApplyError) {
        for cluster in snapshot.clusters.values {
            let assignment: EndpointAssignment? =
                switch cluster.discovery {
                case .static(let assignment): assignment
                case .eds(let name): snapshot.assignments[name]
                }
            for locality in assignment?.localities ?? [] {
                for endpoint in locality.endpoints
                where SocketAddress(host: endpoint.host, port: endpoint.port) == nil {
                    throw ApplyError(
                        .cluster(cluster.name), "\"\(endpoint.host)\" is not an IP address")
                }
            }
        }
    }

    // MARK: Listeners

    private func openListeners(
        of snapshot: Snapshot, _ security: SecurityStore,
        _ addresses: inout [String: SocketAddress]
    ) throws(ApplyError) -> [ListenerConfiguration] {
        var listeners: [ListenerConfiguration] = []
        for listener in snapshot.listeners.values {
            listeners.append(
                ListenerConfiguration(
                    listener: listener, accessLog: try accessLog(of: listener),
                    contexts: security.contexts(ofListener: listener.name),
                    sockets: try openSockets(for: listener, &addresses)))
        }
        return listeners
    }

    /// Opens one socket for each worker; none for a listener that is there already.
    private func openSockets(
        for listener: Listener, _ addresses: inout [String: SocketAddress]
    ) throws(ApplyError) -> SocketHandover {
        let handover = SocketHandover()
        let known = self.snapshot.listeners[listener.name]
        if let known, known.host == listener.host, known.port == listener.port {
            addresses[listener.name] = self.addresses[listener.name]
            return handover
        }
        guard let address = SocketAddress(host: listener.host, port: listener.port) else {
            throw ApplyError(.listener(listener.name), "\"\(listener.host)\" is not an IP address")
        }
        do throws(Errno) {
            var address = address
            for _ in mailboxes {
                let socket = try Socket.listening(on: address, sharesPort: true)
                // Those that it accepts inherit this.
                try socket.noticeVanishedPeer()
                // With port 0 the first socket decides for all.
                address = socket.localAddress ?? address
                handover.add(socket)
            }
            addresses[listener.name] = address
        } catch {
            throw ApplyError(.listener(listener.name), "cannot listen on \(address): \(error)")
        }
        return handover
    }

    private func accessLog(of listener: Listener) throws(ApplyError) -> AccessLogWriter? {
        guard let path = listener.accessLogPath else { return nil }
        if let open = accessLogs[path] { return open.writer }
        do throws(Errno) {
            let file = try AccessLogFile(path: path)
            accessLogs[path] = file
            return file.writer
        } catch {
            throw ApplyError(.listener(listener.name), "cannot open \(path): \(error)")
        }
    }

    private func closeUnusedAccessLogs() {
        let used = Set(snapshot.listeners.values.compactMap(\.accessLogPath))
        for (path, file) in accessLogs where !used.contains(path) {
            file.finish()
            accessLogs[path] = nil
        }
    }

    /// How many lines no access log could take.
    var droppedLogLineCount: UInt64 {
        accessLogs.values.reduce(0) { $0 + $1.writer.queue.droppedCount }
    }

    // MARK: Files

    private func watchFiles() {
        guard security.readsFiles, fileTimer == nil else { return }
        fileTimer = loop.schedule(after: Self.fileInterval, for: self)
    }

    /// Looks at the files; what has changed is put in effect as a configuration is.
    func timerFired(_ timer: TimerToken) {
        fileTimer = nil
        defer { watchFiles() }
        guard current == nil else { return }
        var next = security
        // What is in effect can stay in effect.
        try? next.prepare(snapshot)
        for complaint in next.complaints where !security.complaints.contains(complaint) {
            onFiles?(complaint)
        }
        let hasChanged = !next.hasSameContexts(as: security)
        security = next
        if hasChanged {
            apply(snapshot) { [unowned self] _ in
                onFiles?("certificates have changed, and are in effect")
            }
        }
    }

    // MARK: Life

    /// Stops accepting on all listeners; connections stay.
    func stopListening() {
        for mailbox in mailboxes { mailbox.post(.stopListening) }
    }

    /// Ends every connection after a response; ``onDrained`` is called when none is left.
    func drain() {
        undrainedCount = mailboxes.count
        for mailbox in mailboxes { mailbox.post(.drain) }
    }

    /// Ends connections with their next response, or lets them stay again.
    func setClosing(_ isClosing: Bool) {
        for mailbox in mailboxes { mailbox.post(.setClosing(isClosing)) }
    }

    /// Closes connections without a request.
    func closeIdle() {
        for mailbox in mailboxes { mailbox.post(.closeIdle) }
    }

    /// Ends all threads, with whatever is under way, and writes what is logged.
    func stop() {
        for mailbox in mailboxes { mailbox.post(.stop) }
        for thread in threads { thread.join() }
        threads = []
        for file in accessLogs.values { file.finish() }
        accessLogs = [:]
    }

    /// Asks every worker what it knows of its endpoints, by cluster.
    func describe(completion: @escaping ([String: [EndpointSummary]]) -> Void) {
        let request = DescriptionRequest(number: nextDescription)
        nextDescription += 1
        descriptions[request] = Description(remaining: mailboxes.count, completion: completion)
        for mailbox in mailboxes { mailbox.post(.describe(request)) }
    }

    func handle(_ readiness: Readiness) {
        for report in reports.take() {
            switch report {
            case .applied(let revision): workerApplied(revision)
            case .drained: workerDrained()
            case .described(let request, let part): workerDescribed(request, part)
            case .refused(let refusal): onRefusal?(refusal)
            }
        }
    }

    private func workerDrained() {
        undrainedCount -= 1
        if undrainedCount == 0 { onDrained?() }
    }

    private func workerDescribed(_ request: DescriptionRequest, _ part: [String: [EndpointSummary]])
    {
        guard var description = descriptions.removeValue(forKey: request) else { return }
        description.remaining -= 1
        description.parts.append(part)
        if description.remaining > 0 {
            descriptions[request] = description
            return
        }
        var all: [String: [[EndpointSummary]]] = [:]
        for (cluster, endpoints) in description.parts.joined() {
            all[cluster, default: []].append(endpoints)
        }
        description.completion(all.mapValues { EndpointSummary.merged($0) })
    }
}

/// A worker's thread, joined once.
private final class WorkerThread {
    private var thread: Thread?

    init(
        index: Int, mailbox: Mailbox<WorkerMessage>, reports: Mailbox<WorkerReport>,
        metrics: WorkerMetrics, connectionLimit: Int
    ) throws(Errno) {
        thread = try Thread(name: "worker-\(index)") {
            do throws(Errno) {
                let worker = try Worker(
                    mailbox: mailbox, reports: reports, metrics: metrics,
                    connectionLimit: connectionLimit)
                try worker.loop.run()
            } catch {
                preconditionFailure("a worker's loop failed: \(error)")
            }
        }
    }

    func join() {
        if let thread = thread.take() { thread.join() }
    }
}
