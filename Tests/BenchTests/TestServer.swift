import EventLoop
import Kernel
import Synchronization
import Transport

/// A server on a thread of its own; `answer` runs there for every request.
final class TestServer: HTTPHandler {
    struct Answer: Sendable {
        var status: UInt16 = 200
        var fields: [String: String] = [:]
        var body = "ok"
        /// How long the answer takes; others are answered meanwhile.
        var delay = Duration.zero
        /// How long the server does nothing at all before the answer.
        var stall = Duration.zero
        /// Whether there is none.
        var isMissing = false
    }

    private let loop: EventLoop
    private var server: HTTPServer?
    private var count = 0
    private let answer: @Sendable (Int, HTTPRequest) -> Answer

    private init(
        _ loop: EventLoop, answer: @escaping @Sendable (Int, HTTPRequest) -> Answer
    ) throws(Errno) {
        self.loop = loop
        self.answer = answer
    }

    /// Serves while `body` runs, which gets the URL; `answer` gets the number of the request.
    static func serve<Result>(
        _ answer: @escaping @Sendable (Int, HTTPRequest) -> Answer = { _, _ in Answer() },
        _ body: (String) throws -> Result
    ) throws -> Result {
        try ServerThread.serve(
            { loop throws(Errno) in
                let server = try TestServer(loop, answer: answer)
                let http = try HTTPServer(
                    loop: loop, address: .loopback(port: 0), handler: server)
                server.server = http
                return (server, http.address.port)
            }, body)
    }

    func server(_ server: HTTPServer, didReceive request: HTTPRequest, reply: HTTPReply) {
        count += 1
        let answer = answer(count, request)
        if answer.isMissing { return }
        if answer.stall > .zero { stall(answer.stall) }
        if answer.delay > .zero {
            let delayed = Delayed(answer, reply)
            _ = loop.schedule(after: answer.delay, for: delayed)
        } else {
            answer.send(reply)
        }
    }

    /// Keeps the thread from everything else.
    private func stall(_ duration: Duration) {
        let end = Instant.now() + duration
        while Instant.now() < end {}
    }
}

extension TestServer.Answer {
    fileprivate func send(_ reply: HTTPReply) {
        reply.send(
            status: status, fields: fields.map { (name: $0.key, value: $0.value) },
            body: Array(body.utf8))
    }
}

private final class Delayed: TimerHandler {
    private let answer: TestServer.Answer
    private let reply: HTTPReply

    init(_ answer: TestServer.Answer, _ reply: HTTPReply) {
        self.answer = answer
        self.reply = reply
    }

    func timerFired(_ timer: TimerToken) {
        answer.send(reply)
    }
}
