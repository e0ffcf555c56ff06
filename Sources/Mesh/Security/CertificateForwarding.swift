/// What upstreams are told of a client's certificate, in `x-forwarded-client-cert`:
/// `HttpConnectionManager.forward_client_cert_details` and `set_current_client_cert_details`.
public struct CertificateForwarding: Equatable, Sendable {
    public enum Mode: Sendable {
        /// Nothing; what a client says of itself is dropped (`SANITIZE`).
        case sanitize
        /// What a client that has shown a certificate says, as it is (`FORWARD_ONLY`).
        case forwardOnly
        /// The same, and behind it what is known of the client itself (`APPEND_FORWARD`).
        case appendForward
        /// Only what is known of the client itself (`SANITIZE_SET`).
        case sanitizeSet
        /// What any client says, as it is (`ALWAYS_FORWARD_ONLY`).
        case alwaysForwardOnly
    }

    /// What is told of a certificate beside its hash and our own names.
    public struct Details: OptionSet, Sendable {
        public let rawValue: UInt8

        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        public static let subject = Details(rawValue: 1)
        /// The certificate itself.
        public static let certificate = Details(rawValue: 2)
        /// The certificate and those that came with it.
        public static let chain = Details(rawValue: 4)
        public static let hosts = Details(rawValue: 8)
        public static let uris = Details(rawValue: 16)
    }

    public let mode: Mode
    public let details: Details

    public init(_ mode: Mode, _ details: Details = []) {
        self.mode = mode
        self.details = details
    }

    public static let sanitize = CertificateForwarding(.sanitize)

    /// Whether something is told that only a whole handshake brings: a session that is taken up
    /// again knows the client's certificate, and not those that had come with it.
    var needsWholeHandshake: Bool {
        switch mode {
        case .appendForward, .sanitizeSet: details.contains(.chain)
        case .sanitize, .forwardOnly, .alwaysForwardOnly: false
        }
    }
}

extension Listener {
    /// How a chain is secured, with what forwarding certificates asks of it.
    public func security(of chain: FilterChain) -> DownstreamSecurity? {
        certificateForwarding.needsWholeHandshake
            ? chain.security?.withoutResumption : chain.security
    }
}
