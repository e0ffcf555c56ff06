import Bytes
import EventLoop
import HTTP
import HTTP1
import Kernel
import Mesh
import Transport

/// One HTTP/1.1 connection to an endpoint; it carries one exchange at a time.
final class HTTP1UpstreamConnection: Upstream, EventHandler, TimerHandler {
    private enum State {
        case connecting
        case shakingHands
        case idle
        case carrying(Exchange)
        case closed
    }

    let pool: HTTP1ConnectionPool
    private let worker: Worker
    private var state = State.connecting
    private var stream: StreamSocket
    private var decoder: ResponseDecoder
    private var timer: TimerToken?
    private var idleSince: Instant
    /// How long it was idle before the exchange that it carries.
    private var idleBefore: UInt64 = 0
    private var exchangeCount: UInt32 = 0
    /// A connection that cannot be written to may still bring the answer that explains why.
    private var isWritable = true
    private var isReading = true
    /// Whether the body of the request is sent in chunks.
    private var isChunked = false
    /// Whether the sending side ends when all that is queued has left.
    private var endsWhenDrained = false

    private init(_ socket: consuming Socket, to pool: HTTP1ConnectionPool) {
        self.pool = pool
        worker = pool.worker
        idleSince = worker.loop.now
        decoder = ResponseDecoder(limits: worker.responseLimits)
        stream = StreamSocket(socket, on: worker.loop)
    }

    /// Begins a connection; the pool is told how it ended, after this call has returned.
    static func open(to pool: HTTP1ConnectionPool) {
        let worker = pool.worker
        do throws(Errno) {
            let socket = try Socket.connecting(to: pool.address)
            try? socket.noticeVanishedPeer()
            let connection = HTTP1UpstreamConnection(socket, to: pool)
            try connection.stream.register(connection, for: .writable)
            connection.timer = worker.loop.schedule(
                after: pool.cluster.cluster.connectTimeout, for: connection)
        } catch {
            worker.failSoon(pool, blamesEndpoint: !error.isExhaustion)
        }
    }

    /// Whether any byte of an answer to the exchange has come.
    private(set) var hasAnswered = false

    /// Whether an exchange before this one has used the connection, so that it may be stale.
    var isReused: Bool { exchangeCount > 1 }

    /// Whether it has carried no exchange yet, so that the peer cannot have tired of it.
    var isFresh: Bool { exchangeCount == 0 }

    /// Since the exchange before has ended.
    var idleNanoseconds: UInt64 { worker.loop.now.nanoseconds(since: idleSince) }

    /// How many bytes of the request the kernel has not taken yet.
    var queuedByteCount: Int { stream.queuedByteCount }

    // MARK: For the exchange

    /// Begins to carry `exchange`, and writes the head of its request.
    ///
    /// Parts are put together in the worker's ``Worker/upstreamOutput`` until they are flushed.
    func carry(_ exchange: Exchange) {
        assert(worker.upstreamOutput.isEmpty, "a part of another request was left behind")
        idleBefore = idleNanoseconds
        state = .carrying(exchange)
        exchangeCount &+= 1
        hasAnswered = false
        let asksForUpgrade = exchange.upgrade == .asked
        decoder.expect(responseTo: exchange.request.method, upgrade: asksForUpgrade)
        setReading(true)
        isChunked = exchange.request.framing == .chunked
        exchange.request.write(
            path: exchange.forwardedPath, authority: exchange.forwardedAuthority,
            asksForUpgrade: asksForUpgrade, to: &worker.upstreamOutput)
    }

    func writeBody(_ bytes: Span<UInt8>) {
        if isChunked {
            Writer.chunk(bytes, to: &worker.upstreamOutput)
        } else if bytes.count <= Worker.copiedByteCount {
            worker.upstreamOutput.append(bytes)
        } else {
            send(worker.upstreamOutput, bytes)
            worker.upstreamOutput.removeAll()
        }
    }

