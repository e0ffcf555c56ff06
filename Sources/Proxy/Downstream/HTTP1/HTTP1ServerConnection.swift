import Bytes
import EventLoop
import HTTP
import HTTP1
import HTTP2
import Kernel
import Mesh
import Routing
import Telemetry
import Transport

/// One HTTP/1.1 connection from a client; its requests are answered one by one, in their order.
final class HTTP1ServerConnection: Downstream, ServerConnection, EventHandler, TimerHandler {
    enum State {
        /// No byte of a next request is there.
        case idle
        /// A request is arriving, or its response is on its way.
        case exchanging(Exchange)
        /// The last response waits for the kernel to take it; then the connection ends.
        case flushing(resets: Bool)
        /// Everything is sent; what still arrives is thrown away, so that no reset destroys the
        /// response before the client has read it (RFC 9112 §9.6).
        case lingering(until: Instant)
        case closed
    }

    /// Whether the client speaks this version at all.
    enum Detection {
        case decided
        case awaitsFirstByte
        /// What is there since then may become the preface of HTTP/2.
        case undecided(since: Instant)
    }

    /// How long a lingering connection waits for more of what it throws away.
    static let lingerPause = Duration.seconds(2)
    /// How long a connection lingers for the client to close it, whatever still arrives.
    static let lingerDuration = Duration.seconds(30)
    /// Most bytes of further requests that wait while one is answered; one receive at the most.
    static let pipelinedByteCount = Worker.receiveByteCount

    let listener: ListenerRuntime
    let peer: SocketAddress
    let worker: Worker
    private var stream: StreamSocket
    private var decoder: RequestDecoder
    var state = State.idle
    private(set) var detection: Detection
    /// What arrived and was not decoded yet, because a request before it is being answered.
    private var incoming = Buffer()
    private var isDecoding = false
    /// The client will send no more, and may still be reading (half-closed).
    private var inputHasEnded = false
    /// How the end of the response that is on its way is told to the client.
    var responseFraming = BodyFraming.none
    /// Whether the connection ends with the response to the request that is being answered.
    var closesAfterResponse = false
    let openedAt: Instant
    var lastActivity: Instant
    var timer: TimerToken?
    var timerDeadline = Instant(nanoseconds: .max)
    var bodyWindow: BodyRateWindow
    /// The client's address without its port, once a route has asked for it.
    private(set) lazy var peerText = Array(peer.hostText.utf8)
    /// The client's address with its port, once a line of a log has asked for it.
    private(set) lazy var peerName = Array(peer.description.utf8)
    private(set) lazy var caller = Caller(stream.security, from: peer, to: listener.port)
    private(set) lazy var certificate = ClientCertificate(stream.security)

    init(
        _ stream: consuming StreamSocket, from peer: SocketAddress, on listener: ListenerRuntime,
        of worker: Worker
    ) {
        self.listener = listener
        self.peer = peer
        self.worker = worker
        self.stream = stream
        detection = listener.codec == .automatic ? .awaitsFirstByte : .decided
        decoder = RequestDecoder(limits: listener.codecLimits)
        openedAt = worker.loop.now
        lastActivity = worker.loop.now
        bodyWindow = BodyRateWindow(start: worker.loop.now)
    }

    /// Starts to read.
    ///
    /// - Throws: What epoll_ctl(2) reports; the connection is of no use then.
    func start() throws(Errno) {
        try stream.register(self, for: .readable)
        arm(by: nextDeadline().instant)
    }

    /// How many bytes the kernel has not taken yet.
    var queuedByteCount: Int { stream.queuedByteCount }

    /// All that one receive brings, since the kernel's buffers are this version's window.
    var wantedByteCount: Int { Worker.receiveByteCount }

    // MARK: For the exchange

    /// Sends two parts of a response that follow each other.
    ///
    /// The exchange ends here when the client is gone; nothing of the parts is touched then, since
    /// the caller lends them.
    func send(_ first: borrowing Buffer, _ second: Span<UInt8>) {
        lastActivity = worker.loop.now
        do throws(Errno) {
            try stream.write(first.bytes, second)
        } catch {
            fail()
        }
    }

    /// Sends a part of a response; as with two parts, the exchange may end here.
    func send(_ buffer: borrowing Buffer) {
        lastActivity = worker.loop.now
        do throws(Errno) {
            try stream.write(buffer.bytes)
        } catch {
            fail()
        }
    }

    /// Reads on where that is of use now; else TCP slows the client down.
    func updateReading() {
        if isDecoding { return }
        let isWanted = wantsInput
        if isWanted == stream.isReading { return }
        stream.setReading(isWanted)
        if isWanted {
            // What nobody read meanwhile was not the client's delay.
            bodyWindow = BodyRateWindow(start: worker.loop.now)
            arm(by: nextDeadline().instant)
        }
    }

