/// Where bytes of a configuration come from: `envoy.config.core.v3.DataSource`.
public enum DataSource: Equatable, Sendable {
    /// A path; the file is read when the configuration is put in effect, and again when it changes.
    case file(String)
    case inline([UInt8])
}

/// A certificate with the chain behind it, and its key:
/// `envoy.extensions.transport_sockets.tls.v3.TlsCertificate`.
public struct CertificateSource: Equatable, Sendable {
    /// In PEM, the own certificate first.
    public let certificateChain: DataSource
    /// In PEM.
    public let privateKey: DataSource

    public init(certificateChain: DataSource, privateKey: DataSource) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }

    /// The same without a key that could be read from it, to be shown.
    public var redacted: CertificateSource {
        switch privateKey {
        case .file: self
        case .inline:
            CertificateSource(
                certificateChain: certificateChain,
                privateKey: .inline(Array("[redacted]".utf8)))
        }
    }
}

/// A condition on one kind of name in a certificate:
/// `envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher`.
public struct SubjectNameMatcher: Equatable, Sendable {
    public enum Kind: Sendable {
        case email
        case dns
        case uri
        case ipAddress
    }

    public let kind: Kind
    public let matcher: StringMatcher

    public init(_ kind: Kind, _ matcher: StringMatcher) {
        self.kind = kind
        self.matcher = matcher
    }
}

/// Whom to trust: `envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext`.
public struct PeerValidation: Equatable, Sendable {
    /// In PEM.
    public let trustedAuthorities: DataSource
    /// One of them has to accept a name of the peer's certificate.
    public let names: [SubjectNameMatcher]

    public init(trustedAuthorities: DataSource, names: [SubjectNameMatcher] = []) {
        self.trustedAuthorities = trustedAuthorities
        self.names = names
    }
}

/// Which TLS is spoken: `envoy.extensions.transport_sockets.tls.v3.TlsParameters`.
public struct SecurityParameters: Equatable, Sendable {
    public enum Version: Comparable, Sendable {
        case tls12
        case tls13
    }

    public let versions: ClosedRange<Version>
    /// For TLS 1.2, by OpenSSL's names; empty takes what is safe.
    public let ciphers: [String]
    /// Groups for the key exchange, by OpenSSL's names; empty takes what is safe.
    public let groups: [String]

    /// Makes parameters.
    ///
    /// - Throws: ``MeshError`` when the highest version is below the lowest.
    public init(
        lowestVersion: Version = .tls12, highestVersion: Version = .tls13, ciphers: [String] = [],
        groups: [String] = []
    ) throws(MeshError) {
        if highestVersion < lowestVersion {
            throw MeshError(
                "tls_maximum_protocol_version", "must not be below tls_minimum_protocol_version")
        }
        versions = lowestVersion...highestVersion
        self.ciphers = ciphers
        self.groups = groups
    }

    private init() {
        versions = .tls12 ... .tls13
        ciphers = []
        groups = []
    }

    public static let `default` = SecurityParameters()
}
