import Bytes

public enum Version: UInt8, Sendable {
    case http10
    case http11
    case http2
}

/// What a target is a part of (RFC 9110 §4.2).
public enum Scheme: UInt8, Sendable {
    case http
    case https

    public var text: StaticString {
        switch self {
        case .http: "http"
        case .https: "https"
        }
    }
}

/// How the end of a body is found (RFC 9112 §6.3), decided once, when the head is read.
public enum BodyFraming: Equatable, Sendable {
    /// There is no body, and no length was told.
    case none
    /// Bytes as told by Content-Length; zero is told on as well.
    case length(UInt64)
    case chunked
    /// Only a response: the body ends with the connection.
    case untilClose

    /// Whether bytes of a body may follow the head.
    public var hasBody: Bool {
        switch self {
        case .none, .length(0): false
        case .length, .chunked, .untilClose: true
        }
    }
}

/// What a client asks for, whatever version it came in.
///
/// The ranges point into the arena of ``fields``; a codec fills all of them.
public struct RequestHead: ~Copyable {
    public var fields = Fields()
    /// The fields behind the body; complete when the message has ended.
    public var trailers = Fields()
    public var method = Method.get
    /// The method as it was sent, also when ``method`` is ``Method/other``.
    public var methodRange = ByteRange.empty
    /// Host and port that the request is for: from the target in absolute form, or from Host.
    public var authorityRange = ByteRange.empty
    /// The target in origin form: path and query; `*` for OPTIONS; empty for CONNECT.
    public var pathRange = ByteRange.empty
    public var version = Version.http11
    /// As the client of HTTP/2 says it (RFC 9113 §8.3.1); `nil` where it says nothing.
    public var scheme: Scheme?
    public var framing = BodyFraming.none
    /// Whether the client lets the connection be used again (RFC 9112 §9.3).
    public var isPersistent = true
    /// Whether the client waits for a 100 before it sends the body (RFC 9110 §10.1.1).
    public var expectsContinue = false
    /// Whether the client asks to speak another protocol behind this request: `Connection` names
    /// `Upgrade`, which says what (RFC 9110 §7.8), and no content comes in between.
    ///
    /// Extended CONNECT over HTTP/2 is read as such a request (RFC 8441 §5).
    public var asksForUpgrade = false

    public init() {}

    /// The method as it was sent.
    @inlinable public var methodBytes: Span<UInt8> {
        @_lifetime(borrow self) @inline(__always) get { fields.bytes(methodRange) }
    }

    /// Host and port; empty when an HTTP/1.0 client named none.
    @inlinable public var authority: Span<UInt8> {
        @_lifetime(borrow self) @inline(__always) get { fields.bytes(authorityRange) }
    }

    /// Path and query.
    @inlinable public var path: Span<UInt8> {
        @_lifetime(borrow self) @inline(__always) get { fields.bytes(pathRange) }
    }

    /// Makes the head empty and keeps its memory for the next request.
    public mutating func removeAll() {
        fields.removeAll()
        trailers.removeAll()
        method = .get
        methodRange = .empty
        authorityRange = .empty
        pathRange = .empty
        version = .http11
        scheme = nil
        framing = .none
        isPersistent = true
        expectsContinue = false
        asksForUpgrade = false
    }

    /// Makes the head empty and gives its memory back, for a connection that falls idle.
    public mutating func release() {
        removeAll()
        fields.release()
        trailers.release()
    }
}

/// What a server answers, whatever version it came in.
public struct ResponseHead: ~Copyable {
    public var fields = Fields()
    /// The fields behind the body; complete when the message has ended.
    public var trailers = Fields()
    public var status: UInt16 = 0
    /// The reason phrase of HTTP/1; forwarded, never looked at.
    public var reasonRange = ByteRange.empty
    public var version = Version.http11
    public var framing = BodyFraming.none
    public var isPersistent = true

    public init() {}

    /// Whether another head follows for the same request; none does where protocols are switched
    /// (RFC 9110 §15.2).
    public var isInformational: Bool { status / 100 == 1 && !switchesProtocols }

    /// Whether both sides speak another protocol from here on (101).
    public var switchesProtocols: Bool { status == 101 }

    @inlinable public var reason: Span<UInt8> {
        @_lifetime(borrow self) @inline(__always) get { fields.bytes(reasonRange) }
    }

    /// Makes the head empty and keeps its memory for the next response.
    public mutating func removeAll() {
        fields.removeAll()
        trailers.removeAll()
        status = 0
        reasonRange = .empty
        version = .http11
        framing = .none
        isPersistent = true
    }

    /// Makes the head empty and gives its memory back, for a connection that falls idle.
    public mutating func release() {
        removeAll()
        fields.release()
        trailers.release()
    }
}
