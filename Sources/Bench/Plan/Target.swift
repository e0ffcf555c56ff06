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
        guard let (host, port) = Self.hostAndPort(rest[..<end]) else {
            throw .url(text, .authority)
        }
        var path = String(rest[end...])
        if !path.hasPrefix("/") { path = "/" + path }
        // Whatever is beyond ASCII or would end the target must be percent-encoded (RFC 3986 §2.1).
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .url(text, .path) }
        url = "http://\(rest[..<end])\(path)"
        self.host = host
        self.port = port ?? 80
        authority = String(rest[..<end])
        self.path = path
    }

    private static func hostAndPort(_ text: Substring) -> (host: String, port: UInt16?)? {
        var host = text
        var port: UInt16?
        let afterBracket = text.lastIndex(of: "]") ?? text.startIndex
        if let colon = text[afterBracket...].lastIndex(of: ":") {
            host = text[..<colon]
            let digits = text[colon...].dropFirst()
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt16(String(digits)), number > 0
            else { return nil }
            port = number
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        let isName = host.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F
                || isBracketed && byte == 0x3A
        }
        return host.isEmpty || !isName ? nil : (String(host), port)
    }
}
