import Bytes
import HTTP
import HTTP1
import HTTP2
import Kernel
import Mesh
import Routing
import TLS
import Telemetry
import Transport

/// One listener as one worker runs it: its socket, its limits, and the routes in effect.
final class ListenerRuntime: ListenerDelegate {
    /// Rounds of accepting before a listener closes, enough for all that can wait (listen(2)).
    private static let lastRounds = 16

    let name: String
    private(set) var codec: Mesh.Listener.Codec
    private(set) var limits: ListenerTimeouts
    private(set) var codecLimits: HTTP1.Limits
    /// How connections are forwarded as they are; `nil` where requests are.
    private(set) var tunnels: TunnelTimes?
    private(set) var sessionLimits: SessionLimits
    /// For connections from now on.
    private(set) var security: ListenerSecurity
    /// The protocols that a client may switch to, in lower case.
    private var upgrades: [[UInt8]]
    /// When clients that speak HTTP/2 are asked for a sign of life; `nil` leaves it to TCP.
    private(set) var keepAlive: HTTP2Options.KeepAlive?
    /// For requests from now on; each of them has to let a request through.
    private(set) var guards: [AccessGuard]
    /// What ``guards`` were made of.
    private var accessFilters: [AccessFilter]
    /// What upstreams are told of clients' certificates, with requests from now on.
    private(set) var certificateForwarding: CertificateForwarding
    /// What is done with the path of a request before anything looks at it.
    private(set) var pathNormalization: PathNormalization
    /// Whether anything is.
    private(set) var normalizesPaths: Bool
    /// Whether a request has anything to do with who its client is, and how it came.
    private(set) var considersClients: Bool
    /// Where it is bound.
    private(set) var port: UInt16
    let metrics: ListenerMetrics
    /// `nil` when nothing is logged.
    private(set) var log: ListenerLog?
    /// What requests from now on are matched against.
    var routes: RouteBinding
    private unowned let worker: Worker
    private var listener: Transport.Listener?

    init(
        _ configuration: ListenerConfiguration, routes: RouteBinding, metrics: ListenerMetrics,
        on worker: Worker
    ) {
        name = configuration.listener.name
        codec = configuration.listener.codec
        limits = ListenerTimeouts(configuration.listener.limits)
        codecLimits = HTTP1.Limits(configuration.listener.limits)
        tunnels = TunnelTimes(configuration.listener.routes)
        security = ListenerSecurity(configuration)
        upgrades = configuration.listener.upgrades.map { Array($0.utf8) }
        sessionLimits = SessionLimits(configuration.listener)
        keepAlive = configuration.listener.http2.keepAlive
        log = configuration.accessLog.map { ListenerLog($0) }
        accessFilters = configuration.listener.accessFilters
        guards = accessFilters.map { AccessGuard($0, metrics.access) }
        certificateForwarding = configuration.listener.certificateForwarding
        considersClients = configuration.listener.considersClients
        pathNormalization = configuration.listener.pathNormalization
        normalizesPaths = pathNormalization != .none
        port = configuration.listener.port
        self.routes = routes
        self.metrics = metrics
        self.worker = worker
    }

    /// Whether connections like that one are taken, so that those there are may stay.
    func keepsConnections(securedBy channel: borrowing SecureChannel?) -> Bool {
        listener != nil && (channel != nil || security.takesPlain)
    }

    /// Counts a request that has been answered.
    func record(status: UInt16, nanoseconds: UInt64) {
        metrics.record(status: status, nanoseconds: nanoseconds)
    }

    /// Counts and tells why a session has failed that was ready; with TLS 1.3 a client's refusal
    /// comes only then.
    func countFailure(of security: SecureChannel?, with peer: SocketAddress) {
        guard let failure = security?.failure, failure != .truncated else { return }
        metrics.security.count(failure.reason)
        worker.tell(failure, .listener(name), peer: peer, security?.refusedPeer)
    }

    /// Whether a client may switch to the protocol that `request` asks for.
    func allowsUpgrade(of request: borrowing RequestHead) -> Bool {
        guard let index = request.fields.firstIndex(of: .upgrade) else { return false }
        for name in upgrades where request.fields.value(at: index).equalsIgnoringCase(name.span) {
            return true
        }
        return false
    }

    /// Starts to accept on `socket`.
    ///
    /// - Throws: What epoll_ctl(2) reports.
    func open(_ socket: consuming Socket) throws(Errno) {
        if let address = socket.localAddress { port = address.port }
        listener = try Transport.Listener(adopting: socket, loop: worker.loop, delegate: self)
    }

    /// Takes another codec and new limits, for connections from now on, and routes, for requests
    /// from now on.
    func update(_ configuration: ListenerConfiguration, routes: RouteBinding) {
        codec = configuration.listener.codec
        limits = ListenerTimeouts(configuration.listener.limits)
        codecLimits = HTTP1.Limits(configuration.listener.limits)
        tunnels = TunnelTimes(configuration.listener.routes)
        security = ListenerSecurity(configuration)
        upgrades = configuration.listener.upgrades.map { Array($0.utf8) }
        sessionLimits = SessionLimits(configuration.listener)
        keepAlive = configuration.listener.http2.keepAlive
        if accessFilters != configuration.listener.accessFilters {
            accessFilters = configuration.listener.accessFilters
            guards = accessFilters.map { AccessGuard($0, metrics.access) }
        }
        certificateForwarding = configuration.listener.certificateForwarding
        considersClients = configuration.listener.considersClients
        pathNormalization = configuration.listener.pathNormalization
        normalizesPaths = pathNormalization != .none
        if log?.writer !== configuration.accessLog {
            log?.flush()
            log = configuration.accessLog.map { ListenerLog($0) }
        }
        self.routes = routes
    }

