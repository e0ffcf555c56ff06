public import Bytes
public import HTTP

/// Writes messages anew from what was understood; nothing of a received head is copied as it was.
///
/// Callers pass names and values that a codec has checked; the writer adds only the framing.
public enum Writer {
    /// Appends `method SP target SP HTTP/1.1 CRLF`.
    public static func requestLine(
        method: Span<UInt8>, target: Span<UInt8>, to buffer: inout Buffer
    ) {
        buffer.append("", method, " ")
        buffer.append("", target, " HTTP/1.1\r\n")
    }

    /// Appends `HTTP/1.1 SP status SP reason CRLF`.
    public static func statusLine(
        _ status: UInt16, reason: Span<UInt8>, to buffer: inout Buffer
    ) {
        buffer.append("HTTP/1.1 ")
        buffer.append(threeDigits: status)
        buffer.append(" ", reason, "\r\n")
    }

    /// Appends a status line with the reason that RFC 9110 §15 has for it.
    public static func statusLine(_ status: UInt16, to buffer: inout Buffer) {
        buffer.append("HTTP/1.1 ")
        buffer.append(threeDigits: status)
        buffer.append(space)
        buffer.append(reasonPhrase(status))
        buffer.append("\r\n")
    }

    public static func field(name: Span<UInt8>, value: Span<UInt8>, to buffer: inout Buffer) {
        buffer.appendLine(name: name, value: value)
    }

    public static func field(_ name: StaticString, value: Span<UInt8>, to buffer: inout Buffer) {
        buffer.append(name)
        buffer.append(": ", value, "\r\n")
    }

    public static func field(
        _ name: StaticString, _ value: StaticString, to buffer: inout Buffer
    ) {
        buffer.append(name)
        buffer.append(": ")
        buffer.append(value)
        buffer.append("\r\n")
    }

    /// Appends Content-Length; a message has this or ``chunkedEncoding(to:)``, never both.
    public static func contentLength(_ length: UInt64, to buffer: inout Buffer) {
        buffer.append("content-length: ")
        buffer.append(decimal: length)
        buffer.append("\r\n")
    }

    public static func chunkedEncoding(to buffer: inout Buffer) {
        buffer.append("transfer-encoding: chunked\r\n")
    }

    /// Appends the fields that are for whoever comes next as well (RFC 9110 §7.6.1).
    ///
    /// Left out are hop-by-hop fields, and Host and Content-Length, which the sender writes from
    /// what it has understood. Lines that follow each other in the arena, and were found there just
    /// as they would be written, are copied together.
    public static func endToEndFields(_ fields: borrowing Fields, to buffer: inout Buffer) {
        // The lines from `start` to `end` in the arena are due.
        var start = 0
        var end = 0
        for index in fields.indices {
            let field = fields[index]
            if field.traits == .line {
                if Int(field.name.offset) != end {
                    buffer.append(fields.arena.bytes.part(at: start, count: end &- start))
                    start = Int(field.name.offset)
                }
                end = field.value.end &+ 2
            } else if field.isEndToEnd {
                buffer.append(fields.arena.bytes.part(at: start, count: end &- start))
                start = 0
                end = 0
                buffer.appendLine(
                    name: fields.bytes(field.name), value: fields.bytes(field.value))
            }
        }
        buffer.append(fields.arena.bytes.part(at: start, count: end &- start))
    }

    /// Appends the `Upgrade` that `fields` holds, and the `Connection` that goes with it
    /// (RFC 9110 §7.8).
    public static func upgrade(of fields: borrowing Fields, to buffer: inout Buffer) {
        field("connection", "upgrade", to: &buffer)
        for index in fields.indices where fields[index].known == .upgrade {
            field("upgrade", value: fields.value(at: index), to: &buffer)
        }
    }

    /// Appends the empty line that ends a head.
    public static func endOfHead(to buffer: inout Buffer) {
        buffer.append("\r\n")
    }

    /// Appends a whole chunk; nothing for no data, since an empty chunk would end the body.
    public static func chunk(_ data: Span<UInt8>, to buffer: inout Buffer) {
        if data.isEmpty { return }
        chunkHeader(size: data.count, to: &buffer)
        buffer.append(data)
        chunkEnd(to: &buffer)
    }

    /// Appends what stands before the data of a chunk; `size` is not zero.
    public static func chunkHeader(size: Int, to buffer: inout Buffer) {
        precondition(size > 0, "an empty chunk would end the body")
        buffer.append(hexadecimal: UInt64(size))
        buffer.append("\r\n")
    }

    /// Appends what stands behind the data of a chunk.
    public static func chunkEnd(to buffer: inout Buffer) {
        buffer.append("\r\n")
    }

    /// Appends the last chunk and the empty line; the body has no trailers.
    public static func lastChunk(to buffer: inout Buffer) {
        buffer.append("0\r\n\r\n")
    }

    /// Appends the last chunk and the trailer section.
    public static func lastChunk(trailers: borrowing Fields, to buffer: inout Buffer) {
        buffer.append("0\r\n")
        endToEndFields(trailers, to: &buffer)
        buffer.append("\r\n")
    }
}
