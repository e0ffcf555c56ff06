import Bytes
import EventLoop
import HTTP1
import HTTP2
import Kernel
import Mesh
import Telemetry
import TLS
import Transport

/// One thread of the data plane: a loop with listeners, connections, pools, tables and counters.
///
/// It shares nothing with other workers but pick sequences and circuit breakers.
final class Worker: EventHandler, TurnHandler {
    /// Most bytes that one receive brings, and so that are held for a slow reader on the other
    /// side.
    static let receiveByteCount = 64 * 1024
    /// What one receive may bring even when nobody takes it now.
    static let leastReceiveByteCount = 16 * 1024
    /// Parts of a body up to this size are copied behind what is put together already, so that one
    /// system call sends both.
    static let copiedByteCount = 16 * 1024
    /// Most exchanges that wait with their memory for a next request.
    static let spareExchangeCount = 256
    /// How long a connection may be idle while draining: a next request could be on its way,
    /// when its client was not told that the connection closes.
    static let drainPause = Duration.milliseconds(100)

    /// How long an upstream may owe an acknowledgement before it is taken for lost, in nanoseconds.
    static let longestPeerSilence: UInt64 = 20_000_000_000
    /// An upstream on probation is not looked at more often than that, in nanoseconds.
    static let shortestPeerCheckInterval: UInt64 = 1_000_000_000

    let loop: EventLoop
    let metrics: WorkerMetrics
    let responseLimits = HTTP1.Limits()
    private let mailbox: Mailbox<WorkerMessage>
    private let reports: Mailbox<WorkerReport>
    private let seed: UInt64
    /// Most connections of clients; while there are as many, further ones wait in the kernel.
    private let connectionLimit: Int
    /// Where output to a client is put together before it is sent; empty between two events.
    var downstreamOutput = Buffer()
    /// Where output to an upstream is put together before it is sent; empty between two events.
    var upstreamOutput = Buffer()
    /// Where the frames of an HTTP/2 connection are put together; empty between two events.
    var frames = Buffer()
    let sessionMemory = SessionMemory()
    var random: SystemRandomNumberGenerator
    private(set) var isDraining = false
    /// Whether each response ends its connection.
    private(set) var closesConnections = false
    private var clusters: [String: UpstreamCluster] = [:]
    private var listeners: [String: ListenerRuntime] = [:]
    private var connections: [ObjectIdentifier: any ServerConnection] = [:]
    private var tunnels: [ObjectIdentifier: Tunnel] = [:]
    private var arrivals: [ObjectIdentifier: Arrival] = [:]
    let pipes = PipePool()
    let secureBuffers: SecureBuffers
    private var refusals = RefusalLimit()
    private var scratch = Buffer()
    private var spareExchanges: [Exchange] = []
    private var spareStreams: [HTTP2ServerStream] = []
    private var failedPools: [FailedConnect] = []
    private var unflushedLogs: [ListenerLog] = []
    private var isFlushPlanned = false
    private var isAccepting = true
    private var hasReportedDrained = false

    init(
        mailbox: Mailbox<WorkerMessage>, reports: Mailbox<WorkerReport>, metrics: WorkerMetrics,
        connectionLimit: Int
    ) throws(Errno) {
        loop = try EventLoop()
        do throws(TLSError) {
            secureBuffers = try SecureBuffers()
        } catch {
            throw .outOfMemory
        }
        self.mailbox = mailbox
        self.reports = reports
        self.metrics = metrics
        self.connectionLimit = connectionLimit
        random = SystemRandomNumberGenerator()
        seed = Machine.randomNumber()
        _ = try loop.register(mailbox.wakeUp.descriptor, for: .readable, handler: self)
    }

    /// Takes messages from the main thread between two events.
    func handle(_ readiness: Readiness) {
        for message in mailbox.take() {
            switch message {
            case .apply(let configuration): apply(configuration)
            case .stopListening: stopListening()
            case .drain: drain()
            case .closeIdle: closeIdleConnections()
            case .setClosing(let isClosing): closesConnections = isClosing
            case .describe(let request): describe(request)
            case .stop: stop()
            }
        }
    }

    // MARK: Configuration

    /// Swaps everything that is different; requests under way keep what they began with.
    private func apply(_ configuration: WorkerConfiguration) {
        var current: [String: UpstreamCluster] = [:]
        for part in configuration.clusters {
            let cluster =
                clusters[part.cluster.name]
                ?? UpstreamCluster(
                    part, metrics: metrics.cluster(part.cluster.name), seed: seed, on: self)
            cluster.update(part)
            current[part.cluster.name] = cluster
        }
        let retired = clusters.filter { current[$0.key] == nil }
        clusters = current
        applyListeners(configuration)
        for cluster in retired.values {
            cluster.retire()
            metrics.retireCluster(cluster.name)
        }
        reports.post(.applied(configuration.revision))
    }

