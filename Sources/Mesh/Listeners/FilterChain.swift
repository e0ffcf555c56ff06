/// How connections of one kind are secured: `envoy.config.listener.v3.FilterChain`.
///
/// All chains of a listener lead to the same filters.
public struct FilterChain: Equatable, Sendable {
    /// Which connections: `envoy.config.listener.v3.FilterChainMatch`; all conditions must hold.
    public struct Match: Equatable, Sendable {
        public enum Transport: Sendable {
            case plain
            case tls
        }

        /// Names that a client asks for (SNI), in lower case, `*.` standing for any labels; empty
        /// takes any and none.
        public let serverNames: [String]
        /// Protocols of which a client offers one (ALPN); empty takes any and none.
        public let applicationProtocols: [String]
        /// `nil` takes either.
        public let transport: Transport?

        public init(
            serverNames: [String] = [], applicationProtocols: [String] = [],
            transport: Transport? = nil
        ) {
            self.serverNames = serverNames.map(\.asciiLowercased)
            self.applicationProtocols = applicationProtocols
            self.transport = transport
        }
    }

    public let match: Match
    /// `nil` takes bytes as they come.
    public private(set) var security: DownstreamSecurity?
    /// How long a client may take until its handshake is over (`transport_socket_connect_timeout`).
    public let handshakeTimeout: Duration

    public static let defaultHandshakeTimeout = Duration.seconds(10)

    /// Makes a chain.
    ///
    /// - Throws: ``MeshError`` when the time is not positive.
    public init(
        match: Match = Match(), security: DownstreamSecurity? = nil,
        handshakeTimeout: Duration = defaultHandshakeTimeout
    ) throws(MeshError) {
        try require(positive: handshakeTimeout, "transport_socket_connect_timeout")
        self.match = match
        self.security = security
        self.handshakeTimeout = handshakeTimeout
    }

    private init() {
        match = Match()
        handshakeTimeout = Self.defaultHandshakeTimeout
    }

    /// Every connection, as it comes.
    public static let plain = FilterChain()

    /// The same without keys, to be shown.
    public var redacted: FilterChain {
        var copy = self
        copy.security = security?.redacted
        return copy
    }
}

extension [FilterChain] {
    /// Every connection, as it comes.
    public static var plain: [FilterChain] { [.plain] }

    /// The one that a connection belongs to: by its server name, then its transport, then its
    /// protocols, each time by what matches most closely (`FilterChainMatch`); `nil` when there is
    /// none.
    ///
    /// - Parameters:
    ///   - serverName: What the client asks for, in lower case; `nil` when it asks for nothing.
    ///   - isTLS: Whether the client begins with a handshake.
    ///   - applicationProtocols: What it offers.
    /// - Returns: The position of the chain.
    public func position(
        serverName: String?, isTLS: Bool, applicationProtocols: [String]
    ) -> Int? {
        let candidates = narrowed(to: serverName)
            .closest { position in
                guard let transport = self[position].match.transport else { return 0 }
                return (transport == .tls) == isTLS ? 1 : nil
            }
        return candidates.closest { position in
            let known = self[position].match.applicationProtocols
            if known.isEmpty { return 0 }
            return known.contains(where: applicationProtocols.contains) ? 1 : nil
        }.first
    }

    private func narrowed(to serverName: String?) -> [Int] {
        Array<Int>(indices).closest { position in
            let names = self[position].match.serverNames
            if names.isEmpty { return 0 }
            guard let serverName else { return nil }
            return names.compactMap { closeness(of: $0, to: serverName) }.max()
        }
    }

    /// How much of a name a pattern says; `nil` when it is another name.
    private func closeness(of pattern: String, to name: String) -> Int? {
        if pattern == name { return Int.max }
        guard pattern.hasPrefix("*."), name.hasSuffix(pattern.dropFirst()) else { return nil }
        return pattern.utf8.count
    }
}

extension [Int] {
    /// Those that `score` gives most; none that it gives nothing.
    fileprivate func closest(_ score: (Int) -> Int?) -> [Int] {
        let scores = map(score)
        guard let best = scores.compactMap({ $0 }).max() else { return [] }
        return indices.filter { scores[$0] == best }.map { self[$0] }
    }
}
