import Balancing
import Bytes
import EventLoop
import HTTP
import HTTP1
import HTTP2
import Kernel
import Routing
import Telemetry

/// One request and its response on an HTTP/2 connection from a client.
///
/// Objects are used again for later streams, whatever their connection.
final class HTTP2ServerStream: Downstream {
    enum State {
        case idle
        case exchanging(Exchange)
        /// The response is written; it may not have left yet.
        case answered
    }

    let worker: Worker
    private(set) var state = State.idle
    private var connection: HTTP2ServerConnection?
    private(set) var handle = StreamHandle.none
    /// Whether the client has sent all of its request.
    private(set) var requestHasEnded = false
    /// The head of the response waits for what follows it, which may be the end of the stream.
    private var isHeadPending = false
    /// Whether something was written since the connection looked at the queue.
    private var isTouched = false
    /// The client does not take what is queued, and the upstream waits.
    private var isFull = false
    /// How much was queued when that was looked at.
    private var fullByteCount = 0
    /// What was written found no room, so that the response cannot be completed.
    private var hasOverflowed = false
    /// Bytes of the request that the client may not replace by others yet.
    private var heldByteCount = 0
    /// What the client has sent into a tunnel that is not open yet; its window is the bound.
    private var early = Buffer()
    /// Whether the upstream keeps the client waiting.
    private var isHolding = false
    private var lastActivity = Instant(nanoseconds: 0)
    private var bodyWindow: BodyRateWindow

    init(of worker: Worker) {
        self.worker = worker
        bodyWindow = BodyRateWindow(start: worker.loop.now)
    }

    /// Begins with a head that the session has just brought.
    func open(_ handle: StreamHandle, on connection: HTTP2ServerConnection) {
        self.handle = handle
        self.connection = connection
        lastActivity = worker.loop.now
        bodyWindow = BodyRateWindow(start: worker.loop.now)
        requestHasEnded = false
        isHeadPending = false
        isTouched = false
        isFull = false
        hasOverflowed = false
        heldByteCount = 0
        early.release()
        isHolding = false
        let exchange = worker.takeExchange()
        exchange.start(for: self)
        state = .exchanging(exchange)
        connection.session.takeRequestHead(into: &exchange.request)
        do throws(ParseError) {
            try exchange.request.checkTranslation()
        } catch {
            exchange.answer(error.status, .downstreamProtocolError)
            return
        }
        // Else the end comes at once, and then the whole request is dealt with.
        if exchange.request.framing.hasBody {
            exchange.requestHeadArrived(on: self)
        } else if exchange.request.asksForUpgrade {
            // What follows belongs to the other protocol.
            exchange.requestArrived(on: self)
        }
    }

    // MARK: What the client sends

    func bodyArrived(_ bytes: Span<UInt8>) {
        heldByteCount += bytes.count
        // What nobody reads any more keeps nothing going.
        guard case .exchanging(let exchange) = state else { return }
        lastActivity = worker.loop.now
        bodyWindow.add(bytes.count)
        if exchange.request.asksForUpgrade, exchange.upgrade != .switched {
            if exchange.upgrade == .asked { early.append(bytes) }
            return
        }
        exchange.requestBodyArrived(bytes)
    }

    func trailersArrived() {
        // A tunnel has bytes and an end (RFC 9113 §8.5).
        guard case .exchanging(let exchange) = state, !exchange.request.asksForUpgrade else {
            return
        }
        connection?.session.takeTrailers(into: &exchange.request.trailers)
    }

    func requestEnded() {
        requestHasEnded = true
        lastActivity = worker.loop.now
        guard case .exchanging(let exchange) = state else { return }
        if exchange.request.asksForUpgrade {
            if exchange.upgrade == .switched { exchange.tunnelInputEnded() }
        } else if case .head = exchange.requestState {
            exchange.requestArrived(on: self)
        } else {
            exchange.requestEnded()
        }
    }

    /// What arrived so far is understood; the upstream gets it now.
    func inputEnded() {
        if case .exchanging(let exchange) = state { exchange.requestInputEnded() }
        updateReading()
        // With a part of the request another time may have begun, which may be a shorter one.
        connection?.arm(by: deadline.instant)
    }

