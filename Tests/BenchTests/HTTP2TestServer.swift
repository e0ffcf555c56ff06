import Bytes
import EventLoop
import HTTP
import HTTP2
import Kernel
import Transport

/// A server that speaks HTTP/2 with prior knowledge; `answer` says what becomes of each request.
final class HTTP2TestServer: ListenerDelegate {
    enum Answer: Sendable {
        case status(UInt16)
        /// Resets the stream as one that was not processed (RFC 9113 §8.7).
        case refusal
        case reset
        case nothing
        /// Answers, and takes no more requests on this connection.
        case last
        /// Closes the connection at once.
        case end
    }

    private let loop: EventLoop
    private var listener: Listener?
    private var connections: [HTTP2TestConnection] = []
    private let answer: @Sendable (Int) -> Answer
    private let streams: UInt32
    private var count = 0

    private init(
        _ loop: EventLoop, streams: UInt32, answer: @escaping @Sendable (Int) -> Answer
    ) {
        self.loop = loop
        self.streams = streams
        self.answer = answer
    }

    /// Serves while `body` runs, which gets the URL; `answer` gets the number of the request.
    static func serve<Result>(
        streams: UInt32 = 100, _ answer: @escaping @Sendable (Int) -> Answer,
        _ body: (String) throws -> Result
    ) throws -> Result {
        try ServerThread.serve(
            { loop throws(Errno) in
                let server = HTTP2TestServer(loop, streams: streams, answer: answer)
                let listener = try Listener(
                    address: .loopback(port: 0), loop: loop, delegate: server)
                server.listener = listener
                return (server, listener.address.port)
            }, body)
    }

    func listener(
        _ listener: Listener, didAccept socket: consuming Socket, from peer: SocketAddress
    ) {
        connections.append(
            HTTP2TestConnection(socket, on: loop, streams: streams) { [unowned self] in
                count += 1
                return answer(count)
            })
    }
}

private final class HTTP2TestConnection: EventHandler {
    private var stream: StreamSocket
    private var session: Session
    private let answer: () -> HTTP2TestServer.Answer
    private var isOver = false

    init(
        _ socket: consuming Socket, on loop: EventLoop, streams: UInt32,
        answer: @escaping () -> HTTP2TestServer.Answer
    ) {
        var limits = SessionLimits()
        limits.concurrentStreamCount = streams
        limits.resetBurst = 1_000_000
        limits.glitchBurst = 1_000_000
        session = Session(role: .server, limits: limits)
        stream = StreamSocket(socket, on: loop)
        self.answer = answer
        try? stream.register(self, for: .readable)
        flush()
    }

    func handle(_ readiness: Readiness) {
        if readiness.contains(.writable) { _ = try? stream.flush() }
        var input = Buffer()
        var room = input.room(minimum: 65_536)
        guard case .bytes(let count)? = try? stream.receive(into: &room) else { return close() }
        input.commit(count)
        while !input.isEmpty, !isOver {
            guard let taken = try? session.receive(input.bytes, nowNanoseconds: 0), taken > 0 else {
                return close()
            }
            drain()
            input.consume(taken)
        }
        flush()
        if session.isFinished { close() }
    }

    private func close() {
        isOver = true
        stream.close()
    }

    private func drain() {
        while let event = session.nextEvent() {
            guard case .request(let request) = event, !isOver else { continue }
            switch answer() {
            case .status(let status): send(status, on: request)
            case .refusal: session.reset(request, .refusedStream)
            case .reset: session.reset(request, .internalError)
            case .nothing: break
            case .last:
                send(200, on: request)
                session.finishShutdown()
            case .end: close()
            }
        }
    }

    private func send(_ status: UInt16, on request: StreamHandle) {
        var head = ResponseHead()
        head.status = status
        head.fields.append(name: "x-version".utf8.span, value: "v1".utf8.span)
        try? session.submitResponse(head, on: request, endsStream: false)
        try? session.send("hello".utf8.span, on: request)
        try? session.end(request)
    }

    private func flush() {
        if isOver { return }
        var output = Buffer()
        try? session.flush(into: &output, byteCountLimit: 1 << 20)
        drain()
        try? stream.write(output.bytes)
    }
}