    /// Lets new connections wait in the kernel, or takes them again.
    func setAccepting(_ isAccepting: Bool) {
        listener?.setAccepting(isAccepting)
    }

    /// Stops accepting; connections end after the response that is on its way.
    func close() {
        // What the kernel has accepted already would be reset otherwise.
        for _ in 0..<Self.lastRounds { listener?.handle(.readable) }
        listener?.close()
        listener = nil
    }

    func listener(
        _ listener: Transport.Listener, didAccept socket: consuming Socket,
        from peer: SocketAddress
    ) {
        if !security.isPlain {
            worker.welcome(socket, from: peer, on: self)
        } else if let tunnels {
            worker.forward(socket, from: peer, on: self, by: tunnels)
        } else {
            worker.accept(socket, from: peer, on: self)
        }
    }
}

extension Mesh.Listener {
    fileprivate var considersClients: Bool {
        !accessFilters.isEmpty || certificateForwarding.mode != .sanitize
            || chains.contains { $0.security != nil }
    }
}

/// The access log of a listener as one worker fills it.
final class ListenerLog {
    let writer: AccessLogWriter
    var lines: AccessLog
    private var routeName = Buffer()
    /// Whether every line has been handed to the writer; the listener may be gone when it is.
    var isFlushed = true

    init(_ writer: AccessLogWriter) {
        self.writer = writer
        lines = AccessLog(to: writer.queue)
    }

    func add(_ field: AccessLog.TextField, _ text: [UInt8]) {
        lines.add(field, text.span)
    }

    /// Adds the name of a route, unless it has none.
    func addName(of route: RouteNumber, in table: RouteTable) {
        table.appendName(of: route, to: &routeName)
        if !routeName.isEmpty { lines.add(.route, routeName.bytes) }
        routeName.removeAll()
    }

    /// Adds the value of a field of a head.
    func add(_ field: AccessLog.TextField, valueAt index: Int, of fields: borrowing Fields) {
        lines.add(field, fields.value(at: index))
    }

    /// Hands finished lines to the writer.
    func flush() {
        isFlushed = true
        if lines.flush() { writer.wake() }
    }
}

/// The times of a listener in nanoseconds, so that the request path only adds.
struct ListenerTimeouts {
    /// Never.
    static let none = UInt64.max

    let idle: UInt64
    let streamIdle: UInt64
    let request: UInt64
    let requestHead: UInt64
    let connection: UInt64

    init(_ limits: ListenerLimits) {
        idle = Self.nanoseconds(limits.idleTimeout)
        streamIdle = Self.nanoseconds(limits.streamIdleTimeout)
        request = Self.nanoseconds(limits.requestTimeout)
        requestHead = Self.nanoseconds(limits.requestHeadTimeout)
        connection = Self.nanoseconds(limits.maximumConnectionDuration)
    }

    static func nanoseconds(_ duration: Duration?) -> UInt64 {
        duration?.wholeNanoseconds ?? none
    }
}

extension Instant {
    /// The instant that many nanoseconds later; the end of time when there is no limit.
    func after(_ nanoseconds: UInt64) -> Instant {
        let (sum, isBeyond) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return Instant(nanoseconds: isBeyond ? .max : sum)
    }
}

extension HTTP1.Limits {
    init(_ limits: ListenerLimits) {
        self.init(
            headBytes: Int(limits.maximumHeadByteCount), fieldCount: Int(limits.maximumFieldCount))
    }
}

extension SessionLimits {
    /// Most bytes of one response that wait for their client.
    ///
    /// A turn brings one receive, and an upstream that speaks HTTP/2 may have the window of its
    /// cluster on its way before it learns that it has to wait, which is what bounds it then
    /// (``HTTP2Options/streamWindowByteCount``).
    private static let responseByteCount =
        Int(HTTP2Options.windowLimit) + 4 * Worker.receiveByteCount

    init(_ listener: Mesh.Listener) {
        self.init()
        headByteCount = Int(listener.limits.maximumHeadByteCount)
        fieldCount = Int(listener.limits.maximumFieldCount)
        // Frames have 16 KiB at the most, and so may be half full.
        continuationCount = max(continuationCount, headByteCount / (8 * 1024))
        concurrentStreamCount = listener.http2.concurrentStreamCount
        takesConnect = listener.http2.allowsConnect
        streamWindowByteCount = listener.http2.streamWindowByteCount
        connectionWindowByteCount = listener.http2.connectionWindowByteCount
        streamQueueByteCount = Self.responseByteCount
        // Resets count among the glitches here, and are told apart there.
        resetBurst = 2 * glitchBurst
        sessionQueueByteCount = .max
    }
}
