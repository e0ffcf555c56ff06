import COpenSSL

/// What all sessions of one side share: what it presents and what it expects.
///
/// Any thread may make sessions of it. New certificates are a new context: sessions that exist
/// keep the one that they were made of, and no session is taken up again under other terms.
@safe public final class Context: @unchecked Sendable {
    /// How long a session can be taken up again.
    static let resumptionSeconds = 3600
    /// Most bytes of the chain that a peer sends.
    static let longestChainByteCount = 64 << 10

    public let role: Role
    /// In the order of preference, each behind its length (RFC 7301 §3.1).
    let applicationProtocols: [UInt8]
    let expectedNames: [NameMatcher]
    let allowsResumption: Bool
    /// Sessions that a client may take up again.
    let tickets = TicketStore()
    let library: OpaquePointer
    /// When the first of the own certificates ends being good, in seconds since 1970; `nil` without
    /// one.
    public private(set) var expiry: Int64?

    /// Makes a context; the settings, and with them the key, need not be kept.
    ///
    /// - Throws: ``TLSError/settings(_:)`` naming what is wrong.
    public init(_ settings: Settings, role: Role) throws(TLSError) {
        self.role = role
        applicationProtocols = try Self.encoded(settings.applicationProtocols)
        expectedNames = settings.expectedNames
        allowsResumption = settings.allowsResumption
        let method = unsafe role == .client ? TLS_client_method() : TLS_server_method()
        guard let library = unsafe SSL_CTX_new(method) else { throw .outOfMemory }
        unsafe self.library = library
        defer { ERR_clear_error() }
        try configure(settings)
        try present(settings.credentials)
        try trust(settings.trustedAuthorities)
        watch()
    }

    /// Makes a context of a client that differs from `other` in the names which it expects, and
    /// costs next to nothing beside it.
    ///
    /// A session with one is not taken up again with the other.
    public init(like other: Context, expecting names: [NameMatcher]) {
        precondition(other.role == .client, "a server's tickets would be good for both")
        role = other.role
        applicationProtocols = other.applicationProtocols
        expectedNames = names
        allowsResumption = other.allowsResumption
        expiry = other.expiry
        unsafe SSL_CTX_up_ref(other.library)
        unsafe library = other.library
    }

    deinit {
        unsafe SSL_CTX_free(library)
    }

    /// Whether the peer has to present a certificate, or may do so.
    var verifiesPeer: Bool {
        switch role {
        case .client, .server(clientCertificate: .requested, _),
            .server(clientCertificate: .required, _):
            true
        case .server(clientCertificate: .ignored, _): false
        }
    }

    static func encoded(_ protocols: [String]) throws(TLSError) -> [UInt8] {
        var bytes: [UInt8] = []
        for name in protocols {
            let length = name.utf8.count
            guard length > 0, length < 256 else { throw .settings(.applicationProtocols) }
            bytes.append(UInt8(length))
            bytes += name.utf8
        }
        guard bytes.count < 65_536 else { throw .settings(.applicationProtocols) }
        return bytes
    }

    private func configure(_ settings: Settings) throws(TLSError) {
        unsafe pointsman_set_defaults(library)
        unsafe pointsman_set_longest_chain(library, Self.longestChainByteCount)
        // 112 bits: no RSA below 2048, no SHA-1.
        unsafe SSL_CTX_set_security_level(library, 2)
        unsafe SSL_CTX_set_timeout(library, Self.resumptionSeconds)
        let (lowest, highest) = (settings.versions.lowerBound, settings.versions.upperBound)
        guard unsafe pointsman_set_versions(library, lowest.number, highest.number) != 0 else {
            throw .settings(.versions)
        }
        if !settings.ciphers.isEmpty {
            let list = settings.ciphers.joined(separator: ":")
            guard unsafe SSL_CTX_set_cipher_list(library, list) == 1 else {
                throw .settings(.ciphers)
            }
        }
        if !settings.groups.isEmpty {
            let list = settings.groups.joined(separator: ":")
            guard unsafe pointsman_set_groups(library, list) != 0 else { throw .settings(.groups) }
        }
        setResumption()
        unsafe SSL_CTX_set_verify(library, verificationMode, nil)
    }

    private func setResumption() {
        switch role {
        case .client where allowsResumption:
            unsafe pointsman_set_session_cache_mode(
                library, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
        case .client: unsafe pointsman_set_session_cache_mode(library, Int(SSL_SESS_CACHE_OFF))
        case .server:
            // The state is in the ticket, sealed with a key that only this context has.
            unsafe pointsman_set_session_cache_mode(library, Int(SSL_SESS_CACHE_OFF))
            let name = Array("pointsman".utf8)
            unsafe SSL_CTX_set_session_id_context(library, name, UInt32(name.count))
            // Every session gives the client one for the next session.
            unsafe SSL_CTX_set_num_tickets(library, 1)
            if !allowsResumption { unsafe pointsman_forbid_tickets(library) }
        }
    }

    private var verificationMode: CInt {
        switch role {
        case .client, .server(clientCertificate: .requested, _): SSL_VERIFY_PEER
        case .server(clientCertificate: .required, _):
            SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        case .server(clientCertificate: .ignored, _): SSL_VERIFY_NONE
        }
    }

    private func present(_ credentials: [Credential]) throws(TLSError) {
        if role != .client, credentials.isEmpty { throw .settings(.certificateChain) }
        var kinds: Set<CInt> = []
        for credential in credentials {
            let chain = Certificate.all(inPEM: credential.certificateChain)
            guard let own = chain.first,
                unsafe SSL_CTX_use_certificate(library, own.library) == 1
            else { throw .settings(.certificateChain) }
            let end = unsafe pointsman_end_of_validity(own.library)
            expiry = min(expiry ?? .max, end)
            guard let key = PrivateKey(pem: credential.privateKey) else {
                throw .settings(.privateKey)
            }
            guard unsafe X509_check_private_key(own.library, key.library) == 1,
                unsafe SSL_CTX_use_PrivateKey(library, key.library) == 1
            else { throw .settings(.keyMismatch) }
            guard kinds.insert(key.kind).inserted else { throw .settings(.duplicateKeyKind) }
            for certificate in chain.dropFirst()
            where unsafe pointsman_add_chain_certificate(library, certificate.library) == 0 {
                throw .settings(.certificateChain)
            }
        }
    }

    private func trust(_ authorities: [UInt8]) throws(TLSError) {
        if authorities.isEmpty {
            if verifiesPeer { throw .settings(.trustedAuthorities) }
            return
        }
        let certificates = Certificate.all(inPEM: authorities)
        if certificates.isEmpty { throw .settings(.trustedAuthorities) }
        let store = unsafe SSL_CTX_get_cert_store(library)
        // Whatever is trusted ends a chain, be it an intermediate authority, as in Envoy.
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        for certificate in certificates {
            guard unsafe X509_STORE_add_cert(store, certificate.library) == 1 else {
                throw .settings(.trustedAuthorities)
            }
            if role != .client {
                unsafe _ = pointsman_add_client_authority(library, certificate.library)
            }
        }
    }
}

extension Version {
    var number: CInt {
        switch self {
        case .tls12: TLS1_2_VERSION
        case .tls13: TLS1_3_VERSION
        }
    }
}
