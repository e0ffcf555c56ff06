public import CBytes

/// Searches that look at many bytes at a time, since every byte of a head goes through them.
extension Span where Element == UInt8 {
    /// The position of the first control byte (below 0x20, or 0x7F) at or behind `start`.
    ///
    /// - Returns: That position; `count` when there is none.
    @inlinable @inline(__always)
    public func firstControlIndex(from start: Int) -> Int {
        precondition(start >= 0 && start <= count, "a search starts inside the span")
        var index = start
        while index &+ 16 <= count {
            let hits = unsafe withSixteenBytes(at: index) { unsafe bytes_controls($0) }
            if hits != 0 { return index &+ hits.trailingZeroBitCount }
            index &+= 16
        }
        if index == count { return count }
        if count < 16 { return firstControlIndexOfShort(from: index) }
        // The last sixteen bytes, without those that were looked at before.
        let last = unsafe withSixteenBytes(at: count &- 16) { unsafe bytes_controls($0) }
        let hits = last &>> UInt32(truncatingIfNeeded: 16 &+ index &- count)
        return hits == 0 ? count : index &+ hits.trailingZeroBitCount
    }

    /// The position of the first byte at or behind `start` that is not in ``ByteSet/token``.
    ///
    /// - Returns: That position; `count` when there is none.
    @inlinable @inline(__always)
    public func tokenEnd(from start: Int) -> Int {
        precondition(start >= 0 && start <= count, "a search starts inside the span")
        var index = start
        // Most tokens are short and have letters and hyphens only.
        if index &+ 16 <= count {
            let hits = unsafe withSixteenBytes(at: index) { unsafe bytes_beyond_words($0) }
            index &+= hits == 0 ? 16 : hits.trailingZeroBitCount
            if index < count, self[index] == 0x3A || self[index] == 0x20 { return index }
        }
        return end(of: .token, from: index)
    }

    /// The position of the first byte at or behind `start` that is not in
    /// ``ByteSet/pathAndQuery``.
    ///
    /// - Returns: That position; `count` when there is none.
    public func pathAndQueryEnd(from start: Int) -> Int {
        precondition(start >= 0 && start <= count, "a search starts inside the span")
        var index = start
        while index &+ 16 <= count {
            let hits = unsafe withSixteenBytes(at: index) { unsafe bytes_beyond_paths($0) }
            if hits != 0 { return end(of: .pathAndQuery, from: index &+ hits.trailingZeroBitCount) }
            index &+= 16
        }
        return end(of: .pathAndQuery, from: index)
    }

    /// The position of the first byte at or behind `start` that is not in `set`; `count` when
    /// there is none.
    public func end(of set: ByteSet, from start: Int) -> Int {
        precondition(start >= 0 && start <= count, "a search starts inside the span")
        var index = start
        // Four at a time and checked once, since a parser spends most of its time here.
        while index <= count &- 4 {
            if unsafe !set.contains(self[unchecked: index]) { return index }
            if unsafe !set.contains(self[unchecked: index &+ 1]) { return index &+ 1 }
            if unsafe !set.contains(self[unchecked: index &+ 2]) { return index &+ 2 }
            if unsafe !set.contains(self[unchecked: index &+ 3]) { return index &+ 3 }
            index &+= 4
        }
        while index < count, unsafe set.contains(self[unchecked: index]) { index &+= 1 }
        return index
    }

    /// The position of the first byte that is `one` or `other`; `nil` when there is none.
    public func firstIndex(of one: UInt8, or other: UInt8) -> Int? {
        var index = 0
        while index &+ 16 <= count {
            let hits = unsafe withSixteenBytes(at: index) { unsafe bytes_either($0, one, other) }
            if hits != 0 { return index &+ hits.trailingZeroBitCount }
            index &+= 16
        }
        if count >= 16 {
            // The last sixteen bytes, of which some were looked at before.
            index = count &- 16
            let hits = unsafe withSixteenBytes(at: index) { unsafe bytes_either($0, one, other) }
            return hits == 0 ? nil : index &+ hits.trailingZeroBitCount
        }
        while index < count {
            if unsafe self[unchecked: index] == one || self[unchecked: index] == other {
                return index
            }
            index &+= 1
        }
        return nil
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

    @usableFromInline
    func firstControlIndexOfShort(from start: Int) -> Int {
        var index = start
        while index < count {
            if self[index] < 0x20 || self[index] == 0x7F { return index }
            index += 1
        }
        return count
    }

    /// Lends the sixteen bytes at `index`, which the caller has checked to be in the span.
    @unsafe @inlinable @inline(__always)
    func withSixteenBytes(at index: Int, _ look: (UnsafeRawPointer) -> UInt32) -> UInt32 {
        unsafe withUnsafeBytes { unsafe look($0.baseAddress.unsafelyUnwrapped + index) }
    }
}

private func everyByte(_ byte: UInt8) -> UInt64 { 0x0101_0101_0101_0101 &* UInt64(byte) }

/// Sets the top bit of each byte of `word` that is zero.
///
/// A borrow may set it in a byte above a true hit as well, so only the lowest hit counts.
private func zeroBytes(in word: UInt64) -> UInt64 {
    (word &- everyByte(1)) & ~word & everyByte(0x80)
}
