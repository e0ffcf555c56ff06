extension UInt8 {
    /// The letter in lower case; any other byte as it is.
    public var asciiLowercased: UInt8 {
        self &- 0x41 < 26 ? self | 0x20 : self
    }

    public var isASCIIDigit: Bool { self &- 0x30 < 10 }
}

extension Span where Element == UInt8 {
    public func equals(_ text: StaticString) -> Bool {
        if count != text.utf8CodeUnitCount { return false }
        let other = unsafe UnsafeBufferPointer(start: text.utf8Start, count: count)
        for index in indices where unsafe self[index] != other[index] { return false }
        return true
    }

    /// Whether the bytes are `text` in letters of either case.
    ///
    /// - Parameter text: Lower-case letters, digits and `-`, `.`, `/`, `:`; nothing else.
    /// - Returns: Whether they are the same.
    public func equalsIgnoringCase(_ text: StaticString) -> Bool {
        if count != text.utf8CodeUnitCount { return false }
        let other = unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: count).bytes
        let mine = unsafe bytes
        if count < 8 {
            for index in indices {
                let byte = unsafe other.unsafeLoad(
                    fromUncheckedByteOffset: index, as: UInt8.self)
                if self[index].asciiLowercased != byte { return false }
            }
            return true
        }
        // Words of eight bytes; the last one ends with the text and may overlap.
        var index = 0
        while true {
            let left = unsafe mine.unsafeLoadUnaligned(
                fromUncheckedByteOffset: index, as: UInt64.self)
            let right = unsafe other.unsafeLoadUnaligned(
                fromUncheckedByteOffset: index, as: UInt64.self)
            // Bit 6 is set in letters and in nothing else of `text`; bit 5 tells their case.
            let caseBits = (right & 0x4040_4040_4040_4040) &>> 1
            if (left ^ right) & ~caseBits != 0 { return false }
            if index == count - 8 { return true }
            index = Swift.min(index + 8, count - 8)
        }
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

extension String {
    /// The bytes as text, for logs and messages; what is not UTF-8 is replaced.
    public init(_ bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
