import COpenSSL

/// A request for a certificate (PKCS#10, RFC 2986 §4) whose sender has the key that it is for.
///
/// Nothing else is taken from it: names and extensions are the authority's to give.
@safe public final class SigningRequest {
    /// Most bytes of a request in PEM; one with a key of 4096 bits has 1700.
    public static let byteLimit = 16 << 10
    /// Keys in bits; a longer one costs whoever verifies it too much.
    private static let rsaSizes: ClosedRange<CInt> = 2048...4096

    /// Why a request is refused.
    public enum Fault: Error, Hashable, Sendable {
        case tooLarge
        /// Not PKCS#10 in PEM.
        case unreadable
        /// Not signed with the key that is in it.
        case signature
        /// Neither EC on P-256 or P-384 nor RSA.
        case keyKind
        /// RSA of fewer than 2048 bits, or of more than 4096.
        case keySize
    }

    let key: OpaquePointer

    /// Reads and verifies a request.
    ///
    /// - Throws: ``Fault``.
    public init(pem text: [UInt8]) throws(Fault) {
        if text.count > Self.byteLimit { throw .tooLarge }
        defer { ERR_clear_error() }
        guard let memory = unsafe copy(of: text) else { throw .unreadable }
        defer { unsafe BIO_free(memory) }
        let request = unsafe PEM_read_bio_X509_REQ(memory, nil, pointsman_refuse_password, nil)
        guard let request = unsafe request else { throw .unreadable }
        defer { unsafe X509_REQ_free(request) }
        guard let key = unsafe X509_REQ_get_pubkey(request) else { throw .keyKind }
        var owned: OpaquePointer? = unsafe key
        defer { unsafe EVP_PKEY_free(owned) }
        // Before the signature: an outlandish key would be slow to verify with.
        try unsafe Self.check(key)
        guard unsafe X509_REQ_verify(request, key) == 1 else { throw .signature }
        unsafe owned = nil
        unsafe self.key = key
    }

    deinit {
        unsafe EVP_PKEY_free(key)
    }

    @unsafe private static func check(_ key: OpaquePointer) throws(Fault) {
        switch unsafe EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA:
            guard rsaSizes.contains(unsafe EVP_PKEY_get_bits(key)) else { throw .keySize }
        case EVP_PKEY_EC:
            var name = [CChar](repeating: 0, count: 64)
            var count = 0
            guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, &count) == 1 else {
                throw .keyKind
            }
            let group = name.prefix(count).map { UInt8(bitPattern: $0) }
            let known = ["prime256v1", "secp384r1"].map { Array($0.utf8) }
            guard known.contains(group) else { throw .keyKind }
        default: throw .keyKind
        }
    }
}
