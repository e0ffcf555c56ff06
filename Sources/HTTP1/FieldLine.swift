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
        while let line = try nextLine(of: fields, notPast: end, orThrow: error) {
            if line.isEmpty { return true }
            let field = try FieldReader.field(at: line, in: fields)
            if fields.count >= limits.fieldCount { throw .fieldsTooMany }
            fields.append(name: field.name, value: field.value, known: field.known)
        }
        return false
    }

    private static func field(
        at line: Range<Int>, in fields: borrowing Fields
    ) throws(ParseError) -> (name: ByteRange, value: ByteRange, known: FieldName) {
        let bytes = fields.arena.bytes.extracting(line)
        let parts = try FieldLine(bytes)
        return (
            ByteRange(line.lowerBound..<line.lowerBound + parts.nameEnd),
            ByteRange(parts.value.moved(by: line.lowerBound)),
            FieldName(bytes.extracting(0..<parts.nameEnd))
        )
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
