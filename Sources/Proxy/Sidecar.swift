import Balancing
public import EventLoop
public import Kernel
import Mesh
import Telemetry
import Transport
import XDS

/// The sidecar as a whole, and its life on the main thread.
///
/// A request never comes here: it lives on one worker, from ``HTTP1ServerConnection`` through
/// ``Exchange`` to ``HTTP1UpstreamConnection`` and back. Configurations come in here, from the file
/// or from the control plane, and go to all workers through ``DataPlane``.
public final class Sidecar: EventHandler, TimerHandler {
    enum Phase {
        /// No configuration is in effect yet.
        case initializing
        case live
        /// An operator has failed the health checks; everything else goes on.
        case unhealthy
        /// Nothing new is accepted, and the process ends when the last connection has.
        case draining
    }

    /// How long a connection without a request may still send one when draining begins.
    static let idleGrace = Duration.milliseconds(100)

    let settings: SidecarSettings
    let loop: EventLoop
    let dataPlane: DataPlane
    let discoveryMetrics = DiscoveryMetrics()
    let startedAt = Instant.now()
    private(set) var phase = Phase.initializing
    var log: ProcessLog
    private let signals: SignalQueue
    private var discovery: DiscoveryClient?
    private(set) var identity: IdentityClient?
    private var admin: AdminEndpoint?
    private var exitStatus: Int32 = 0
    private var idleTimer: TimerToken?
    private var drainTimer: TimerToken?

    /// Builds everything and starts the workers; nothing is served before ``run()``.
    ///
    /// - Throws: ``SidecarError``.
    public init(_ settings: SidecarSettings) throws(SidecarError) {
        self.settings = settings
        log = ProcessLog(level: settings.logLevel)
        try settings.checkDescriptorLimit()
        SignalQueue.ignoreBrokenPipes()
        do throws(Errno) {
            signals = try SignalQueue([SignalQueue.terminate, SignalQueue.interrupt])
            loop = try EventLoop()
            dataPlane = try DataPlane(
                on: loop, workerCount: settings.workerCount,
                connectionLimit: settings.connectionLimit)
        } catch {
            throw SidecarError(.system(error), "cannot start the workers")
        }
    }

    /// Serves until it is told to end.
    ///
    /// - Returns: What the process exits with.
    /// - Throws: ``SidecarError`` when an address is taken or the file cannot be put in effect.
    public func run() throws(SidecarError) -> Int32 {
        try openAdmin()
        watchSignals()
        startConfiguration()
        do throws(Errno) {
            // What a file asks for may have failed already, and a loop cannot be stopped before.
            if exitStatus == 0 { try loop.run() }
        } catch {
            throw SidecarError(.system(error), "the main loop failed")
        }
        identity?.stop()
        discovery?.stop()
        dataPlane.stop()
        return exitStatus
    }

    // MARK: Configuration

    private func startConfiguration() {
        guard let controlPlane = settings.bootstrap.controlPlane else {
            dataPlane.apply(settings.effective(settings.bootstrap.staticSnapshot)) {
                [unowned self] result in
                staticConfigurationApplied(result)
            }
            return
        }
        let identity = identity(from: controlPlane)
        let discovery = DiscoveryClient(
            on: loop, bootstrap: settings.bootstrap, sink: self, metrics: discoveryMetrics,
            stateDirectory: settings.stateFolder,
            rejectsUnknownFields: settings.rejectsUnknownFields,
            security: { [settings] in
                identity?.streamSecurity
                    ?? StreamSecurity(controlPlane.security, of: settings.bootstrap)
            }
        ) { [log] event in
            log.write(event.level, event.sentence)
        }
        self.discovery = discovery
        discovery.onReady = { [unowned self] in becomeLive() }
        identity?.onChange = { [unowned discovery] identity in
            for secret in identity.secrets { discovery.setLocalSecret(secret) }
            discovery.securityDidChange()
        }
        identity?.start()
        discovery.start()
    }

