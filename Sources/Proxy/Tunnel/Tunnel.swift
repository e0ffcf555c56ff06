import Balancing
import EventLoop
import Kernel
import Mesh
import Routing
import Telemetry
import Transport

/// One client's connection that is forwarded as it is, and the upstream's that belongs to it.
///
/// *connecting → carrying → closed*. Where it goes is picked once, when it is accepted; later
/// configurations do not touch it. Ends are passed on one direction at a time, and what one side
/// could not complete ends the other side so that it notices.
final class Tunnel: TimerHandler {
    enum State {
        /// No endpoint has been tried, or the next one has not.
        case choosing
        case connecting(any TunnelEnd)
        case carrying(any TunnelEnd)
        case closed
    }

    let listener: ListenerRuntime
    let rules: TunnelTimes
    let peer: SocketAddress
    let worker: Worker
    let openedAt: Instant
    private(set) var flags: ResponseFlags = []
    var state = State.choosing
    var timer: TimerToken?
    /// The attempts so far, the one under way among them.
    var attempts: UInt32 = 0
    /// Where it was picked to go; `nil` when there is no such cluster.
    private(set) var cluster: UpstreamCluster?
    var endpoint: EndpointHandle?
    private var client: (any TunnelEnd)?
    /// From the client to the upstream.
    private var upward = Course()
    /// From the upstream to the client.
    private var downward = Course()
    private var lastActivity: Instant

    init(
        from peer: SocketAddress, on listener: ListenerRuntime, by rules: TunnelTimes,
        of worker: Worker
    ) {
        self.listener = listener
        self.rules = rules
        self.peer = peer
        self.worker = worker
        openedAt = worker.loop.now
        lastActivity = worker.loop.now
    }

    /// How many bytes the upstream was sent.
    var bytesReceived: UInt64 { upward.byteCount }
    /// How many bytes the client was sent.
    var bytesSent: UInt64 { downward.byteCount }

    /// Begins with a connection whose bytes are taken as they come.
    func start(_ socket: consuming Socket) {
        start(SplicedEnd(socket, of: self, on: worker.loop))
    }

    /// Begins with a connection that is secured.
    func start(_ stream: consuming StreamSocket) {
        start(StreamEnd(stream, of: self, on: worker))
    }

    /// Picks where the connection goes, and begins to connect; the tunnel may be closed then.
    private func start(_ client: any TunnelEnd) {
        self.client = client
        do throws(Errno) {
            try client.watch()
        } catch {
            end(.overload, resetting: true)
            return
        }
        // Nothing that arrives has a use before the upstream is there.
        client.setReading(false)
        downward.flow.destinationBecameReady()
        let binding = listener.routes
        guard let route = binding.table.firstRoute,
            let destination = binding.table.destination(of: route),
            let cluster = binding.cluster(of: destination)
        else {
            end(.noCluster, resetting: true)
            return
        }
        self.cluster = cluster
        cluster.metrics.picks.add()
        connect(to: cluster)
    }

    func handle(_ readiness: Readiness, at end: any TunnelEnd) {
        let hasFailed = !readiness.isDisjoint(with: [.failed, .hungUp])
        switch state {
        case .choosing, .closed: return
        case .connecting(let upstream):
            if end === upstream {
                goOnConnecting(upstream, readiness)
            } else if hasFailed {
                self.end(.downstreamConnectionTermination, resetting: true)
            } else {
                note(readiness, at: end)
            }
        case .carrying(let upstream):
            note(hasFailed ? [.readable, .writable] : readiness, at: end)
            carry(to: upstream)
            // Nobody reads any more from a side that has ended, and so nobody would notice this.
            if readiness.contains(.failed), isOpen, hasEnded(end) {
                lost(end)
            }
        }
    }

    func timerFired(_ timer: TimerToken) {
        self.timer = nil
        switch state {
        case .choosing, .closed: return
        case .connecting(let upstream): connectFailed(upstream, blamesEndpoint: true)
        case .carrying:
            let deadline = lastActivity.after(rules.idle)
            if deadline <= worker.loop.now {
                end(.streamIdleTimeout, resetting: false)
            } else {
                self.timer = worker.loop.schedule(at: deadline, for: self)
            }
        }
    }

