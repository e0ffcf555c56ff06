import COpenSSL

/// A wish for a certificate, which proves that whoever asks has the key (RFC 2986 §3).
///
/// It claims no name: an authority goes by what it knows of the one who asks.
public struct CertificateRequest: Equatable, Sendable {
    /// PKCS#10 in PEM.
    public let pem: [UInt8]

    /// Makes a request for a certificate of `key`.
    ///
    /// - Throws: ``TLSError/outOfMemory`` when the library makes none.
    public init(signedWith key: PrivateKey) throws(TLSError) {
        defer { ERR_clear_error() }
        guard let request = unsafe X509_REQ_new() else { throw .outOfMemory }
        defer { unsafe X509_REQ_free(request) }
        guard unsafe X509_REQ_set_version(request, 0) == 1,
            unsafe X509_REQ_set_pubkey(request, key.library) == 1,
            unsafe X509_REQ_sign(request, key.library, EVP_sha256()) > 0
        else { throw .outOfMemory }
        pem = unsafe text { unsafe PEM_write_bio_X509_REQ($0, request) }
        if pem.isEmpty { throw .outOfMemory }
    }
}
