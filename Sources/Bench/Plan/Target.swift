import Kernel

/// Where requests go: what a plain `http://` URL says.
public struct Target: Equatable, Sendable {
    public let url: String
    /// A name or an address, without brackets.
    public let host: String
    public let port: UInt16
    /// Host and port as the Host field has them; the port only where the URL has one.
    public let authority: String
    /// Path and query, never empty.
    public let path: String

    /// Reads `http://HOST[:PORT][/PATH][?QUERY]`; without a scheme it is taken for `http`.
    ///
    /// - Throws: ``BenchError/url(_:_:)``; an `https` URL is refused until there is TLS.
    public init(parsing text: String) throws(BenchError) {
        var rest = text[...]
        if let separator = text.firstRange(of: "://") {
            switch text[..<separator.lowerBound].lowercased() {
            case "http": rest = text[separator.upperBound...]
            case "https": throw .url(text, .needsTLS)
            default: throw .url(text, .scheme)
            }
        }
        rest = rest.prefix { $0 != "#" }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        guard let (host, port) = SocketAddress.split(rest[..<end], standardPort: 80), port > 0
        else { throw .url(text, .authority) }
        var path = String(rest[end...])
        if !path.hasPrefix("/") { path = "/" + path }
        // Whatever is beyond ASCII or would end the target must be percent-encoded (RFC 3986 §2.1).
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .url(text, .path) }
        url = "http://\(rest[..<end])\(path)"
        self.host = host
        self.port = port
        authority = String(rest[..<end])
        self.path = path
    }
}
