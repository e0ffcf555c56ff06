import Bytes

/// The field names that the proxy itself has to tell apart; every other name is ``other``.
public enum FieldName: UInt8, BitwiseCopyable, Sendable {
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
    case xForwardedFor
    case xRequestID

    /// Recognises `name` in letters of either case.
    public init(_ name: Span<UInt8>) {
        // Length and first letter leave one candidate at most, so one comparison decides.
        let first = name.isEmpty ? 0 : name[0].asciiLowercased
        self =
            switch name.count {
            case 2: FieldName.te.confirmed(by: name, "te")
            case 4 where first == UInt8(ascii: "h"): FieldName.host.confirmed(by: name, "host")
            case 4: FieldName.date.confirmed(by: name, "date")
            case 6 where first == UInt8(ascii: "c"): FieldName.cookie.confirmed(by: name, "cookie")
            case 6 where first == UInt8(ascii: "e"): FieldName.expect.confirmed(by: name, "expect")
            case 7 where first == UInt8(ascii: "u"):
                FieldName.upgrade.confirmed(by: name, "upgrade")
            case 7: FieldName.trailer.confirmed(by: name, "trailer")
            case 10 where first == UInt8(ascii: "c"):
                FieldName.connection.confirmed(by: name, "connection")
            case 10 where first == UInt8(ascii: "k"):
                FieldName.keepAlive.confirmed(by: name, "keep-alive")
            case 12 where first == UInt8(ascii: "x"):
                FieldName.xRequestID.confirmed(by: name, "x-request-id")
            case 14 where first == UInt8(ascii: "c"):
                FieldName.contentLength.confirmed(by: name, "content-length")
            case 14: FieldName.http2Settings.confirmed(by: name, "http2-settings")
            case 15 where first == UInt8(ascii: "x"):
                FieldName.xForwardedFor.confirmed(by: name, "x-forwarded-for")
            case 16: FieldName.proxyConnection.confirmed(by: name, "proxy-connection")
            case 17: FieldName.transferEncoding.confirmed(by: name, "transfer-encoding")
            default: .other
            }
    }

    private func confirmed(by name: Span<UInt8>, _ text: StaticString) -> FieldName {
        name.equalsIgnoringCase(text) ? self : .other
    }

    /// Whether the field speaks of one connection and is never forwarded (RFC 9110 §7.6.1).
    public var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade,
            .http2Settings:
            true
        case .other, .contentLength, .cookie, .date, .expect, .host, .xForwardedFor, .xRequestID:
            false
        }
    }
}
