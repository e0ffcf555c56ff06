import CLinux
import Glibc

/// An IPv4 or IPv6 address with a port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    private enum Host: Hashable, Sendable {
        /// In host byte order.
        case v4(UInt32)
        case v6(high: UInt64, low: UInt64, scope: UInt32)
    }

    private let host: Host
    public let port: UInt16

    private init(host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads a host that is an IPv4 or IPv6 address in text form, without brackets.
    public init?(host: String, port: UInt16) {
        var v4 = in_addr()
        var v6 = in6_addr()
        if unsafe inet_pton(AF_INET, host, &v4) == 1 {
            self.init(host: .v4(UInt32(bigEndian: v4.s_addr)), port: port)
        } else if unsafe inet_pton(AF_INET6, host, &v6) == 1 {
            self.init(v6, scope: 0, port: port)
        } else {
            return nil
        }
    }

    /// Reads `127.0.0.1:80` or `[::1]:80`.
    public init?(parsing text: String) {
        guard let (host, port) = Self.split(text) else { return nil }
        self.init(host: host, port: port)
    }

    /// The loopback address of IPv4; port 0 lets the kernel choose.
    public static func loopback(port: UInt16) -> SocketAddress {
        SocketAddress(host: .v4(0x7F00_0001), port: port)
    }

    /// Splits `host:port` or `[host]:port`; the host may be a name (RFC 3986 §3.2.2).
    ///
    /// - Parameters:
    ///   - text: What a person has written.
    ///   - standardPort: The port of a text without one; `nil` where there must be one.
    /// - Returns: The host without brackets; `nil` when a part is missing or cannot be one.
    public static func split(
        _ text: some StringProtocol, standardPort: UInt16? = nil
    ) -> (host: String, port: UInt16)? {
        var host = Substring(text)
        var port = standardPort
        let behindBracket = host.lastIndex(of: "]") ?? host.startIndex
        if let colon = host[behindBracket...].lastIndex(of: ":") {
            port = parsePort(host[colon...].dropFirst())
            host = host[..<colon]
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        let isHost = host.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F
                || isBracketed && byte == 0x3A
        }
        guard let port, isHost, !host.isEmpty else { return nil }
        return (String(host), port)
    }

    private static func parsePort(_ text: Substring) -> UInt16? {
        text.isEmpty || !text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? nil : UInt16(text)
    }

    /// Whether the address reaches this machine only (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    public var isLoopback: Bool {
        switch host {
        case .v4(let address): address >> 24 == 127
        case .v6(let high, let low, _):
            high == 0 && (low == 1 || low >> 24 == 0xFFFF_7F)
        }
    }

    public var isIPv6: Bool {
        if case .v6 = host { true } else { false }
    }

    /// The same host with another port.
    public func withPort(_ port: UInt16) -> SocketAddress {
        SocketAddress(host: host, port: port)
    }

    /// The host in text form, without brackets.
    public var hostText: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        switch host {
        case .v4(let address):
            var raw = in_addr(s_addr: address.bigEndian)
            unsafe inet_ntop(AF_INET, &raw, &text, socklen_t(text.count))
        case .v6(let high, let low, _):
            var raw = Self.rawV6(high: high, low: low)
            unsafe inet_ntop(AF_INET6, &raw, &text, socklen_t(text.count))
        }
        let end = text.firstIndex(of: 0) ?? text.endIndex
        return String(decoding: text[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    public var description: String {
        isIPv6 ? "[\(hostText)]:\(port)" : "\(hostText):\(port)"
    }

    /// A number that is the same for the same host, for hashing policies.
    public var hostBits: UInt64 {
        switch host {
        case .v4(let address): UInt64(address)
        case .v6(let high, let low, _): high ^ low
        }
    }
}

extension SocketAddress {
    private init(_ address: in6_addr, scope: UInt32, port: UInt16) {
        let (high, low) = unsafe withUnsafeBytes(of: address) { bytes in
            unsafe (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self.init(host: .v6(high: high, low: low, scope: scope), port: port)
    }

    private static func rawV6(high: UInt64, low: UInt64) -> in6_addr {
        var raw = in6_addr()
        unsafe withUnsafeMutableBytes(of: &raw) { bytes in
            unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return raw
    }

    var family: CInt { isIPv6 ? AF_INET6 : AF_INET }

    /// Lends the address in the kernel's form.
    func withRaw<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch host {
        case .v4(let address):
            var raw = sockaddr_in()
            raw.sin_family = sa_family_t(AF_INET)
            raw.sin_port = port.bigEndian
            raw.sin_addr.s_addr = address.bigEndian
            return unsafe Self.lend(&raw, body)
        case .v6(let high, let low, let scope):
            var raw = sockaddr_in6()
            raw.sin6_family = sa_family_t(AF_INET6)
            raw.sin6_port = port.bigEndian
            raw.sin6_addr = Self.rawV6(high: high, low: low)
            raw.sin6_scope_id = scope
            return unsafe Self.lend(&raw, body)
        }
    }

    private static func lend<Raw, Result>(
        _ raw: inout Raw, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        unsafe withUnsafeBytes(of: &raw) { bytes in
            unsafe body(
                bytes.assumingMemoryBound(to: sockaddr.self).baseAddress.unsafelyUnwrapped,
                socklen_t(bytes.count))
        }
    }

    /// Reads what the kernel wrote; `nil` for a family that is neither IPv4 nor IPv6.
    init?(_ storage: inout sockaddr_storage) {
        switch CInt(storage.ss_family) {
        case AF_INET:
            let raw = unsafe withUnsafeBytes(of: &storage) {
                unsafe $0.loadUnaligned(as: sockaddr_in.self)
            }
            self.init(
                host: .v4(UInt32(bigEndian: raw.sin_addr.s_addr)),
                port: UInt16(bigEndian: raw.sin_port))
        case AF_INET6:
            let raw = unsafe withUnsafeBytes(of: &storage) {
                unsafe $0.loadUnaligned(as: sockaddr_in6.self)
            }
            self.init(
                raw.sin6_addr, scope: raw.sin6_scope_id, port: UInt16(bigEndian: raw.sin6_port))
        default: return nil
        }
    }

    /// Looks a name up; blocks, so only for start-up and reconnects off the request path.
    ///
    /// - Returns: The addresses in the resolver's order; empty when the name is not known.
    public static func resolve(host: String, port: UInt16) -> [SocketAddress] {
        if let literal = SocketAddress(host: host, port: port) { return [literal] }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            var storage = sockaddr_storage()
            let count = unsafe min(
                Int(entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
            unsafe withUnsafeMutableBytes(of: &storage) {
                unsafe $0.copyMemory(
                    from: UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: count))
            }
            if let address = SocketAddress(&storage)?.withPort(port), !found.contains(address) {
                found.append(address)
            }
            unsafe next = entry.pointee.ai_next
        }
        return found
    }
}
