public import HTTP1

/// What the clients of an ``HTTPServer`` may cost it.
public struct HTTPServerLimits: Sendable {
    /// Heads, chunk lines and trailers.
    public var messages: Limits
    /// Longest request body; a longer one is answered 413.
    public var bodyByteCount: Int
    /// Most connections at a time; further ones are closed as they come.
    public var connectionCount: Int
    /// How long a whole head may take from its first byte on; then 408.
    public var headTime: Duration
    /// How long a whole body may take from its head on; then 408.
    public var bodyTime: Duration
    /// How long a connection may wait for its next request.
    public var idleTime: Duration
    /// How long a reply may wait for a client that reads nothing.
    public var writeTime: Duration
    /// Most bytes of a stream that wait for the client; a client that is slower is cut off.
    public var queuedByteCount: Int

    public init(
        messages: Limits = Limits(),
        bodyByteCount: Int = 1024 * 1024,
        connectionCount: Int = 512,
        headTime: Duration = .seconds(10),
        bodyTime: Duration = .seconds(60),
        idleTime: Duration = .seconds(300),
        writeTime: Duration = .seconds(30),
        queuedByteCount: Int = 1024 * 1024
    ) {
        self.messages = messages
        self.bodyByteCount = bodyByteCount
        self.connectionCount = connectionCount
        self.headTime = headTime
        self.bodyTime = bodyTime
        self.idleTime = idleTime
        self.writeTime = writeTime
        self.queuedByteCount = queuedByteCount
    }
}
