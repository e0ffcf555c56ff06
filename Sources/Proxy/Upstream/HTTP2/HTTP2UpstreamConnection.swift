import Bytes
import EventLoop
import HTTP2
import Kernel
import Mesh
import Transport

/// One HTTP/2 connection to an endpoint; each of its streams carries one exchange at a time.
///
/// What its streams have to send is put together, and sent once a turn. Bytes of responses that
/// their clients do not take stay bounded by the window of each stream; the connection's own window
/// never closes for them, so that one slow client does not stop the others.
final class HTTP2UpstreamConnection: EventHandler, TimerHandler, TurnHandler {
    private enum State {
        case connecting
        case shakingHands
        case open
        /// It takes no new streams, and is closed when those it has are done.
        case leaving
        case closed
    }

    /// Most bytes that wait between session and socket.
    private static let flushByteCount = 64 * 1024

    let pool: HTTP2ConnectionPool
    let worker: Worker
    var session: Session
    private var state = State.connecting
    private var socket: StreamSocket
    /// By the slot of the stream's handle.
    private var streams: [HTTP2UpstreamStream?] = []
    private var spareStreams: [HTTP2UpstreamStream] = []
    /// Whether the peer's settings have come.
    private(set) var isGreeted = false
    /// Streams that are promised or carry an exchange.
    private var activeStreamCount = 0
    private var requestCount: UInt32 = 0
    /// A connection that cannot be written to may still bring answers, or say why.
    private var isWritable = true
    /// Streams that wrote since the last flush.
    private var watched: [HTTP2UpstreamStream] = []
    private var failing: [HTTP2UpstreamStream] = []
    /// The stream whose part of the input is being passed on.
    private var current: HTTP2UpstreamStream?
    /// What the session would not take in yet.
    private var untaken = Buffer()
    private var isFlushPlanned = false
    /// How the connection was lost, where its streams are still to hear of it.
    var loss: Exchange.UpstreamEnd?
    private var timer: TimerToken?
    private var idleSince: Instant
    var keepAlive: KeepAlive?

    private init(_ socket: consuming Socket, to pool: HTTP2ConnectionPool) {
        self.pool = pool
        worker = pool.worker
        idleSince = worker.loop.now
        session = Session(
            role: .client, limits: pool.cluster.sessionLimits, memory: pool.worker.sessionMemory)
        self.socket = StreamSocket(socket, on: worker.loop)
    }

    /// Begins a connection; the pool is told how it ended, after this call has returned.
    static func open(to pool: HTTP2ConnectionPool) {
        let worker = pool.worker
        do throws(Errno) {
            let socket = try Socket.connecting(to: pool.address)
            try? socket.noticeVanishedPeer()
            let connection = HTTP2UpstreamConnection(socket, to: pool)
            try connection.socket.register(connection, for: .writable)
            connection.timer = worker.loop.schedule(
                after: pool.cluster.cluster.connectTimeout, for: connection)
        } catch {
            worker.failSoon(pool, blamesEndpoint: !error.isExhaustion)
        }
    }

    // MARK: For the pool

    /// Promises a stream; `nil` when the connection takes none now.
    func reserveStream() -> HTTP2UpstreamStream? {
        guard case .open = state, activeStreamCount < streamLimit, session.acceptsRequests else {
            return nil
        }
        let stream = spareStreams.popLast() ?? HTTP2UpstreamStream(of: self)
        stream.reserve(followingOthers: requestCount > 0)
        activeStreamCount += 1
        requestCount &+= 1
        if requestCount >= pool.cluster.cluster.maximumRequestsPerConnection ?? .max { withdraw() }
        return stream
    }

    /// How many streams may be open at once: what the peer allows, and what the cluster does.
    ///
    /// Until the peer has said so, it is what it has said before, or a single one: some peers end a
    /// connection with too many.
    private var streamLimit: Int {
        let limit = pool.cluster.cluster.http2Options.concurrentStreamCount
        return isGreeted
            ? Int(min(session.peerConcurrentStreamCount, limit))
            : min(pool.knownStreamCount ?? 1, Int(limit))
    }

