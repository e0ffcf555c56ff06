/// What an IP address looks like; nothing looks names up.
public enum AddressLiteral {
    /// Whether `text` is an IPv4 address in four decimal parts, or an IPv6 address.
    public static func isAddress(_ text: String) -> Bool {
        isIPv4(Substring(text)) || isIPv6(Substring(text))
    }
}

/// Four numbers without leading zeros, which are octal to some and decimal to others.
func isIPv4(_ text: Substring) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4
        && parts.allSatisfy { part in
            let isCanonical = part == "0" || !part.hasPrefix("0")
            return isCanonical && (1...3).contains(part.utf8.count)
                && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                && UInt8(part) != nil
        }
}

/// Groups of hexadecimal digits, perhaps with IPv4 at the end, and without a zone (RFC 4291 §2.2).
func isIPv6(_ text: Substring) -> Bool {
    guard text.utf8.count <= 45, text.contains(":") else { return false }
    let halves = text.split(separator: "::", omittingEmptySubsequences: false)
    guard halves.count <= 2 else { return false }
    var groupCount = 0
    for (index, half) in halves.enumerated() where !half.isEmpty {
        let groups = half.split(separator: ":", omittingEmptySubsequences: false)
        for (position, group) in groups.enumerated() {
            let isLast = index == halves.count - 1 && position == groups.count - 1
            if isLast, group.contains(".") {
                guard isIPv4(group) else { return false }
                groupCount += 2
            } else {
                guard (1...4).contains(group.utf8.count), isHex(group) else { return false }
                groupCount += 1
            }
        }
    }
    // `::` stands for one group of zeros at least.
    return halves.count == 2 ? groupCount <= 7 : groupCount == 8
}

private func isHex(_ text: Substring) -> Bool {
    text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
