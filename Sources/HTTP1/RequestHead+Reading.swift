import Bytes
import HTTP

extension RequestHead {
    /// Takes the request line apart, which stands at `line` in the arena.
    mutating func readRequestLine(_ line: Range<Int>) throws(ParseError) {
        let base = line.lowerBound
        let parts = try RequestLine(fields.arena.bytes.extracting(line))
        methodRange = ByteRange(parts.method.moved(by: base))
        method = Method(methodBytes)
        version = parts.version
        let targetRange = parts.target.moved(by: base)
        switch try RequestTarget(fields.arena.bytes.extracting(targetRange), method: method) {
        case .origin, .asterisk:
            pathRange = ByteRange(targetRange)
        case .authority:
            authorityRange = ByteRange(targetRange)
        case .absolute(let authority, let path):
            authorityRange = ByteRange(authority.moved(by: targetRange.lowerBound))
            pathRange = ByteRange(path.moved(by: targetRange.lowerBound))
        }
    }

    /// Takes a regular request line over.
    mutating func take(_ line: RegularRequestLine) {
        methodRange = line.methodRange
        method = line.method
        version = line.version
        pathRange = line.targetRange
    }

    /// Decides what the complete head means for the message and its connection.
    mutating func interpretFields() throws(ParseError) {
        let meaning = try MessageFields(reading: &fields)
        try readHost(at: meaning.hostIndex)
        try decideFraming(meaning)
        completePath()
        // A tunnel's bytes are no requests, and an HTTP/1.0 client behind another proxy may not
        // mean us when it asks for a persistent connection (RFC 9112 §9.3).
        isPersistent = version != .http10 && !meaning.closes && method != .connect
        expectsContinue = meaning.expectsContinue && version != .http10 && framing.hasBody
        asksForUpgrade =
            meaning.namesUpgrade && version == .http11 && method == .get && !framing.hasBody
            && fields.firstIndex(of: .upgrade) != nil
    }

    /// Takes the authority from Host, unless the target has named it (RFC 9112 §3.2).
    @inline(__always)
    private mutating func readHost(at index: Int?) throws(ParseError) {
        guard let index else {
            if version != .http10 { throw .hostMissing }
            return
        }
        guard Authority.read(fields.value(at: index)) != nil else { throw .hostInvalid }
        if authorityRange.isEmpty { authorityRange = fields[index].value }
    }

    @inline(__always)
    private mutating func decideFraming(_ meaning: MessageFields) throws(ParseError) {
        switch (meaning.transferEncoding, meaning.contentLength) {
        case (.chunked, _):
            if version == .http10 { throw .transferEncodingBeforeHTTP11 }
            framing = .chunked
        case (.absent, let length?): framing = .length(length)
        case (.absent, nil): framing = .none
        }
        // Their content would have no meaning, so readers skip it or take it for a request.
        let hasNoContent = method == .connect || method == .trace
        if hasNoContent, framing.hasBody { throw .contentForbidden }
    }

    /// Gives an absolute target without a path the one that it means (RFC 9112 §3.2.1, §3.2.4).
    @inline(__always)
    private mutating func completePath() {
        if method == .connect { return }
        if pathRange.isEmpty {
            pathRange = fields.store((method == .options ? "*" : "/").utf8.span)
        } else if path[0] == UInt8(ascii: "?") {
            var completed = Buffer()
            completed.append(UInt8(ascii: "/"))
            completed.append(path)
            pathRange = fields.store(completed.bytes)
        }
    }
}

extension Range<Int> {
    func moved(by offset: Int) -> Range<Int> { lowerBound + offset..<upperBound + offset }
}