    /// Whether it is known whether the peer takes such a request: a tunnel has to wait for its
    /// settings (RFC 8441 §3).
    func suits(_ exchange: Exchange) -> Bool { isGreeted || exchange.upgrade == .none }

    var isIdle: Bool { activeStreamCount == 0 }

    func becomeIdle() {
        idleSince = worker.loop.now
        guard timer == nil, let limit = pool.cluster.cluster.idleTimeout else { return }
        timer = worker.loop.schedule(after: limit, for: self)
    }

    /// Takes no new streams from now on, and ends with those that there are.
    func withdraw() {
        guard case .open = state else { return }
        state = .leaving
        pool.withdrew(self)
        if isIdle { planFlush() }
    }

    // MARK: For its streams

    func began(_ stream: HTTP2UpstreamStream, _ handle: StreamHandle) {
        let slot = Int(handle.slot)
        while streams.count <= slot { streams.append(nil) }
        streams[slot] = stream
    }

    func ended(_ stream: HTTP2UpstreamStream, _ handle: StreamHandle) {
        let slot = Int(handle.slot)
        if slot < streams.count, streams[slot] === stream { streams[slot] = nil }
        planFlush()
    }

    /// The stream can be promised again.
    func released(_ stream: HTTP2UpstreamStream) {
        activeStreamCount -= 1
        switch state {
        case .open:
            spareStreams.append(stream)
            pool.hasRoom(self)
        case .leaving: if isIdle { planFlush() }
        case .connecting, .shakingHands, .closed: break
        }
    }

    /// Looks at the stream once the connection is flushed.
    func watch(_ stream: HTTP2UpstreamStream) {
        if stream.isWatched { return }
        stream.isWatched = true
        watched.append(stream)
        planFlush()
    }

    func failSoon(_ stream: HTTP2UpstreamStream) {
        failing.append(stream)
        planFlush()
    }

    /// Whether something came while nothing was asked for: most often that is the end.
    var isStale: Bool { activeStreamCount == 1 && socket.hasInput() }

    /// Whether its streams have ended with it, or are about to.
    var isLost: Bool { loss != nil || !isOpen }

    /// When the peer can be lost at the earliest; with it the whole connection is lost.
    func earliestLoss() -> Instant {
        let instant = worker.earliestLoss(after: socket.unacknowledgedNanoseconds())
        if instant <= worker.loop.now {
            loss = .reset
            planFlush()
        }
        return instant
    }

    /// Sends what is due when the turn ends.
    func planFlush() {
        if isFlushPlanned { return }
        if case .closed = state { return }
        isFlushPlanned = true
        worker.loop.atEndOfTurn(self)
    }

    // MARK: For the loop

    func handle(_ readiness: Readiness) {
        switch state {
        case .connecting: finishConnecting()
        case .shakingHands:
            if readiness.contains(.writable) { _ = try? socket.flush() }
            proceed(pool.cluster.shakeHands(&socket, to: pool.address, on: worker))
        case .open, .leaving:
            if readiness.contains(.writable) { flushSocket() }
            if !readiness.subtracting(.writable).isEmpty { read() }
        case .closed: return
        }
    }

    func turnEnded() {
        isFlushPlanned = false
        while let stream = failing.popLast() { stream.tellRefused() }
        if let loss { return lose(loss) }
        flush()
    }

    func timerFired(_ timer: TimerToken) {
        if timer == keepAlive?.timer {
            checkKeepAlive()
            return
        }
        self.timer = nil
        switch state {
        case .connecting: failConnecting()
        case .shakingHands:
            pool.cluster.countTimeout(of: socket, to: pool.address, on: worker)
            failConnecting()
        case .open where !isGreeted, .leaving where !isGreeted:
            loss = .reset
            planFlush()
        case .open where isIdle:
            guard let limit = pool.cluster.cluster.idleTimeout else { return }
            let deadline = idleSince + limit
            if deadline <= worker.loop.now {
                withdraw()
            } else {
                self.timer = worker.loop.schedule(at: deadline, for: self)
            }
        case .open, .leaving, .closed: return
        }
    }

