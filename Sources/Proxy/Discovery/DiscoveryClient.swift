import EventLoop
import HTTP
import Kernel
import Mesh
import Telemetry
import Transport
import XDS

/// Keeps one stream to the control plane and puts in effect what comes over it.
///
/// It lives on the main loop. What to do is decided by `ConfigurationState`; this connects, carries
/// messages, sets timers and keeps the last good configuration on disk. While there is no stream,
/// all that is in effect stays so.
final class DiscoveryClient: TimerHandler {
    enum Event: Equatable {
        case connected(SocketAddress)
        case disconnected(GRPCStatus, retryIn: Duration)
        /// The name of the control plane has no address now.
        case unresolved(host: String, retryIn: Duration)
        /// The stream cannot be secured now.
        case unsecured(reason: String, retryIn: Duration)
        case notice(ConfigurationState.Notice)
        case found(StateDirectory.Finding)
        /// The configuration in effect could not be kept on disk; it is tried again.
        case notSaved(Errno)
        /// Something came that is not a response; the stream is given up.
        case unreadableMessage
    }

    private enum Connection {
        /// Not started, stopped, or no control plane to connect to.
        case none
        case calling(GRPCClientCall)
        case open(GRPCClientCall)
        case waiting(TimerToken)
    }

    /// How long after a write to disk the next one follows; changes are collected until then.
    static let savePause = Duration.seconds(1)

    /// Called once, when ``isReady`` has become true.
    var onReady: (() -> Void)?
    private let loop: EventLoop
    private let controlPlane: Bootstrap.ControlPlane?
    private unowned let sink: any ConfigurationSink
    private let metrics: DiscoveryMetrics
    private var stateDirectory: StateDirectory?
    private let security: () -> StreamSecurity
    private let report: (Event) -> Void
    private var state: ConfigurationState
    private var connection = Connection.none
    private var delay = ReconnectDelay()
    private var random = SystemRandomNumberGenerator()
    private var limits = GRPCLimits()
    /// Chooses among the addresses, so that one that worked is the first to be tried again.
    private var failedConnectCount = 0
    private var actions: [ConfigurationState.Action] = []
    private var isPerforming = false
    private var deadlineTimer: (time: Duration, token: TimerToken)?
    private var saveTimer: TimerToken?
    private var nextSave: Instant
    private var saved: SavedConfiguration?
    private var address: SocketAddress?
    /// Why the latest response of a type was refused, while it is the latest.
    private(set) var lastRejections: [ResourceType: String] = [:]

    /// Prepares everything; nothing happens before ``start()``.
    ///
    /// - Parameters:
    ///   - loop: The main loop.
    ///   - bootstrap: What the proxy starts with, and whom it asks.
    ///   - sink: Who puts configurations in effect; not kept.
    ///   - metrics: What is counted.
    ///   - stateDirectory: Where the last good configuration is kept; `nil` keeps none.
    ///   - rejectsUnknownFields: What `--reject-unknown-dynamic-fields` asks for.
    ///   - security: Asked before each connection.
    ///   - report: Told what is worth a line in the log; must not call this back.
    init(
        on loop: EventLoop, bootstrap: Bootstrap, sink: any ConfigurationSink,
        metrics: DiscoveryMetrics, stateDirectory: String?, rejectsUnknownFields: Bool = false,
        security: @escaping () -> StreamSecurity = { .clear },
        report: @escaping (Event) -> Void
    ) {
        self.loop = loop
        nextSave = loop.now
        controlPlane = bootstrap.controlPlane
        self.sink = sink
        self.metrics = metrics
        self.stateDirectory = stateDirectory.map(StateDirectory.init)
        self.security = security
        self.report = report
        state = ConfigurationState(bootstrap, rejectsUnknownFields: rejectsUnknownFields)
    }

    /// Whether a first whole configuration is or was in effect.
    var isReady: Bool { state.isReady }

    /// Puts in effect what is known already, and connects.
    func start() {
        let cluster = state.node.cluster
        if controlPlane != nil, let (found, findings) = stateDirectory?.load(cluster: cluster) {
            for finding in findings { report(.found(finding)) }
            saved = found
        }
        perform(state.start(saved: saved, at: now))
        connect()
    }

    /// Gives a secret that the proxy has of its own.
    ///
    /// What the control plane has under that name is not asked for. What uses it is made anew, and
    /// connections that there are stay.
    func setLocalSecret(_ secret: Secret) {
        perform(state.setLocalSecret(secret, at: now))
    }

    /// Ends the stream and writes to disk what waits to be written.
    func stop() {
        switch connection {
        case .none: break
        case .calling(let call), .open(let call): call.cancel()
        case .waiting(let token): loop.cancel(token)
        }
        connection = .none
        if let timer = deadlineTimer { loop.cancel(timer.token) }
        deadlineTimer = nil
        if let timer = saveTimer {
            loop.cancel(timer)
            save()
        }
        metrics.isConnected.set(0)
    }

    func timerFired(_ timer: TimerToken) {
        if case .waiting(timer) = connection {
            connect()
        } else if timer == saveTimer {
            save()
        } else if timer == deadlineTimer?.token {
            deadlineTimer = nil
            perform(state.timeDidPass(at: now))
        }
    }

    private var now: Duration {
        .nanoseconds(Int64(clamping: loop.now.nanoseconds))
    }
}

// MARK: - The stream