    /// The upstream is there: what the client has sent meanwhile goes there.
    func connected(to upstream: any TunnelEnd, readiness: Readiness) {
        state = .carrying(upstream)
        lastActivity = worker.loop.now
        if rules.idle != ListenerTimeouts.none {
            timer = worker.loop.schedule(at: lastActivity.after(rules.idle), for: self)
        }
        note(readiness, at: upstream)
        carry(to: upstream)
    }

    /// Ends both sides.
    ///
    /// - Parameters:
    ///   - reason: What the access log says about it.
    ///   - isReset: Whether the peers must not take this for an end.
    func end(_ reason: ResponseFlags, resetting isReset: Bool) {
        switch state {
        case .closed: return
        case .choosing: break
        case .connecting(let upstream), .carrying(let upstream):
            upstream.close(resetting: isReset)
            leaveEndpoint()
        }
        flags.formUnion(reason)
        state = .closed
        if let timer { worker.loop.cancel(timer) }
        timer = nil
        client?.close(resetting: isReset)
        client = nil
        upward.abandon(on: worker)
        downward.abandon(on: worker)
        worker.closed(self)
    }

    private var isOpen: Bool {
        if case .closed = state { false } else { true }
    }

    /// What an end is ready for concerns the direction that comes from it and the one that goes
    /// to it.
    private func note(_ readiness: Readiness, at end: any TunnelEnd) {
        let isClient = end === client
        if readiness.contains(.readable) {
            if isClient {
                upward.flow.sourceBecameReady()
            } else {
                downward.flow.sourceBecameReady()
            }
        }
        if readiness.contains(.writable) {
            if isClient {
                downward.flow.destinationBecameReady()
            } else {
                upward.flow.destinationBecameReady()
            }
        }
    }

    private func hasEnded(_ end: any TunnelEnd) -> Bool {
        end === client ? upward.flow.isOver : downward.flow.isOver
    }

    // MARK: Bytes

    private func carry(to upstream: any TunnelEnd) {
        guard let client, let cluster else { return }
        let before = upward.byteCount &+ downward.byteCount
        let up = upward.move(
            from: client, to: upstream, on: worker, counting: cluster.metrics.bytesReceived)
        let down = downward.move(
            from: upstream, to: client, on: worker, counting: cluster.metrics.bytesSent)
        if upward.byteCount &+ downward.byteCount != before { lastActivity = worker.loop.now }
        settle(up, from: client, to: upstream)
        if isOpen { settle(down, from: upstream, to: client) }
        guard isOpen, upward.flow.isOver, downward.flow.isOver else { return }
        // What says the end may be waiting for room.
        if upward.flow.phase == .ended, upstream.isFull { return }
        if downward.flow.phase == .ended, client.isFull { return }
        if upward.flow.phase == .broken {
            lost(upstream)
        } else if downward.flow.phase == .broken {
            lost(client)
        } else {
            end([], resetting: false)
        }
    }

    private func settle(
        _ pause: Course.Pause, from source: any TunnelEnd, to destination: any TunnelEnd
    ) {
        switch pause {
        case .waiting: return
        case .interrupted: source.watchAgain()
        case .sourceFailed: lost(source)
        case .passEnd:
            let isClient = source === client
            let isBackBroken =
                isClient ? downward.flow.phase == .broken : upward.flow.phase == .broken
            if isBackBroken {
                // It ended because it was reset: that is no end to pass on.
                lost(source)
                return
            }
            destination.shutdownWriting()
            if isClient { upward.flow.endPassed() } else { downward.flow.endPassed() }
        }
    }

    /// A side was reset, and so is the other one.
    private func lost(_ side: any TunnelEnd) {
        let reason: ResponseFlags =
            side === client ? .downstreamConnectionTermination : .upstreamReset
        end(reason, resetting: true)
    }
}

/// What of a listener's ``TunnelRules`` is looked at for each connection, in nanoseconds.
struct TunnelTimes {
    let idle: UInt64
    let connectAttempts: UInt32

    /// - Returns: `nil` where the listener forwards requests.
    init?(_ routes: Mesh.Listener.Routes) {
        guard case .tunnel(let rules) = routes else { return nil }
        idle = ListenerTimeouts.nanoseconds(rules.idleTimeout)
        connectAttempts = rules.maximumConnectAttempts
    }
}
