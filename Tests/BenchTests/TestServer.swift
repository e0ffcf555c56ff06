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

    private init(answer: @escaping @Sendable (Int, HTTPRequest) -> Answer) throws(Errno) {
        loop = try EventLoop()
        self.answer = answer
    }

    /// Serves while `body` runs, which gets the URL; `answer` gets the number of the request.
    static func serve<Result>(
        _ answer: @escaping @Sendable (Int, HTTPRequest) -> Answer = { _, _ in Answer() },
        _ body: (String) throws -> Result
    ) throws -> Result {
        let stop = try Mailbox<Bool>()
        let cell = PortCell()
        let thread = try Thread(name: "server") {
            do {
                let server = try TestServer(answer: answer)
                let bell = StopBell(server.loop)
                _ = try server.loop.register(
                    stop.wakeUp.descriptor, for: .readable, handler: bell)
                let http = try HTTPServer(
                    loop: server.loop, address: .loopback(port: 0), handler: server)
                server.server = http
                cell.port.withLock { $0 = http.address.port }
                cell.ready.ring()
                try server.loop.run()
                http.close()
            } catch {
                cell.ready.ring()
            }
        }
        cell.ready.silence()
        let result = Swift.Result { try body("http://127.0.0.1:\(cell.port.withLock { $0 })/") }
        stop.post(true)
        thread.join()
        return try result.get()
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

private final class StopBell: EventHandler {
    private let loop: EventLoop

    init(_ loop: EventLoop) {
        self.loop = loop
    }

    func handle(_ readiness: Readiness) {
        loop.stop()
    }
}

private final class PortCell: Sendable {
    let port = Mutex<UInt16>(0)
    let ready: WakeUp

    init() {
        guard let ready = try? WakeUp(isBlocking: true) else { preconditionFailure("no eventfd") }
        self.ready = ready
    }
}
