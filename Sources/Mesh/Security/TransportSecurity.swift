/// TLS towards clients: `envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext`.
public struct DownstreamSecurity: Equatable, Sendable {
    /// At least one, and one for each kind of key.
    public private(set) var certificates: [PresentedCertificate]
    /// Whom clients have to be; `nil` does not ask them.
    public let validation: ValidationSource?
    /// Whether a client without a certificate is refused.
    public let requiresClientCertificate: Bool
    /// Whether a client that asks for no name is refused.
    public let requiresServerName: Bool
    /// In the order of preference (ALPN).
    public let applicationProtocols: [String]
    public let parameters: SecurityParameters
    public private(set) var allowsResumption: Bool

    /// Makes settings.
    ///
    /// - Throws: ``MeshError`` when there is no certificate, or when certificates of clients are
    ///   required and no authority is trusted.
    public init(
        certificates: [PresentedCertificate],
        validation: ValidationSource? = nil,
        requiresClientCertificate: Bool = false,
        requiresServerName: Bool = false,
        applicationProtocols: [String] = [],
        parameters: SecurityParameters = .default,
        allowsResumption: Bool = true
    ) throws(MeshError) {
        if certificates.isEmpty {
            throw MeshError("common_tls_context.tls_certificates", "must not be empty")
        }
        if requiresClientCertificate, validation == nil {
            throw MeshError(
                "common_tls_context.validation_context",
                "is missing: a certificate that nobody verifies says nothing")
        }
        self.certificates = certificates
        self.validation = validation
        self.requiresClientCertificate = requiresClientCertificate
        self.requiresServerName = requiresServerName
        self.applicationProtocols = applicationProtocols
        self.parameters = parameters
        self.allowsResumption = allowsResumption
    }

    /// The same with a whole handshake for each connection.
    var withoutResumption: DownstreamSecurity {
        var copy = self
        copy.allowsResumption = false
        return copy
    }

    /// The secrets that bring parts of it.
    public var secretReferences: [SecretReference] {
        certificates.compactMap(\.reference) + [validation?.reference].compactMap(\.self)
    }

    /// The same without keys, to be shown.
    public var redacted: DownstreamSecurity {
        var copy = self
        copy.certificates = certificates.map(\.redacted)
        return copy
    }
}

/// TLS towards endpoints: `envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext`.
public struct UpstreamSecurity: Equatable, Sendable {
    /// What is presented to servers that ask.
    public private(set) var certificates: [PresentedCertificate]
    public let validation: ValidationSource
    /// What servers are asked for (SNI); `nil` asks for nothing.
    public let serverName: String?
    /// In the order of preference (ALPN).
    public let applicationProtocols: [String]
    public let parameters: SecurityParameters
    public let allowsResumption: Bool

    /// Makes settings.
    ///
    /// - Throws: ``MeshError`` when any certificate of a trusted authority would do, or the name is
    ///   longer than 255 bytes.
    public init(
        certificates: [PresentedCertificate] = [],
        validation: ValidationSource,
        serverName: String? = nil,
        applicationProtocols: [String] = [],
        parameters: SecurityParameters = .default,
        allowsResumption: Bool = true
    ) throws(MeshError) {
        if validation.acceptsAnyName {
            throw MeshError(
                "common_tls_context.validation_context.match_typed_subject_alt_names",
                "must not be empty: a certificate alone does not say that it is the right server")
        }
        if let serverName, serverName.isEmpty || serverName.utf8.count > 255 {
            throw MeshError("sni", "must have 1…255 bytes")
        }
        self.certificates = certificates
        self.validation = validation
        self.serverName = serverName
        self.applicationProtocols = applicationProtocols
        self.parameters = parameters
        self.allowsResumption = allowsResumption
    }

    /// The secrets that bring parts of it.
    public var secretReferences: [SecretReference] {
        certificates.compactMap(\.reference) + [validation.reference].compactMap(\.self)
    }

    /// The same without keys, to be shown.
    public var redacted: UpstreamSecurity {
        var copy = self
        copy.certificates = certificates.map(\.redacted)
        return copy
    }
}
