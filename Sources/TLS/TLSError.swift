/// Why a context cannot be made, or why a session has ended in anything but peace.
public enum TLSError: Error, Hashable, Sendable {
    /// What stands in a context's settings cannot be used.
    case settings(Setting)
    /// The library has run out of memory.
    case outOfMemory

    /// The peer has sent no certificate, and one is required.
    case certificateMissing
    case certificateExpired
    case certificateNotYetValid
    /// No trusted authority is behind the certificate.
    case certificateUntrusted
    case certificateRevoked
    /// The certificate is for another use, such as a server's on a client.
    case certificatePurpose
    /// The key or a signature is weaker than what is accepted today.
    case certificateWeak
    /// Anything else that is wrong with the chain; the number is OpenSSL's (X509_V_ERR_…).
    case certificateInvalid(CInt)
    /// The chain is good, and none of the names is expected.
    case identityUnexpected
    /// A server name was required (SNI), and the client gave none.
    case serverNameMissing

    case noCommonVersion
    case noCommonCipher
    /// The first bytes are no TLS record.
    case notTLS
    /// The peer has ended the session and said why, as in RFC 8446 §6.
    case alertReceived(UInt8)
    /// The peer does not keep to the protocol; the number is OpenSSL's (SSL_R_…).
    case protocolViolation(CInt)
    /// The peer asks for answers and takes none; said by whoever sends them.
    case flooded
    /// The connection ended without `close_notify`, so that what came may have been cut short.
    case truncated
    /// The handshake was not over in its time; said by whoever keeps the time.
    case timedOut

    /// What can be wrong with settings.
    public enum Setting: Hashable, Sendable {
        case certificateChain
        case privateKey
        /// The key is not the certificate's.
        case keyMismatch
        /// Two certificates have keys of one kind, between which nothing could choose.
        case duplicateKeyKind
        case trustedAuthorities
        case versions
        case ciphers
        case groups
        /// A name is empty or longer than 255 bytes.
        case applicationProtocols
        case serverName
    }
}

extension TLSError {
    /// A kind of error, in one word for a label or a log.
    public enum Reason: String, CaseIterable, Sendable {
        case settings
        case outOfMemory = "out_of_memory"
        case certificateMissing = "certificate_missing"
        case certificateExpired = "certificate_expired"
        case certificateNotYetValid = "certificate_not_yet_valid"
        case certificateUntrusted = "certificate_untrusted"
        case certificateRevoked = "certificate_revoked"
        case certificatePurpose = "certificate_purpose"
        case certificateWeak = "certificate_weak"
        case certificateInvalid = "certificate_invalid"
        case identityUnexpected = "identity_unexpected"
        case serverNameMissing = "server_name_missing"
        case noCommonVersion = "no_common_version"
        case noCommonCipher = "no_common_cipher"
        case notTLS = "not_tls"
        case alertReceived = "alert_received"
        case protocolViolation = "protocol_violation"
        case flooded
        case truncated
        case timedOut = "timed_out"
    }

    /// The same for all numbers.
    public var reason: Reason {
        switch self {
        case .settings: .settings
        case .outOfMemory: .outOfMemory
        case .certificateMissing: .certificateMissing
        case .certificateExpired: .certificateExpired
        case .certificateNotYetValid: .certificateNotYetValid
        case .certificateUntrusted: .certificateUntrusted
        case .certificateRevoked: .certificateRevoked
        case .certificatePurpose: .certificatePurpose
        case .certificateWeak: .certificateWeak
        case .certificateInvalid: .certificateInvalid
        case .identityUnexpected: .identityUnexpected
        case .serverNameMissing: .serverNameMissing
        case .noCommonVersion: .noCommonVersion
        case .noCommonCipher: .noCommonCipher
        case .notTLS: .notTLS
        case .alertReceived: .alertReceived
        case .protocolViolation: .protocolViolation
        case .flooded: .flooded
        case .truncated: .truncated
        case .timedOut: .timedOut
        }
    }
}

/// For a log: the reason, and the number where there is one.
extension TLSError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .alertReceived(let number): "\(reason.rawValue) \(number)"
        case .certificateInvalid(let number), .protocolViolation(let number):
            "\(reason.rawValue) \(number)"
        case .settings(let setting): "\(reason.rawValue) \(setting)"
        default: reason.rawValue
        }
    }
}
