/// How HTTP/2 is spoken on one side: `envoy.config.core.v3.Http2ProtocolOptions`.
public struct HTTP2Options: Equatable, Sendable {
    /// When a peer is asked for a sign of life: `envoy.config.core.v3.KeepaliveSettings`.
    public struct KeepAlive: Equatable, Sendable {
        /// How long nothing is heard before it is asked.
        public let interval: Duration
        /// How long it has to answer before the connection is given up.
        public let timeout: Duration

        /// Makes settings.
        ///
        /// - Throws: ``MeshError`` when a duration is not positive.
        public init(interval: Duration, timeout: Duration) throws(MeshError) {
            try require(positive: interval, "interval")
            try require(positive: timeout, "timeout")
            self.interval = interval
            self.timeout = timeout
        }
    }

    /// The largest window that there can be (RFC 9113 §6.9.1).
    public static let windowLimit: UInt32 = 0x7FFF_FFFF
    /// A window is never smaller than that (RFC 9113 §6.9.2), as in Envoy.
    public static let leastWindow: UInt32 = 65535

    /// With an upstream.
    public static let standard = HTTP2Options(concurrentStreamCount: 1024)
    /// With clients, whose streams cost an exchange each.
    public static let downstream = HTTP2Options(concurrentStreamCount: 100)

    /// Streams at once on one connection; an upstream may allow fewer.
    public let concurrentStreamCount: UInt32
    /// Bytes of one message that may be on their way to a receiver that does not take them.
    public let streamWindowByteCount: UInt32
    /// Bytes of all messages that may be on their way from the peer.
    public let connectionWindowByteCount: UInt32
    /// `nil` leaves it to TCP to notice that a peer is gone.
    public let keepAlive: KeepAlive?
    /// Whether clients may ask for the protocols of ``Listener/upgrades`` (RFC 8441 §3); an
    /// upstream says for itself whether it may be asked.
    public let allowsConnect: Bool

    private init(concurrentStreamCount: UInt32) {
        self.concurrentStreamCount = concurrentStreamCount
        streamWindowByteCount = 64 * 1024
        connectionWindowByteCount = 1024 * 1024
        keepAlive = nil
        allowsConnect = false
    }

    /// Makes options; what is `nil` is as in `standard`.
    ///
    /// - Throws: ``MeshError`` when there would be no stream, or a window is out of its bounds.
    public init(
        concurrentStreamCount: UInt32? = nil,
        streamWindowByteCount: UInt32? = nil,
        connectionWindowByteCount: UInt32? = nil,
        keepAlive: KeepAlive? = nil,
        allowsConnect: Bool = false,
        standard: HTTP2Options = .standard
    ) throws(MeshError) {
        if concurrentStreamCount == 0 {
            throw MeshError("max_concurrent_streams", "must be more than zero")
        }
        for (path, window) in [
            ("initial_stream_window_size", streamWindowByteCount),
            ("initial_connection_window_size", connectionWindowByteCount),
        ] {
            if let window, !(Self.leastWindow...Self.windowLimit).contains(window) {
                throw MeshError(path, "must be \(Self.leastWindow)…\(Self.windowLimit)")
            }
        }
        self.concurrentStreamCount = concurrentStreamCount ?? standard.concurrentStreamCount
        self.streamWindowByteCount = streamWindowByteCount ?? standard.streamWindowByteCount
        self.connectionWindowByteCount =
            connectionWindowByteCount ?? standard.connectionWindowByteCount
        self.keepAlive = keepAlive
        self.allowsConnect = allowsConnect
    }
}
