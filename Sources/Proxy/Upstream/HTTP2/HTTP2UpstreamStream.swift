import Bytes
import HTTP
import HTTP2
import Kernel

/// One stream of an HTTP/2 connection to an endpoint; it carries one exchange, and then another
/// one on the connection's next stream.
final class HTTP2UpstreamStream: Upstream {
    private enum State {
        case spare
        /// Promised to an exchange.
        case reserved
        case carrying(Exchange, StreamHandle)
        /// The session would not take the request, or the peer would not; the exchange hears of it
        /// when the turn ends.
        case refused(Exchange, Exchange.UpstreamEnd)
    }

    private let connection: HTTP2UpstreamConnection
    private var state = State.spare
    /// Whether the response is asked for as fast as it comes.
    private var isReading = true
    /// Bytes of the response that arrived and have not opened the window again.
    private var unreadByteCount = 0
    /// Whether the request's end went with its head.
    private var endsWithHead = false
    /// Whether the end of the request has left, so that nothing is lost when the stream is left.
    private var hasSentEnd = false
    /// Whether a part of the request stayed behind when the connection was last flushed.
    private var isSlow = false
    /// Whether the connection looks at it when it is flushed.
    var isWatched = false

    /// Whether any part of an answer to the exchange has come.
    private(set) var hasAnswered = false
    /// Whether an exchange before this one has used the connection.
    private var followsOthers = false
    /// Whether the connection was lost that others have used before; as long as it stands, the peer
    /// has ended the stream for another reason than its age.
    var isReused: Bool { followsOthers && connection.isLost }

    init(of connection: HTTP2UpstreamConnection) {
        self.connection = connection
    }

    /// The exchange that it carries.
    var exchange: Exchange? {
        if case .carrying(let exchange, _) = state { exchange } else { nil }
    }

    func isCarrying(on handle: StreamHandle) -> Bool {
        if case .carrying(_, handle) = state { true } else { false }
    }

    /// Promises it to an exchange.
    func reserve(followingOthers followsOthers: Bool) {
        state = .reserved
        self.followsOthers = followsOthers
        hasAnswered = false
        isReading = true
        unreadByteCount = 0
        hasSentEnd = false
        isSlow = false
    }

    // MARK: For the exchange

    /// What the peer or the kernel has not taken, as far as that was tried: until the turn ends,
    /// what is written waits for what other streams write.
    var queuedByteCount: Int {
        guard isSlow, case .carrying(_, let handle) = state else { return 0 }
        return connection.session.queuedByteCount(on: handle)
    }

    var isStale: Bool { connection.isStale }

    func carry(_ exchange: Exchange) {
        let isTunnel = exchange.upgrade == .asked
        endsWithHead =
            exchange.requestIsComplete && exchange.heldBody.isEmpty
            && exchange.request.trailers.count == 0 && !isTunnel
        var tunnelled: ByteRange?
        if isTunnel {
            tunnelled = exchange.connectProtocol
            if tunnelled == nil { return refuse(exchange, .unfit(400)) }
            if !connection.session.peerTakesConnect { return refuse(exchange, .unfit(501)) }
        }
        do throws(SubmitError) {
            let handle = try connection.session.submitRequest(
                exchange.request,
                target: (path: exchange.forwardedPath, authority: exchange.forwardedAuthority),
                scheme: exchange.forwardedScheme, tunnelling: tunnelled, endsStream: endsWithHead)
            state = .carrying(exchange, handle)
            connection.began(self, handle)
        } catch {
            refuse(exchange, .reset)
        }
    }

    private func refuse(_ exchange: Exchange, _ reason: Exchange.UpstreamEnd) {
        state = .refused(exchange, reason)
        connection.failSoon(self)
    }

    func writeBody(_ bytes: Span<UInt8>) {
        guard case .carrying(let exchange, let handle) = state, !bytes.isEmpty else { return }
        do throws(SubmitError) {
            try connection.session.send(bytes, on: handle)
            connection.watch(self)
        } catch .streamClosed {
            // The event that says so is still to be drained.
            return
        } catch {
            connection.session.reset(handle, .internalError)
            connection.ended(self, handle)
            refuse(exchange, .reset)
        }
    }

