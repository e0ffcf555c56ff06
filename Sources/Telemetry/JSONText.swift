public import Bytes

extension Buffer {
    /// Appends `bytes` as a JSON string with its quotes (RFC 8259 §7).
    ///
    /// Any bytes give valid JSON: what is not UTF-8 is taken for Latin-1 and escaped as `\u00XX`.
    public mutating func append(jsonString bytes: Span<UInt8>) {
        append(UInt8(ascii: "\""))
        var position = 0
        var plainStart = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                position += 1
                continue
            }
            if byte >= 0x80, let length = bytes.lengthOfUTF8Sequence(at: position) {
                position += length
                continue
            }
            append(bytes.extracting(plainStart..<position))
            appendEscape(byte)
            position += 1
            plainStart = position
        }
        append(bytes.extracting(plainStart..<position))
        append(UInt8(ascii: "\""))
    }

    /// Appends `text` as a JSON string with its quotes.
    public mutating func append(jsonString text: String) {
        append(jsonString: text.utf8.span)
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case UInt8(ascii: "\n"): append("\\n")
        case UInt8(ascii: "\r"): append("\\r")
        case UInt8(ascii: "\t"): append("\\t")
        default:
            append("\\u00")
            append(Self.hexDigit(byte >> 4))
            append(Self.hexDigit(byte & 0xF))
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? value + UInt8(ascii: "0") : value + (UInt8(ascii: "a") - 10)
    }
}

extension Span where Element == UInt8 {
    /// How long the well-formed UTF-8 sequence beyond ASCII at `position` is (RFC 3629 §4).
    ///
    /// - Returns: 2, 3 or 4; `nil` when the bytes are no such sequence.
    fileprivate func lengthOfUTF8Sequence(at position: Int) -> Int? {
        let first = self[position]
        let length: Int
        // The second byte is narrower after these, against overlong forms, surrogates and beyond.
        let second: ClosedRange<UInt8>
        switch first {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        if count - position < length || !second.contains(self[position + 1]) { return nil }
        for offset in 2..<max(length, 2) where self[position + offset] & 0xC0 != 0x80 {
            return nil
        }
        return length
    }
}