    /// The client has taken what was queued.
    func drained() {
        lastActivity = worker.loop.now
        isFull = false
        if case .exchanging(let exchange) = state { exchange.downstreamDrained() }
    }

    /// The response is with the kernel; what is left of the request has no reader.
    func endSent() {
        if !requestHasEnded { connection?.session.reset(handle, .noError) }
    }

    /// The stream is over, and with it whoever waits for an answer.
    func closed(_ reason: ResponseFlags) {
        if case .exchanging(let exchange) = state {
            exchange.flags.formUnion(reason)
            exchange.cancelUpstream(nil)
            worker.finish(exchange, of: self)
        }
        state = .idle
        connection = nil
    }

    // MARK: For the connection

    /// Looks whether the client takes what was written in this turn.
    func settleOutput() {
        isTouched = false
        guard let connection else { return }
        if hasOverflowed {
            abort()
            return
        }
        if isFull || connection.session.queuedByteCount(on: handle) == 0 { return }
        isFull = true
        fullByteCount = connection.session.queuedByteCount(on: handle)
        connection.session.awaitEmptyQueue(of: handle)
        if case .exchanging(let exchange) = state { exchange.downstreamFilled() }
    }

    /// What has to happen next.
    var deadline: Deadline {
        guard let limits = connection?.listener.limits else {
            return Deadline(instant: Deadline.never, verdict: .close)
        }
        switch state {
        case .idle: return Deadline(instant: Deadline.never, verdict: .close)
        case .exchanging(let exchange):
            return exchange.deadline(
                within: limits, lastActivity: lastActivity, bodyWindow: bodyWindow)
        case .answered:
            return Deadline(instant: lastActivity.after(limits.streamIdle), verdict: .close)
        }
    }

    func timeOut(_ verdict: Verdict) {
        guard case .exchanging(let exchange) = state else {
            if !hasTakenSome() { reset(.cancel) }
            return
        }
        switch verdict {
        case .streamIdle where hasTakenSome(): return
        case .close: reset(.cancel)
        case .upstreamCheck: exchange.checkUpstream()
        case .requestTimeout where isArrivingFastEnough(exchange):
            bodyWindow = BodyRateWindow(start: worker.loop.now)
        case .requestTimeout: answer(exchange, 408, [])
        case .upstreamTimeout:
            if !exchange.hasResponseBegun { exchange.cancelUpstream(.timedOut) }
            answer(exchange, 504, .upstreamTimeout)
        case .streamIdle:
            answer(exchange, exchange.requestIsComplete ? 504 : 408, .streamIdleTimeout)
        }
    }

    /// Whether the client reads what is queued, however slowly; that is no idleness.
    private func hasTakenSome() -> Bool {
        let rest = queuedByteCount
        if !isFull || rest >= fullByteCount { return false }
        fullByteCount = rest
        lastActivity = worker.loop.now
        return true
    }

    private func isArrivingFastEnough(_ exchange: Exchange) -> Bool {
        guard case .body = exchange.requestState else { return false }
        return bodyWindow.isFastEnough && bodyWindow.deadline <= worker.loop.now
    }

    /// Answers in place of the upstream, or ends a response that has begun.
    private func answer(_ exchange: Exchange, _ status: UInt16, _ reason: ResponseFlags) {
        if exchange.hasResponseBegun {
            exchange.flags.formUnion(reason)
            abort()
        } else {
            exchange.answer(status, reason)
        }
    }

    private func reset(_ code: ErrorCode) {
        connection?.session.reset(handle, code)
        connection?.planFlush()
    }
}

// MARK: For the exchange

extension HTTP2ServerStream {
    var listener: ListenerRuntime { client.listener }
    var caller: Caller { client.caller }
    var certificate: ClientCertificate { client.certificate }

    private var client: HTTP2ServerConnection {
        guard let connection else { preconditionFailure("an exchange has lost its connection") }
        return connection
    }

    var peerText: [UInt8] { connection?.peerText ?? [] }
    var peerName: [UInt8] { connection?.peerName ?? [] }

    /// What this turn has written has not been sent yet, so that it says nothing of the client.
    var queuedByteCount: Int {
        guard isFull, let connection else { return 0 }
        return connection.session.queuedByteCount(on: handle)
    }

