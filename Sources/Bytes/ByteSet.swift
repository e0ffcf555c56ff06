/// A set of ASCII bytes, as one bit of a table that needs no initialisation at run time.
public struct ByteSet: Sendable {
    private let bit: UInt8

    /// What a method or a field name is made of: `tchar` (RFC 9110 §5.6.2).
    public static var token: ByteSet { ByteSet(bit: 1) }

    /// What path and query are made of beside escapes: `pchar`, `/`, `?` (RFC 3986 §3.3, §3.4).
    public static var pathAndQuery: ByteSet { ByteSet(bit: 2) }

    /// What a registered name is made of: `unreserved`, `sub-delims` (RFC 3986 §3.2.2), beside
    /// escapes.
    ///
    /// A comma is left out: it is what joins two fields into one (RFC 9110 §5.3).
    public static var registeredName: ByteSet { ByteSet(bit: 4) }

    /// Hexadecimal digits of either case.
    public static var hexadecimal: ByteSet { ByteSet(bit: 8) }

    @inline(__always)
    public func contains(_ byte: UInt8) -> Bool {
        unsafe table.utf8Start[Int(byte)] & bit != 0
    }
}

extension Span where Element == UInt8 {
    /// How many bytes at the front belong to `set`.
    public func prefixCount(in set: ByteSet) -> Int { end(of: set, from: 0) }
}

/// For each of the 256 bytes a letter whose low bits are the sets that the byte belongs to.
///
/// A literal string has static storage, where a global array would be made at its first use.
private var table: StaticString {
    """
    @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\
    @G@AGAGGFFGGBGGBOOOOOOOOOOBF@F@B\
    BOOOOOOGGGGGGGGGGGGGGGGGGGG@@@AG\
    AOOOOOOGGGGGGGGGGGGGGGGGGGG@A@G@\
    @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\
    @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\
    @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\
    @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
    """
}
