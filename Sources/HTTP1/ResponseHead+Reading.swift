import Bytes
import HTTP

extension ResponseHead {
    /// Takes the status line apart, which stands at `line` in the arena.
    mutating func readStatusLine(_ line: Range<Int>) throws(ParseError) {
        let parts = try StatusLine(fields.arena.bytes.extracting(line))
        version = parts.version
        status = parts.status
        reasonRange = ByteRange(parts.reason.moved(by: line.lowerBound))
    }

    /// Takes a regular status line over.
    mutating func take(_ line: RegularStatusLine) {
        version = line.version
        status = line.status
        reasonRange = line.reason
    }

    /// Decides what the complete head means for the message and its connection.
    ///
    /// - Parameter method: That of the request, on which the framing depends.
    /// - Throws: ``ParseError``, where the fields contradict each other.
    mutating func interpretFields(responseTo method: Method) throws(ParseError) {
        let meaning = try MessageFields(reading: &fields)
        framing = try decideFraming(meaning, method)
        isPersistent =
            !meaning.closes && framing != .untilClose && !switchesProtocols
            && (version != .http10 || meaning.keepsAlive)
    }

    /// Finds the end of the body by the rules of RFC 9112 §6.3, in their order.
    @inline(__always)
    private func decideFraming(
        _ meaning: MessageFields, _ method: Method
    ) throws(ParseError) -> BodyFraming {
        let isChunked = meaning.transferEncoding == .chunked
        if isChunked, version == .http10 { throw .transferEncodingBeforeHTTP11 }
        if method == .connect, status / 100 == 2 || status == 101 { return .untilClose }
        if switchesProtocols { return .untilClose }
        if status / 100 == 1 || status == 204 {
            // A server that frames a body here may be about to send one (RFC 9112 §6.1, §6.2).
            if isChunked || (meaning.contentLength ?? 0) > 0 { throw .contentForbidden }
            return .none
        }
        if method == .head || status == 304 { return .none }
        if isChunked { return .chunked }
        guard let length = meaning.contentLength else { return .untilClose }
        return .length(length)
    }
}