    private func finishConnecting() {
        if socket.takeError() != nil {
            failConnecting()
            return
        }
        socket.setReading(true)
        // Also ends the interest in writing that connecting needed.
        socket.updateInterest()
        proceed(pool.cluster.secure(&socket, to: pool.address, for: "h2", on: worker))
    }

    private func proceed(_ progress: UpstreamCluster.SecurityProgress) {
        switch progress {
        case .waiting: state = .shakingHands
        case .failed: failConnecting()
        case .ready where !speaksHTTP2: settleOnHTTP1()
        case .ready:
            // The peer has what is left of the time to say how it speaks HTTP/2.
            state = .open
            startKeepAlive()
            planFlush()
            pool.connected(self)
        }
    }

    private var speaksHTTP2: Bool {
        pool.cluster.cluster.upstreamProtocol != .negotiated
            || socket.security?.applicationProtocol == "h2"
    }

    private func settleOnHTTP1() {
        state = .closed
        cancelTimer()
        socket.close()
        pool.settledOnHTTP1()
    }

    private func failConnecting() {
        state = .closed
        cancelTimer()
        socket.close()
        pool.connectFailed()
    }

    // MARK: Input

    private func read() {
        guard untaken.isEmpty else { return }
        var scratch = worker.takeScratch()
        do throws(Errno) {
            var room = scratch.room(minimum: Worker.receiveByteCount)
            switch try socket.receive(into: &room) {
            case .wouldBlock: break
            case .ended: loss = .closed
            case .bytes(let count):
                keepAlive?.heard(at: worker.loop.now)
                scratch.commit(count)
                let taken = take(scratch.bytes)
                if taken < count { untaken.append(scratch.bytes.extracting(taken...)) }
            }
        } catch {
            pool.cluster.countFailure(of: socket, to: pool.address, on: worker)
            loss = .reset
        }
        worker.returnScratch(scratch)
        if let loss { lose(loss) } else { updateReading() }
    }

    /// Takes in what had to wait for output to leave.
    private func takeUntaken() {
        if untaken.isEmpty { return }
        let input = exchange(&untaken, with: Buffer())
        let taken = take(input.bytes)
        if taken < input.count { untaken.append(input.bytes.extracting(taken...)) }
        updateReading()
    }

    /// - Returns: How much of `input` is done with.
    private func take(_ input: Span<UInt8>) -> Int {
        var offset = 0
        while offset < input.count, loss == nil, isOpen {
            let part = input.extracting(offset...)
            var taken = 0
            do throws(SessionError) {
                taken = try session.receive(part, nowNanoseconds: worker.loop.now.nanoseconds)
            } catch {
                loss = .malformed
            }
            drain(part)
            if taken == 0 { break }
            offset += taken
        }
        planFlush()
        return offset
    }

    private var isOpen: Bool {
        switch state {
        case .open, .leaving: true
        case .connecting, .shakingHands, .closed: false
        }
    }

    private func updateReading() {
        guard isOpen else { return }
        socket.setReading(untaken.isEmpty && !session.isInputBlocked)
    }

    /// Passes on what the session has recorded.
    ///
    /// The parts of one stream are flushed before those of another one follow, since clients'
    /// connections put them together in the same place.
    private func drain(_ input: Span<UInt8>) {
        while let event = session.nextEvent() {
            switch event {
            case .response(let handle): select(handle)?.responseArrived()
            case .data(let handle, let range):
                if let stream = select(handle) { stream.bodyArrived(input.extracting(range)) }
            case .trailers(let handle): select(handle)?.trailersArrived()
            case .end(let handle): select(handle)?.endArrived()
            case .endSent(let handle): stream(of: handle)?.endSent()
            case .drained(let handle): stream(of: handle)?.drained()
            case .closed(let handle, let code): end(handle, code)
            case .settings: greeted()
            case .goAway: withdraw()
            // That anything came is sign of life enough.
            case .pingAcknowledged, .request: break
            }
        }
        current?.inputEnded()
        current = nil
    }

