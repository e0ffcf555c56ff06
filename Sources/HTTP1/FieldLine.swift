import Bytes
import HTTP

/// A field line taken apart (RFC 9112 §5): positions in the line.
struct FieldLine {
    var nameEnd: Int
    var value: Range<Int>

    /// Takes `line` apart, which holds no CRLF and no control byte but tabs.
    init(_ line: Span<UInt8>) throws(ParseError) {
        let nameEnd = line.prefixCount(in: .token)
        guard nameEnd < line.count, line[nameEnd] == UInt8(ascii: ":"), nameEnd > 0 else {
            throw FieldLine.error(in: line, nameEnd: nameEnd)
        }
        var start = nameEnd + 1
        while start < line.count, isBlank(line[start]) { start += 1 }
        var end = line.count
        while end > start, isBlank(line[end - 1]) { end -= 1 }
        self.nameEnd = nameEnd
        value = start..<end
    }

    private static func error(in line: Span<UInt8>, nameEnd: Int) -> ParseError {
        guard nameEnd < line.count, isBlank(line[nameEnd]) else { return .fieldNameInvalid }
        return nameEnd == 0 ? .fieldFolded : .spaceBeforeColon
    }
}

/// Reads the field lines of a head or of a trailer section into `Fields`.
struct FieldReader: Sendable {
    private var lines = LineReader()

    /// Where the section that has been read ends in the arena.
    var end: Int { lines.lineStart }

    /// Whether no byte of the next line is there.
    var isAtLineStart: Bool { lines.isAtLineStart }

    /// The next line of the section, when it is complete.
    mutating func nextLine(
        of fields: borrowing Fields, notPast end: Int, orThrow error: ParseError
    ) throws(ParseError) -> Range<Int>? {
        try lines.next(in: fields.arena.bytes, notPast: end, orThrow: error)
    }

    /// Copies `input` into the arena of `fields` and reads it, window by window.
    ///
    /// What stands behind the section may have been copied too; it is cut off again.
    ///
    /// - Returns: Whether the empty line was reached; if not, all of the input is taken in.
    mutating func collect(
        _ input: Span<UInt8>, from position: inout Int, into fields: inout Fields,
        notPast end: Int, orThrow error: ParseError, limits: Limits
    ) throws(ParseError) -> Bool {
        while position < input.count {
            let held = fields.arena.count
            let count = min(windowByteCount, input.count - position)
            fields.arena.append(input.extracting(position..<position + count))
            if try readFields(into: &fields, notPast: end, orThrow: error, limits: limits) {
                fields.arena.truncate(to: self.end)
                position += self.end - held
                return true
            }
            position += count
        }
        return false
    }

    /// Reads on as far as `fields` has lines.
    ///
    /// - Returns: Whether the empty line was reached that ends the section.
    mutating func readFields(
        into fields: inout Fields, notPast end: Int, orThrow error: ParseError, limits: Limits
    ) throws(ParseError) -> Bool {
        let mostFields = limits.fieldCount
        while true {
            let field: Field
            if !lines.isResuming,
                let line = RegularLine(fields.arena.bytes, from: lines.lineStart, notPast: end)
            {
                field = line.field
                lines.skip(to: line.end)
            } else {
                guard let line = try nextLine(of: fields, notPast: end, orThrow: error) else {
                    return false
                }
                if line.isEmpty { return true }
                field = try FieldReader.field(at: line, in: fields)
            }
            if fields.count >= mostFields { throw .fieldsTooMany }
            fields.append(field)
        }
    }

    private static func field(
        at line: Range<Int>, in fields: borrowing Fields
    ) throws(ParseError) -> Field {
        let bytes = fields.arena.bytes.extracting(line)
        let parts = try FieldLine(bytes)
        return Field(
            name: ByteRange(line.lowerBound..<line.lowerBound + parts.nameEnd),
            value: ByteRange(parts.value.moved(by: line.lowerBound)),
            known: FieldName(bytes.extracting(0..<parts.nameEnd)))
    }
}

/// A field line that is whole and holds nothing unusual, as nearly all are, read in one pass.
///
/// Whatever else there is, such as a tab in a value, a line that is not complete, or a mistake,
/// is left to ``LineReader`` and ``FieldLine``, which judge it.
private struct RegularLine {
    let field: Field
    /// Behind the line's CRLF.
    let end: Int

    @inline(__always)
    init?(_ bytes: Span<UInt8>, from start: Int, notPast limit: Int) {
        let rest = bytes.extracting(start...)
        let nameEnd = rest.prefixCount(in: .token)
        guard nameEnd > 0, nameEnd < rest.count, rest[nameEnd] == UInt8(ascii: ":") else {
            return nil
        }
        var valueStart = nameEnd + 1
        while valueStart < rest.count, rest[valueStart] == space { valueStart += 1 }
        let lineEnd = rest.firstControlIndex(from: valueStart)
        guard lineEnd < rest.count - 1, rest[lineEnd] == carriageReturn,
            rest[lineEnd + 1] == lineFeed, start + lineEnd + 2 <= limit
        else { return nil }
        var valueEnd = lineEnd
        while valueEnd > valueStart, rest[valueEnd - 1] == space { valueEnd -= 1 }
        field = Field(
            name: ByteRange(start..<start + nameEnd),
            value: ByteRange(start + valueStart..<start + valueEnd),
            known: FieldName(rest.extracting(0..<nameEnd)))
        end = start + lineEnd + 2
    }
}

extension ByteRange {
    init(_ range: Range<Int>) {
        self.init(
            offset: UInt32(truncatingIfNeeded: range.lowerBound),
            count: UInt32(truncatingIfNeeded: range.count))
    }
}

func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

/// How much of the input is copied at a time while the end of a section is not known yet.
let windowByteCount = 1024
