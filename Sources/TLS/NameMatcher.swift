/// A condition on one kind of name in a peer's certificate
/// (`envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher`).
public struct NameMatcher: Sendable {
    public enum Kind: Hashable, Sendable {
        case email
        case dns
        case uri
        /// In text, such as `10.0.0.1` or `2001:db8::1`.
        case ipAddress
    }

    public let kind: Kind
    let accepts: @Sendable (String) -> Bool

    /// Makes a condition.
    ///
    /// - Parameters:
    ///   - kind: Which names are looked at.
    ///   - accepts: Whether a name will do; called on any thread.
    public init(_ kind: Kind, accepts: @escaping @Sendable (String) -> Bool) {
        self.kind = kind
        self.accepts = accepts
    }

    /// A name that is `text`, letter for letter.
    public static func exactly(_ kind: Kind, _ text: String) -> NameMatcher {
        NameMatcher(kind) { $0 == text }
    }

    /// A host's name, which a certificate may have with `*` as its first label (RFC 9525 §6.3).
    public static func host(_ name: String) -> NameMatcher {
        let wanted = Array(name.utf8.map(lowercased))
        return NameMatcher(.dns) { covers(Array($0.utf8.map(lowercased)), wanted) }
    }

    private static func covers(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        guard pattern.starts(with: [UInt8(ascii: "*"), UInt8(ascii: ".")]) else {
            return pattern == name
        }
        // The star stands for one label, and for none of a public suffix such as `*.com`.
        guard let dot = name.firstIndex(of: UInt8(ascii: ".")), dot > 0 else { return false }
        let rest = pattern.dropFirst()
        return rest.dropFirst().contains(UInt8(ascii: ".")) && name[dot...] == rest
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        default: byte
        }
    }
}