    private func identity(from controlPlane: Bootstrap.ControlPlane) -> IdentityClient? {
        identity = settings.identity.map { settings in
            IdentityClient(
                on: loop, settings: settings, controlPlane: controlPlane,
                service: self.settings.bootstrap.node.cluster,
                stateFolder: self.settings.stateFolder
            ) { [log] event in
                log.write(event.level, event.sentence)
            }
        }
        return identity
    }

    private func staticConfigurationApplied(_ result: Result<Void, ApplyError>) {
        switch result {
        case .success:
            discoveryMetrics.applied.add()
            discoveryMetrics.appliedAt.set(Int64(clamping: loop.now.nanoseconds))
            becomeLive()
        case .failure(let error):
            log.write(.error, "\(error)")
            exitStatus = 1
            loop.stop()
        }
    }

    private func becomeLive() {
        guard case .initializing = phase else { return }
        phase = .live
        for (name, address) in dataPlane.addresses.sorted(by: { $0.key < $1.key }) {
            log.write(.info, "listener \(name) on \(address)")
        }
        log.write(.info, "ready")
        Machine.releaseStartUpPages()
    }

    // MARK: Life

    private func watchSignals() {
        // A descriptor that was opened a moment ago can be watched, or nothing works at all.
        _ = try? loop.register(signals.descriptor, for: .readable, handler: self)
        dataPlane.onDrained = { [unowned self] in loop.stop() }
        dataPlane.onFiles = { [unowned self] in log.write(.warning, $0) }
        dataPlane.onRefusal = { [unowned self] in log.write(.warning, $0.sentence) }
    }

    /// Takes a signal: the first ends the process when its work is done, the second at once.
    public func handle(_ readiness: Readiness) {
        while signals.next() != nil {
            if case .draining = phase {
                log.write(.warning, "ending at once")
                loop.stop()
            } else {
                drain()
            }
        }
    }

    public func timerFired(_ timer: TimerToken) {
        if timer == idleTimer {
            idleTimer = nil
            dataPlane.closeIdle()
        } else if timer == drainTimer {
            log.write(.warning, "ending with requests under way: the drain time is over")
            loop.stop()
        }
    }

    /// Not ready any more: takes nothing new, finishes what is under way, and then ends.
    func drain() {
        log.write(.info, "draining, for \(settings.drainTime) at most")
        phase = .draining
        dataPlane.stopListening()
        dataPlane.drain()
        idleTimer = loop.schedule(after: Self.idleGrace, for: self)
        drainTimer = loop.schedule(after: settings.drainTime, for: self)
    }

    private func openAdmin() throws(SidecarError) {
        guard let place = settings.bootstrap.admin else { return }
        guard let address = SocketAddress(host: place.host, port: place.port) else {
            throw SidecarError(.address(place.description), "admin")
        }
        do throws(Errno) {
            let admin = try AdminEndpoint(on: loop, address: address, source: self)
            self.admin = admin
            log.write(.info, "admin on \(admin.address)")
        } catch {
            throw SidecarError(.listening(address, error), "admin")
        }
    }
}

extension Sidecar: ConfigurationSink {
    /// Puts a configuration in effect that the control plane sent, or that was kept on disk.
    func apply(
        _ snapshot: Snapshot, completion: @escaping (Result<Void, ApplyError>) -> Void
    ) {
        dataPlane.apply(settings.effective(snapshot), completion: completion)
    }
}

extension Sidecar {
    /// Does what an operator asks for.
    func obey(_ command: AdminCommand) {
        switch command {
        case .failHealthChecks:
            if case .live = phase { phase = .unhealthy }
            dataPlane.setClosing(true)
        case .passHealthChecks:
            if case .unhealthy = phase { phase = .live }
            if case .live = phase { dataPlane.setClosing(false) }
        case .drainListeners: dataPlane.stopListening()
        case .quit: loop.stop()
        case .setLogLevel(let level): log.level = level
        }
    }
}
