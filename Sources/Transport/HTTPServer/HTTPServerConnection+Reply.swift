import Bytes
import HTTP
import HTTP1

/// What a reply writes; each is called only while the reply is due.
extension HTTPServerConnection {
    /// Whether this reply is the last one of the connection.
    private var isLast: Bool { !head.isPersistent || server?.keepsConnections != true }

    func reply(status: UInt16, fields: [(name: String, value: String)], body: [UInt8]) {
        let closes = isLast
        writeReply(status: status, fields: fields, body: body, closes: closes)
        replyEnded(closes: closes)
    }

    func writeReply(
        status: UInt16, fields: [(name: String, value: String)], body: [UInt8], closes: Bool
    ) {
        let hasBody = status != 204 && status != 304
        var out = replyHead(status: status, fields: fields, closes: closes)
        if hasBody { Writer.contentLength(UInt64(body.count), to: &out) }
        Writer.endOfHead(to: &out)
        if hasBody, head.method != .head { out.append(body.span) }
        write(out.bytes)
    }

    func beginStream(status: UInt16, fields: [(name: String, value: String)]) {
        var out = replyHead(status: status, fields: fields, closes: isLast || !isChunked)
        if isChunked { Writer.chunkedEncoding(to: &out) }
        Writer.endOfHead(to: &out)
        write(out.bytes)
    }

    /// - Returns: Whether the client keeps up.
    func stream(_ bytes: [UInt8]) -> Bool {
        if queuedByteCount + bytes.count > limits.queuedByteCount {
            close()
            return false
        }
        if bytes.isEmpty || head.method == .head { return true }
        if isChunked {
            var chunk = Buffer()
            Writer.chunkHeader(size: bytes.count, to: &chunk)
            chunk.append(bytes.span)
            Writer.chunkEnd(to: &chunk)
            write(chunk.bytes)
        } else {
            write(bytes.span)
        }
        if case .closed = state { return false }
        return true
    }

    func endStream() {
        let closes = isLast || !isChunked
        if isChunked, head.method != .head {
            var out = Buffer()
            Writer.lastChunk(to: &out)
            write(out.bytes)
        }
        replyEnded(closes: closes)
    }

    /// HTTP/1.0 knows no chunks; there the end of the connection is the end of the stream.
    private var isChunked: Bool { head.version != .http10 }

    private func replyHead(
        status: UInt16, fields: [(name: String, value: String)], closes: Bool
    ) -> Buffer {
        var out = Buffer()
        Writer.statusLine(status, to: &out)
        out.append("date: ")
        HTTPDate.now().append(to: &out)
        out.append("\r\n")
        for field in fields {
            Writer.field(
                name: printable(field.name).span, value: printable(field.value).span, to: &out)
        }
        if closes { Writer.field("connection", "close", to: &out) }
        return out
    }

    /// Keeps text that came from elsewhere from ending a line.
    private func printable(_ text: String) -> [UInt8] {
        text.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }
    }
}
