import Bytes
import EventLoop
import HTTP
import Kernel
import Transport

/// A server whose loop and clients take turns on the thread of the test.
final class HTTPServerHarness: HTTPHandler {
    let loop: EventLoop
    private(set) var server: HTTPServer?
    /// What the handler does; the default answers with the request's own words.
    var answer: (HTTPRequest, HTTPReply) -> Void = { request, reply in
        let text = "\(request.methodText) \(request.path) \(String(request.body.span))"
        reply.send(status: 200, contentType: "text/plain", text: text)
    }
    /// What the handler says of what is no request.
    var explanation: HTTPExplanation?
    private(set) var requests: [HTTPRequest] = []

    init(limits: HTTPServerLimits = HTTPServerLimits()) throws {
        loop = try EventLoop()
        server = try HTTPServer(
            loop: loop, address: .loopback(port: 0), limits: limits, handler: self)
    }

    func server(_ server: HTTPServer, didReceive request: HTTPRequest, reply: HTTPReply) {
        requests.append(request)
        answer(request, reply)
    }

    func server(_ server: HTTPServer, explanationOf status: UInt16) -> HTTPExplanation? {
        explanation
    }

    /// Turns the loop until `condition` holds.
    ///
    /// - Returns: Whether it came to hold within five seconds.
    func turn(until condition: () -> Bool) throws -> Bool {
        let start = Instant.now()
        while !condition() {
            if Instant.now().nanoseconds(since: start) > 5_000_000_000 { return false }
            try loop.turn(longestWait: .milliseconds(5))
        }
        return true
    }

    func connect() throws -> HTTPTestClient {
        let address = server?.address ?? .loopback(port: 0)
        return HTTPTestClient(try Socket.connecting(to: address), self)
    }
}

/// A client that sends bytes as they are and keeps what comes back.
final class HTTPTestClient {
    private var socket: Socket?
    private unowned let harness: HTTPServerHarness
    private(set) var received: [UInt8] = []
    private(set) var hasEnded = false

    init(_ socket: consuming Socket, _ harness: HTTPServerHarness) {
        self.socket = .some(socket)
        self.harness = harness
    }

    var text: String { String(decoding: received, as: UTF8.self) }

    /// Sends all of `text`, turning the loop while the kernel has no room.
    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        var sent = 0
        _ = try harness.turn {
            while sent < bytes.count {
                guard let count = offer(Array(bytes[sent...])), count > 0 else { break }
                sent += count
            }
            return sent == bytes.count
        }
    }

    /// Sends what the kernel takes now.
    ///
    /// - Returns: How much that was; `nil` when the connection is gone.
    func offer(_ bytes: [UInt8]) -> Int? {
        do {
            return try socket?.send(bytes.span).byteCount
        } catch {
            return nil
        }
    }

    func shutdownWriting() {
        socket?.shutdownWriting()
    }

    func close() {
        socket = nil
    }

    /// Turns the loop until what came back satisfies `condition`.
    func receive(until condition: (String) -> Bool) throws -> Bool {
        try harness.turn {
            read()
            return condition(text)
        }
    }

    /// Turns the loop until the server has ended the connection.
    func receiveEnd() throws -> Bool {
        try harness.turn {
            read()
            return hasEnded
        }
    }

    private func read() {
        while !hasEnded {
            var piece = Buffer()
            var room = piece.room(minimum: 65_536)
            switch try? socket?.receive(into: &room) {
            case .bytes(let count)?:
                piece.commit(count)
                received.append(piece.bytes)
            case .wouldBlock?: return
            case .ended?, nil: hasEnded = true
            }
        }
    }
}
