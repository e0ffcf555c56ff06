/// A version of the protocol.
public enum Version: Hashable, Comparable, Sendable {
    case tls12
    case tls13
}

/// A certificate with the chain behind it, and its key.
public struct Credential: Equatable, Sendable {
    /// In PEM, the own certificate first.
    public var certificateChain: [UInt8]
    /// In PEM, not encrypted.
    public var privateKey: [UInt8]

    public init(certificateChain: [UInt8], privateKey: [UInt8]) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }
}

/// What one side presents and what it expects of the other.
public struct Settings: Sendable {
    /// At most one for each kind of key; a client may have none.
    public var credentials: [Credential] = []
    /// In PEM; empty trusts nobody.
    public var trustedAuthorities: [UInt8] = []
    /// One of them has to accept a name of the peer's certificate; none asks for no name.
    public var expectedNames: [NameMatcher] = []
    /// Offered by a client; what a server speaks, the one that it likes best first.
    public var applicationProtocols: [String] = []
    public var versions: ClosedRange<Version> = .tls12 ... .tls13
    /// Ciphers of TLS 1.2, by OpenSSL's names; empty takes what is safe.
    public var ciphers: [String] = []
    /// Groups for the key exchange, by OpenSSL's names; empty takes what is safe.
    public var groups: [String] = []
    /// Whether a session may be taken up again without a full handshake.
    public var allowsResumption = true

    public init() {}

    /// Whether a client's context of these can be made like one of `other`
    /// (``Context/init(like:expecting:)``).
    public func differsInNamesAlone(from other: Settings) -> Bool {
        credentials == other.credentials && trustedAuthorities == other.trustedAuthorities
            && applicationProtocols == other.applicationProtocols && versions == other.versions
            && ciphers == other.ciphers && groups == other.groups
            && allowsResumption == other.allowsResumption
    }
}

/// Which side of a handshake one is.
public enum Role: Equatable, Sendable {
    /// Verifies the server always: against the authorities, and the names.
    case client
    case server(clientCertificate: ClientCertificate, requiresServerName: Bool = false)

    /// What a server wants of its clients.
    public enum ClientCertificate: Equatable, Sendable {
        case ignored
        /// One that is presented has to be good.
        case requested
        case required
    }
}
