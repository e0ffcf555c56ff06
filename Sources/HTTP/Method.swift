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
        self.init(in: token, count: token.count)
    }

    /// Recognises the method that the first `count` bytes of `text` are.
    public init(in text: Span<UInt8>, count: Int) {
        self =
            switch count {
            case 3: text.starts(with: "GET") ? .get : text.starts(with: "PUT") ? .put : .other
            case 4: text.starts(with: "POST") ? .post : text.starts(with: "HEAD") ? .head : .other
            case 5:
                text.starts(with: "PATCH")
                    ? .patch : text.starts(with: "TRACE") ? .trace : .other
            case 6: text.starts(with: "DELETE") ? .delete : .other
            case 7:
                text.starts(with: "OPTIONS")
                    ? .options : text.starts(with: "CONNECT") ? .connect : .other
            default: .other
            }
    }

    /// Whether a request without content has to say so with a length (RFC 9110 §8.6).
    public var expectsContent: Bool {
        switch self {
        case .post, .put, .patch: true
        case .get, .head, .delete, .connect, .options, .trace, .other: false
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