    private func applyListeners(_ configuration: WorkerConfiguration) {
        var current: [String: ListenerRuntime] = [:]
        for part in configuration.listeners {
            let name = part.listener.name
            guard let table = configuration.tables?[name] ?? listeners[name]?.routes.table else {
                preconditionFailure("a listener without routes got through")
            }
            let routes = RouteBinding(
                table, clusterNames: configuration.clusterNames, clusters: clusters)
            if let socket = part.sockets.take() {
                listeners[name]?.close()
                let listener = ListenerRuntime(
                    part, routes: routes,
                    metrics: metrics.listener(name, direction: part.listener.direction), on: self)
                open(listener, socket)
                current[name] = listener
            } else if let listener = listeners[name] {
                listener.update(part, routes: routes)
                current[name] = listener
            }
        }
        for (name, listener) in listeners where current[name] == nil {
            listener.close()
            metrics.retireListener(name)
        }
        listeners = current
    }

    private func open(_ listener: ListenerRuntime, _ socket: consuming Socket) {
        do throws(Errno) {
            try listener.open(socket)
            listener.setAccepting(isAccepting)
        } catch {
            // Only a lack of kernel memory makes epoll refuse a fresh descriptor.
            metrics.listenerFailures.add()
        }
    }

    // MARK: Connections

    /// Serves a connection that is as it comes.
    func accept(
        _ socket: consuming Socket, from peer: SocketAddress, on listener: ListenerRuntime
    ) {
        connectionOpened()
        serve(StreamSocket(socket, on: loop), from: peer, on: listener, codec: listener.codec)
    }

    /// Finds out how a connection is secured, and serves it then.
    func welcome(
        _ socket: consuming Socket, from peer: SocketAddress, on listener: ListenerRuntime
    ) {
        let arrival = Arrival(socket, from: peer, on: listener, of: self)
        arrivals[ObjectIdentifier(arrival)] = arrival
        connectionOpened()
        arrival.start()
    }

    /// Serves a connection that is ready.
    func arrived(_ arrival: Arrival) {
        arrivals[ObjectIdentifier(arrival)] = nil
        guard let stream = arrival.takeStream() else { return }
        let (listener, peer) = arrival.place
        if let tunnels = listener.tunnels {
            addTunnel(from: peer, on: listener, by: tunnels).start(stream)
            return
        }
        // What was agreed upon in the handshake needs no look at the first bytes.
        let isHTTP2 = stream.security?.applicationProtocol == "h2"
        serve(stream, from: peer, on: listener, codec: isHTTP2 ? .http2 : listener.codec)
    }

    func closed(_ arrival: Arrival) {
        guard arrivals.removeValue(forKey: ObjectIdentifier(arrival)) != nil else { return }
        connectionClosed()
    }

    private func serve(
        _ stream: consuming StreamSocket, from peer: SocketAddress, on listener: ListenerRuntime,
        codec: Mesh.Listener.Codec
    ) {
        switch codec {
        case .automatic, .http1:
            let connection = HTTP1ServerConnection(stream, from: peer, on: listener, of: self)
            connections[ObjectIdentifier(connection)] = connection
            do throws(Errno) {
                try connection.start()
            } catch {
                connection.close()
            }
        case .http2:
            let connection = HTTP2ServerConnection(from: peer, on: listener, of: self)
            connections[ObjectIdentifier(connection)] = connection
            do throws(Errno) {
                try connection.start(stream)
            } catch {
                connection.close()
            }
        }
    }

    /// Tells the log why there is no session with a peer.
    func tell(
        _ error: TLSError, _ side: Refusal.Side, peer: SocketAddress, _ refused: PeerIdentity?
    ) {
        let untoldCount = refusals.admit(nowNanoseconds: loop.now.nanoseconds)
        guard let untoldCount else { return }
        reports.post(
            .refused(
                Refusal(
                    side: side, peer: peer.description, error: error,
                    names: refused?.names ?? [],
                    untoldCount: untoldCount)))
    }

    /// Forwards a connection as it is.
    func forward(
        _ socket: consuming Socket, from peer: SocketAddress, on listener: ListenerRuntime,
        by rules: TunnelTimes
    ) {
        let tunnel = addTunnel(from: peer, on: listener, by: rules)
        connectionOpened()
        tunnel.start(socket)
    }

    private func addTunnel(
        from peer: SocketAddress, on listener: ListenerRuntime, by rules: TunnelTimes
    ) -> Tunnel {
        let tunnel = Tunnel(from: peer, on: listener, by: rules, of: self)
        tunnels[ObjectIdentifier(tunnel)] = tunnel
        return tunnel
    }

    /// Goes on with a connection that has turned out to speak HTTP/2.
    ///
    /// - Parameters:
    ///   - first: What was accepted, which has lent its socket out for good.
    ///   - connection: What reads on.
    func replace(_ first: HTTP1ServerConnection, by connection: HTTP2ServerConnection) {
        connections[ObjectIdentifier(first)] = nil
        connections[ObjectIdentifier(connection)] = connection
    }

    func closed(_ connection: any ServerConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        connectionClosed()
    }

