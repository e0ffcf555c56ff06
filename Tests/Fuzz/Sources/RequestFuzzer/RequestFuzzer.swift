import Bytes
import Fuzzing
import HTTP
import HTTP1

/// libFuzzer's entry: reads `size` bytes as requests, whole, single and cut, and compares.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = UnsafeBufferPointer(start: data, count: size).span
    let whole = digest(input) { $0 }
    precondition(digest(input) { _ in 1 } == whole, "single bytes read differently")
    var cuts = Cuts(for: input)
    precondition(digest(input) { min($0, cuts.next()) } == whole, "pieces read differently")
    return 0
}

/// SwiftPM names the entry of the program so; libFuzzer's driver is what it shall run.
@c(RequestFuzzer_main)
public func main(
    _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
    drive(count, arguments, testOneInput)
}

/// Decodes `input` in pieces, whose lengths `next` chooses from what is left.
private func digest(_ input: Span<UInt8>, pieces next: (Int) -> Int) -> Digest {
    var decoder = RequestDecoder(limits: Limits(headBytes: 512, fieldCount: 8, trailerBytes: 64))
    var head = RequestHead()
    var digest = Digest()
    var position = 0
    while position < input.count {
        let end = position + next(input.count - position)
        do {
            while try step(&decoder, input, &position, end, &head, &digest) {}
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
    _ decoder: inout RequestDecoder, _ input: Span<UInt8>, _ position: inout Int, _ end: Int,
    _ head: inout RequestHead, _ digest: inout Digest
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
        digest.add(head.methodBytes)
        digest.add(head.authority)
        digest.add(head.path)
        digest.add("\(head.framing) \(head.isPersistent) \(head.expectsContinue)")
        add(head.fields, to: &digest)
    case .body(let range):
        precondition(!range.isEmpty, "a part of a body is never empty")
        digest.add(piece.extracting(range))
    case .end:
        add(head.trailers, to: &digest)
        digest.add("end")
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
