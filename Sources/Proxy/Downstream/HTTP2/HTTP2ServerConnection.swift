import Bytes
import EventLoop
import HTTP2
import Kernel
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
    private static let roundsPerTurn = 4
    /// Bytes of frames that are put together for one system call.
    private static let flushByteCount = 64 * 1024
    /// How long a client may take to read our last frames.
    static let lingerDuration = Duration.seconds(2)
    /// How long a client may take to answer the first step of a shutdown (RFC 9113 §6.8).
    static let shutdownNanoseconds: UInt64 = 1_000_000_000

    let listener: ListenerRuntime
    let peer: SocketAddress
    let worker: Worker
    var session: Session
    private(set) var state = State.open
    private var socket: StreamSocket?
    /// What arrived and the session has not taken yet; one receive at the most.
    private var incoming = Buffer()
    /// By the slot of their handle.
    private(set) var streams: [HTTP2ServerStream?] = []
    /// Streams that were written to in this turn.
    private var touched: [HTTP2ServerStream] = []
    /// Whose input is being taken apart, and was not handed to its upstream yet.
    private var current: HTTP2ServerStream?
    private var isFlushPlanned = false
    /// Whether the client's settings have come, which are the end of its preface.
    private(set) var isGreeted = false
    /// When the end of the connection was announced.
    private(set) var shutdownAt: Instant?
    /// Whether the client no longer has to confirm that.
    private(set) var isShutDown = false
    let openedAt: Instant
    /// When the head that is arriving has begun.
    private(set) var headStartedAt: Instant?
    /// When the last stream ended, or the connection began.
    private(set) var idleSince: Instant
    /// When the client last took bytes that we had to keep for it.
    private(set) var lastProgress: Instant
    private var timer: TimerToken?
    private var timerDeadline = Deadline.never
    /// The client's address without its port, once a route has asked for it.
    private(set) lazy var peerText = Array(peer.hostText.utf8)
    /// The client's address with its port, once a line of a log has asked for it.
    private(set) lazy var peerName = Array(peer.description.utf8)

    init(from peer: SocketAddress, on listener: ListenerRuntime, of worker: Worker) {
        self.listener = listener
        self.peer = peer
        self.worker = worker
        session = Session(role: .server, limits: listener.sessionLimits)
        openedAt = worker.loop.now
        idleSince = worker.loop.now
        lastProgress = worker.loop.now
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
        worker.metrics.http2ConnectionOpened()
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
        if worker.closesConnections || !listener.isOpen { beginDraining() }
    }

    // MARK: For the loop

    func handle(_ readiness: Readiness) {
        if !readiness.isDisjoint(with: [.failed, .hungUp]) { return fail() }
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

// MARK: Input

extension HTTP2ServerConnection {
    /// Whether the session would take input now.
    private var takesInput: Bool { !session.isInputBlocked && !isStalled }

    /// Whether the kernel holds back what is due.
    var isStalled: Bool { (socket?.queuedByteCount ?? 0) > 0 }

    /// Whether what is left of the last receive can be worked on at once.
    var hasWaitingInput: Bool { !incoming.isEmpty && takesInput }

    private func read() {
        if !incoming.isEmpty { return }
        var buffer = worker.takeScratch()
        var room = buffer.room(minimum: Worker.receiveByteCount)
        do throws(Errno) {
            switch try socket?.receive(into: &room) ?? .ended {
            case .wouldBlock: break
            case .ended: fail()
            case .bytes(let count):
                buffer.commit(count)
                receive(buffer.bytes)
            }
        } catch {
            fail()
        }
        worker.returnScratch(buffer)
    }

    /// Goes on with what is left of the last receive.
    private func resume() {
        if !takesInput { return }
        var buffer = Buffer()
        swap(&buffer, &incoming)
        receive(buffer.bytes)
    }

    /// Gives the session what has arrived, a bounded part of it in one turn, and keeps the rest.
    private func receive(_ input: Span<UInt8>) {
        var taken = 0
        var round = 0
        while taken < input.count, round < Self.roundsPerTurn, takesInput {
            round += 1
            let rest = input.extracting(taken...)
            do throws(SessionError) {
                taken += try session.receive(rest, nowNanoseconds: worker.loop.now.nanoseconds)
                dispatch(rest)
            } catch {
                dispatch(rest)
                fail(error)
                return
            }
        }
        if taken < input.count { incoming.append(input.extracting(taken...)) }
        noteArrivingHead()
        planFlush()
    }

    /// A head that has begun has to come to its end in time.
    private func noteArrivingHead() {
        guard session.arrivingHead != nil else {
            headStartedAt = nil
            return
        }
        if headStartedAt != nil { return }
        headStartedAt = worker.loop.now
        arm(by: nextDeadline())
    }

    private func dispatch(_ input: Span<UInt8>) {
        while let event = session.nextEvent() {
            switch event {
            case .request(let handle): open(handle)
            case .data(let handle, let range): carry(handle)?.bodyArrived(input.extracting(range))
            case .trailers(let handle): carry(handle)?.trailersArrived()
            case .end(let handle): carry(handle)?.requestEnded()
            case .endSent(let handle): carry(handle)?.endSent()
            case .drained(let handle): carry(handle)?.drained()
            case .closed(let handle, _): closed(handle)
            case .settings: isGreeted = true
            case .response, .pingAcknowledged, .goAway: break
            }
        }
        carry(nil)
    }

    /// Dispatches what came of sending, where no input is lent.
    private func dispatch() {
        let none: [UInt8] = []
        dispatch(none.span)
    }

    private func open(_ handle: StreamHandle) {
        carry(nil)
        let slot = Int(handle.slot)
        while streams.count <= slot { streams.append(nil) }
        worker.metrics.http2Requests.add()
        let stream = worker.takeStream()
        streams[slot] = stream
        current = stream
        stream.open(handle, on: self)
        arm(by: stream.deadline.instant)
        if hasLivedLongEnough { beginDraining() }
    }

    /// Whose event is next: the input of the one before is handed to its upstream first, since
    /// output to upstreams is put together in one place.
    @discardableResult
    private func carry(_ handle: StreamHandle?) -> HTTP2ServerStream? {
        let next: HTTP2ServerStream? =
            if let handle, Int(handle.slot) < streams.count { streams[Int(handle.slot)] } else {
                nil
            }
        if current === next { return next }
        let last = current
        current = next
        last?.inputEnded()
        return next
    }

    private func closed(_ handle: StreamHandle) {
        guard let stream = carry(handle) else { return }
        current = nil
        let reason: ResponseFlags =
            switch session.closer {
            case .peer: .downstreamRemoteReset
            case .broken: .downstreamProtocolError
            case .both, .us, .shutdown:
                if case .open = state { [] } else { .downstreamConnectionTermination }
            }
        stream.closed(reason)
        streams[Int(handle.slot)] = nil
        worker.returnStream(stream)
        // This one is still counted.
        if session.openStreamCount <= 1 {
            idleSince = worker.loop.now
            arm(by: nextDeadline())
        }
    }
}

// MARK: Output

extension HTTP2ServerConnection {
    /// Sends what is due, as much of it as the kernel takes.
    private func sendOutput() {
        while case .open = state, let count = socket?.queuedByteCount, count == 0 {
            do throws(SessionError) {
                try session.flush(into: &worker.frames, byteCountLimit: Self.flushByteCount)
            } catch {
                worker.frames.removeAll()
                return fail(error)
            }
            dispatch()
            if worker.frames.isEmpty { return }
            writeFrames()
        }
    }

    private func writeFrames() {
        do throws(Errno) {
            try send(worker.frames)
            worker.frames.removeAll()
            lastProgress = worker.loop.now
        } catch {
            worker.frames.removeAll()
            fail()
        }
    }

    private func send(_ frames: borrowing Buffer) throws(Errno) {
        try socket?.write(frames.bytes)
    }

    /// Lets every stream that was written to see what became of it.
    private func settleStreams() {
        var position = 0
        while position < touched.count {
            touched[position].settleOutput()
            position += 1
        }
        touched.removeAll(keepingCapacity: true)
    }

    private func noteGlitches() {
        if session.hasGlitches { worker.metrics.count(session.takeGlitchCounts()) }
    }

    /// After each turn: reads on where that is of use, and ends when both sides are done.
    private func settle() {
        guard case .open = state else { return }
        noteArrivingHead()
        noteGlitches()
        if session.isFinished { return finish() }
        let isReading = incoming.isEmpty && takesInput
        socket?.setReading(isReading)
        if isStalled || hasWaitingInput { arm(by: nextDeadline()) }
    }

    private func flushSocket() {
        do throws(Errno) {
            lastProgress = worker.loop.now
            guard try socket?.flush() ?? true else { return }
        } catch {
            return fail()
        }
        switch state {
        case .open: planFlush()
        case .flushing: linger()
        case .lingering, .closed: return
        }
    }

    /// Everything is said: ends the connection as soon as it is sent.
    private func finish() {
        state = .flushing
        abandonStreams()
        incoming.release()
        socket?.setReading(false)
        if !isStalled {
            linger()
        } else {
            lastProgress = worker.loop.now
            arm(by: nextDeadline())
        }
    }

    /// Sends the session's last word, so that the client learns why.
    private func fail(_ error: SessionError) {
        try? session.flush(into: &worker.frames, byteCountLimit: Self.flushByteCount)
        dispatch()
        writeFrames()
        if case .open = state { finish() }
    }

    /// Ends a connection whose client does not keep to the times of its listener.
    func end() {
        session.terminate(.enhanceYourCalm)
        if isStalled { return fail() }
        planFlush()
    }

    private func linger() {
        socket?.shutdownWriting()
        socket?.setReading(true)
        state = .lingering(until: worker.loop.now + Self.lingerDuration)
        arm(by: nextDeadline())
    }

    private func discard() {
        var buffer = worker.takeScratch()
        var room = buffer.room(minimum: Worker.receiveByteCount)
        do throws(Errno) {
            if try socket?.receive(into: &room) == .ended { close() }
        } catch {
            close()
        }
        worker.returnScratch(buffer)
    }

    /// The connection is lost, and with it whoever waits for an answer.
    private func fail() {
        if case .open = state {
            state = .flushing
            abandonStreams()
        }
        close()
    }

    private func abandonStreams() {
        session.abandon(.cancel)
        dispatch()
    }

    func close() {
        if case .closed = state { return }
        state = .closed
        noteGlitches()
        worker.metrics.http2ConnectionClosed(session.lastStraw)
        if let timer { worker.loop.cancel(timer) }
        timer = nil
        incoming.release()
        socket?.close()
        socket = nil
        worker.closed(self)
    }
}