    /// Counts and logs a tunnel that has ended.
    func closed(_ tunnel: Tunnel) {
        guard tunnels.removeValue(forKey: ObjectIdentifier(tunnel)) != nil else { return }
        metrics.count(tunnel.flags)
        if let log = tunnel.listener.log {
            tunnel.log(to: log)
            planFlush(of: log)
        }
        connectionClosed()
    }

    private var connectionCount: Int { connections.count + tunnels.count + arrivals.count }

    private func connectionOpened() {
        metrics.connectionOpened()
        if connectionCount >= connectionLimit { setAccepting(false) }
    }

    private func connectionClosed() {
        metrics.connectionClosed()
        if connectionCount < connectionLimit { setAccepting(true) }
        reportDrained()
    }

    /// Says once that draining is over.
    private func reportDrained() {
        guard isDraining, connectionCount == 0, !hasReportedDrained else { return }
        hasReportedDrained = true
        reports.post(.drained)
    }

    private func setAccepting(_ isAccepting: Bool) {
        if self.isAccepting == isAccepting { return }
        self.isAccepting = isAccepting
        for listener in listeners.values { listener.setAccepting(isAccepting) }
    }

    private struct FailedConnect {
        let pool: any ConnectionPool
        let blamesEndpoint: Bool
    }

    /// Tells the pool at the end of this turn that its connection attempt failed at once.
    func failSoon(_ pool: any ConnectionPool, blamesEndpoint: Bool) {
        failedPools.append(FailedConnect(pool: pool, blamesEndpoint: blamesEndpoint))
        planFlush()
    }

    /// Has what was put off done once when the turn ends.
    private func planFlush() {
        if isFlushPlanned { return }
        isFlushPlanned = true
        loop.atEndOfTurn(self)
    }

    private func planFlush(of log: ListenerLog) {
        if !log.isFlushed { return }
        log.isFlushed = false
        unflushedLogs.append(log)
        planFlush()
    }

    func turnEnded() {
        var position = 0
        while position < failedPools.count {
            let failure = failedPools[position]
            failure.pool.connectFailed(blamesEndpoint: failure.blamesEndpoint)
            position += 1
        }
        failedPools.removeAll(keepingCapacity: true)
        isFlushPlanned = false
        for log in unflushedLogs { log.flush() }
        unflushedLogs.removeAll(keepingCapacity: true)
    }

    // MARK: Drain

    private func stopListening() {
        for listener in listeners.values { listener.close() }
    }

    /// Closes every connection after the response that is on its way, or its next one.
    private func drain() {
        isDraining = true
        closesConnections = true
        for connection in connections.values { connection.beginDraining() }
        reportDrained()
    }

    private func closeIdleConnections() {
        for connection in connections.values { connection.closeWhenIdle() }
    }

    /// Ends the loop, and what would not end by itself so that it is logged.
    private func stop() {
        for tunnel in tunnels.values { tunnel.end(.localReset, resetting: true) }
        loop.stop()
    }

    private func describe(_ request: DescriptionRequest) {
        reports.post(
            .described(request, clusters.mapValues { $0.endpointSummaries() }))
    }

    /// The date of an instant of this turn or before.
    func time(of instant: Instant) -> Timestamp {
        let now = WallClock.nanosecondsSinceEpoch()
        let ago = loop.now.nanoseconds(since: instant)
        return Timestamp(unixMilliseconds: (now > ago ? now - ago : now) / 1_000_000)
    }

    /// When a peer can be lost at the earliest that has owed an acknowledgement for `silence`
    /// nanoseconds; now, when it is.
    func earliestLoss(after silence: UInt64) -> Instant {
        if silence >= Self.longestPeerSilence { return loop.now }
        let rest = Self.longestPeerSilence - silence
        return loop.now.after(max(rest, Self.shortestPeerCheckInterval))
    }

    // MARK: Memory

    /// Lends the receive buffer; a nested borrower gets another one.
    func takeScratch() -> Buffer {
        exchange(&scratch, with: Buffer())
    }

    func returnScratch(_ buffer: consuming Buffer) {
        buffer.removeAll()
        scratch = buffer
    }

    func takeExchange() -> Exchange {
        spareExchanges.popLast() ?? Exchange(on: self)
    }

    func takeStream() -> HTTP2ServerStream {
        spareStreams.popLast() ?? HTTP2ServerStream(of: self)
    }

    /// Keeps the memory of a stream that is over for a next one.
    func returnStream(_ stream: HTTP2ServerStream) {
        if spareStreams.count < Self.spareExchangeCount { spareStreams.append(stream) }
    }

    /// Counts and logs an exchange that has ended, and keeps its memory for a next one.
    func finish(_ exchange: Exchange, of downstream: any Downstream) {
        exchange.record(on: downstream.listener)
        if let log = downstream.listener.log {
            exchange.log(from: downstream, to: log)
            planFlush(of: log)
        }
        if spareExchanges.count < Self.spareExchangeCount {
            exchange.reset()
            spareExchanges.append(exchange)
        } else {
            exchange.downstream = nil
        }
    }
}
