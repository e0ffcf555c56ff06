import COpenSSL
import TLS

/// Makes certificates for a test.
@safe final class Mint {
    /// What a certificate is good for.
    enum Usage: String {
        case both = "serverAuth,clientAuth"
        case server = "serverAuth"
        case client = "clientAuth"
    }

    /// When a certificate is good, in seconds from now.
    static let today = -3600...3600
    static let yesterday = -7200 ... -3600
    static let tomorrow = 3600...7200

    private let key: OpaquePointer
    private let certificate: OpaquePointer
    private let parent: Mint?

    /// Makes an authority: a root, or an intermediate one below `parent`.
    init(_ name: String, below parent: Mint? = nil) {
        unsafe key = Self.makeKey(bits: nil)
        unsafe certificate = Self.make(
            subject: name, key: key, issuer: parent?.certificate, signer: parent?.key ?? key,
            dates: Self.today,
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
            ])
        self.parent = parent
    }

    deinit {
        unsafe X509_free(certificate)
        unsafe EVP_PKEY_free(key)
    }

    /// The authority's certificate in PEM.
    var authorities: [UInt8] { unsafe Self.text { unsafe PEM_write_bio_X509($0, certificate) } }

    /// Issues a certificate.
    ///
    /// - Parameters:
    ///   - names: As in OpenSSL's configuration, such as `URI:spiffe://mesh/a,DNS:a`.
    ///   - dates: When it is good, in seconds from now.
    ///   - usage: What it is good for.
    ///   - bits: Of an RSA key; `nil` makes one on P-256.
    ///   - sendsChain: Whether an intermediate authority stands behind it in the chain.
    /// - Returns: The certificate, its chain and its key.
    func issue(
        _ names: String?, dates: ClosedRange<Int> = Mint.today, usage: Usage = .both,
        bits: Int? = nil, sendsChain: Bool = true
    ) -> Credential {
        let own = unsafe Self.makeKey(bits: bits)
        defer { unsafe EVP_PKEY_free(own) }
        var extensions: [(CInt, String)] = [
            (NID_basic_constraints, "critical,CA:FALSE"), (NID_ext_key_usage, usage.rawValue),
        ]
        if let names { extensions.append((NID_subject_alt_name, names)) }
        let leaf = unsafe Self.make(
            subject: "leaf", key: own, issuer: certificate, signer: key, dates: dates,
            extensions: extensions)
        defer { unsafe X509_free(leaf) }
        var chain = unsafe Self.text { unsafe PEM_write_bio_X509($0, leaf) }
        if parent != nil, sendsChain { chain += authorities }
        return Credential(
            certificateChain: chain,
            privateKey: unsafe Self.text {
                unsafe PEM_write_bio_PrivateKey($0, own, nil, nil, 0, nil, nil)
            })
    }

    @unsafe private static func makeKey(bits: Int?) -> OpaquePointer {
        let context = unsafe EVP_PKEY_CTX_new_id(bits == nil ? EVP_PKEY_EC : EVP_PKEY_RSA, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        unsafe EVP_PKEY_keygen_init(context)
        if let bits {
            unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, CInt(bits))
        } else {
            unsafe EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1)
        }
        var key: OpaquePointer?
        unsafe EVP_PKEY_keygen(context, &key)
        return unsafe key.unsafelyUnwrapped
    }

    @unsafe private static func make(
        subject: String, key: OpaquePointer, issuer: OpaquePointer?, signer: OpaquePointer,
        dates: ClosedRange<Int>, extensions: [(CInt, String)]
    ) -> OpaquePointer {
        let certificate = unsafe X509_new().unsafelyUnwrapped
        unsafe X509_set_version(certificate, 2)
        unsafe ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1...Int.max))
        unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), dates.lowerBound)
        unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), dates.upperBound)
        let name = unsafe X509_get_subject_name(certificate)
        unsafe X509_NAME_add_entry_by_txt(
            name, "CN", CInt(MBSTRING_UTF8), Array(subject.utf8), CInt(subject.utf8.count),
            -1, 0)
        unsafe X509_set_issuer_name(
            certificate, issuer.map { unsafe X509_get_subject_name($0) } ?? name)
        unsafe X509_set_pubkey(certificate, key)
        for (kind, value) in extensions {
            guard let made = unsafe X509V3_EXT_conf_nid(nil, nil, kind, value) else {
                preconditionFailure("OpenSSL does not take \(value)")
            }
            unsafe X509_add_ext(certificate, made, -1)
            unsafe X509_EXTENSION_free(made)
        }
        unsafe X509_sign(certificate, signer, EVP_sha256())
        return unsafe certificate
    }

    private static func text(_ write: (OpaquePointer) -> CInt) -> [UInt8] {
        let memory = unsafe BIO_new(BIO_s_mem()).unsafelyUnwrapped
        defer { unsafe BIO_free(memory) }
        _ = unsafe write(memory)
        var start: UnsafePointer<UInt8>?
        let count = unsafe pointsman_memory(memory, &start)
        return unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }
}
