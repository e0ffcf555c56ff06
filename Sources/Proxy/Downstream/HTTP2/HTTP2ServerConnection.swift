import Bytes
import EventLoop
import HTTP2
import Kernel
import Routing
import Telemetry
import Transport

/// One HTTP/2 connection from a client, with its streams (RFC 9113 §5).
///
/// What arrives is handed to the session, and what that understood is dispatched afterwards; what
/// is due is put together and sent once, when the turn ends.
final class HTTP2ServerConnection: ServerConnection, EventHandler, TimerHandler, TurnHandler {
    enum State {
        case open
        /// Everything is said, and some of it waits for the kernel to take it.
        case flushing
        /// Everything is sent; what still arrives is thrown away, so that no reset destroys the
        /// last frames before the client has read them.
        case lingering(until: Instant)
        case closed
    }

    /// How often in one turn the session is given what is left of one receive.
    static let roundsPerTurn = 4
    /// Bytes of frames that are put together for one system call.
    static let flushByteCount = 64 * 1024
    /// How long a client may take to read our last frames.
    static let lingerDuration = Duration.seconds(2)
    /// How long a client may take to answer the first step of a shutdown (RFC 9113 §6.8).
    static let shutdownNanoseconds: UInt64 = 1_000_000_000

    let listener: ListenerRuntime
    let peer: SocketAddress
    let worker: Worker
    var session: Session
    var state = State.open
    var socket: StreamSocket?
    /// What arrived and the session has not taken yet; one receive at the most.
    var incoming = Buffer()
    /// By the slot of their handle.
    var streams: [HTTP2ServerStream?] = []
    /// Streams that were written to in this turn.
    var touched: [HTTP2ServerStream] = []
    /// Whose input is being taken apart, and was not handed to its upstream yet.
    var current: HTTP2ServerStream?
    private var isFlushPlanned = false
    /// Whether the client's settings have come, which are the end of its preface.
    var isGreeted = false
    /// When the end of the connection was announced.
    var shutdownAt: Instant?
    /// Whether the client no longer has to confirm that.
    private(set) var isShutDown = false
    let openedAt: Instant
    /// The stream whose head is arriving, and when that has begun.
    var arrivingHead: UInt32?
    var headStartedAt: Instant?
    /// When the last stream ended, or the connection began.
    var idleSince: Instant
    /// When the client last took bytes that we had to keep for it.
    var lastProgress: Instant
    var lastHeard: Instant
    /// Since when the client owes an answer to a PING.
    var pingedAt: Instant?
    var timer: TimerToken?
    private var timerDeadline = Deadline.never
    /// The client's address without its port, once a route has asked for it.
    private(set) lazy var peerText = Array(peer.hostText.utf8)
    /// The client's address with its port, once a line of a log has asked for it.
    private(set) lazy var peerName = Array(peer.description.utf8)
    private(set) lazy var caller = Caller(socket?.security, from: peer, to: listener.port)
    private(set) lazy var certificate = ClientCertificate(socket?.security)

    init(from peer: SocketAddress, on listener: ListenerRuntime, of worker: Worker) {
        self.listener = listener
        self.peer = peer
        self.worker = worker
        session = Session(
            role: .server, limits: listener.sessionLimits, memory: worker.sessionMemory)
        openedAt = worker.loop.now
        idleSince = worker.loop.now
        lastProgress = worker.loop.now
        lastHeard = worker.loop.now
        worker.metrics.http2ConnectionOpened()
    }

    /// Starts to read what was accepted.
    ///
    /// - Throws: What epoll_ctl(2) reports; the connection is of no use then.
    func start(_ socket: consuming StreamSocket) throws(Errno) {
        try socket.register(self, for: .readable)
        self.socket = .some(socket)
        begin()
    }

    /// Goes on with a socket that was read from already.
    func start(_ socket: consuming StreamSocket, with input: Span<UInt8>) {
        self.socket = .some(socket)
        begin()
        receive(input)
    }

    private func begin() {
        planFlush()
        arm(by: nextDeadline())
    }

    // MARK: For the worker

    /// Announces the end (RFC 9113 §6.8); requests that are on their way are still served.
    func beginDraining() {
        guard case .open = state, shutdownAt == nil else { return }
        shutdownAt = worker.loop.now
        session.beginShutdown()
        planFlush()
        arm(by: nextDeadline())
    }

    func closeWhenIdle() {
        beginDraining()
        if session.openStreamCount == 0 { finishShutdown() }
    }

    /// Takes no further requests.
    func finishShutdown() {
        guard case .open = state, !isShutDown else { return }
        isShutDown = true
        session.finishShutdown()
        planFlush()
    }

    // MARK: For its streams

    /// Has what the session holds sent when the turn ends.
    func planFlush() {
        if isFlushPlanned { return }
        isFlushPlanned = true
        worker.loop.atEndOfTurn(self)
    }

    /// A stream has written something.
    func touch(_ stream: HTTP2ServerStream) {
        touched.append(stream)
        planFlush()
    }

    /// A response begins; it may be the last reason to keep the connection.
    func noteResponse() {
        let isKept = listener.keepsConnections(securedBy: socket?.security)
        if worker.closesConnections || !isKept { beginDraining() }
    }

    // MARK: For the loop

    func handle(_ readiness: Readiness) {
        if !readiness.isDisjoint(with: [.failed, .hungUp]) { return lose() }
        switch state {
        case .open:
            if readiness.contains(.writable) { flushSocket() }
            if readiness.contains(.readable) { read() }
        case .flushing: flushSocket()
        case .lingering: discard()
        case .closed: return
        }
    }

    func turnEnded() {
        isFlushPlanned = false
        guard case .open = state else { return }
        sendOutput()
        settleStreams()
        // What a stream had to say to that, such as a reset.
        if session.wantsOutput { sendOutput() }
        settle()
    }

    func timerFired(_ timer: TimerToken) {
        self.timer = nil
        timerDeadline = Deadline.never
        switch state {
        case .open:
            if !incoming.isEmpty { resume() }
            checkDeadlines()
        case .flushing, .lingering: if nextDeadline() <= worker.loop.now { close() }
        case .closed: return
        }
        arm(by: nextDeadline())
    }

    /// Makes sure that the timer fires at `deadline` at the latest; one that is set for earlier
    /// stays, so that a busy connection hardly ever touches its timer.
    func arm(by deadline: Instant) {
        if deadline >= timerDeadline { return }
        if case .closed = state { return }
        if let timer { worker.loop.cancel(timer) }
        timerDeadline = deadline
        timer = worker.loop.schedule(at: deadline, for: self)
    }
}