    func writeEnd(of exchange: Exchange) {
        if isChunked {
            Writer.lastChunk(trailers: exchange.request.trailers, to: &worker.upstreamOutput)
        } else if exchange.upgrade == .switched {
            // The upstream may go on when the client has ended its side.
            endsWhenDrained = true
        }
    }

    private func endIfDrained() {
        if endsWhenDrained, stream.queuedByteCount == 0 { stream.shutdownWriting() }
    }

    /// Sends what was written.
    func flushRequest() {
        if !worker.upstreamOutput.isEmpty {
            send(worker.upstreamOutput, Span())
            worker.upstreamOutput.removeAll()
        }
        endIfDrained()
    }

    /// Sends two parts of the request that follow each other; drops them when the peer takes none
    /// any more, since its answer or its end, which says what to do, may still come.
    private func send(_ first: borrowing Buffer, _ second: Span<UInt8>) {
        guard isWritable else { return }
        do throws(Errno) {
            try stream.write(first.bytes, second)
        } catch {
            isWritable = false
        }
    }

    /// Stops or goes on reading the response, as the client takes it.
    func setReading(_ isReading: Bool) {
        if self.isReading == isReading { return }
        self.isReading = isReading
        stream.setReading(isReading)
    }

    /// When the peer can be lost at the earliest; now, when it is.
    func earliestLoss() -> Instant {
        worker.earliestLoss(after: stream.unacknowledgedNanoseconds())
    }

    /// The exchange is over.
    ///
    /// - Parameter isReusable: Whether request and response were complete, and nothing more came.
    func release(reusable isReusable: Bool) {
        guard case .carrying = state else { return }
        worker.upstreamOutput.removeAll()
        let limit = pool.cluster.cluster.maximumRequestsPerConnection ?? .max
        if isReusable, isWritable, stream.queuedByteCount == 0, exchangeCount < limit {
            state = .idle
            idleSince = worker.loop.now
            pool.released(self)
        } else {
            close()
        }
    }

    /// The peer closed it while a request was on its way.
    func wasStale() {
        pool.peerClosedIdle(after: idleBefore)
    }

    /// Whether the peer has closed an idle connection, or sent what nobody asked for, as far as
    /// the kernel knows now.
    var isStale: Bool { stream.hasInput() }

    // MARK: For the pool

    func becomeIdle() {
        state = .idle
        idleSince = worker.loop.now
        setReading(true)
        guard timer == nil, let limit = pool.cluster.cluster.idleTimeout else { return }
        timer = worker.loop.schedule(after: limit, for: self)
    }

    /// Closes the connection, whatever it is doing.
    func close() {
        if case .closed = state { return }
        state = .closed
        cancelTimer()
        stream.close()
        pool.closed()
    }

    // MARK: For the loop

    func handle(_ readiness: Readiness) {
        switch state {
        case .connecting: finishConnecting()
        case .shakingHands:
            if readiness.contains(.writable) { _ = try? stream.flush() }
            shakeHands()
        case .idle:
            // A ticket for another session, for one, is nothing that ends this one.
            if !stream.hasInput() { return }
            pool.peerClosedIdle(after: idleNanoseconds)
            closeIdle()
        case .carrying(let exchange):
            if readiness.contains(.writable) { flush(for: exchange) }
            if readiness.subtracting(.writable).isEmpty { return }
            guard case .carrying = state else { return }
            read(for: exchange)
        case .closed: return
        }
    }

    func timerFired(_ timer: TimerToken) {
        self.timer = nil
        switch state {
        case .connecting:
            failConnecting()
        case .shakingHands:
            pool.cluster.countTimeout(of: stream, to: pool.address, on: worker)
            failConnecting()
        case .idle:
            guard let limit = pool.cluster.cluster.idleTimeout else { return }
            let deadline = idleSince + limit
            if deadline <= worker.loop.now {
                closeIdle()
            } else {
                self.timer = worker.loop.schedule(at: deadline, for: self)
            }
        case .carrying, .closed: return
        }
    }

