import Bytes
import Mesh

/// Finds the virtual host for an authority: exact domain, else the longest suffix, else the longest
/// prefix, else `*` (route_components.proto, VirtualHost.domains).
struct HostIndex: Sendable {
    private static let suffixScope: UInt32 = 1
    private static let prefixScope: UInt32 = 2

    private var exact: ByteTable
    private var wildcards: ByteTable
    /// Lengths of the wildcards' texts, longest first, each once.
    private var suffixLengths: [Int] = []
    private var prefixLengths: [Int] = []
    /// The host of `*`.
    private var fallback: UInt32?
    private let ignoresPort: Bool

    init(_ configuration: RouteConfiguration, text: inout Text) {
        let count = configuration.virtualHosts.reduce(0) { $0 + $1.domains.count }
        exact = ByteTable(count: count)
        wildcards = ByteTable(count: count)
        ignoresPort = configuration.ignoresPortInHostMatching
        for (number, host) in configuration.virtualHosts.enumerated() {
            for domain in host.domains {
                add(domain, host: UInt32(clamping: number), text: &text)
            }
        }
        suffixLengths = Set(suffixLengths).sorted(by: >)
        prefixLengths = Set(prefixLengths).sorted(by: >)
    }

    /// The number of the host that `authority` belongs to.
    @inline(__always)
    func host(for authority: Span<UInt8>, text: borrowing Text) -> UInt32? {
        let name = ignoresPort ? authority.withoutPort : authority
        if !exact.isEmpty {
            let hash = PrefixHash.lowercased(name, scope: 0)
            if let host = exact.findIgnoringCase(name, hash: hash, scope: 0, text: text) {
                return host
            }
        }
        return wildcards.isEmpty ? fallback : wildcardHost(for: name, text: text)
    }

    @inline(never)
    private func wildcardHost(for name: Span<UInt8>, text: borrowing Text) -> UInt32? {
        // A wildcard stands for one byte at the least.
        for length in suffixLengths where length < name.count {
            let end = name.extracting(name.count - length..<name.count)
            if let host = find(end, scope: Self.suffixScope, text: text) { return host }
        }
        for length in prefixLengths where length < name.count {
            let start = name.extracting(0..<length)
            if let host = find(start, scope: Self.prefixScope, text: text) { return host }
        }
        return fallback
    }

    private func find(_ key: Span<UInt8>, scope: UInt32, text: borrowing Text) -> UInt32? {
        let hash = PrefixHash.lowercased(key, scope: scope)
        return wildcards.findIgnoringCase(key, hash: hash, scope: scope, text: text)
    }

    private mutating func add(_ domain: DomainPattern, host: UInt32, text: inout Text) {
        switch domain {
        case .any:
            fallback = host
        case .exact(let name):
            let hash = PrefixHash.lowercased(name.utf8.span, scope: 0)
            let key = text.store(name)
            exact.replace(with: host, hash: hash, scope: 0, key: key, text: text)
        case .suffix(let end):
            suffixLengths.append(end.utf8.count)
            addWildcard(end, host: host, scope: Self.suffixScope, text: &text)
        case .prefix(let start):
            prefixLengths.append(start.utf8.count)
            addWildcard(start, host: host, scope: Self.prefixScope, text: &text)
        }
    }

    private mutating func addWildcard(
        _ name: String, host: UInt32, scope: UInt32, text: inout Text
    ) {
        let hash = PrefixHash.lowercased(name.utf8.span, scope: scope)
        let key = text.store(name)
        wildcards.replace(with: host, hash: hash, scope: scope, key: key, text: text)
    }
}

extension Span where Element == UInt8 {
    /// An authority without `:port`; colons inside `[…]` belong to an address (RFC 3986 §3.2.2).
    var withoutPort: Span<UInt8> {
        @_lifetime(copy self)
        get {
            var position = count
            while position > 0 {
                position -= 1
                if self[position] == UInt8(ascii: "]") { return self }
                if self[position] == UInt8(ascii: ":") { return extracting(0..<position) }
            }
            return self
        }
    }

    /// A target in origin form without its query and fragment.
    var withoutQuery: Span<UInt8> {
        @_lifetime(copy self)
        get {
            extracting(0..<(firstIndex(of: UInt8(ascii: "?"), or: UInt8(ascii: "#")) ?? count))
        }
    }
}