    func becomeTunnel() {
        decoder.becomeTunnel()
        // What came behind the request belongs to the other protocol.
        if !incoming.isEmpty { resume() } else { updateReading() }
    }

    private var wantsInput: Bool {
        if inputHasEnded { return false }
        switch state {
        case .idle: return stream.queuedByteCount == 0
        case .exchanging(let exchange):
            return exchange.requestIsComplete
                ? incoming.count < Self.pipelinedByteCount : !exchange.isUpstreamSlow
        case .flushing, .closed: return false
        case .lingering: return true
        }
    }

    /// The response is written.
    func exchangeEnded() {
        guard case .exchanging(let exchange) = state else { return }
        lastActivity = worker.loop.now
        worker.finish(exchange, of: self)
        if closesAfterResponse {
            state = .flushing(resets: false)
            incoming.release()
            finishFlushing(lingers: true)
            return
        }
        state = .idle
        if !isDecoding { resume() }
    }

    /// The response cannot be completed: ends the connection so that the client notices.
    func abort() {
        guard case .exchanging(let exchange) = state else { return }
        let resets = exchange.hasResponseBegun && responseFraming == .untilClose
        worker.downstreamOutput.removeAll()
        exchange.cancelUpstream(nil)
        worker.finish(exchange, of: self)
        state = .flushing(resets: resets)
        finishFlushing(lingers: false)
    }

    /// The next response tells the client.
    func beginDraining() {}

    /// Whether the listener would still take a connection like this one.
    var isKeptByListener: Bool { listener.keepsConnections(securedBy: stream.security) }

    /// Closes the connection when nothing is under way, else after the response.
    func closeWhenIdle() {
        if case .idle = state, incoming.isEmpty { closeFlushed() }
    }

    // MARK: For the loop

    func handle(_ readiness: Readiness) {
        if !readiness.isDisjoint(with: [.failed, .hungUp]) {
            fail()
            return
        }
        if readiness.contains(.writable) { flush() }
        if readiness.contains(.readable), stream.isOpen { read() }
    }

    func timerFired(_ timer: TimerToken) {
        self.timer = nil
        let deadline = nextDeadline()
        if deadline.instant > worker.loop.now {
            arm(by: deadline.instant)
        } else {
            timeOut(deadline.verdict)
        }
    }

    private func read() {
        lastActivity = worker.loop.now
        var buffer = incoming.isEmpty ? worker.takeScratch() : exchange(&incoming, with: Buffer())
        let isScratch = buffer.isEmpty
        var room = buffer.room(minimum: Worker.receiveByteCount)
        let transfer: Transfer
        do throws(Errno) {
            transfer = try stream.receive(into: &room)
        } catch {
            if isScratch { worker.returnScratch(buffer) }
            listener.countFailure(of: stream.security, with: peer)
            fail()
            return
        }
        switch transfer {
        case .wouldBlock: break
        case .ended:
            inputHasEnded = true
            // A part of a preface is no request.
            if case .undecided = detection { buffer.removeAll() }
        case .bytes(let count):
            buffer.commit(count)
            if case .decided = detection {
                buffer.consume(decode(buffer.bytes))
            } else {
                buffer.consume(detect(buffer.bytes))
            }
        }
        keep(buffer, isScratch: isScratch)
    }

    /// Looks at the first bytes of the connection (RFC 9113 §3.4).
    ///
    /// - Returns: How much of `input` is done with.
    private func detect(_ input: Span<UInt8>) -> Int {
        switch HTTP2.Preface.match(input) {
        case .absent:
            detection = .decided
            return decode(input)
        case .incomplete:
            if case .awaitsFirstByte = detection {
                detection = .undecided(since: worker.loop.now)
            }
            return 0
        case .complete:
            let successor = HTTP2ServerConnection(from: peer, on: listener, of: worker)
            state = .closed
            if let timer { worker.loop.cancel(timer) }
            timer = nil
            worker.replace(self, by: successor)
            successor.start(stream.handOver(to: successor), with: input)
            return input.count
        }
    }

    /// Decodes what waits after a response.
    private func resume() {
        if incoming.isEmpty {
            settle()
            return
        }
        var buffer = exchange(&incoming, with: Buffer())
        buffer.consume(decode(buffer.bytes))
        keep(buffer, isScratch: false)
    }

    /// Keeps what was not decoded.
    private func keep(_ buffer: consuming Buffer, isScratch: Bool) {
        let isKept = stream.isOpen && !buffer.isEmpty
        if isScratch {
            if isKept { incoming.append(buffer.bytes) }
            worker.returnScratch(buffer)
        } else if isKept {
            incoming = buffer
        }
        settle()
    }

