import Bytes
import HTTP
import HTTP2

/// Answers requests on streams with their own id, or in one of many wrong ways.
final class FaultyHTTP2Server {
    private struct Request {
        var isHead = false
        var isSafe = true
        var id = ""
        var byteCount = 0
    }

    private let peer: Peer
    private let record: Record
    private var random: SplitMix
    private var session: Session
    private var requests: [StreamHandle: Request] = [:]
    /// Answered once more has come.
    private var held: [StreamHandle] = []
    private var isOver = false

    init(peer: Peer, record: Record, random: SplitMix) {
        self.peer = peer
        self.record = record
        self.random = random
        var limits = SessionLimits()
        limits.concurrentStreamCount = [1, 2, 5, 100][self.random.below(4)]
        limits.streamQueueByteCount = 2 << 20
        limits.sessionQueueByteCount = 1 << 30
        limits.resetBurst = 100_000
        limits.glitchBurst = 100_000
        limits.streamWindowByteCount = self.random.oneIn(2) ? 64 * 1024 : 100
        session = Session(role: .server, limits: limits)
    }

    func run() {
        if random.oneIn(40) { return end() }
        flush()
        while !isOver, let input = peer.receiveSome() {
            var taken = 0
            while taken < input.count, !isOver {
                let part = input.span.extracting(taken...)
                guard let count = try? session.receive(part, nowNanoseconds: 0) else {
                    record.add("the proxy broke the rules of HTTP/2")
                    return
                }
                drain(part)
                flush()
                taken += count
            }
            if random.oneIn(40) { session.finishShutdown() }
            if !random.oneIn(4) { answerHeld() }
            flush()
        }
    }

    private func end() {
        isOver = true
        if random.oneIn(2) { peer.resetAtEnd() }
    }

    private func drain(_ input: Span<UInt8>) {
        while let event = session.nextEvent() {
            switch event {
            case .request(let stream): begin(stream)
            case .data(let stream, let range):
                requests[stream]?.byteCount += range.count
                session.consume(range.count, on: stream)
            case .end(let stream): if requests[stream] != nil { arrived(stream) }
            case .closed(let stream, _):
                requests[stream] = nil
                held.removeAll { $0 == stream }
            default: break
            }
        }
    }

    private func begin(_ stream: StreamHandle) {
        var head = RequestHead()
        session.takeRequestHead(into: &head)
        if random.oneIn(15) { return session.reset(stream, .refusedStream) }
        var request = Request(isHead: head.method == .head, isSafe: head.method != .post)
        if let index = head.fields.firstIndex(named: "x-id".utf8.span) {
            request.id = String(head.fields.value(at: index))
        }
        if !request.isSafe { record.arrivedOnce(request.id) }
        requests[stream] = request
        if random.oneIn(30) { session.reset(stream, random.oneIn(2) ? .internalError : .noError) }
    }

    private func arrived(_ stream: StreamHandle) {
        switch random.below(30) {
        case 0: end()
        case 1: session.reset(stream, .cancel)
        case 2: requests[stream] = nil
        case 3:
            peer.send("garbage that is no frame at all")
            end()
        case 4...12: held.append(stream)
        default: answer(stream)
        }
    }

    private func answerHeld() {
        while !held.isEmpty, !isOver { answer(held.remove(at: random.below(held.count))) }
    }

    private func answer(_ stream: StreamHandle) {
        guard let request = requests[stream] else { return }
        var head = ResponseHead()
        if random.oneIn(15) {
            head.status = 103
            head.fields.append("link", "x")
            try? session.submitInformational(head, on: stream)
            head.removeAll()
        }
        let size = random.oneIn(10) ? random.below(1 << 20) : random.below(4000)
        head.status = random.oneIn(12) ? 503 : 200
        head.fields.append("x-id", value: request.id.utf8.span)
        head.fields.append("x-size", value: String(size).utf8.span)
        head.fields.append("x-received", value: String(request.byteCount).utf8.span)
        head.framing = random.oneIn(2) ? .length(UInt64(size)) : .chunked
        if request.isHead {
            try? session.submitResponse(head, on: stream, endsStream: true)
            return
        }
        try? session.submitResponse(head, on: stream, endsStream: false)
        let isCut = random.oneIn(10)
        let body = [UInt8](repeating: UInt8(ascii: "b"), count: isCut ? size / 2 : size)
        try? session.send(body.span, on: stream)
        if isCut {
            flush()
            if random.oneIn(2) { session.reset(stream, .internalError) } else { end() }
        } else if random.oneIn(3) {
            var trailers = Fields()
            trailers.append("x-trailer", "yes")
            try? session.end(stream, trailers: trailers)
        } else {
            try? session.end(stream)
        }
    }

    private func flush() {
        var output = Buffer()
        repeat {
            output.removeAll()
            guard (try? session.flush(into: &output, byteCountLimit: 1 << 20)) != nil else {
                return end()
            }
            var bytes: [UInt8] = []
            bytes.append(output.bytes)
            let whole = random.oneIn(200) ? random.below(bytes.count + 1) : bytes.count
            peer.send(Array(bytes[..<whole]))
            if whole < bytes.count { return end() }
            let none: [UInt8] = []
            drain(none.span)
        } while !output.isEmpty
    }
}
