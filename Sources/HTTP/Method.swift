import Bytes

/// A request method, as far as the proxy treats it in its own way.
public enum Method: UInt8, Sendable {
    case get
    case head
    case post
    case put
    case delete
    case connect
    case options
    case trace
    case patch
    /// Any other token; the head has its bytes.
    case other

    /// Recognises `token`; methods are case-sensitive (RFC 9110 §9.1).
    public init(_ token: Span<UInt8>) {
        self =
            switch token.count {
            case 3: token.equals("GET") ? .get : token.equals("PUT") ? .put : .other
            case 4: token.equals("POST") ? .post : token.equals("HEAD") ? .head : .other
            case 5: token.equals("PATCH") ? .patch : token.equals("TRACE") ? .trace : .other
            case 6: token.equals("DELETE") ? .delete : .other
            case 7: token.equals("OPTIONS") ? .options : token.equals("CONNECT") ? .connect : .other
            default: .other
            }
    }

    /// Whether sending the request twice means the same as once (RFC 9110 §9.2.2).
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .patch, .connect, .other: false
        }
    }
}
