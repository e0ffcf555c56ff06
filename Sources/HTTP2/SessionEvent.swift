/// Names one stream of one session; stays harmless when the stream is gone.
public struct StreamHandle: Hashable, Sendable {
    /// The number on the wire; never used twice on a connection (RFC 9113 §5.1.1).
    public let streamID: UInt32
    /// Small and dense, and another stream's once this one has closed: for tables beside the
    /// session.
    public let slot: UInt32

    /// Names no stream.
    public static var none: StreamHandle { StreamHandle(streamID: 0, slot: .max) }
}

/// What a peer did, in the order in which it did it.
public enum SessionEvent: Equatable, Sendable {
    /// A request began; ``Session/takeRequestHead(into:)`` gives its head.
    case request(StreamHandle)
    /// A response head, informational or final; ``Session/takeResponseHead(into:)`` gives it.
    case response(StreamHandle)
    /// A piece of body: positions in the latest input of ``Session/receive(_:nowNanoseconds:)``.
    ///
    /// The window stays closed by as much until ``Session/consume(_:on:)``.
    case data(StreamHandle, Range<Int>)
    /// A trailer section; ``Session/takeTrailers(into:)`` gives it.
    case trailers(StreamHandle)
    /// The peer sends nothing more on this stream.
    case end(StreamHandle)
    /// The end of our side has left the session; the peer may still be sending.
    case endSent(StreamHandle)
    /// The stream is gone, with ``ErrorCode/noError`` when both sides had ended; its last event.
    case closed(StreamHandle, ErrorCode)
    /// A queue that had refused bytes is half empty again, or one whose end was asked for empty.
    case drained(StreamHandle)
    /// The peer's settings arrived.
    case settings
    case pingAcknowledged(payload: UInt64)
    /// The peer takes no streams after `lastStreamID`; such streams close with `refusedStream`.
    case goAway(lastStreamID: UInt32, ErrorCode)
}