    func writeEnd(of exchange: Exchange) {
        // What follows the head of a tunnel comes when the peer has opened it.
        guard !endsWithHead, exchange.upgrade != .asked, case .carrying(_, let handle) = state
        else { return }
        try? connection.session.end(handle, trailers: exchange.request.trailers)
    }

    func flushRequest() {
        connection.planFlush()
    }

    /// Opens the stream's window no further, or opens it by what has come meanwhile.
    func setReading(_ isReading: Bool) {
        self.isReading = isReading
        openWindow()
    }

    func earliestLoss() -> Instant { connection.earliestLoss() }

    func release(reusable isReusable: Bool) {
        let state = state
        self.state = .spare
        switch state {
        case .spare: return
        case .reserved, .refused: break
        case .carrying(_, let handle):
            if !isReusable || !hasSentEnd { connection.session.reset(handle, .cancel) }
            connection.ended(self, handle)
        }
        connection.released(self)
    }

    /// What a connection that served many was closed for says nothing about its idling.
    func wasStale() {}

    /// Has the connection carry nothing new.
    func close() {
        connection.withdraw()
        release(reusable: false)
    }

    // MARK: For the connection

    /// Tells the exchange that the session would not take its request.
    func tellRefused() {
        if case .refused(let exchange, let reason) = state { exchange.upstreamEnded(reason) }
    }

    /// A head of a response has come.
    func responseArrived() {
        guard case .carrying(let exchange, _) = state else { return }
        hasAnswered = true
        connection.session.takeResponseHead(into: &exchange.response)
        if exchange.upgrade == .asked, exchange.response.status / 100 == 2 {
            exchange.readConnectResponse()
        } else if !exchange.response.interpret(for: exchange.request) {
            exchange.upstreamEnded(.malformed)
            return
        }
        exchange.responseHeadArrived()
    }

    func bodyArrived(_ bytes: Span<UInt8>) {
        guard case .carrying(let exchange, _) = state else { return }
        unreadByteCount += bytes.count
        exchange.responseBodyArrived(bytes)
    }

    func trailersArrived() {
        // A tunnel has bytes and an end (RFC 9113 §8.5).
        guard case .carrying(let exchange, _) = state, exchange.upgrade == .none else { return }
        connection.session.takeTrailers(into: &exchange.response.trailers)
    }

    func endArrived() {
        guard case .carrying(let exchange, _) = state else { return }
        exchange.responseEnded(reusable: true)
    }

    func endSent() { hasSentEnd = true }

    /// Everything that has come so far was passed on.
    func inputEnded() {
        guard case .carrying(let exchange, _) = state else { return }
        exchange.responseInputEnded()
        openWindow()
    }

    /// The connection has sent what windows and kernel allow.
    func flushed() {
        guard case .carrying(let exchange, let handle) = state, !isSlow,
            connection.session.queuedByteCount(on: handle) > 0
        else { return }
        isSlow = true
        connection.session.awaitEmptyQueue(of: handle)
        exchange.upstreamSlowed()
    }

    func drained() {
        guard isSlow, case .carrying(let exchange, _) = state else { return }
        isSlow = false
        exchange.upstreamDrained()
    }

    private func openWindow() {
        guard isReading, unreadByteCount > 0, case .carrying(_, let handle) = state else { return }
        connection.session.consume(unreadByteCount, on: handle)
        unreadByteCount = 0
        connection.planFlush()
    }
}

extension ResponseHead {
    /// Decides what an HTTP/2 response means as the answer to `request`.
    ///
    /// - Returns: Whether it is one: 101 is none, and there are no codes but those of RFC 9110 §15.
    fileprivate mutating func interpret(for request: borrowing RequestHead) -> Bool {
        guard status >= 100, status < 600, status != 101 else { return false }
        if isInformational || status == 204 || status == 304 || request.method == .head {
            framing = .none
        } else if framing == .none, request.version != .http2 {
            // Without a length an HTTP/1 client would wait for the end of the connection.
            framing = .length(0)
        }
        return true
    }
}
