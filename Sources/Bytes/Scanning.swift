/// Searches that look at eight bytes at a time, since every byte of a head goes through them.
extension Span where Element == UInt8 {
    /// The position of the first control byte (below 0x20, or 0x7F) at or behind `start`.
    ///
    /// - Returns: That position; `count` when there is none.
    public func firstControlIndex(from start: Int) -> Int {
        precondition(start >= 0, "a search starts inside the span")
        var index = start
        while index <= count - 8 {
            let word = uncheckedWord(at: index)
            // The top bit of a byte below 0x20 gets set by the subtraction, that of 0x7F by the
            // addition; what is 0x80 and above is left out. A carry from 0xFF may set it in 0x7E.
            let hits =
                ((word &- everyByte(0x20)) | (word &+ everyByte(1))) & ~word & everyByte(0x80)
            if hits != 0 {
                let hit = index + hits.trailingZeroBitCount / 8
                if self[hit] != 0x7E { return hit }
                index = hit + 1
            } else {
                index += 8
            }
        }
        while index < count {
            if self[index] < 0x20 || self[index] == 0x7F { return index }
            index += 1
        }
        return count
    }

    /// The position of the first `byte` at or behind `start`; `nil` when there is none.
    public func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        precondition(start >= 0, "a search starts inside the span")
        var index = start
        while index <= count - 8 {
            let hits = zeroBytes(in: uncheckedWord(at: index) ^ everyByte(byte))
            if hits != 0 { return index + hits.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < count {
            if self[index] == byte { return index }
            index += 1
        }
        return nil
    }
}

private func everyByte(_ byte: UInt8) -> UInt64 { 0x0101_0101_0101_0101 &* UInt64(byte) }

/// Sets the top bit of each byte of `word` that is zero.
///
/// A borrow may set it in a byte above a true hit as well, so only the lowest hit counts.
private func zeroBytes(in word: UInt64) -> UInt64 {
    (word &- everyByte(1)) & ~word & everyByte(0x80)
}
