import COpenSSL

/// One side of one connection: received bytes in, plain bytes out.
///
/// What has to be sent is in the ``Wire``'s output after every call, also after one that throws:
/// then it is the alert that tells the peer why. A session stays on the thread of its wire.
@safe public struct Session: ~Copyable {
    /// How much longer than the input of one call what comes out of it can be: the part of a
    /// record that had come before (RFC 8446 §5.2).
    public static let longestRecordByteCount = 16_384 + 256 + 5

    private enum State {
        case handshaking
        case ready
        case failed
    }

    private let library: OpaquePointer
    private let context: Context
    private let wire: Wire
    private var state = State.handshaking
    /// Who has presented a certificate that was not accepted.
    public private(set) var refusedPeer: PeerIdentity?

    /// Begins; a client's first message is made by ``handshake(_:)`` with no input.
    ///
    /// - Parameters:
    ///   - context: What is presented and expected.
    ///   - wire: The thread's.
    ///   - serverName: What a client asks for (SNI); `nil` asks for nothing.
    ///   - offer: What a client offers (ALPN) in place of what the context says, the best first.
    /// - Throws: ``TLSError/outOfMemory``, or that a name is none.
    public init(
        _ context: Context, on wire: Wire, serverName: String? = nil,
        offering offer: [String]? = nil
    ) throws(TLSError) {
        let encoded = try offer.map { names throws(TLSError) in try Context.encoded(names) }
        unsafe library = try Self.begin(context, wire, serverName, encoded)
        self.context = context
        self.wire = wire
    }

    @unsafe private static func begin(
        _ context: Context, _ wire: Wire, _ serverName: String?, _ offer: [UInt8]?
    ) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        guard let library = unsafe SSL_new(context.library) else { throw .outOfMemory }
        unsafe BIO_up_ref(wire.channel)
        unsafe SSL_set_bio(library, wire.channel, wire.channel)
        unsafe SSL_set_ex_data(library, 0, Unmanaged.passUnretained(wire).toOpaque())
        let own = unsafe Unmanaged.passUnretained(context).toOpaque()
        guard unsafe pointsman_set_context(library, own) != 0 else {
            unsafe SSL_free(library)
            throw .outOfMemory
        }
        guard context.role == .client else {
            unsafe SSL_set_accept_state(library)
            return unsafe library
        }
        unsafe SSL_set_connect_state(library)
        if let serverName {
            let isName = !serverName.isEmpty && !serverName.utf8.contains(0)
            guard isName, unsafe pointsman_set_server_name(library, serverName) != 0 else {
                unsafe SSL_free(library)
                throw .settings(.serverName)
            }
        }
        if let offer { unsafe SSL_set_alpn_protos(library, offer, UInt32(offer.count)) }
        if context.allowsResumption, let ticket = context.tickets.take() {
            unsafe SSL_set_session(library, ticket.session)
        }
        return unsafe library
    }

    deinit {
        // A connection that just went away does not make the session bad for another one.
        if case .ready = state {
            unsafe SSL_set_shutdown(library, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        }
        unsafe SSL_free(library)
    }

    /// Whether the peer is who it has to be, and plain bytes can go both ways.
    public var isReady: Bool {
        switch state {
        case .ready: true
        case .handshaking, .failed: false
        }
    }

    public var isServer: Bool { context.role != .client }

    /// Goes on with the handshake until it is over or needs more input.
    ///
    /// - Returns: How much of `input` was read; all of it, unless the handshake is over.
    /// - Throws: Why there will be no session.
    public mutating func handshake(_ input: Span<UInt8>) throws(TLSError) -> Int {
        ERR_clear_error()
        var result: CInt = 0
        var error = SSL_ERROR_NONE
        let library = unsafe library
        let read = wire.lending(input) {
            result = unsafe SSL_do_handshake(library)
            if result != 1 { error = unsafe SSL_get_error(library, result) }
        }
        if result == 1 {
            try finishHandshake()
        } else if error != SSL_ERROR_WANT_READ {
            throw fail(error)
        }
        return read
    }

    /// What came of ``receive(_:into:)``.
    public struct Received: Equatable, Sendable {
        /// How much of the input was read.
        public var inputCount = 0
        /// How many plain bytes there are.
        public var byteCount = 0
        /// Whether the room ended before the bytes did: with more room, and no input, there is
        /// more to be had.
        public var isCutShort = false
        /// Whether the peer has said that nothing more comes (`close_notify`).
        public var isLast = false
    }

    /// Takes in what the peer has sent.
    ///
    /// - Parameters:
    ///   - input: Received bytes.
    ///   - room: Where plain bytes are put; when it is ``longestRecordByteCount`` longer than
    ///     `input`, there is room for all.
    /// - Returns: What became of the input.
    /// - Throws: Why the session is over; nothing that came with this call is to be used.
    public mutating func receive(
        _ input: Span<UInt8>, into room: inout MutableSpan<UInt8>
    ) throws(TLSError) -> Received {
        precondition(isReady, "a session was read from before it was ready")
        ERR_clear_error()
        var received = Received()
        var error = SSL_ERROR_NONE
        let library = unsafe library
        unsafe room.withUnsafeMutableBytes { room in
            received.inputCount = wire.lending(input) {
                while error == SSL_ERROR_NONE, received.byteCount < room.count {
                    var count = 0
                    let result = unsafe SSL_read_ex(
                        library, room.baseAddress.map { unsafe $0 + received.byteCount },
                        room.count - received.byteCount, &count)
                    received.byteCount += count
                    if result != 1 { error = unsafe SSL_get_error(library, result) }
                }
            }
        }
        switch error {
        case SSL_ERROR_NONE:
            let isHolding = unsafe SSL_has_pending(library) == 1
            received.isCutShort = isHolding || received.inputCount < input.count
        case SSL_ERROR_WANT_READ: break
        case SSL_ERROR_ZERO_RETURN: received.isLast = true
        default: throw fail(error)
        }
        return received
    }

    /// Seals `bytes`, which are in the wire's output then.
    ///
    /// - Throws: Why nothing can be sent any more.
    public mutating func send(_ bytes: Span<UInt8>) throws(TLSError) {
        precondition(isReady, "a session was written to before it was ready")
        if bytes.isEmpty { return }
        ERR_clear_error()
        var count = 0
        let result = unsafe bytes.withUnsafeBytes {
            unsafe SSL_write_ex(library, $0.baseAddress, $0.count, &count)
        }
        if result != 1 { throw fail(unsafe SSL_get_error(library, result)) }
    }

    /// Tells the peer that nothing more comes (`close_notify`); receiving goes on.
    public mutating func end() {
        guard case .ready = state else { return }
        ERR_clear_error()
        unsafe SSL_shutdown(library)
        ERR_clear_error()
    }

    private mutating func finishHandshake() throws(TLSError) {
        state = .ready
        // A ticket may outlive the certificate that it was given for.
        if isResumed, let certificate = unsafe SSL_get0_peer_certificate(library),
            unsafe X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0
        {
            state = .failed
            throw .certificateExpired
        }
        if case .server(_, requiresServerName: true) = context.role, serverName == nil {
            state = .failed
            throw .serverNameMissing
        }
    }

    private mutating func fail(_ error: CInt) -> TLSError {
        state = .failed
        swap(&refusedPeer, &wire.refusedPeer)
        let verification = unsafe TLSError(verification: CInt(SSL_get_verify_result(library)))
        let last = TLSError.takeLast()
        return verification ?? last
    }
}

