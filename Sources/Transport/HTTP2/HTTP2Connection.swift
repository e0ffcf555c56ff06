import Bytes
import EventLoop
import HTTP2
import Kernel
import TLS

/// Who follows an ``HTTP2Connection``; kept by it until it is closed.
protocol HTTP2ConnectionDelegate: AnyObject {
    /// The peer has shown that it speaks HTTP/2.
    func connectionDidOpen(_ connection: HTTP2Connection)
    /// Events are about to be taken; may come several times a turn.
    func connectionWillWork(_ connection: HTTP2Connection)
    /// Something happened; positions of ``SessionEvent/data(_:_:)`` point into `input`.
    func connection(
        _ connection: HTTP2Connection, didRecord event: SessionEvent, input: Span<UInt8>)
    /// The last that is heard, after every stream was reported closed.
    func connection(_ connection: HTTP2Connection, didClose reason: HTTP2ConnectionEnd)
}

/// Drives one HTTP/2 session over one socket on a loop.
///
/// Work is done once a turn: what arrived is handed to the session, and what is due is sent. The
/// loop keeps the connection alive until it is closed.
final class HTTP2Connection: EventHandler, TimerHandler, TurnHandler {
    struct Patience {
        /// For the connection, then for the handshake where there is one, then for a greeting.
        var connect: Duration
        var keepAliveInterval: Duration
        var keepAliveTimeout: Duration
        /// How long a peer may take to read our last frames.
        var linger = Duration.seconds(1)
    }

    /// TLS on the connection, which has to agree upon HTTP/2.
    struct Security {
        var context: TLS.Context
        let buffers: SecureBuffers
        /// What a client asks for (SNI).
        let serverName: String?

        /// - Throws: `ENOMEM`
        init(_ context: TLS.Context, serverName: String? = nil) throws(Errno) {
            self.context = context
            self.serverName = serverName
            do throws(TLSError) {
                buffers = try SecureBuffers()
            } catch {
                throw .outOfMemory
            }
        }
    }

    private enum State: Equatable {
        case connecting
        /// The peers shake hands.
        case securing
        /// Bytes flow; until `isGreeted`, the peer's settings have not come.
        case open(isGreeted: Bool)
        /// Our last frames are out, the peer may still be reading them.
        case lingering
        case closed
    }

    /// Most bytes that are read in one turn, and most that wait between session and socket.
    private static let turnByteCount = 64 * 1024
    private static let protocolName = "h2"

    var session: HTTP2.Session
    /// Who a peer with a verified certificate is, once the handshake is over.
    private(set) var peerIdentity: PeerIdentity?
    /// Why the connection is over; set before its streams are reported closed.
    private(set) var end: HTTP2ConnectionEnd?
    private let loop: EventLoop
    private let patience: Patience
    private var socket: StreamSocket?
    private var state: State
    private var delegate: (any HTTP2ConnectionDelegate)?
    private var input = Buffer()
    private var output = Buffer()
    private var timer: TimerToken?
    private var lastHeard: Instant
    private var isAwaitingPong = false
    private var isFinishing = false
    private var isOverflowing = false
    private var isWorkScheduled = false
    private var isWorking = false
    private var isMoreWorkWanted = false
    /// A reason to close that came up where the delegate may not be called.
    private var pendingEnd: HTTP2ConnectionEnd?

    /// Starts to connect; every failure is told to the delegate later.
    init(
        to address: SocketAddress, session: consuming HTTP2.Session, loop: EventLoop,
        patience: Patience, security: GRPCSecurity?
    ) {
        self.session = session
        self.loop = loop
        self.patience = patience
        lastHeard = loop.now
        state = .connecting
        do throws(Errno) {
            let security = try security.map { security throws(Errno) in
                try Security(security.context, serverName: security.serverName)
            }
            let connecting = try Socket.connecting(to: address)
            try? connecting.setUserTimeout(.seconds(20))
            var socket = StreamSocket(connecting, on: loop)
            try socket.register(self, for: .writable)
            self.socket = .some(socket)
            setTimer(after: patience.connect)
            secure(security)
        } catch {
            failLater(.connectFailed(error))
        }
    }

    /// Takes a connection that was accepted.
    init(
        accepted: consuming Socket, session: consuming HTTP2.Session, loop: EventLoop,
        patience: Patience, security: Security?
    ) {
        self.session = session
        self.loop = loop
        self.patience = patience
        lastHeard = loop.now
        state = security == nil ? .open(isGreeted: false) : .securing
        try? accepted.setUserTimeout(.seconds(20))
        var socket = StreamSocket(accepted, on: loop)
        do throws(Errno) {
            try socket.register(self, for: .readable)
            self.socket = .some(socket)
            setTimer(after: patience.connect)
            secure(security)
            scheduleWork()
        } catch {
            failLater(.socketFailed(error))
        }
    }

