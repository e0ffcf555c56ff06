/// What one connection may cost us; every limit holds while frames are decoded.
public struct SessionLimits: Sendable {
    /// Largest head or trailer section: names, values and 32 bytes a field (RFC 9113 §6.5.2).
    public var headByteCount = 32 * 1024
    /// Most fields of a head or trailer section; each cookie crumb counts as one.
    public var fieldCount = 100
    /// Heads over the limits after which the connection ends; each costs its stream before that.
    public var oversizedHeadCount = 3
    /// Streams that the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS).
    public var concurrentStreamCount: UInt32 = 100
    /// Whether clients may ask for tunnels of other protocols (RFC 8441 §3).
    public var takesConnect = false
    /// Bytes that the peer may send on a stream before we consume any (RFC 9113 §6.9.2).
    public var streamWindowByteCount: UInt32 = 64 * 1024
    /// Bytes that the peer may send on all streams before we consume any.
    public var connectionWindowByteCount: UInt32 = 1024 * 1024
    /// Bytes of input that one call of ``Session/receive(_:nowNanoseconds:)`` works on.
    public var turnByteCount = 64 * 1024
    /// Bytes that wait to be sent on one stream.
    public var streamQueueByteCount = 256 * 1024
    /// Bytes that wait to be sent on all streams.
    public var sessionQueueByteCount = 1024 * 1024
    /// Frames that wait to be sent; beyond it no more input is taken.
    public var outboundFrameCount = 1000
    /// Acknowledgements of PING and SETTINGS that wait to be sent; beyond it the connection ends.
    public var outboundAcknowledgementCount = 1000
    /// Entries of one SETTINGS frame.
    public var settingsEntryCount = 32
    /// CONTINUATION frames of one head.
    public var continuationCount = 8
    /// Streams that the peer may reset at once, and how many per second on top.
    public var resetBurst: UInt64 = 100
    public var resetsPerSecond: UInt64 = 33
    /// Frames that cost work and carry nothing (PING, SETTINGS, PRIORITY, resets that the peer
    /// sends or causes, empty DATA, informational heads, needless WINDOW_UPDATE, refused and
    /// unknown frames), and how many per second on top.
    public var glitchBurst: UInt64 = 1000
    public var glitchesPerSecond: UInt64 = 33

    public init() {}
}
