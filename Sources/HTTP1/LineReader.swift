import Bytes

/// Finds the lines of a section in the arena that collects it, whatever pieces they came in.
///
/// A line is judged when its line feed is there and never before, so that a verdict does not
/// depend on how the bytes were cut. The part of a line that is known to hold no line feed is not
/// searched again, so a sender of single bytes costs no more than a small constant per byte.
struct LineReader: Sendable {
    /// Where the line that is being read begins in the arena.
    private(set) var lineStart = 0
    /// Up to where the arena is known to hold no line feed behind `lineStart`.
    private var searched = 0

    /// Whether no byte of the current line was there at the last look.
    var isAtLineStart: Bool { searched <= lineStart }

    /// Whether a part of the current line has been searched, so that the rest has to come first.
    var isResuming: Bool { searched > lineStart }

    /// Goes on behind a line that was read in another way and ends at `end`.
    mutating func skip(to end: Int) {
        lineStart = end
        searched = end
    }

    /// Looks for the end of the current line in `arena`.
    ///
    /// - Parameters:
    ///   - arena: What has arrived of the section.
    ///   - end: The offset that the line with its CRLF must not pass.
    ///   - error: What it means when it does.
    /// - Returns: The line without its CRLF, free of control bytes other than tabs; `nil` when
    ///   more is needed.
    /// - Throws: `error`, or what is wrong with the line's bytes (RFC 9112 §2.2).
    mutating func next(
        in arena: Span<UInt8>, notPast end: Int, orThrow error: ParseError
    ) throws(ParseError) -> Range<Int>? {
        if searched > lineStart, arena.firstIndex(of: lineFeed, from: searched) == nil {
            return try waitForMore(arena, notPast: end, orThrow: error)
        }
        var index = arena.firstControlIndex(from: lineStart)
        while index < arena.count, arena[index] == tab {
            index = arena.firstControlIndex(from: index + 1)
        }
        guard index + 1 < arena.count, arena[index] == carriageReturn, arena[index + 1] == lineFeed
        else {
            try judgeIrregularLine(arena, at: index, notPast: end, orThrow: error)
            return try waitForMore(arena, notPast: end, orThrow: error)
        }
        if index + 2 > end { throw error }
        let line = lineStart..<index
        lineStart = index + 2
        searched = lineStart
        return line
    }

    private mutating func waitForMore(
        _ arena: Span<UInt8>, notPast end: Int, orThrow error: ParseError
    ) throws(ParseError) -> Range<Int>? {
        searched = arena.count
        if arena.count >= end { throw error }
        return nil
    }

    /// Throws what is wrong with the byte at `index`, provided that the line is complete.
    private func judgeIrregularLine(
        _ arena: Span<UInt8>, at index: Int, notPast end: Int, orThrow error: ParseError
    ) throws(ParseError) {
        guard let feed = arena.firstIndex(of: lineFeed, from: index) else { return }
        if feed >= end { throw error }
        switch arena[index] {
        case lineFeed: throw .bareLineFeed
        case carriageReturn: throw .bareCarriageReturn
        default: throw .controlByte
        }
    }
}

let tab: UInt8 = 0x09
let lineFeed: UInt8 = 0x0A
let carriageReturn: UInt8 = 0x0D
let space: UInt8 = 0x20
