import Bytes

/// The field names that the proxy itself has to tell apart; every other name is ``other``.
public enum FieldName: UInt8, Sendable {
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
        self =
            switch name.count {
            case 2: name.equalsIgnoringCase("te") ? .te : .other
            case 4:
                if name.equalsIgnoringCase("host") {
                    .host
                } else {
                    name.equalsIgnoringCase("date") ? .date : .other
                }
            case 6:
                if name.equalsIgnoringCase("cookie") {
                    .cookie
                } else {
                    name.equalsIgnoringCase("expect") ? .expect : .other
                }
            case 7:
                if name.equalsIgnoringCase("upgrade") {
                    .upgrade
                } else {
                    name.equalsIgnoringCase("trailer") ? .trailer : .other
                }
            case 10:
                if name.equalsIgnoringCase("connection") {
                    .connection
                } else {
                    name.equalsIgnoringCase("keep-alive") ? .keepAlive : .other
                }
            case 12: name.equalsIgnoringCase("x-request-id") ? .xRequestID : .other
            case 14:
                if name.equalsIgnoringCase("content-length") {
                    .contentLength
                } else {
                    name.equalsIgnoringCase("http2-settings") ? .http2Settings : .other
                }
            case 15: name.equalsIgnoringCase("x-forwarded-for") ? .xForwardedFor : .other
            case 16: name.equalsIgnoringCase("proxy-connection") ? .proxyConnection : .other
            case 17: name.equalsIgnoringCase("transfer-encoding") ? .transferEncoding : .other
            default: .other
            }
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
