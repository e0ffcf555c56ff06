import Bytes
import Console
import Kernel
import Synchronization
import Testing

/// A control plane that answers each request with the next line of its script.
final class ScriptedServer: @unchecked Sendable {
    struct Reply: Sendable {
        var bytes: [UInt8]
        var answers = true

        /// An answer with a JSON body.
        init(_ status: Int, _ body: String, tag: String? = nil) {
            var head = "HTTP/1.1 \(status) Said\r\ncontent-type: application/json\r\n"
            if let tag { head += "etag: \(tag)\r\n" }
            head += "content-length: \(body.utf8.count)\r\nconnection: close\r\n\r\n"
            bytes = Array((head + body).utf8)
        }

        /// An answer as it is, after which the connection ends.
        init(raw text: String) {
            bytes = Array(text.utf8)
        }

        /// No answer, for as long as the client waits.
        static var silence: Reply {
            var reply = Reply(raw: "")
            reply.answers = false
            return reply
        }
    }

    let address: ControlAddress
    private let listener: Socket
    private let script: [Reply]
    private let asked = Mutex<[String]>([])

    init(_ script: [Reply]) throws {
        self.script = script
        listener = try Socket.listening(on: .loopback(port: 0), sharesPort: false)
        let bound = listener.localAddress
        address = ControlAddress(host: "127.0.0.1", port: try #require(bound).port)
        let thread = try Kernel.Thread(name: "scripted") { [self] in
            try? serve()
        }
        // The thread ends with its script.
        _ = consume thread
    }

    /// Every request as it was sent.
    var requests: [String] { asked.withLock { $0 } }

    private func serve() throws(Errno) {
        for reply in script {
            try wait(for: listener.descriptor)
            guard let accepted = try listener.accept() else { return }
            let socket = accepted.socket
            let request = try readRequest(from: socket)
            asked.withLock { $0.append(request) }
            if !reply.answers { try wait(for: socket.descriptor) }
            _ = try socket.send(reply.bytes.span)
            // A close with unread bytes would reset the connection under the answer.
            socket.shutdownWriting()
            try wait(for: socket.descriptor)
        }
    }

    /// Blocks until there is something to read, or the end of the connection.
    private func wait(for descriptor: borrowing FileDescriptor) throws(Errno) {
        var poller = try Poller(batchCapacity: 1)
        try poller.add(descriptor, for: .readable, as: Token(slot: 0, generation: 0))
        if try poller.wait(timeoutMilliseconds: 10_000) == 0 { throw .timedOut }
    }

    private func readRequest(from socket: borrowing Socket) throws(Errno) -> String {
        var text = ""
        while !Self.isComplete(text) {
            try wait(for: socket.descriptor)
            var buffer = Buffer()
            var room = buffer.room(minimum: 4096)
            guard case .bytes(let count) = try socket.receive(into: &room) else { return text }
            buffer.commit(count)
            text += String(buffer.bytes)
        }
        return text
    }

    private static func isComplete(_ text: String) -> Bool {
        let parts = text.split(
            separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        let marker = "content-length: "
        let line = parts[0].split(separator: "\r\n").first { $0.hasPrefix(marker) }
        return parts[1].utf8.count >= line.flatMap { Int($0.dropFirst(marker.count)) } ?? 0
    }
}
