/// Where an instance of a version listens: an IP address and a port.
public struct EndpointAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address in its text form, without brackets.
    public let host: String
    public let port: UInt16

    /// Reads `192.0.2.1:80` or `[2001:db8::1]:80`.
    ///
    /// - Throws: ``MeshError`` when the host is not an address or the port is not 1 to 65535.
    public init(parsing text: String) throws(MeshError) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            throw MeshError("", "\"\(text)\" has no port; write ADDRESS:PORT")
        }
        let digits = text[text.index(after: colon)...]
        let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        guard isNumber, let port = UInt16(digits), port > 0 else {
            throw MeshError("", "\"\(text)\" has no port from 1 to 65535 behind its last colon")
        }
        let bracketed = text[..<colon]
        let host: Substring
        if bracketed.hasPrefix("["), bracketed.hasSuffix("]"), bracketed.utf8.count > 2 {
            host = bracketed.dropFirst().dropLast()
            // With IPv4 at its end it would be another spelling of the same address.
            if !isIPv6(host) || host.contains(".") {
                throw MeshError("", "\"\(host)\" is not an IPv6 address")
            }
        } else {
            host = bracketed
            if !isIPv4(host) {
                throw MeshError(
                    "", "\"\(host)\" is not an IPv4 address, nor an IPv6 address in brackets")
            }
        }
        self.host = String(host)
        self.port = port
    }

    public var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
