import Bytes
import EventLoop
import HTTP
import HTTP1
import Kernel

/// One client of an ``HTTPServer``.
final class HTTPServerConnection {
    enum State {
        /// Between two requests.
        case idle
        /// A request is arriving.
        case receivingHead
        case receivingBody
        /// The request is handed over and its reply has not ended.
        case replying(HTTPReply)
        /// The reply has ended, and the client has to read it before its next request is taken.
        case flushing
        /// The last reply is on its way; what still arrives is thrown away (RFC 9112 §9.6).
        case closing
        case closed
    }

    /// Most bytes of next requests that are kept while a reply is not done.
    private static let pipelinedByteCount = 16 * 1024
    /// How long a client may take to read the last reply and to close.
    private static let lingerTime = Duration.seconds(2)

    let peer: SocketAddress
    private(set) var state = State.idle
    /// The request that is being answered, or received.
    private(set) var head = RequestHead()
    private(set) weak var server: HTTPServer?
    let limits: HTTPServerLimits
    private let loop: EventLoop
    private var socket: StreamSocket
    private var decoder: RequestDecoder
    private var input = Buffer()
    private var body: [UInt8] = []
    private var timer: TimerToken?
    private var isDecoding = false
    private var hasInputEnded = false
    /// Whom to tell at the end of the turn that the client is gone.
    private var abandonedReply: HTTPReply?

    init(_ socket: consuming Socket, from peer: SocketAddress, server: HTTPServer) {
        self.peer = peer
        self.server = server
        limits = server.limits
        loop = server.loop
        self.socket = StreamSocket(socket, on: server.loop)
        decoder = RequestDecoder(limits: server.limits.messages)
    }

    var queuedByteCount: Int { socket.queuedByteCount }

    /// Starts to read; the loop keeps the connection until it is closed.
    ///
    /// - Returns: Whether the kernel lets the socket be watched.
    func start() -> Bool {
        do throws(Errno) {
            try socket.register(self, for: .readable)
        } catch {
            return false
        }
        setTimer(limits.headTime)
        return true
    }

    /// Closes at once, or after the reply that is due.
    func beginShutdown() {
        switch state {
        case .idle: close()
        case .flushing: beginClosing()
        case .replying(let reply): reply.finish()
        case .receivingHead, .receivingBody, .closing, .closed: break
        }
    }

    /// Closes now, whatever is on its way; who streams is told at the end of the turn.
    func close() {
        if case .replying(let reply) = state {
            abandonedReply = reply
            loop.atEndOfTurn(self)
        }
        end()
    }

    /// Closes now and tells who streams at once, since the loop may not turn any more.
    func closeForGood() {
        guard case .replying(let reply) = state else {
            end()
            return
        }
        end()
        reply.connectionClosed()
    }

    private func end() {
        if case .closed = state { return }
        state = .closed
        setTimer(nil)
        socket.close()
        input.release()
        head.release()
        body = []
        server?.connectionClosed(self)
    }

    /// Sends bytes of the reply that is due; what does not go now is queued.
    func write(_ bytes: Span<UInt8>) {
        do throws(Errno) {
            try socket.write(bytes)
        } catch {
            close()
            return
        }
        if socket.queuedByteCount > 0, timer == nil { setTimer(limits.writeTime) }
    }

    /// Goes on to the next request, or closes where this was the last one.
    func replyEnded(closes: Bool) {
        guard case .replying = state else { return }
        if closes {
            beginClosing()
        } else if socket.queuedByteCount > 0 {
            state = .flushing
            setTimer(limits.writeTime)
        } else {
            awaitRequest()
        }
    }

    private func awaitRequest() {
        state = .idle
        body = []
        head.release()
        setTimer(limits.idleTime)
        socket.setReading(!hasInputEnded)
        decode()
    }

    /// Lets the client read what is queued, and see the end, before the socket is closed.
    private func beginClosing() {
        state = .closing
        input.release()
        if socket.queuedByteCount > 0 {
            setTimer(limits.writeTime)
        } else if hasInputEnded {
            close()
        } else {
            socket.shutdownWriting()
            socket.setReading(true)
            setTimer(Self.lingerTime)
        }
    }

    private func setTimer(_ delay: Duration?) {
        if let timer { loop.cancel(timer) }
        timer = delay.map { loop.schedule(after: $0, for: self) }
    }
}

extension HTTPServerConnection {
    private func receive() {
        let transfer: Transfer
        do throws(Errno) {
            var room = input.room(minimum: Self.pipelinedByteCount)
            transfer = try socket.receive(into: &room)
        } catch {
            close()
            return
        }
        switch transfer {
        case .wouldBlock: break
        case .bytes(let count):
            input.commit(count)
            inputArrived()
        case .ended:
            hasInputEnded = true
            socket.setReading(false)
            inputEnded()
        }
    }

