extension UInt8 {
    /// The letter in lower case; any other byte as it is.
    public var asciiLowercased: UInt8 {
        self &- 0x41 < 26 ? self | 0x20 : self
    }

    public var isASCIIDigit: Bool { self &- 0x30 < 10 }

    /// What it counts as a hexadecimal digit of either case; `nil` when it is none.
    public var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension Span where Element == UInt8 {
    /// The `count` bytes at `offset`, which must be in the span.
    @inlinable @inline(__always)
    @_lifetime(copy self)
    public func part(at offset: Int, count: Int) -> Span<UInt8> {
        precondition(
            offset >= 0 && count >= 0 && count <= self.count &- offset, "a part is inside the span")
        return unsafe extracting(unchecked: Range(uncheckedBounds: (offset, offset &+ count)))
    }

    /// Whether the bytes are `text`, a literal.
    @inlinable @inline(__always)
    public func equals(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && starts(with: text, ignoringCase: false)
    }

    /// Whether the bytes are `text` in letters of either case.
    ///
    /// - Parameter text: A literal in lower case.
    /// - Returns: Whether they are the same.
    @inlinable @inline(__always)
    public func equalsIgnoringCase(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && starts(with: text, ignoringCase: true)
    }

    /// Whether the bytes begin with `text`, a literal.
    @inlinable @inline(__always)
    public func starts(with text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && starts(with: text, ignoringCase: false)
    }

    /// Whether the bytes begin with `text` in letters of either case.
    ///
    /// - Parameter text: A literal in lower case.
    /// - Returns: Whether they do.
    @inlinable @inline(__always)
    public func startsIgnoringCase(_ text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && starts(with: text, ignoringCase: true)
    }

    /// The same for bytes that are as many as those of `text` at the least.
    ///
    /// The compiler knows the literal, so that a few comparisons of words with constants are left.
    @inlinable @inline(__always)
    func starts(with text: StaticString, ignoringCase: Bool) -> Bool {
        let length = text.utf8CodeUnitCount
        if length < 8 {
            let ignored = ignoringCase ? text.caseBits(at: 0, count: length) : 0
            return (word(at: 0, count: length) ^ text.word(at: 0, count: length)) & ~ignored == 0
        }
        // Words of eight bytes; the last one ends with the text and may overlap.
        var index = 0
        while index < length {
            let start = Swift.min(index, length &- 8)
            let ignored = ignoringCase ? text.caseBits(at: start, count: 8) : 0
            if (uncheckedWord(at: start) ^ text.word(at: start, count: 8)) & ~ignored != 0 {
                return false
            }
            index &+= 8
        }
        return true
    }

    public func starts(with prefix: Span<UInt8>) -> Bool {
        count >= prefix.count && extracting(0..<prefix.count).equals(prefix)
    }

    /// The position of the first `byte`; `nil` when there is none.
    public func firstIndex(of byte: UInt8) -> Int? {
        for index in indices where self[index] == byte { return index }
        return nil
    }
}

extension StaticString {
    /// Up to eight bytes as a number, the first of them lowest.
    @inlinable @inline(__always)
    func word(at offset: Int, count: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<count {
            let byte = unsafe utf8Start[offset &+ index]
            word |= UInt64(byte) &<< UInt64(truncatingIfNeeded: index &* 8)
        }
        return word
    }

    /// For each letter in lower case the bit that tells its case.
    @inlinable @inline(__always)
    func caseBits(at offset: Int, count: Int) -> UInt64 {
        var bits: UInt64 = 0
        for index in 0..<count where unsafe utf8Start[offset &+ index] &- 0x61 < 26 {
            bits |= 0x20 &<< UInt64(truncatingIfNeeded: index &* 8)
        }
        return bits
    }
}

extension String {
    /// The bytes as text, for logs and messages; what is not UTF-8 is replaced.
    public init(_ bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
