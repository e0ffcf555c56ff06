import Bytes
import HTTP
import HTTP1

/// What a decoder made of a run of bytes, in a form that does not show how they were cut.
struct Transcript: Equatable, CustomStringConvertible {
    var messages: [String] = []
    var error: ParseError?
    /// Whether a message was left incomplete.
    var isOpen = false

    var description: String {
        (messages + [error.map { "error \($0)" } ?? (isOpen ? "open" : "ended")])
            .joined(separator: " | ")
    }
}

/// How a run of bytes is cut into the pieces that a decoder is fed.
enum Cutting {
    case whole
    case single
    case random(seed: UInt64)

    func pieces(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        switch self {
        case .whole: return bytes.isEmpty ? [] : [bytes[...]]
        case .single: return bytes.indices.map { bytes[$0...$0] }
        case .random(let seed):
            var random = SplitMix(state: seed)
            var pieces: [ArraySlice<UInt8>] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Int.random(in: 1...17, using: &random))
                pieces.append(bytes[start..<end])
                start = end
            }
            return pieces
        }
    }
}

/// The cuttings that every wire case goes through.
let allCuttings: [Cutting] = [
    .whole, .single, .random(seed: 1), .random(seed: 2), .random(seed: 3), .random(seed: 4),
]

/// The bytes that `text` spells with one scalar each, up to U+00FF.
func latin1(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
}

/// A small generator whose seed a failing test can print.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// Decodes requests, cut as asked for.
func transcribe(
    requests bytes: [UInt8], _ cutting: Cutting = .whole, limits: Limits = Limits()
) -> Transcript {
    var decoder = RequestDecoder(limits: limits)
    var head = RequestHead()
    var transcript = Transcript()
    var body: [UInt8] = []
    var current = ""
    for piece in cutting.pieces(bytes) {
        var rest = Array(piece)
        var isWaiting = false
        while !isWaiting {
            do {
                let decoded = try decoder.next(rest.span, head: &head)
                switch decoded.event {
                case .needMore: isWaiting = true
                case .head: current = describe(head)
                case .body(let range): body += rest[range]
                case .end:
                    transcript.messages.append(current + describe(body: body, head.trailers))
                    body = []
                    current = ""
                }
                rest.removeFirst(decoded.consumed)
            } catch {
                transcript.error = error
                return transcript
            }
        }
    }
    transcript.isOpen = (try? decoder.endOfInput()) == nil
    if !current.isEmpty {
        transcript.messages.append(current + describe(body: body, head.trailers))
    }
    return transcript
}

/// Decodes the responses to requests with `methods`, cut as asked for.
func transcribe(
    responses bytes: [UInt8], to methods: [Method], _ cutting: Cutting = .whole,
    limits: Limits = Limits()
) -> Transcript {
    var decoder = ResponseDecoder(limits: limits)
    var head = ResponseHead()
    var transcript = Transcript()
    var body: [UInt8] = []
    var current = ""
    var methods = methods[...]
    if let method = methods.popFirst() { decoder.expect(responseTo: method) }
    for piece in cutting.pieces(bytes) {
        var rest = Array(piece)
        var isWaiting = false
        while !isWaiting {
            do {
                let decoded = try decoder.next(rest.span, head: &head)
                switch decoded.event {
                case .needMore: isWaiting = true
                case .head:
                    current = describe(head)
                    if head.isInformational { transcript.messages.append(current) }
                case .body(let range): body += rest[range]
                case .end:
                    transcript.messages.append(current + describe(body: body, head.trailers))
                    body = []
                    current = ""
                    if let method = methods.popFirst() { decoder.expect(responseTo: method) }
                }
                rest.removeFirst(decoded.consumed)
            } catch {
                transcript.error = error
                return transcript
            }
        }
    }
    switch try? decoder.endOfInput() {
    case .betweenMessages: break
    case .endOfBody: transcript.messages.append(current + describe(body: body, head.trailers))
    case nil: transcript.isOpen = true
    }
    return transcript
}

private func describe(_ head: borrowing RequestHead) -> String {
    var text = "\(String(head.methodBytes)) \(String(head.authority))"
    text += " \(String(head.path)) \(head.version) \(head.framing)"
    if !head.isPersistent { text += " close" }
    if head.expectsContinue { text += " expects" }
    return text + describe(head.fields)
}

private func describe(_ head: borrowing ResponseHead) -> String {
    var text = "\(head.status) '\(String(head.reason))' \(head.version) \(head.framing)"
    if !head.isPersistent { text += " close" }
    return text + describe(head.fields)
}

private func describe(body: [UInt8], _ trailers: borrowing Fields) -> String {
    (body.isEmpty ? "" : " body=\(String(body.span))")
        + (trailers.count == 0 ? "" : " trailers" + describe(trailers))
}

private func describe(_ fields: borrowing Fields) -> String {
    var text = ""
    for index in fields.indices {
        text += " \(String(fields.name(at: index)))=\(String(fields.value(at: index)))"
        if fields[index].isHopByHop { text += "*" }
    }
    return text
}
