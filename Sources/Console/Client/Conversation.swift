import Bytes
import HTTP
import HTTP1
import Kernel

/// One connection to the control plane and the one exchange on it.
struct Conversation: ~Copyable {
    private let socket: Socket
    private var poller: Poller
    private let client: HTTPClient
    private let deadline: Instant
    private var received = Buffer()

    private static let token = Token(slot: 0, generation: 0)
    private static let receiveSize = 16_384

    /// Connects to one address of the control plane.
    ///
    /// - Throws: ``ConsoleError/cannotConnect(_:_:)`` or ``ConsoleError/noAnswer(_:after:)``.
    static func begin(
        with candidate: SocketAddress, of client: HTTPClient, until deadline: Instant
    ) throws(ConsoleError) -> Conversation {
        let name = client.address.description
        do throws(Errno) {
            var conversation = try Conversation(
                connectingTo: candidate, of: client, until: deadline)
            try conversation.waitUntilReady()
            if let error = conversation.socket.takeError() { throw error }
            return conversation
        } catch {
            throw error == .timedOut
                ? .noAnswer(name, after: client.timeout) : .cannotConnect(name, error)
        }
    }

    private init(
        connectingTo candidate: SocketAddress, of client: HTTPClient, until deadline: Instant
    ) throws(Errno) {
        let socket = try Socket.connecting(to: candidate)
        let poller = try Poller(batchCapacity: 1)
        try poller.add(socket.descriptor, for: .writable, as: Self.token)
        self.socket = socket
        self.poller = poller
        self.client = client
        self.deadline = deadline
    }

    /// Sends the bytes of a request and reads the answer to its end.
    mutating func exchange(_ request: [UInt8]) throws(ConsoleError) -> Response {
        do throws(Errno) {
            try send(request)
        } catch .timedOut {
            throw .noAnswer(client.address.description, after: client.timeout)
        } catch {
            // A server may answer and close before it has read everything: the answer counts.
        }
        return try answer()
    }

    private mutating func send(_ request: [UInt8]) throws(Errno) {
        var sent = 0
        while sent < request.count {
            switch try socket.send(request.span.extracting(sent..<request.count)) {
            case .bytes(let count): sent += count
            case .wouldBlock, .ended: try waitUntilReady()
            }
        }
    }

    private mutating func answer() throws(ConsoleError) -> Response {
        var decoder = ResponseDecoder()
        var head = ResponseHead()
        var body: [UInt8] = []
        decoder.expect(responseTo: .get)
        var isComplete = false
        while !isComplete {
            let decoded: Decoded
            do throws(ParseError) {
                decoded = try decoder.next(received.bytes, head: &head)
            } catch {
                throw .brokenAnswer(client.address.description)
            }
            switch decoded.event {
            case .needMore:
                received.consume(decoded.consumed)
                if try !receive() {
                    isComplete = true
                    try end(&decoder)
                }
                continue
            case .head: break
            case .body(let range):
                if body.count + range.count > HTTPClient.bodyLimit {
                    throw .answerTooLarge(limitBytes: HTTPClient.bodyLimit)
                }
                let bytes = received.bytes.extracting(range)
                for index in bytes.indices { body.append(bytes[index]) }
            case .end: isComplete = true
            }
            received.consume(decoded.consumed)
        }
        return Response(
            status: head.status, entityTag: Self.field("etag", of: head), body: body)
    }

    /// Takes in what has arrived, after waiting for it.
    ///
    /// - Returns: Whether there may be more; false when the server has ended the connection.
    private mutating func receive() throws(ConsoleError) -> Bool {
        do throws(Errno) {
            try poller.modify(socket.descriptor, for: .readable, as: Self.token)
            try waitUntilReady()
            return try Self.receive(from: socket, into: &received) != .ended
        } catch .timedOut {
            throw .noAnswer(client.address.description, after: client.timeout)
        } catch {
            throw .brokenAnswer(client.address.description)
        }
    }

    private static func receive(
        from socket: borrowing Socket, into buffer: inout Buffer
    ) throws(Errno) -> Transfer {
        var room = buffer.room(minimum: receiveSize)
        let transfer = try socket.receive(into: &room)
        if case .bytes(let count) = transfer { buffer.commit(count) }
        return transfer
    }

    /// Accepts the end of the connection where it ends the answer.
    private func end(_ decoder: inout ResponseDecoder) throws(ConsoleError) {
        do throws(ParseError) {
            _ = try decoder.endOfInput()
        } catch {
            throw .brokenAnswer(client.address.description)
        }
    }

    /// - Throws: ``Errno/timedOut`` when the deadline passes.
    private mutating func waitUntilReady() throws(Errno) {
        let left = deadline.nanoseconds(since: .now()) / 1_000_000
        if left == 0 { throw .timedOut }
        if try poller.wait(timeoutMilliseconds: CInt(clamping: left)) == 0 { throw .timedOut }
    }

    private static func field(_ name: String, of head: borrowing ResponseHead) -> String? {
        let bytes = Array(name.utf8)
        guard let index = head.fields.firstIndex(named: bytes.span) else { return nil }
        return String(head.fields.value(at: index))
    }
}