    private func inputArrived() {
        switch state {
        case .idle, .receivingHead, .receivingBody: decode()
        case .replying, .flushing:
            if input.count >= Self.pipelinedByteCount { socket.setReading(false) }
        case .closing, .closed: input.removeAll()
        }
    }

    private func inputEnded() {
        switch state {
        case .idle, .receivingHead, .receivingBody: beginClosing()
        case .replying(let reply):
            // Whoever waits for an answer may have shut its own side down; a stream has no end
            // to wait for.
            if reply.isStreaming { close() }
        case .closing:
            if socket.queuedByteCount == 0 { close() }
        case .flushing, .closed: break
        }
    }

    /// Reads requests until one has to be answered first.
    private func decode() {
        if isDecoding { return }
        isDecoding = true
        // Taken out meanwhile, since a span must not outlive an access to a class's property.
        var arrived = Buffer()
        swap(&arrived, &input)
        while isReceiving {
            do throws(ParseError) {
                if try !decodeNext(&arrived) { break }
            } catch {
                refuse(status: error.status)
            }
        }
        switch state {
        case .closing, .closed: arrived.release()
        case .idle, .receivingHead, .receivingBody, .replying, .flushing:
            if arrived.isEmpty { arrived.release() }
        }
        swap(&arrived, &input)
        isDecoding = false
        if isReceiving, hasInputEnded { beginClosing() }
    }

    private var isReceiving: Bool {
        switch state {
        case .idle, .receivingHead, .receivingBody: true
        case .replying, .flushing, .closing, .closed: false
        }
    }

    /// - Returns: Whether there is more to decode.
    private func decodeNext(_ arrived: inout Buffer) throws(ParseError) -> Bool {
        let decoded = try decoder.next(arrived.bytes, head: &head)
        switch decoded.event {
        case .needMore:
            arrived.consume(decoded.consumed)
            if case .idle = state, !decoder.isIdle {
                state = .receivingHead
                setTimer(limits.headTime)
            }
            return false
        case .head:
            arrived.consume(decoded.consumed)
            state = .receivingBody
            headArrived()
        case .body(let range):
            if body.count + range.count > limits.bodyByteCount {
                refuse(status: 413)
                return false
            }
            body.append(arrived.bytes.extracting(range))
            arrived.consume(decoded.consumed)
        case .end:
            arrived.consume(decoded.consumed)
            handOver()
        }
        return true
    }

    private func headArrived() {
        if case .length(let count) = head.framing, count > UInt64(limits.bodyByteCount) {
            refuse(status: 413)
            return
        }
        if !head.framing.hasBody { return }
        setTimer(limits.bodyTime)
        if head.expectsContinue {
            var interim = Buffer()
            Writer.statusLine(100, to: &interim)
            Writer.endOfHead(to: &interim)
            write(interim.bytes)
        }
    }

    private func handOver() {
        setTimer(nil)
        let request = HTTPRequest(head, body: body, peer: peer)
        body = []
        let reply = HTTPReply(on: self)
        state = .replying(reply)
        server?.handle(request, reply)
    }

    /// Answers what is no request that can be handled, and closes.
    private func refuse(status: UInt16) {
        let explanation = server?.explanation(of: status)
        let fields = explanation.map { [("content-type", $0.contentType)] } ?? []
        writeReply(status: status, fields: fields, body: explanation?.body ?? [], closes: true)
        if isReceiving { beginClosing() }
    }
}

extension HTTPServerConnection: EventHandler, TimerHandler, TurnHandler {
    func handle(_ readiness: Readiness) {
        if readiness.contains(.writable) { flush() }
        if readiness.contains(.readable) {
            receive()
        } else if readiness.contains(.failed) || readiness.contains(.hungUp) {
            close()
        }
    }

    private func flush() {
        do throws(Errno) {
            if try !socket.flush() {
                // The client reads, though slowly; only one that stands still is given up.
                setTimer(limits.writeTime)
                return
            }
        } catch {
            close()
            return
        }
        switch state {
        case .closing: beginClosing()
        case .flushing: awaitRequest()
        case .replying: setTimer(nil)
        case .idle, .receivingHead, .receivingBody, .closed: break
        }
    }

    func timerFired(_ timer: TimerToken) {
        self.timer = nil
        switch state {
        case .receivingHead, .receivingBody: refuse(status: 408)
        case .idle, .replying, .flushing, .closing, .closed: close()
        }
    }

    func turnEnded() {
        abandonedReply?.connectionClosed()
        abandonedReply = nil
    }
}
