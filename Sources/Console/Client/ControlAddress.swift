/// Where the control plane's API listens: `http://HOST:PORT`.
public struct ControlAddress: Equatable, Sendable, CustomStringConvertible {
    public var host: String
    public var port: UInt16

    public static let standard = ControlAddress(host: "127.0.0.1", port: 7400)

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `http://HOST[:PORT][/]` or `HOST:PORT`; the port defaults to 7400.
    ///
    /// - Throws: ``ConsoleError/unsupportedScheme(url:)`` for another scheme,
    ///   ``ConsoleError/argument(name:value:expected:)`` for what is no address.
    public init(parsing text: String) throws(ConsoleError) {
        var rest = text[...]
        if let separator = text.firstRange(of: "://") {
            if text[..<separator.lowerBound].lowercased() != "http" {
                throw .unsupportedScheme(url: text)
            }
            rest = text[separator.upperBound...]
        }
        if rest.last == "/" { rest.removeLast() }
        guard let (host, port) = Self.hostAndPort(rest) else {
            throw .argument(name: "--control", value: text, expected: "http://HOST:PORT")
        }
        self.host = host
        self.port = port
    }

    /// Host and port as the Host field has them (RFC 9110 §7.2).
    public var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    public var description: String { "http://\(authority)" }

    private static func hostAndPort(_ text: Substring) -> (String, UInt16)? {
        var host = text
        var port = standard.port
        let afterBracket = text.lastIndex(of: "]") ?? text.startIndex
        if let colon = text[afterBracket...].lastIndex(of: ":") {
            host = text[..<colon]
            let digits = text[colon...].dropFirst()
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt16(String(digits)), number > 0
            else { return nil }
            port = number
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        }
        let isName = host.utf8.allSatisfy { byte in
            (0x30...0x3A).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
        }
        return host.isEmpty || !isName ? nil : (String(host), port)
    }
}
