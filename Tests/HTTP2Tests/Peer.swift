import Bytes
import HTTP
import HTTP2

/// One end of a connection in memory, which keeps what it was told in words.
final class Peer {
    var session: Session
    var output = Buffer()
    private var input = Buffer()
    /// All that ever arrived.
    private(set) var transcript: [UInt8] = []
    var log: [String] = []
    var streams: [StreamHandle] = []
    var received: [UInt32: [UInt8]] = [:]
    var lastRequest = RequestHead()
    var consumes = true
    var now: UInt64 = 0

    init(_ role: Session.Role, limits: SessionLimits = SessionLimits()) {
        session = Session(role: role, limits: limits)
    }

    /// Takes bytes as a socket would bring them.
    func receive(_ bytes: Span<UInt8>) throws(SessionError) {
        transcript.append(bytes)
        input.append(bytes)
        try work()
    }

    func work() throws(SessionError) {
        var isMoving = true
        while isMoving {
            isMoving = false
            var arrived = Buffer()
            swap(&arrived, &input)
            defer { swap(&arrived, &input) }
            let count = try session.receive(arrived.bytes, nowNanoseconds: now)
            drain(arrived.bytes)
            arrived.consume(count)
            isMoving = count > 0 && !arrived.isEmpty
            try flush()
        }
    }

    func flush() throws(SessionError) {
        try session.flush(into: &output, byteCountLimit: .max)
        drainWithoutInput()
    }

    /// Drains what did not come from bytes of the peer.
    func drainWithoutInput() {
        let none: [UInt8] = []
        drain(none.span)
    }

    func drain(_ input: Span<UInt8>) {
        while let event = session.nextEvent() {
            switch event {
            case .request(let stream):
                var head = RequestHead()
                session.takeRequestHead(into: &head)
                streams.append(stream)
                let target = "\(String(head.methodBytes)) \(String(head.authority))"
                log.append("\(stream.streamID) \(target)\(String(head.path))\(list(head.fields))")
                swap(&lastRequest, &head)
            case .response(let stream):
                var head = ResponseHead()
                session.takeResponseHead(into: &head)
                log.append("\(stream.streamID) \(head.status)\(list(head.fields))")
            case .trailers(let stream):
                var fields = Fields()
                session.takeTrailers(into: &fields)
                log.append("\(stream.streamID) trailers\(list(fields))")
            case .data(let stream, let range):
                received[stream.streamID, default: []].append(input.extracting(range))
                if consumes { session.consume(range.count, on: stream) }
            case .end(let stream): log.append("\(stream.streamID) end")
            case .endSent: break
            case .closed(let stream, let code):
                log.append("\(stream.streamID) closed \(code.rawValue)")
            case .drained(let stream): log.append("\(stream.streamID) drained")
            case .settings: log.append("settings")
            case .pingAcknowledged(let payload): log.append("pong \(payload)")
            case .goAway(let last, let code): log.append("goaway \(last) \(code.rawValue)")
            }
        }
    }

    private func list(_ fields: borrowing Fields) -> String {
        var text = ""
        for index in fields.indices {
            text += " \(String(fields.name(at: index)))=\(String(fields.value(at: index)))"
        }
        return text
    }
}

/// A client and a server that talk over nothing but memory.
final class Pair {
    let client: Peer
    let server: Peer
    /// Bytes that one end is given at a time.
    let segment: Int

    init(
        segment: Int = .max, client: SessionLimits = SessionLimits(),
        server: SessionLimits = SessionLimits()
    ) {
        self.client = Peer(.client, limits: client)
        self.server = Peer(.server, limits: server)
        self.segment = segment
    }

    /// Carries bytes both ways until nobody has anything more to say.
    func settle() throws {
        var isMoving = true
        while isMoving {
            try client.flush()
            try server.flush()
            let toServer = try carry(from: client, to: server)
            let toClient = try carry(from: server, to: client)
            isMoving = toServer + toClient > 0
        }
    }

    func carry(from sender: Peer, to receiver: Peer) throws(SessionError) -> Int {
        var bytes = Buffer()
        swap(&bytes, &sender.output)
        let count = bytes.count
        var offset = 0
        while offset < count {
            let end = segment < count - offset ? offset + segment : count
            try receiver.receive(bytes.bytes.extracting(offset..<end))
            offset = end
        }
        return count
    }
}

func makeRequest(
    _ method: StaticString = "GET", path: String = "/", authority: String = "reviews",
    fields: [(String, String)] = []
) -> RequestHead {
    var head = RequestHead()
    var name = Buffer()
    name.append(method)
    head.method = Method(name.bytes)
    head.methodRange = head.fields.store(name.bytes)
    head.authorityRange = head.fields.store(authority.utf8.span)
    head.pathRange = head.fields.store(path.utf8.span)
    for (name, value) in fields { head.fields.append(name: name.utf8.span, value: value.utf8.span) }
    return head
}

func makeResponse(_ status: UInt16, fields: [(String, String)] = []) -> ResponseHead {
    var head = ResponseHead()
    head.status = status
    head.fields = makeFields(fields)
    return head
}

func makeFields(_ list: [(String, String)]) -> Fields {
    var fields = Fields()
    for (name, value) in list { fields.append(name: name.utf8.span, value: value.utf8.span) }
    return fields
}
