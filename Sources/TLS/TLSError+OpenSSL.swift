import COpenSSL

extension TLSError {
    /// What the verification of a chain found; `nil` when it found nothing wrong.
    init?(verification code: CInt) {
        switch code {
        case X509_V_OK: return nil
        case X509_V_ERR_CERT_HAS_EXPIRED: self = .certificateExpired
        case X509_V_ERR_CERT_NOT_YET_VALID: self = .certificateNotYetValid
        case X509_V_ERR_CERT_REVOKED: self = .certificateRevoked
        case X509_V_ERR_INVALID_PURPOSE: self = .certificatePurpose
        case X509_V_ERR_HOSTNAME_MISMATCH: self = .identityUnexpected
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
            self = .certificateWeak
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE,
            X509_V_ERR_CERT_UNTRUSTED, X509_V_ERR_CERT_REJECTED, X509_V_ERR_INVALID_CA:
            self = .certificateUntrusted
        case X509_V_ERR_OUT_OF_MEM: self = .outOfMemory
        default: self = .certificateInvalid(code)
        }
    }

    /// Takes what the library has left behind on this thread.
    static func takeLast() -> TLSError {
        let code = ERR_peek_last_error()
        let first = ERR_peek_error()
        ERR_clear_error()
        // The last one says most, but behind an alert there may be what was made of it.
        for error in [first, code] where reason(of: error) > alertBase {
            return .alertReceived(UInt8(truncatingIfNeeded: reason(of: error) - alertBase))
        }
        return TLSError(reason: reason(of: first))
    }

    /// Reasons above this one are alerts that the peer has sent (SSL_AD_REASON_OFFSET).
    private static var alertBase: CInt { 1000 }

    private static func reason(of code: UInt) -> CInt {
        // ERR_GET_REASON: the library's number stands above, and system errors are told apart.
        code & 0x8000_0000 != 0 ? 0 : CInt(truncatingIfNeeded: code & 0x7F_FFFF)
    }

    private init(reason: CInt) {
        switch reason {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: self = .certificateMissing
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH,
            SSL_R_WRONG_SSL_VERSION, SSL_R_NO_PROTOCOLS_AVAILABLE,
            SSL_R_INAPPROPRIATE_FALLBACK:
            self = .noCommonVersion
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SHARED_GROUPS,
            SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
            self = .noCommonCipher
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_WRONG_VERSION_NUMBER,
            SSL_R_UNKNOWN_PROTOCOL:
            self = .notTLS
        case SSL_R_UNEXPECTED_EOF_WHILE_READING: self = .truncated
        default: self = .protocolViolation(reason)
        }
    }
}
