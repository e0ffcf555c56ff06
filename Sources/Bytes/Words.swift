/// Comparisons that look at eight bytes at a time.
extension Span where Element == UInt8 {
    /// The eight bytes at `index`, the first of them lowest; all of them must be in the span.
    @inlinable @inline(__always)
    public func word(at index: Int) -> UInt64 {
        precondition(index >= 0 && index <= count &- 8, "a word is inside the span")
        return uncheckedWord(at: index)
    }

    /// The `length` bytes at `index`, at most eight, the first of them lowest and zeros above.
    @inlinable @inline(__always)
    public func word(at index: Int, count length: Int) -> UInt64 {
        precondition(
            index >= 0 && length >= 0 && length <= 8 && index <= count &- length,
            "a word is inside the span")
        if length == 0 { return 0 }
        let rest = UInt64(truncatingIfNeeded: 64 &- length &* 8)
        if index <= count &- 8 { return uncheckedWord(at: index) & (UInt64.max &>> rest) }
        return wordAtEnd(at: index, count: length)
    }

    /// The same, for fewer than eight bytes that have no eight behind them.
    @usableFromInline
    func wordAtEnd(at index: Int, count length: Int) -> UInt64 {
        let rest = UInt64(truncatingIfNeeded: 64 &- length &* 8)
        if index &+ length >= 8 { return uncheckedWord(at: index &+ length &- 8) &>> rest }
        if length >= 4 {
            // Two halves that may overlap, in bytes that are the same in both.
            let high = uncheckedHalfWord(at: index &+ length &- 4)
            return uncheckedHalfWord(at: index) | high &<< (32 &- rest)
        }
        var word: UInt64 = 0
        for offset in 0..<length {
            word |= UInt64(self[index &+ offset]) &<< UInt64(truncatingIfNeeded: offset &* 8)
        }
        return word
    }

    /// Whether both hold the same bytes.
    public func equals(_ other: Span<UInt8>) -> Bool {
        if count != other.count { return false }
        var index = 0
        while index <= count - 8 {
            if uncheckedWord(at: index) != other.uncheckedWord(at: index) { return false }
            index += 8
        }
        if index == count { return true }
        if count < 8 { return word(at: 0, count: count) == other.word(at: 0, count: count) }
        // The last word overlaps the one before.
        return uncheckedWord(at: count - 8) == other.uncheckedWord(at: count - 8)
    }

    /// Whether both hold the same bytes, where ASCII letters of either case count as the same.
    public func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
        if count != other.count { return false }
        var index = 0
        while index <= count - 8 {
            let (one, two) = (uncheckedWord(at: index), other.uncheckedWord(at: index))
            if !one.equalsIgnoringCase(two) { return false }
            index += 8
        }
        if index == count { return true }
        if count < 8 {
            return word(at: 0, count: count).equalsIgnoringCase(other.word(at: 0, count: count))
        }
        return uncheckedWord(at: count - 8).equalsIgnoringCase(
            other.uncheckedWord(at: count - 8))
    }

    /// The position of the first byte that is `one` or `other`; `nil` when there is none.
    public func firstIndex(of one: UInt8, or other: UInt8) -> Int? {
        var index = 0
        while index <= count - 8 {
            let word = uncheckedWord(at: index)
            let hits = word.zeroBytes(afterXor: one) | word.zeroBytes(afterXor: other)
            if hits != 0 { return index + hits.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < count {
            if self[index] == one || self[index] == other { return index }
            index += 1
        }
        return nil
    }

    /// The eight bytes at `index`, which the caller has checked to be in the span.
    @inlinable @inline(__always)
    func uncheckedWord(at index: Int) -> UInt64 {
        let word = unsafe bytes.unsafeLoadUnaligned(
            fromUncheckedByteOffset: index, as: UInt64.self)
        return UInt64(littleEndian: word)
    }

    /// The two bytes at `index`, which the caller has checked to be in the span.
    @unsafe @inlinable @inline(__always)
    func uncheckedPair(at index: Int) -> UInt16 {
        let pair = unsafe bytes.unsafeLoadUnaligned(
            fromUncheckedByteOffset: index, as: UInt16.self)
        return UInt16(littleEndian: pair)
    }

    private func uncheckedHalfWord(at index: Int) -> UInt64 {
        let word = unsafe bytes.unsafeLoadUnaligned(
            fromUncheckedByteOffset: index, as: UInt32.self)
        return UInt64(UInt32(littleEndian: word))
    }
}

extension UInt64 {
    /// The word with each of its bytes that is an ASCII capital in lower case.
    public var asciiLowercased: UInt64 {
        let low = self & 0x7F7F_7F7F_7F7F_7F7F
        // The top bit of each byte: at least "A", and beyond "Z".
        let fromA = low &+ 0x3F3F_3F3F_3F3F_3F3F
        let beyondZ = low &+ 0x2525_2525_2525_2525
        let capitals = fromA & ~beyondZ & ~self & 0x8080_8080_8080_8080
        return self | capitals &>> 2
    }

    fileprivate func equalsIgnoringCase(_ other: UInt64) -> Bool {
        let difference = self ^ other
        if difference == 0 { return true }
        // Only bit 5 tells the cases of a letter apart.
        if difference & ~0x2020_2020_2020_2020 != 0 { return false }
        return asciiLowercased == other.asciiLowercased
    }

    /// Sets the top bit of each byte that is `byte`; only the lowest bit that is set is sure.
    fileprivate func zeroBytes(afterXor byte: UInt8) -> UInt64 {
        let word = self ^ 0x0101_0101_0101_0101 &* UInt64(byte)
        return (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    }
}
