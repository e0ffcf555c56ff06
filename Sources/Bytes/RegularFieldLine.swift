public import CBytes

/// A field line of HTTP/1 that is whole and holds nothing unusual (RFC 9112 §5), taken apart in one
/// pass: positions in the text.
///
/// It has a token for a name, no blanks but spaces around its value, no control byte, and CRLF at
/// its end. What is not so is not judged here.
@frozen public struct RegularFieldLine {
    /// That of the name.
    public let firstByte: UInt8
    public let nameEnd: Int
    public let valueStart: Int
    public let valueEnd: Int
    /// Behind CRLF.
    public let end: Int

    /// Whether it would be written just so: one space before the value and none behind it.
    @inlinable public var isCanonical: Bool {
        valueStart == nameEnd &+ 2 && valueEnd == end &- 2
    }

    /// Looks for a line at `start`; there is none (`nil`) when it is another, or incomplete.
    ///
    /// - Parameters:
    ///   - text: What ``Buffer/padded`` lends.
    ///   - start: Where the line begins.
    ///   - limit: Where the line must end at the latest; not in the padding.
    @inlinable @inline(__always)
    public init?(_ text: Span<UInt8>, from start: Int, notPast limit: Int) {
        precondition(
            start >= 0 && start <= limit && limit <= text.count &- Buffer.paddingCount,
            "a line is inside the text")
        var index = start
        var hits = unsafe text.withSixteenBytes(at: index) { unsafe bytes_beyond_words($0) }
        if hits == 0 {
            // Behind a byte before the limit there is padding of more than sixteen bytes.
            index &+= 16
            if index >= limit { return nil }
            hits = unsafe text.withSixteenBytes(at: index) { unsafe bytes_beyond_words($0) }
        }
        index &+= hits == 0 ? 16 : hits.trailingZeroBitCount
        // The shortest rest of a line is a colon and CRLF, so that all that follows is in the text.
        if index &+ 3 > limit || index == start { return nil }
        if unsafe text.uncheckedPair(at: index) == 0x203A {
            nameEnd = index
            index &+= 2
        } else {
            index = text.end(of: .token, from: index)
            if index &+ 3 > limit || index == start { return nil }
            if unsafe text[unchecked: index] != 0x3A { return nil }
            nameEnd = index
            index &+= 1
        }
        if unsafe text[unchecked: index] == 0x20 { index = unsafe text.spacesEnd(index, limit) }
        valueStart = index
        repeat {
            hits = unsafe text.withSixteenBytes(at: index) { unsafe bytes_controls($0) }
            if hits != 0 { break }
            index &+= 16
        } while index < limit
        index &+= hits.trailingZeroBitCount
        if index &+ 2 > limit { return nil }
        if unsafe text.uncheckedPair(at: index) != 0x0A0D { return nil }
        end = index &+ 2
        if unsafe text[unchecked: index &- 1] == 0x20 {
            index = unsafe text.spacesStart(index, valueStart)
        }
        valueEnd = index
        firstByte = unsafe text[unchecked: start]
    }
}

extension Span where Element == UInt8 {
    @unsafe @usableFromInline @inline(never)
    func spacesEnd(_ start: Int, _ limit: Int) -> Int {
        var index = start
        while index < limit, unsafe self[unchecked: index] == 0x20 { index &+= 1 }
        return index
    }

    @unsafe @usableFromInline @inline(never)
    func spacesStart(_ end: Int, _ limit: Int) -> Int {
        var index = end
        while index > limit, unsafe self[unchecked: index &- 1] == 0x20 { index &-= 1 }
        return index
    }
}
