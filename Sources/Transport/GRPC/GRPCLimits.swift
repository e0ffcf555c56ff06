/// What a gRPC call may cost, and how long we wait for its peer.
public struct GRPCLimits: Sendable {
    /// Largest message that is taken; a larger one ends the call with `resourceExhausted`.
    public var receivedMessageByteCount = 64 * 1024 * 1024
    /// Bytes that wait to be sent on one call; a peer that reads too slowly for it loses the call.
    public var queuedByteCount = 64 * 1024 * 1024
    /// Bytes that the peer may send on a call, and on its connection, before we look at any.
    public var windowByteCount: UInt32 = 1024 * 1024
    /// How long a TCP connection, and then the peer's first SETTINGS, may take.
    public var connectTimeout = Duration.seconds(5)
    /// How long the connection may be silent before we send a PING.
    ///
    /// gRPC servers with default settings end connections that PING more often than every 5
    /// minutes; see ``GRPCClientCall/wasAskedForFewerPings``.
    public var keepAliveInterval = Duration.seconds(15)
    /// How long the answer to a PING may take before the connection counts as dead.
    public var keepAliveTimeout = Duration.seconds(5)
    /// Server only: connections at once; one more is closed at once.
    public var connectionCount = 4096
    /// Server only: calls at once on one connection; the peer is told (RFC 9113 §5.1.2).
    public var callCountPerConnection: UInt32 = 100

    public init() {}
}