    /// DATA carries another protocol as it carries a body; some may be here already.
    func becomeTunnel() {
        guard case .exchanging(let exchange) = state else { return }
        if !early.isEmpty {
            exchange.requestBodyArrived(early.bytes)
            early.release()
            exchange.requestInputEnded()
        }
        if requestHasEnded { exchange.tunnelInputEnded() }
        updateReading()
    }

    var wantedByteCount: Int {
        guard let connection else { return Worker.leastReceiveByteCount }
        let sendable = connection.session.sendableByteCount(on: handle)
        return max(Worker.leastReceiveByteCount, min(sendable, Worker.receiveByteCount))
    }

    func writeInformational(of exchange: Exchange) {
        lastActivity = worker.loop.now
        submit { (session) throws(SubmitError) in
            try session.submitInformational(exchange.response, on: handle)
        }
    }

    func writeHead(of exchange: Exchange) {
        isHeadPending = true
        connection?.noteResponse()
    }

    func writeBody(_ bytes: Span<UInt8>) {
        if bytes.isEmpty { return }
        writePendingHead(endsStream: false)
        lastActivity = worker.loop.now
        guard !hasOverflowed, let connection else { return }
        do throws(SubmitError) {
            try connection.session.send(bytes, on: handle)
            touch()
        } catch {
            hasOverflowed = true
            touch()
        }
    }

    func writeEnd(of exchange: Exchange) {
        let hasTrailers = exchange.response.trailers.count > 0 && exchange.upgrade == .none
        if isHeadPending, !hasTrailers {
            writePendingHead(endsStream: true)
            return
        }
        writePendingHead(endsStream: false)
        if hasTrailers {
            submit { (session) throws(SubmitError) in
                try session.end(handle, trailers: exchange.response.trailers)
            }
        } else {
            submit { (session) throws(SubmitError) in try session.end(handle) }
        }
    }

    /// Everything is sent when the turn ends; what can be known before is that the head is whole.
    func flushResponse() {
        writePendingHead(endsStream: false)
    }

    private func writePendingHead(endsStream: Bool) {
        guard isHeadPending, case .exchanging(let exchange) = state else { return }
        isHeadPending = false
        lastActivity = worker.loop.now
        submit { (session) throws(SubmitError) in
            try session.submitResponse(exchange.response, on: handle, endsStream: endsStream)
        }
    }

    /// Hands something to the session; where that fails, the stream is over or about to be.
    private func submit(_ write: (inout Session) throws(SubmitError) -> Void) {
        guard !hasOverflowed, let connection else { return }
        do throws(SubmitError) {
            try write(&connection.session)
        } catch {
            hasOverflowed = true
        }
        touch()
    }

    private func touch() {
        if isTouched { return }
        isTouched = true
        connection?.touch(self)
    }

    /// Lets the client send as much more as the upstream has taken.
    func updateReading() {
        guard heldByteCount > 0, let connection else { return }
        if case .exchanging(let exchange) = state,
            exchange.isUpstreamSlow || exchange.upgrade == .asked
        {
            isHolding = true
            return
        }
        connection.session.consume(heldByteCount, on: handle)
        heldByteCount = 0
        connection.planFlush()
        if !isHolding { return }
        // What nobody could take meanwhile was not the client's delay.
        isHolding = false
        bodyWindow = BodyRateWindow(start: worker.loop.now)
        connection.arm(by: deadline.instant)
    }

    /// The response is written.
    func exchangeEnded() {
        guard case .exchanging(let exchange) = state else { return }
        lastActivity = worker.loop.now
        worker.finish(exchange, of: self)
        state = .answered
    }

    /// The response cannot be completed: ends the stream so that the client notices.
    func abort() {
        isHeadPending = false
        var code = ErrorCode.internalError
        if case .exchanging(let exchange) = state {
            // As the end of the connection behind a tunnel is told (RFC 9113 §8.5).
            if exchange.upgrade == .switched { code = .connectError }
            exchange.cancelUpstream(nil)
            worker.finish(exchange, of: self)
            state = .answered
        }
        reset(code)
    }
}
