import COpenSSL

/// A certificate that vouches for others, and its key.
@safe public final class Authority {
    /// Seconds since 1970.
    public typealias Validity = ClosedRange<Int64>

    /// In PEM.
    public let certificate: [UInt8]
    public let key: PrivateKey
    public let validity: Validity
    let library: Certificate

    /// Takes up an authority that was made before.
    ///
    /// - Parameters:
    ///   - certificate: In PEM.
    ///   - key: The certificate's.
    /// - Throws: ``TLSError/settings(_:)`` when the one is no authority's or the other not its key.
    public init(certificate: [UInt8], key: PrivateKey) throws(TLSError) {
        defer { ERR_clear_error() }
        let all = Certificate.all(inPEM: certificate)
        guard let library = all.first, all.count == 1, let validity = library.validity,
            unsafe X509_check_ca(library.library) == 1
        else { throw .settings(.certificateChain) }
        guard unsafe X509_check_private_key(library.library, key.library) == 1 else {
            throw .settings(.keyMismatch)
        }
        self.certificate = certificate
        self.key = key
        self.validity = validity
        self.library = library
    }

    /// Makes a root with a new key.
    ///
    /// It is not bound to the trust domain by a name constraint (RFC 5280 §4.2.1.10): verifiers
    /// that do not know constraints on URIs have to refuse the whole chain, and some do.
    ///
    /// - Parameters:
    ///   - name: For people; roots that are trusted at a time have different ones.
    ///   - trustDomain: For people, too.
    ///   - validity: When it is good.
    /// - Returns: The root.
    /// - Throws: ``TLSError/outOfMemory``
    public static func root(
        named name: String, trustDomain: String, validity: Validity
    ) throws(TLSError) -> Authority {
        let key = try PrivateKey.generated()
        let draft = try CertificateDraft(validity: validity)
        try draft.setSubject(name, organization: trustDomain)
        try draft.setKey(key)
        try draft.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:1")
        try draft.add(NID_key_usage, "critical,keyCertSign,cRLSign")
        try draft.add(NID_subject_key_identifier, "hash")
        return try Authority(certificate: try draft.signed(by: nil, key), key: key)
    }

    /// Makes an authority below this one with a new key, which vouches for no other authority.
    ///
    /// - Parameters:
    ///   - name: For people.
    ///   - trustDomain: For people, too.
    ///   - validity: When it is good; it ends with this one's at the latest.
    /// - Returns: The authority.
    /// - Throws: ``TLSError/outOfMemory``, or that this one has ended.
    public func intermediate(
        named name: String, trustDomain: String, validity: Validity
    ) throws(TLSError) -> Authority {
        let key = try PrivateKey.generated()
        let draft = try CertificateDraft(validity: try within(validity))
        try draft.setSubject(name, organization: trustDomain)
        try draft.setKey(key)
        try draft.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
        try draft.add(NID_key_usage, "critical,keyCertSign,cRLSign")
        try draft.add(NID_subject_key_identifier, "hash")
        try draft.add(NID_authority_key_identifier, "keyid:always", below: self)
        return try Authority(certificate: try draft.signed(by: self, self.key), key: key)
    }

    /// Whether this authority vouches for `other`.
    public func hasSigned(_ other: Authority) -> Bool {
        defer { ERR_clear_error() }
        let (own, next) = unsafe (library.library, other.library.library)
        return unsafe X509_check_issued(own, next) == X509_V_OK
            && X509_verify(next, key.library) == 1
    }

    /// Issues a workload's certificate for the key in a request.
    ///
    /// - Parameters:
    ///   - names: Who the workload is.
    ///   - request: Whose key it is for.
    ///   - validity: When it is good; it ends with this authority at the latest.
    /// - Returns: The certificate.
    /// - Throws: ``TLSError/outOfMemory``, or that this one has ended.
    public func issue(
        _ names: WorkloadNames, for request: SigningRequest, validity: Validity
    ) throws(TLSError) -> IssuedCertificate {
        try issue(names, validity: validity) { draft throws(TLSError) in
            unsafe try draft.setKey(request.key)
        }
    }

    /// Issues a workload's certificate for a key that is at hand.
    ///
    /// - Throws: As for a request.
    public func issue(
        _ names: WorkloadNames, for key: PrivateKey, validity: Validity
    ) throws(TLSError) -> IssuedCertificate {
        try issue(names, validity: validity) { draft throws(TLSError) in try draft.setKey(key) }
    }

    private func issue(
        _ names: WorkloadNames, validity: Validity,
        setKey: (CertificateDraft) throws(TLSError) -> Void
    ) throws(TLSError) -> IssuedCertificate {
        let validity = try within(validity)
        let draft = try CertificateDraft(validity: validity)
        try setKey(draft)
        try draft.add(NID_basic_constraints, "critical,CA:FALSE")
        try draft.add(NID_key_usage, "critical,digitalSignature")
        try draft.add(NID_ext_key_usage, "serverAuth,clientAuth")
        try draft.add(NID_subject_key_identifier, "hash")
        try draft.add(NID_authority_key_identifier, "keyid:always", below: self)
        try draft.add(names)
        return IssuedCertificate(
            certificate: try draft.signed(by: self, key), serial: draft.serialText,
            validity: validity)
    }

    /// The part of a time in which this authority is good, too.
    private func within(_ wished: Validity) throws(TLSError) -> Validity {
        let end = min(wished.upperBound, validity.upperBound)
        guard end > wished.lowerBound else { throw .certificateExpired }
        return wished.lowerBound...end
    }
}
