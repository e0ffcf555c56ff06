/// What TLS needs and what goes by a name, so that it can be changed on its own:
/// `envoy.extensions.transport_sockets.tls.v3.Secret`.
public struct Secret: Equatable, Sendable {
    public enum Content: Equatable, Sendable {
        case certificate(CertificateSource)
        case validation(PartialValidation)
    }

    public let name: String
    public let content: Content

    /// Makes a secret.
    ///
    /// - Throws: ``MeshError`` when the name is empty.
    public init(name: String, _ content: Content) throws(MeshError) {
        if name.isEmpty { throw MeshError("name", "must not be empty") }
        self.init(checked: name, content)
    }

    private init(checked name: String, _ content: Content) {
        self.name = name
        self.content = content
    }

    /// The same without a key, to be shown.
    public var redacted: Secret {
        switch content {
        case .certificate(let certificate):
            Secret(checked: name, .certificate(certificate.redacted))
        case .validation: self
        }
    }
}

/// Which secret is meant: `envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig`.
public struct SecretReference: Hashable, Sendable {
    /// Who has it.
    public enum Origin: Hashable, Sendable {
        /// The control plane, over the stream that brings everything else (`ads`).
        case controlPlane
        /// The bootstrap file (`static_resources.secrets`).
        case bootstrap
        /// A file with this one secret, looked at again as files of certificates are
        /// (`path_config_source`).
        case file(String)
    }

    public let name: String
    public let origin: Origin

    /// Makes a reference.
    ///
    /// - Throws: ``MeshError`` when the name, or the path of a file, is empty.
    public init(_ name: String, from origin: Origin) throws(MeshError) {
        if name.isEmpty { throw MeshError("name", "must not be empty") }
        if origin == .file("") {
            throw MeshError("sds_config.path_config_source.path", "must not be empty")
        }
        self.name = name
        self.origin = origin
    }
}

/// A certificate that is presented: as it stands there, or as a secret brings it.
public enum PresentedCertificate: Equatable, Sendable {
    case given(CertificateSource)
    case secret(SecretReference)

    var redacted: PresentedCertificate {
        switch self {
        case .given(let certificate): .given(certificate.redacted)
        case .secret: self
        }
    }

    var reference: SecretReference? {
        switch self {
        case .given: nil
        case .secret(let reference): reference
        }
    }
}

/// Whom to trust, of which another part may have what is missing here.
public struct PartialValidation: Equatable, Sendable {
    /// In PEM.
    public let trustedAuthorities: DataSource?
    public let names: [SubjectNameMatcher]

    public init(trustedAuthorities: DataSource? = nil, names: [SubjectNameMatcher] = []) {
        self.trustedAuthorities = trustedAuthorities
        self.names = names
    }

    /// Both parts as one, as Envoy merges them: the authorities of `other` before those of this
    /// one, and the names of both.
    ///
    /// - Returns: `nil` when neither part trusts an authority.
    public func merged(with other: PartialValidation) -> PeerValidation? {
        (other.trustedAuthorities ?? trustedAuthorities).map {
            PeerValidation(trustedAuthorities: $0, names: names + other.names)
        }
    }
}

/// Whom to trust: as it stands there, or as a secret says, and what stands beside it.
public enum ValidationSource: Equatable, Sendable {
    case given(PeerValidation)
    case secret(SecretReference, beside: PartialValidation)

    var reference: SecretReference? {
        switch self {
        case .given: nil
        case .secret(let reference, _): reference
        }
    }

    /// Whether certificates of trusted authorities would do, whatever name they bear; what a secret
    /// will say is not known.
    var acceptsAnyName: Bool {
        switch self {
        case .given(let validation): validation.names.isEmpty
        case .secret: false
        }
    }
}
