import Bytes
import Fuzzing
import HTTP
import HTTP1

/// libFuzzer's entry: the first byte chooses the requests that the rest is read as answers to.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    if size == 0 { return 0 }
    let selector = data[0]
    let input = UnsafeBufferPointer(start: data + 1, count: size - 1).span
    let whole = digest(input, selector) { $0 }
    precondition(digest(input, selector) { _ in 1 } == whole, "single bytes read differently")
    var cuts = Cuts(for: input)
    precondition(
        digest(input, selector) { min($0, cuts.next()) } == whole, "pieces read differently")
    return 0
}

/// SwiftPM names the entry of the program so; libFuzzer's driver is what it shall run.
@c(ResponseFuzzer_main)
public func main(
    _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
    drive(count, arguments, testOneInput)
}

/// What the response is expected to: GET, HEAD, CONNECT or a request to upgrade.
private func expect(_ selector: UInt8, _ decoder: inout ResponseDecoder) {
    switch selector % 4 {
    case 0: decoder.expect(responseTo: .get)
    case 1: decoder.expect(responseTo: .head)
    case 2: decoder.expect(responseTo: .connect)
    default: decoder.expect(responseTo: .get, upgrade: true)
    }
}

/// Decodes `input` in pieces, whose lengths `next` chooses from what is left.
private func digest(_ input: Span<UInt8>, _ selector: UInt8, pieces next: (Int) -> Int) -> Digest {
    var decoder = ResponseDecoder(
        limits: Limits(headBytes: 512, fieldCount: 8, trailerBytes: 64, informationalCount: 2))
    var head = ResponseHead()
    var digest = Digest()
    var position = 0
    expect(selector, &decoder)
    while position < input.count {
        let end = position + next(input.count - position)
        do {
            while try step(&decoder, selector, input, &position, end, &head, &digest) {}
        } catch {
            digest.add("\(error)")
            return digest
        }
    }
    let end = try? decoder.endOfInput()
    digest.add("\(String(describing: end))")
    return digest
}

/// - Returns: Whether the piece has more to say.
private func step(
    _ decoder: inout ResponseDecoder, _ selector: UInt8, _ input: Span<UInt8>,
    _ position: inout Int, _ end: Int, _ head: inout ResponseHead, _ digest: inout Digest
) throws(ParseError) -> Bool {
    let piece = input.extracting(position..<end)
    let decoded = try decoder.next(piece, head: &head)
    position += decoded.consumed
    precondition(position <= end, "consumed more than there was")
    switch decoded.event {
    case .needMore:
        precondition(position == end, "left bytes and asked for more")
        return false
    case .head:
        digest.add(head.reason)
        digest.add("\(head.status) \(head.framing) \(head.isPersistent)")
        add(head.fields, to: &digest)
    case .body(let range):
        precondition(!range.isEmpty, "a part of a body is never empty")
        digest.add(piece.extracting(range))
    case .end:
        add(head.trailers, to: &digest)
        digest.add("end")
        expect(selector / 4, &decoder)
    }
    return true
}

private func add(_ fields: borrowing Fields, to digest: inout Digest) {
    for index in fields.indices {
        digest.add(fields.name(at: index))
        digest.add(fields[index].isHopByHop ? 1 : 0)
        digest.add(fields.value(at: index))
        digest.add(0)
    }
}
