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

    /// Goes on behind a line that was read in another way and ends at `end`.
    mutating func skip(to end: Int) {
        lines.skip(to: end)
    }

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
            fields.arena.append(input.part(at: position, count: count))
            fields.arena.pad()
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
        while true {
            if !lines.isResuming,
                try readRegularLines(into: &fields, notPast: end, most: limits.fieldCount)
            {
                return true
            }
            guard let line = try nextLine(of: fields, notPast: end, orThrow: error) else {
                return false
            }
            if line.isEmpty { return true }
            let field = try FieldReader.field(at: line, in: fields)
            if fields.count >= limits.fieldCount { throw .fieldsTooMany }
            fields.append(field)
        }
    }

    /// Reads lines for as long as they are regular, as nearly all are.
    ///
    /// Whatever else there is, such as a tab in a value, a line that is not complete, or a mistake,
    /// is left to ``LineReader`` and ``FieldLine``, which judge it.
    private mutating func readRegularLines(
        into fields: inout Fields, notPast end: Int, most mostFields: Int
    ) throws(ParseError) -> Bool {
        var start = lines.lineStart
        let limit = min(end, fields.arena.count)
        while let line = RegularFieldLine(fields.arena.padded, from: start, notPast: limit) {
            let name = ByteRange(from: start, to: line.nameEnd)
            let known: FieldName =
                FieldName.mayBeKnown(first: line.firstByte, count: line.nameEnd &- start)
                ? FieldName(in: fields.arena.padded, at: start, count: line.nameEnd &- start)
                : .other
            let field = Field(
                name: name, value: ByteRange(from: line.valueStart, to: line.valueEnd),
                known: known, isLine: line.isCanonical)
            if fields.count >= mostFields { throw .fieldsTooMany }
            fields.append(field)
            start = line.end
        }
        if start + 2 <= limit, fields.arena.bytes.isLineEnd(at: start) {
            lines.skip(to: start + 2)
            return true
        }
        lines.skip(to: start)
        return false
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

extension Span where Element == UInt8 {
    /// Whether CRLF stands at `index`.
    @inline(__always)
    func isLineEnd(at index: Int) -> Bool {
        index < count - 1 && self[index] == carriageReturn && self[index + 1] == lineFeed
    }
}

extension ByteRange {
    init(_ range: Range<Int>) {
        self.init(from: range.lowerBound, to: range.upperBound)
    }

    /// The limit on a head keeps its offsets far below 32 bits.
    @inline(__always)
    init(from start: Int, to end: Int) {
        self.init(
            offset: UInt32(truncatingIfNeeded: start),
            count: UInt32(truncatingIfNeeded: end &- start))
    }
}

func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

/// How much of the input is copied at a time while the end of a section is not known yet.
let windowByteCount = 1024
