import Kernel

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
        let parts = SocketAddress.split(rest, standardPort: Self.standard.port)
        guard let (host, port) = parts, port > 0 else {
            throw .argument(name: "--control", value: text, expected: "http://HOST:PORT")
        }
        self.host = host
        self.port = port
    }

    /// Host and port as the Host field has them (RFC 9110 §7.2).
    public var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    public var description: String { "http://\(authority)" }
}
