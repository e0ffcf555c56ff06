import Bytes
import Fuzzing
import HTTP
import HTTP1
import HTTP2

/// libFuzzer's entry: gives `size` bytes to a server and to a client, in pieces, and answers.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = UnsafeBufferPointer(start: data, count: size).span
    play(Session(role: .server, limits: limits), input)
    var client = Session(role: .client, limits: limits)
    var request = RequestHead()
    request.methodRange = request.fields.store(Array("GET".utf8).span)
    request.pathRange = request.fields.store(Array("/".utf8).span)
    request.authorityRange = request.fields.store(Array("a".utf8).span)
    for _ in 0..<3 { _ = try? client.submitRequest(request, endsStream: true) }
    play(client, input)
    return 0
}

/// Small, so that short inputs get to them.
private var limits: SessionLimits {
    var limits = SessionLimits()
    limits.headByteCount = 512
    limits.fieldCount = 8
    limits.concurrentStreamCount = 4
    limits.streamWindowByteCount = 256
    limits.streamQueueByteCount = 64
    limits.glitchBurst = 20
    return limits
}

/// Plays the whole life of a connection; whatever the peer sends, every stream comes to its end.
private func play(_ session: consuming Session, _ input: Span<UInt8>) {
    var game = Game(session)
    var cuts = Cuts(for: input)
    var position = 0
    var time: UInt64 = 0
    while position < input.count {
        let piece = input.extracting(position..<min(position + cuts.next(), input.count))
        time += 1_000_000
        var taken = 0
        while taken < piece.count {
            let rest = piece.extracting(taken...)
            do {
                let count = try game.session.receive(rest, nowNanoseconds: time)
                precondition(count <= rest.count, "took more than there was")
                game.drain(rest)
                game.flush()
                if count == 0 { return game.end() }
                taken += count
            } catch {
                game.drain(rest)
                return game.end()
            }
        }
        position += piece.count
    }
    game.end()
}

private struct Game: ~Copyable {
    var session: Session
    private var open: Set<StreamHandle> = []
    private var request = RequestHead()
    private var response = ResponseHead()
    private var trailers = Fields()
    private var output = Buffer()

    init(_ session: consuming Session) {
        self.session = session
        response.status = 200
    }

    mutating func drain(_ input: Span<UInt8>) {
        while let event = session.nextEvent() {
            switch event {
            case .request(let stream):
                precondition(open.insert(stream).inserted, "a stream began twice")
                precondition(session.takeRequestHead(into: &request), "a request without a head")
                try? request.checkTranslation()
                answer(stream)
            case .response(let stream):
                precondition(session.takeResponseHead(into: &response), "a response without a head")
                precondition(!response.switchesProtocols, "HTTP/2 switched protocols")
                open.insert(stream)
            case .data(let stream, let range):
                precondition(open.contains(stream), "a body on a stream that is not there")
                precondition(
                    range.lowerBound >= 0 && range.upperBound <= input.count,
                    "a body that is not in the input")
                session.consume(range.count, on: stream)
            case .trailers(let stream):
                precondition(open.contains(stream), "trailers on a stream that is not there")
                precondition(session.takeTrailers(into: &trailers), "trailers without fields")
            case .closed(let stream, _): open.remove(stream)
            case .end, .endSent, .drained, .settings, .pingAcknowledged, .goAway: break
            }
        }
    }

    /// Answers in one of the ways that there are, by the number of the stream.
    private mutating func answer(_ stream: StreamHandle) {
        response.removeAll()
        response.status = 200
        response.fields.append("x", "y")
        do {
            switch stream.streamID / 2 % 4 {
            case 0: try session.submitResponse(response, on: stream, endsStream: true)
            case 1:
                try session.submitResponse(response, on: stream, endsStream: false)
                try session.send([UInt8](repeating: 7, count: 40).span, on: stream)
                try session.end(stream)
            case 2:
                try session.submitResponse(response, on: stream, endsStream: false)
                try session.end(stream, trailers: response.fields)
            default: session.reset(stream, .cancel)
            }
        } catch {
            session.reset(stream, .internalError)
        }
    }

    mutating func flush() {
        try? session.flush(into: &output, byteCountLimit: 4096)
        output.removeAll()
        let none: [UInt8] = []
        drain(none.span)
    }

    mutating func end() {
        flush()
        session.abandon(.cancel)
        let none: [UInt8] = []
        drain(none.span)
        precondition(session.openStreamCount == 0, "a stream did not come to its end")
        precondition(open.isEmpty, "the end of a stream was not told")
    }
}

/// SwiftPM names the entry of the program so; libFuzzer's driver is what it shall run.
@c(SessionFuzzer_main)
public func main(
    _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
    drive(count, arguments, testOneInput)
}
