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
            if !isIPv6(host) { throw MeshError("", "\"\(host)\" is not an IPv6 address") }
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

/// Four numbers without leading zeros: octal for one reader, decimal for another.
private func isIPv4(_ text: Substring) -> Bool {
    let numbers = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    if numbers.count != 4 { return false }
    return numbers.allSatisfy { digits in
        let isCanonical = digits.count == 1 || digits.first != UInt8(ascii: "0")
        return isCanonical && (1...3).contains(digits.count)
            && digits.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } && UInt8(Substring(digits)) != nil
    }
}

/// Groups of hexadecimal digits (RFC 4291 §2.2), without a zone and without IPv4 at the end.
private func isIPv6(_ text: Substring) -> Bool {
    let groups = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    if groups.count < 3 || groups.count > 9 { return false }
    var filled = groups
    // `::` at either end leaves two empty groups there, one of which says nothing.
    if filled[0].isEmpty {
        if !filled[1].isEmpty { return false }
        filled.removeFirst()
    }
    if filled[filled.count - 1].isEmpty {
        if !filled[filled.count - 2].isEmpty { return false }
        if filled.count > 1 { filled.removeLast() }
    }
    let gaps = filled.count { $0.isEmpty }
    let areGroups = filled.allSatisfy { group in
        group.count <= 4 && group.allSatisfy(\.isHexadecimalDigit)
    }
    let hasRightCount = gaps == 0 ? filled.count == 8 : gaps == 1 && filled.count <= 8
    return areGroups && hasRightCount
}

extension UInt8 {
    fileprivate var isHexadecimalDigit: Bool {
        let letter = self | 0x20
        return self >= 0x30 && self <= 0x39 || letter >= 0x61 && letter <= 0x66
    }
}
