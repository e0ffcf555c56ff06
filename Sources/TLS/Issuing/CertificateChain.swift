import COpenSSL

/// A certificate and what stands behind it, as a peer would judge it.
public enum CertificateChain {
    /// Verifies a chain as a server's and as a client's.
    ///
    /// - Parameters:
    ///   - chain: In PEM, the certificate in question first.
    ///   - roots: In PEM.
    ///   - time: When, in seconds since 1970.
    /// - Throws: ``TLSError`` with what a peer would answer.
    public static func verify(
        _ chain: [UInt8], against roots: [UInt8], at time: Int64
    ) throws(TLSError) {
        defer { ERR_clear_error() }
        let certificates = Certificate.all(inPEM: chain)
        let trusted = Certificate.all(inPEM: roots)
        guard let own = certificates.first else { throw .settings(.certificateChain) }
        guard !trusted.isEmpty else { throw .settings(.trustedAuthorities) }
        for purpose in [X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT] {
            guard let store = unsafe X509_STORE_new(), let run = unsafe X509_STORE_CTX_new(),
                let others = unsafe pointsman_certificates_new()
            else { throw .outOfMemory }
            defer {
                unsafe X509_STORE_CTX_free(run)
                unsafe X509_STORE_free(store)
                unsafe pointsman_certificates_free(others)
            }
            for root in trusted { unsafe X509_STORE_add_cert(store, root.library) }
            for other in certificates.dropFirst() {
                unsafe pointsman_certificates_add(others, other.library)
            }
            guard unsafe X509_STORE_CTX_init(run, store, own.library, others) == 1 else {
                throw .outOfMemory
            }
            unsafe X509_STORE_CTX_set_purpose(run, purpose)
            unsafe X509_STORE_CTX_set_time(run, 0, Int(time))
            let isGood = unsafe X509_verify_cert(run) == 1
            if isGood { continue }
            throw TLSError(verification: unsafe X509_STORE_CTX_get_error(run))
                ?? .certificateUntrusted
        }
    }
}
