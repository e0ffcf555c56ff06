import Kernel

/// Where requests go: what an `http://` or `https://` URL says.
public struct Target: Equatable, Sendable {
    public let url: String
    /// A name or an address, without brackets.
    public let host: String
    public let port: UInt16
    /// Host and port as the Host field has them; the port only where the URL has one.
    public let authority: String
    /// Path and query, never empty.
    public let path: String
    /// Whether the URL asks for TLS.
    public let isSecure: Bool

    /// Reads `http[s]://HOST[:PORT][/PATH][?QUERY]`; without a scheme it is taken for `http`.
    ///
    /// - Throws: ``BenchError/url(_:_:)``.
    public init(parsing text: String) throws(BenchError) {
        var rest = text[...]
        var scheme = "http"
        if let separator = text.firstRange(of: "://") {
            scheme = text[..<separator.lowerBound].lowercased()
            if scheme != "http", scheme != "https" { throw .url(text, .scheme) }
            rest = text[separator.upperBound...]
        }
        rest = rest.prefix { $0 != "#" }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        isSecure = scheme == "https"
        let authority = rest[..<end]
        guard
            let (host, port) = SocketAddress.split(authority, standardPort: isSecure ? 443 : 80),
            port > 0
        else { throw .url(text, .authority) }
        var path = String(rest[end...])
        if !path.hasPrefix("/") { path = "/" + path }
        // Whatever is beyond ASCII or would end the target must be percent-encoded (RFC 3986 §2.1).
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .url(text, .path) }
        url = "\(scheme)://\(authority)\(path)"
        self.host = host
        self.port = port
        self.authority = String(authority)
        self.path = path
    }
}
