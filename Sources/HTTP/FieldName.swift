import Bytes

/// The field names that the proxy itself has to tell apart; every other name is ``other``.
@frozen public enum FieldName: UInt8, BitwiseCopyable, Sendable {
    case other
    case connection
    case contentLength
    case cookie
    case date
    case expect
    case host
    case http2Settings
    case keepAlive
    case proxyConnection
    case te
    case trailer
    case transferEncoding
    case upgrade
    case xForwardedClientCert
    case xForwardedFor
    case xRequestID

    /// Recognises `name` in letters of either case.
    public init(_ name: Span<UInt8>) {
        guard !name.isEmpty, FieldName.mayBeKnown(first: name[0], count: name.count) else {
            self = .other
            return
        }
        let padded = InlineArray<24, UInt8>(padding: name)
        self.init(in: padded.span, at: 0, count: name.count)
    }

    /// Whether a name with that first letter and so many bytes can be a known one, as few are.
    @inlinable @inline(__always)
    public static func mayBeKnown(first: UInt8, count: Int) -> Bool {
        let letters: UInt32 =
            switch count {
            case 2: letter("t")
            case 4: letter("h") | letter("d")
            case 6: letter("c") | letter("e")
            case 7: letter("u") | letter("t")
            case 10: letter("c") | letter("k")
            case 12, 15: letter("x")
            case 14: letter("c") | letter("h")
            case 16: letter("p")
            case 17: letter("t")
            case 23: letter("x")
            default: 0
            }
        return letters &>> UInt32(first) & 1 != 0
    }

    /// A bit that is the same for a letter in either case.
    @inlinable @inline(__always)
    static func letter(_ letter: Unicode.Scalar) -> UInt32 { 1 &<< (letter.value & 31) }

    /// Recognises the name of `count` bytes at `offset` of `text`, in letters of either case.
    ///
    /// It is compared a whole word at a time when enough bytes stand behind it.
    public init(in text: Span<UInt8>, at offset: Int, count: Int) {
        guard offset >= 0, offset <= text.count &- 24 else {
            self.init(text.part(at: offset, count: count))
            return
        }
        let text = text.part(at: offset, count: 24)
        // Its length leaves two candidates at most.
        self =
            switch count {
            case 2: FieldName.te.confirmed(text.startsIgnoringCase("te"))
            case 4:
                text.startsIgnoringCase("host")
                    ? .host : FieldName.date.confirmed(text.startsIgnoringCase("date"))
            case 6:
                text.startsIgnoringCase("cookie")
                    ? .cookie : FieldName.expect.confirmed(text.startsIgnoringCase("expect"))
            case 7:
                text.startsIgnoringCase("upgrade")
                    ? .upgrade : FieldName.trailer.confirmed(text.startsIgnoringCase("trailer"))
            case 10:
                text.startsIgnoringCase("connection")
                    ? .connection
                    : FieldName.keepAlive.confirmed(text.startsIgnoringCase("keep-alive"))
            case 12: FieldName.xRequestID.confirmed(text.startsIgnoringCase("x-request-id"))
            case 14:
                text.startsIgnoringCase("content-length")
                    ? .contentLength
                    : FieldName.http2Settings.confirmed(text.startsIgnoringCase("http2-settings"))
            case 15: FieldName.xForwardedFor.confirmed(text.startsIgnoringCase("x-forwarded-for"))
            case 16:
                FieldName.proxyConnection.confirmed(text.startsIgnoringCase("proxy-connection"))
            case 17:
                FieldName.transferEncoding.confirmed(text.startsIgnoringCase("transfer-encoding"))
            case 23:
                FieldName.xForwardedClientCert.confirmed(
                    text.startsIgnoringCase("x-forwarded-client-cert"))
            default: .other
            }
    }

    private func confirmed(_ isConfirmed: Bool) -> FieldName { isConfirmed ? self : .other }

    /// Whether the field speaks of one connection and is never forwarded (RFC 9110 §7.6.1).
    @inlinable public var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade,
            .http2Settings:
            true
        case .other, .contentLength, .cookie, .date, .expect, .host, .xForwardedClientCert,
            .xForwardedFor, .xRequestID:
            false
        }
    }
}