    private func secure(_ security: Security?) {
        guard let security else { return }
        do throws(TLSError) {
            try socket?.secure(
                security.context, with: security.buffers, serverName: security.serverName,
                offering: [Self.protocolName])
        } catch {
            failLater(.securityFailed(error, peerNames: []))
        }
    }

    private func failLater(_ end: HTTP2ConnectionEnd) {
        pendingEnd = end
        setTimer(after: .zero)
    }

    func start(_ delegate: any HTTP2ConnectionDelegate) {
        self.delegate = delegate
    }

    /// Sees to it that what the session was given goes out at the end of this turn.
    func scheduleWork() {
        if isWorking {
            isMoreWorkWanted = true
        } else if !isWorkScheduled, state != .closed {
            isWorkScheduled = true
            loop.atEndOfTurn(self)
        }
    }

    /// Ends the connection once its streams are closed and what the session holds is sent, or when
    /// the peer does not read that in time.
    func finish() {
        // Whoever is told that the connection is over may want to see its end.
        if end != nil { return }
        if state == .connecting || state == .securing { return close(.finished) }
        guard isOpen, !isFinishing else { return }
        isFinishing = true
        session.finishShutdown()
        setTimer(after: patience.linger)
        scheduleWork()
    }

    /// Notes that a queue overflowed: ends the connection, if even a reset could not get through.
    func noteOverflow() {
        isOverflowing = true
        scheduleWork()
    }

    func handle(_ readiness: Readiness) {
        if pendingEnd != nil { return }
        switch state {
        case .connecting:
            if let error = socket?.takeError() { return close(.connectFailed(error)) }
            state = socket?.security == nil ? .open(isGreeted: false) : .securing
            setTimer(after: patience.connect)
            socket?.setReading(true)
            if state == .securing { shakeHands() }
        case .securing:
            flushSocket(readiness)
            shakeHands()
        case .open:
            flushSocket(readiness)
            read(readiness)
        case .lingering:
            flushSocket(readiness)
            discard()
        case .closed:
            return
        }
        scheduleWork()
    }

    func turnEnded() {
        isWorkScheduled = false
        work()
    }

    func timerFired(_ timer: TimerToken) {
        self.timer = nil
        if let pendingEnd { return close(pendingEnd) }
        if isFinishing { return close(.finished) }
        switch state {
        case .connecting, .open(isGreeted: false): close(.connectTimedOut)
        case .securing: close(.securityFailed(.timedOut, peerNames: []))
        case .open(isGreeted: true): keepAlive()
        case .lingering: close(.finished)
        case .closed: break
        }
    }

    private func shakeHands() {
        do throws(TLSError) {
            guard try socket?.shakeHands() ?? false else { return }
        } catch {
            // Who connects and says nothing has only looked whether somebody is there.
            let isSilent = error == .truncated && socket?.security?.hasHeard == false
            return refuse(
                isSilent ? .peerClosed : .securityFailed(error, peerNames: refusedNames))
        }
        guard let security = socket?.security, security.applicationProtocol == Self.protocolName
        else { return refuse(.protocolNotAgreed) }
        peerIdentity = security.peer
        state = .open(isGreeted: false)
        setTimer(after: patience.connect)
    }

    private var refusedNames: [String] { socket?.security?.refusedPeer?.names ?? [] }

    /// What the peer is to know was sent; a reset, for what it sent meanwhile, might overtake it.
    private func refuse(_ end: HTTP2ConnectionEnd) {
        socket?.shutdownWriting()
        close(end)
    }

    /// Closes what cannot be read or written any more, where TLS may know better why.
    private func lose(_ error: Errno) {
        if isOpen, let security = socket?.security, security.failure == nil {
            // With TLS 1.3 a server says that it refuses us when we already write.
            var rest = Buffer()
            var room = rest.room(minimum: 16 * 1024)
            _ = try? socket?.receive(into: &room)
        }
        switch socket?.security?.failure {
        case nil: close(.socketFailed(error))
        case .truncated: close(.peerClosed)
        case .some(let failure): close(.securityFailed(failure, peerNames: refusedNames))
        }
    }

    private func read(_ readiness: Readiness) {
        guard !readiness.isDisjoint(with: [.readable, .hungUp, .failed]),
            input.count < Self.turnByteCount
        else { return }
        do throws(Errno) {
            var room = input.room(minimum: 16 * 1024)
            let transfer = try socket?.receive(into: &room) ?? .ended
            switch transfer {
            case .bytes(let count):
                input.commit(count)
                lastHeard = loop.now
                isAwaitingPong = false
            case .wouldBlock: break
            case .ended: close(.peerClosed)
            }
        } catch {
            lose(error)
        }
    }