    /// The peer's settings have come, for the first time or again.
    private func greeted() {
        if !isGreeted {
            isGreeted = true
            cancelTimer()
            if isIdle { becomeIdle() }
        }
        pool.learned(streamLimit, of: self)
    }

    private func stream(of handle: StreamHandle) -> HTTP2UpstreamStream? {
        let slot = Int(handle.slot)
        guard slot < streams.count, let stream = streams[slot], stream.isCarrying(on: handle)
        else { return nil }
        return stream
    }

    /// The stream that the next part is for.
    private func select(_ handle: StreamHandle) -> HTTP2UpstreamStream? {
        guard let stream = stream(of: handle) else { return nil }
        if stream !== current {
            current?.inputEnded()
            current = stream
        }
        return stream
    }

    /// The stream is gone before its exchange was done with it.
    private func end(_ handle: StreamHandle, _ code: ErrorCode) {
        let closer = session.closer
        // The client gets what has come, so that it sees that it is not all.
        current?.inputEnded()
        current = nil
        guard let exchange = stream(of: handle)?.exchange else { return }
        switch closer {
        case .shutdown: exchange.upstreamEnded(.unprocessed)
        case .peer where code == .refusedStream: exchange.upstreamEnded(.unprocessed)
        case .broken: exchange.upstreamEnded(.malformed)
        case .both, .us, .peer: exchange.upstreamEnded(.reset)
        }
    }

    // MARK: Output

    private func flushSocket() {
        do throws(Errno) {
            if try socket.flush() { planFlush() }
        } catch {
            isWritable = false
            socket.discardQueue()
        }
    }

    /// Sends what is due, as far as windows and the kernel allow.
    private func flush() {
        guard isOpen else { return }
        if case .leaving = state, isIdle { session.finishShutdown() }
        while loss == nil, isWritable, isOpen, socket.queuedByteCount == 0, sendPart() {}
        while let stream = watched.popLast() {
            stream.isWatched = false
            stream.flushed()
        }
        if loss == nil, session.isFinished { loss = .malformed }
        if case .leaving = state, isIdle { loss = .closed }
        if let loss {
            lose(loss)
        } else {
            takeUntaken()
        }
    }

    /// - Returns: Whether more may be due.
    private func sendPart() -> Bool {
        assert(worker.upstreamOutput.isEmpty, "a part of a request was left behind")
        do throws(SessionError) {
            try session.flush(into: &worker.upstreamOutput, byteCountLimit: Self.flushByteCount)
        } catch {
            loss = .malformed
        }
        let isDone = worker.upstreamOutput.isEmpty
        if !isDone {
            send(worker.upstreamOutput)
            worker.upstreamOutput.removeAll()
        }
        let none: [UInt8] = []
        drain(none.span)
        return !isDone
    }

    private func send(_ output: borrowing Buffer) {
        do throws(Errno) {
            try socket.write(output.bytes)
        } catch {
            isWritable = false
        }
    }

    /// Ends the connection, and with it all exchanges that it carries.
    private func lose(_ end: Exchange.UpstreamEnd) {
        guard isOpen else { return }
        withdraw()
        state = .closed
        cancelTimer()
        stopKeepAlive()
        socket.close()
        untaken.release()
        for stream in streams { stream?.exchange?.upstreamEnded(end) }
        while let stream = failing.popLast() { stream.tellRefused() }
        // They hold on to the connection.
        streams = []
        spareStreams = []
        watched = []
        pool.closed()
    }

    private func cancelTimer() {
        if let timer { worker.loop.cancel(timer) }
        timer = nil
    }
}