extension DiscoveryClient: GRPCClientCallDelegate {
    private func connect() {
        guard let controlPlane else { return }
        connection = .none
        metrics.connects.add()
        let security: GRPCSecurity?
        switch self.security() {
        case .clear: security = nil
        case .secured(let found): security = found
        case .unavailable(let reason):
            metrics.disconnects.add()
            report(.unsecured(reason: reason, retryIn: reconnectLater()))
            return
        }
        let addresses = controlPlane.resolved
        guard !addresses.isEmpty else {
            metrics.disconnects.add()
            let host = controlPlane.addresses.first?.host ?? ""
            report(.unresolved(host: host, retryIn: reconnectLater()))
            return
        }
        let address = addresses[failedConnectCount % addresses.count]
        self.address = address
        connection = .calling(
            GRPCClientCall(
                loop: loop, address: address, authority: controlPlane.authority,
                path: AggregatedDiscoveryService.streamPath, limits: limits, security: security,
                delegate: self))
    }

    /// Connects at once, if it is waiting to: what the stream is secured with has changed.
    ///
    /// A stream that is there stays.
    func securityDidChange() {
        guard case .waiting(let timer) = connection else { return }
        loop.cancel(timer)
        delay.succeeded()
        connect()
    }

    private func reconnectLater() -> Duration {
        let pause = delay.next(using: &random)
        connection = .waiting(loop.schedule(after: pause, for: self))
        return pause
    }

    func callDidOpen(_ call: GRPCClientCall) {
        guard case .calling(let own) = connection, own === call else { return }
        connection = .open(call)
        metrics.isConnected.set(1)
        if let address { report(.connected(address)) }
        perform(state.streamDidOpen(at: now))
    }

    func call(_ call: GRPCClientCall, didReceive message: [UInt8]) {
        guard case .open(let own) = connection, own === call else { return }
        do throws(DiscoveryError) {
            let response = try DiscoveryResponse(decoding: message)
            delay.succeeded()
            perform(state.receive(response, at: now))
        } catch {
            report(.unreadableMessage)
            call.cancel()
        }
    }

    func call(_ call: GRPCClientCall, didClose status: GRPCStatus) {
        switch connection {
        case .calling(let own) where own === call: failedConnectCount += 1
        case .open(let own) where own === call: state.streamDidClose()
        case .none, .calling, .open, .waiting: return
        }
        metrics.isConnected.set(0)
        metrics.disconnects.add()
        if call.wasAskedForFewerPings {
            limits.keepAliveInterval = min(limits.keepAliveInterval * 2, .seconds(300))
        }
        report(.disconnected(status, retryIn: reconnectLater()))
    }
}

// MARK: - What is to be done

extension DiscoveryClient {
    /// The sink may answer at once, so what that leads to waits for its turn.
    private func perform(_ more: [ConfigurationState.Action]) {
        actions += more
        if isPerforming { return }
        isPerforming = true
        while !actions.isEmpty {
            switch actions.removeFirst() {
            case .send(let request):
                if case .open(let call) = connection { call.send(message: request.encoded) }
            case .apply(let snapshot):
                sink.apply(snapshot) { [weak self] result in self?.didApply(result) }
            }
        }
        isPerforming = false
        if state.isReady, let onReady {
            self.onReady = nil
            onReady()
        }
        tellNotices()
        setDeadline()
    }

    private func didApply(_ result: Result<Void, ApplyError>) {
        switch result {
        case .success:
            metrics.applied.add()
            metrics.appliedAt.set(Int64(clamping: loop.now.nanoseconds))
            let more = state.didApply(at: now)
            saveLater()
            perform(more)
        case .failure(let error):
            let (type, name) = error.part.resource
            perform(state.didFail(type, name, reason: error.reason, at: now))
        }
    }

    private func tellNotices() {
        for notice in state.takeNotices() {
            switch notice {
            case .accepted(let type, _):
                metrics.countUpdate(of: type.kind)
                lastRejections[type] = nil
            case .rejected(let type, _, let reason):
                metrics.countRejection(of: type.kind)
                lastRejections[type] = reason
            case .unknownField, .unknownType, .gaveUpWaiting, .failed: break
            }
            report(.notice(notice))
        }
    }

    private func setDeadline() {
        if state.deadline == deadlineTimer?.time { return }
        if let timer = deadlineTimer { loop.cancel(timer.token) }
        deadlineTimer = state.deadline.map { deadline in
            (deadline, loop.schedule(after: max(deadline - now, .zero), for: self))
        }
    }

    /// The first good configuration is on disk before it is acknowledged, later ones soon after.
    private func saveLater() {
        guard stateDirectory != nil, saveTimer == nil, state.isReady else { return }
        guard saved != nil else {
            save()
            return
        }
        saveTimer = loop.schedule(at: max(nextSave, loop.now), for: self)
    }

    private func save() {
        saveTimer = nil
        nextSave = loop.now + Self.savePause
        let configuration = state.saveable
        if configuration == saved { return }
        do throws(Errno) {
            try stateDirectory?.save(configuration)
            saved = configuration
        } catch {
            report(.notSaved(error))
            saveTimer = loop.schedule(after: .seconds(30), for: self)
        }
    }
}

extension ApplyError.Part {
    fileprivate var resource: (ResourceType, String) {
        switch self {
        case .listener(let name): (.listener, name)
        case .routeConfiguration(let name): (.routeConfiguration, name)
        case .cluster(let name): (.cluster, name)
        case .secret(let name): (.secret, name)
        }
    }
}

extension ResourceType {
    fileprivate var kind: DiscoveryMetrics.ResourceKind {
        switch self {
        case .listener: .listeners
        case .routeConfiguration: .routes
        case .cluster: .clusters
        case .endpointAssignment: .endpoints
        case .secret: .secrets
        }
    }
}