    private func discard() {
        var rest = Buffer()
        var room = rest.room(minimum: 16 * 1024)
        do throws(Errno) {
            if try socket?.receive(into: &room) == .ended { close(.finished) }
        } catch {
            close(.finished)
        }
    }

    /// - Returns: Whether anything was taken.
    private func takeInput() -> Bool {
        if !isOpen || input.isEmpty { return false }
        // The delegate may close the connection while a span of the input is lent to it.
        var arrived = Buffer()
        swap(&arrived, &input)
        let taken: Int
        do throws(SessionError) {
            taken = try session.receive(arrived.bytes, nowNanoseconds: loop.now.nanoseconds)
        } catch {
            drain(arrived.bytes)
            fail(error)
            return false
        }
        drain(arrived.bytes)
        arrived.consume(taken)
        if arrived.isEmpty { arrived.release() }
        swap(&arrived, &input)
        return taken > 0
    }

    private func drain(_ arrived: Span<UInt8>) {
        while state != .closed, let event = session.nextEvent() {
            if event == .settings, case .open(isGreeted: false) = state {
                state = .open(isGreeted: true)
                if !isFinishing { setTimer(after: patience.keepAliveInterval) }
                delegate?.connectionDidOpen(self)
            }
            delegate?.connection(self, didRecord: event, input: arrived)
        }
    }

    private func work() {
        isWorking = true
        isMoreWorkWanted = true
        while isMoreWorkWanted {
            isMoreWorkWanted = false
            delegate?.connectionWillWork(self)
            if takeInput() { isMoreWorkWanted = true }
            sendOutput()
        }
        isWorking = false
        guard isOpen else { return }
        if isOverflowing, socket?.queuedByteCount ?? 0 > 0 { return close(.peerTooSlow) }
        isOverflowing = false
        if session.isFinished { return linger() }
        socket?.setReading(!session.isInputBlocked && input.count < Self.turnByteCount)
    }

    private var isOpen: Bool {
        if case .open = state { true } else { false }
    }

    private func sendOutput() {
        while isOpen, socket?.queuedByteCount == 0 {
            do throws(SessionError) {
                try session.flush(into: &output, byteCountLimit: Self.turnByteCount)
            } catch {
                fail(error)
            }
            let none: [UInt8] = []
            drain(none.span)
            if output.isEmpty { return }
            writeOutput()
        }
    }

    private func writeOutput() {
        do throws(Errno) {
            try socket?.write(output.bytes)
            output.removeAll()
        } catch {
            lose(error)
        }
    }

    private func flushSocket(_ readiness: Readiness) {
        guard readiness.contains(.writable) else { return }
        do throws(Errno) {
            _ = try socket?.flush()
        } catch {
            lose(error)
        }
    }

    private func keepAlive() {
        let silence = loop.now.nanoseconds(since: lastHeard)
        if isAwaitingPong { return close(.keepAliveTimedOut) }
        let interval = patience.keepAliveInterval.wholeNanoseconds
        if silence < interval {
            return setTimer(after: .nanoseconds(Int64(clamping: interval - silence)))
        }
        isAwaitingPong = true
        session.ping(payload: loop.now.nanoseconds)
        setTimer(after: patience.keepAliveTimeout)
        scheduleWork()
    }

    /// Sends the session's last word, so that the peer learns why.
    private func fail(_ error: SessionError) {
        try? session.flush(into: &output, byteCountLimit: Self.turnByteCount)
        try? socket?.write(output.bytes)
        output.removeAll()
        close(.sessionFailed(error))
    }

    /// Closing now would reset the connection if the peer still sends, and lose our last frames.
    private func linger() {
        tellClosed(.finished, leaving: .lingering)
        socket?.shutdownWriting()
        socket?.setReading(true)
        setTimer(after: patience.linger)
    }

    /// Ends the connection at once.
    func close(_ reason: HTTP2ConnectionEnd) {
        let wasLingering = state == .lingering
        if state == .closed { return }
        if !wasLingering { tellClosed(reason, leaving: .closed) }
        state = .closed
        if let timer { loop.cancel(timer) }
        timer = nil
        socket?.close()
        socket = nil
        output.release()
    }

    private func tellClosed(_ reason: HTTP2ConnectionEnd, leaving state: State) {
        end = reason
        session.abandon(.cancel)
        let none: [UInt8] = []
        drain(none.span)
        self.state = state
        let delegate = self.delegate
        self.delegate = nil
        delegate?.connection(self, didClose: reason)
    }

    private func setTimer(after delay: Duration) {
        if let timer { loop.cancel(timer) }
        timer = loop.schedule(after: delay, for: self)
    }
}