    /// After each step: reads on where that is of use, and ends when the client has ended.
    private func settle() {
        updateReading()
        switch state {
        case .idle:
            if inputHasEnded, incoming.isEmpty {
                closeFlushed()
            } else {
                arm(by: nextDeadline().instant)
            }
        case .exchanging(let exchange):
            if inputHasEnded, !exchange.requestIsComplete {
                inputEnded(inside: exchange)
            } else {
                arm(by: deadline(of: exchange).instant)
            }
        case .lingering: if inputHasEnded { close() }
        case .flushing, .closed: return
        }
    }

    /// The client has ended its side; only behind a switch of protocols is that no loss.
    private func inputEnded(inside exchange: Exchange) {
        guard exchange.upgrade == .switched else { return fail() }
        exchange.tunnelInputEnded()
        arm(by: deadline(of: exchange).instant)
    }

    /// - Returns: How much of `input` is done with.
    private func decode(_ input: Span<UInt8>) -> Int {
        isDecoding = true
        defer { isDecoding = false }
        var offset = 0
        while true {
            let exchange: Exchange
            switch state {
            case .idle:
                // A client that does not read its responses gets no further ones to be queued.
                if offset == input.count || stream.queuedByteCount > 0 { return offset }
                exchange = worker.takeExchange()
                exchange.start(for: self)
                state = .exchanging(exchange)
                closesAfterResponse = false
                bodyWindow = BodyRateWindow(start: worker.loop.now)
            case .exchanging(let current): exchange = current
            case .flushing, .lingering, .closed: return input.count
            }
            var event = Event.head
            while event != .needMore, exchange.awaitsRequest {
                event = decode(input, from: &offset, for: exchange)
            }
            exchange.requestInputEnded()
            if event == .needMore { return offset }
            // Further requests wait until this one is answered.
            if exchange.isUnderWay { return offset }
        }
    }

    /// Decodes and hands over one part of a request.
    private func decode(
        _ input: Span<UInt8>, from offset: inout Int, for exchange: Exchange
    ) -> Event {
        let decoded: Decoded
        do throws(ParseError) {
            decoded = try decoder.next(input.extracting(offset...), head: &exchange.request)
        } catch {
            refuse(error, exchange)
            return .end
        }
        let start = offset
        offset += decoded.consumed
        switch decoded.event {
        case .needMore: break
        case .head:
            // Else the end comes at once, and then the whole request is dealt with.
            if exchange.request.framing.hasBody { exchange.requestHeadArrived(on: self) }
        case .body(let range):
            bodyWindow.add(range.count)
            exchange.requestBodyArrived(
                input.extracting(start + range.lowerBound..<start + range.upperBound))
        case .end:
            if case .head = exchange.requestState {
                exchange.requestArrived(on: self)
            } else {
                exchange.requestEnded()
            }
        }
        return decoded.event
    }

    /// Answers what is not a request, and closes: nobody knows where the next one would begin.
    private func refuse(_ error: ParseError, _ exchange: Exchange) {
        if exchange.hasResponseBegun {
            abort()
            return
        }
        closesAfterResponse = true
        exchange.answer(error.status, .downstreamProtocolError)
    }

    private func flush() {
        lastActivity = worker.loop.now
        do throws(Errno) {
            guard try stream.flush() else { return }
        } catch {
            fail()
            return
        }
        switch state {
        case .exchanging(let exchange): exchange.downstreamDrained()
        case .flushing: finishFlushing(lingers: true)
        case .idle: resume()
        case .lingering, .closed: return
        }
    }

    /// Closes the connection once the kernel has taken every response.
    private func closeFlushed() {
        state = .flushing(resets: false)
        finishFlushing(lingers: false)
    }

    private func finishFlushing(lingers: Bool) {
        guard case .flushing(let resets) = state else { return }
        if stream.queuedByteCount > 0 {
            updateReading()
            arm(by: nextDeadline().instant)
            return
        }
        if resets { stream.resetOnClose() }
        if !lingers || inputHasEnded || resets {
            close()
            return
        }
        stream.shutdownWriting()
        lastActivity = worker.loop.now
        state = .lingering(until: lastActivity + Self.lingerDuration)
        updateReading()
        arm(by: nextDeadline().instant)
    }

    /// The connection is lost, and with it whoever waits for an answer.
    private func fail() {
        if case .exchanging(let exchange) = state {
            exchange.flags.insert(.downstreamConnectionTermination)
            exchange.cancelUpstream(nil)
            worker.finish(exchange, of: self)
        }
        close()
    }

    func close() {
        if case .closed = state { return }
        state = .closed
        if let timer { worker.loop.cancel(timer) }
        timer = nil
        incoming.release()
        stream.close()
        worker.closed(self)
    }
}
