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

    /// The same, for one to eight bytes that have no eight bytes behind their first.
    @usableFromInline
    func wordAtEnd(at index: Int, count length: Int) -> UInt64 {
        let last = index &+ length
        if last >= 8 {
            let rest = UInt64(truncatingIfNeeded: 64 &- length &* 8)
            return uncheckedWord(at: last &- 8) &>> rest
        }
        if length >= 4 {
            // Two halves that may overlap, in bytes that are the same in both.
            let high = uncheckedHalfWord(at: last &- 4)
            let shift = UInt64(truncatingIfNeeded: length &* 8 &- 32)
            return uncheckedHalfWord(at: index) | high &<< shift
        }
        // The first byte, the one in the middle and the last, some of which may be the same.
        let middle = length &>> 1
        let first = unsafe UInt64(self[unchecked: index])
        let second = unsafe UInt64(self[unchecked: index &+ middle])
        let third = unsafe UInt64(self[unchecked: last &- 1])
        return first | second &<< UInt64(truncatingIfNeeded: middle &* 8)
            | third &<< UInt64(truncatingIfNeeded: (length &- 1) &* 8)
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
}
