import Bytes

/// Walks the members of a comma-separated value, such as `close, TE` (RFC 9110 §5.6.1).
struct FieldList {
    private var position = 0

    /// The next member, which may be empty, without blanks around it; `nil` behind the last.
    mutating func next(in value: Span<UInt8>) -> Range<Int>? {
        if position > value.count { return nil }
        var end = position
        while end < value.count, value[end] != UInt8(ascii: ",") { end += 1 }
        var start = position
        position = end + 1
        while start < end, isBlank(value[start]) { start += 1 }
        while end > start, isBlank(value[end - 1]) { end -= 1 }
        return start..<end
    }
}