/// What was agreed upon.
extension Session {
    public var isResumed: Bool { unsafe SSL_session_reused(library) == 1 }

    public var version: Version {
        unsafe SSL_version(library) == TLS1_3_VERSION ? .tls13 : .tls12
    }

    /// By the name of the standard, such as `TLS_AES_128_GCM_SHA256`.
    public var cipher: String {
        unsafe SSL_get_current_cipher(library).flatMap { unsafe SSL_CIPHER_standard_name($0) }
            .map { unsafe String(cString: $0) } ?? ""
    }

    /// What the two sides will speak (ALPN); `nil` when they have not spoken of it.
    public var applicationProtocol: String? {
        var start: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(library, &start, &count)
        if count == 0 { return nil }
        return unsafe String(
            decoding: UnsafeBufferPointer(start: start, count: Int(count)), as: UTF8.self)
    }

    /// What the client has asked for (SNI).
    public var serverName: String? {
        unsafe SSL_get_servername(library, TLSEXT_NAMETYPE_host_name).map {
            unsafe String(cString: $0)
        }
    }

    /// Who this side is, as the certificate says that it presents; `nil` without one.
    public var own: PeerIdentity? {
        guard let certificate = unsafe SSL_get_certificate(library) else { return nil }
        return unsafe PeerIdentity(certificate)
    }

    /// What the peer has presented, in PEM, its own certificate first; in a session that was taken
    /// up again nothing else.
    public var peerChain: [[UInt8]] {
        guard let certificate = unsafe SSL_get0_peer_certificate(library) else { return [] }
        var chain = [unsafe pem(of: certificate)]
        // A server's list begins behind the peer's own, a client's with it.
        var index: CInt = isServer ? 0 : 1
        while let next = unsafe pointsman_peer_certificate(library, index) {
            chain.append(unsafe pem(of: next))
            index += 1
        }
        return chain
    }

    @unsafe private func pem(of certificate: OpaquePointer) -> [UInt8] {
        guard let memory = unsafe BIO_new(BIO_s_mem()) else { return [] }
        defer { unsafe BIO_free(memory) }
        guard unsafe PEM_write_bio_X509(memory, certificate) == 1 else { return [] }
        var start: UnsafePointer<UInt8>?
        let count = unsafe pointsman_memory(memory, &start)
        return unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }

    /// Who the peer is; `nil` when it has presented no certificate.
    public var peer: PeerIdentity? {
        guard let certificate = unsafe SSL_get0_peer_certificate(library) else { return nil }
        return unsafe PeerIdentity(certificate)
    }
}