    private func finishConnecting() {
        if stream.takeError() != nil {
            failConnecting()
            return
        }
        isReading = true
        stream.setReading(true)
        // Also ends the interest in writing that connecting needed.
        stream.updateInterest()
        proceed(
            pool.cluster.secure(&stream, to: pool.address, for: "http/1.1", on: worker))
    }

    private func shakeHands() {
        proceed(pool.cluster.shakeHands(&stream, to: pool.address, on: worker))
    }

    private func proceed(_ progress: UpstreamCluster.SecurityProgress) {
        switch progress {
        case .waiting: state = .shakingHands
        case .ready:
            cancelTimer()
            pool.connected(self)
        case .failed: failConnecting()
        }
    }

    private func failConnecting() {
        state = .closed
        cancelTimer()
        stream.close()
        pool.connectFailed()
    }

    /// An idle connection has no reason to become readable but its end, or bytes that nobody asked
    /// for; neither may reach the next exchange.
    private func closeIdle() {
        pool.removeIdle(self)
        close()
    }

    private func flush(for exchange: Exchange) {
        do throws(Errno) {
            if try stream.flush() {
                endIfDrained()
                exchange.upstreamDrained()
            }
        } catch {
            isWritable = false
            stream.discardQueue()
            exchange.upstreamDrained()
        }
    }

    private func read(for exchange: Exchange) {
        var scratch = worker.takeScratch()
        do throws(Errno) {
            var room = scratch.room(exactly: exchange.wantedByteCount)
            switch try stream.receive(into: &room) {
            case .wouldBlock: break
            case .ended: end(exchange)
            case .bytes(let count):
                hasAnswered = true
                scratch.commit(count)
                decode(scratch.bytes, for: exchange)
            }
        } catch {
            pool.cluster.countFailure(of: stream, to: pool.address, on: worker)
            exchange.upstreamEnded(.reset)
        }
        worker.returnScratch(scratch)
    }

    private func end(_ exchange: Exchange) {
        do throws(ParseError) {
            switch try decoder.endOfInput() {
            case .endOfBody: exchange.responseEnded(reusable: false)
            case .betweenMessages: exchange.upstreamEnded(.closed)
            }
        } catch {
            exchange.upstreamEnded(.closed)
        }
    }

    private func decode(_ input: Span<UInt8>, for exchange: Exchange) {
        var offset = 0
        while case .carrying = state {
            let decoded: Decoded
            do throws(ParseError) {
                decoded = try decoder.next(
                    input.extracting(offset...), head: &exchange.response)
            } catch {
                exchange.upstreamEnded(.malformed)
                return
            }
            switch decoded.event {
            case .needMore:
                exchange.responseInputEnded()
                return
            case .head:
                exchange.responseHeadArrived()
            case .body(let range):
                let start = offset + range.lowerBound
                exchange.responseBodyArrived(
                    input.extracting(start..<offset + range.upperBound))
            case .end:
                let isLast = offset + decoded.consumed == input.count
                exchange.responseEnded(reusable: isLast && exchange.response.isPersistent)
                return
            }
            offset += decoded.consumed
        }
    }

    private func cancelTimer() {
        if let timer { worker.loop.cancel(timer) }
        timer = nil
    }
}

extension RequestHead {
    /// Writes the request anew, from what was understood.
    fileprivate func write(
        path: ByteRange, authority: ByteRange, asksForUpgrade: Bool, to buffer: inout Buffer
    ) {
        Writer.requestLine(method: methodBytes, target: fields.bytes(path), to: &buffer)
        buffer.append("host: ")
        buffer.append(fields.bytes(authority))
        buffer.append("\r\n")
        Writer.endToEndFields(fields, to: &buffer)
        switch framing {
        case .length(let length): Writer.contentLength(length, to: &buffer)
        case .chunked: Writer.chunkedEncoding(to: &buffer)
        case .none, .untilClose: break
        }
        if asksForUpgrade { Writer.upgrade(of: fields, to: &buffer) }
        Writer.endOfHead(to: &buffer)
    }
}
