import Bytes
public import EventLoop
import Kernel
public import TLS

/// What the TLS connections of one loop share, so that one at rest holds no buffer.
public final class SecureBuffers {
    /// Most bytes that are received at once.
    static let byteCount = 48 * 1024
    /// Most that are received at once where there is little room for what is in them.
    static let leastByteCount = 8 * 1024

    /// Most bytes of a session's own answers, such as to a change of keys, that wait for a peer.
    static let unsentAnswerByteCount = 64 * 1024

    let wire: Wire
    private var spare = Buffer()

    /// - Throws: ``TLSError/outOfMemory``
    public init() throws(TLSError) {
        wire = try Wire()
    }

    /// Lends a buffer to receive into, for bytes that will be opened into `room` bytes.
    ///
    /// Where there is little room it is smaller, since what is opened should fit. A nested borrower
    /// gets another one.
    func take(for room: Int) -> Buffer {
        let fitting = room - Session.longestRecordByteCount
        var buffer = fitting < Self.byteCount ? Buffer() : exchange(&spare, with: Buffer())
        buffer.reserve(max(Self.leastByteCount, min(fitting, Self.byteCount)))
        return buffer
    }

    func putBack(_ buffer: consuming Buffer) {
        if buffer.capacity < Self.byteCount { return }
        buffer.removeAll()
        spare = buffer
    }
}

/// The TLS side of a ``StreamSocket``: its session, and what is left between two calls.
public final class SecureChannel: TurnHandler {
    var session: Session
    let buffers: SecureBuffers
    /// Received and not read by the session, because it had enough.
    var unread = Buffer()
    /// Who is told of what the kernel does not know of.
    var token: Token?
    /// Whether the handler wants to read now.
    var isReading = false
    var hasBegun = false
    /// Whether the peer has sent anything.
    public internal(set) var hasHeard = false
    /// Bytes of the session's own answers since the queue was last empty.
    var unsentAnswerByteCount = 0
    /// The session holds bytes for which there was no room.
    var isCutShort = false
    /// The peer has said that nothing more comes.
    var inputHasEnded = false
    var outputHasEnded = false
    /// The kernel is told of the end when the queue is empty.
    var endsAfterFlush = false
    /// The end must look like one that nobody intended.
    var endsSilently = false
    private let loop: EventLoop
    private var isTelling = false
    /// Why the session is over, if it did not end well.
    public internal(set) var failure: TLSError?

    init(_ session: consuming Session, _ buffers: SecureBuffers, on loop: EventLoop) {
        self.session = session
        self.loop = loop
        self.buffers = buffers
        // A client speaks first.
        hasBegun = self.session.isServer
    }

    /// Whether something can be read although the socket may have nothing.
    var hasPending: Bool { isCutShort || inputHasEnded || !unread.isEmpty }

    /// Keeps what the session did not read.
    func keep(_ input: consuming Buffer) {
        if !input.isEmpty { unread.append(input.bytes) }
        buffers.putBack(input)
    }

    /// Sees to it that the handler hears of what can be read without the socket's doing.
    func tellPending() {
        guard isReading, hasPending, !isTelling else { return }
        isTelling = true
        loop.atEndOfTurn(self)
    }

    /// Plays the part of the poller; called by the loop.
    public func turnEnded() {
        isTelling = false
        if isReading, let token { loop.tell(token, .readable) }
    }

    /// What was agreed upon with the peer (ALPN).
    public var applicationProtocol: String? { session.applicationProtocol }
    /// What the client has asked for (SNI).
    public var serverName: String? { session.serverName }
    public var isResumed: Bool { session.isResumed }
    public var version: Version { session.version }
    public var cipher: String { session.cipher }
    /// Who the peer is; `nil` when it has presented no certificate.
    public var peer: PeerIdentity? { session.peer }
    /// Who this side is, as the certificate says that it presents; `nil` without one.
    public var own: PeerIdentity? { session.own }
    /// What the peer has presented, in PEM, its own certificate first; in a session that was taken
    /// up again nothing else.
    public var peerChain: [[UInt8]] { session.peerChain }
    /// Who has presented a certificate that was not accepted.
    public var refusedPeer: PeerIdentity? { session.refusedPeer }
}
