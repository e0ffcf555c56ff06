/// A set of ASCII bytes, as a bitmap that is a pair of literals and so costs no lazy global.
public struct ByteSet: Sendable {
    private let low: UInt64
    private let high: UInt64

    /// What a method or a field name is made of: `tchar` (RFC 9110 §5.6.2).
    public static var token: ByteSet {
        ByteSet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// What path and query are made of: `pchar`, `/`, `?` (RFC 3986 §3.3, §3.4), and `%`.
    public static var pathAndQuery: ByteSet {
        ByteSet(low: 0xAFFF_FFF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFF)
    }

    /// What a registered name is made of: `unreserved`, `sub-delims` (RFC 3986 §3.2.2), and `%`.
    public static var registeredName: ByteSet {
        ByteSet(low: 0x2BFF_7FF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    /// Hexadecimal digits of either case.
    public static var hexadecimal: ByteSet {
        ByteSet(low: 0x03FF_0000_0000_0000, high: 0x0000_007E_0000_007E)
    }

    public func contains(_ byte: UInt8) -> Bool {
        let half = byte < 64 ? low : high
        return byte < 128 && half &>> UInt64(byte) & 1 == 1
    }
}

extension Span where Element == UInt8 {
    /// How many bytes at the front belong to `set`.
    public func prefixCount(in set: ByteSet) -> Int {
        for index in indices where !set.contains(self[index]) { return index }
        return count
    }
}
