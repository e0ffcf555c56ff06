/// Why a connection is over; send what ``Session/flush(into:byteCountLimit:)`` gives, then close.
public enum SessionError: Error, Equatable, Sendable {
    /// The peer does not speak HTTP/2 with prior knowledge (RFC 9113 §3.4).
    case prefaceMissing
    /// The peer sent more frames without content than ``SessionLimits`` allow.
    case flooded
    /// The peer sent ``SessionLimits/oversizedHeadCount`` heads over the limits.
    case headsTooLarge
    case outOfMemory
    /// nghttp2 failed in a way that no peer can cause.
    case library(code: Int32)
}

/// Why something cannot be sent.
public enum SubmitError: Error, Equatable, Sendable {
    /// The stream is closed, or its sending side has ended.
    case streamClosed
    /// The bytes do not fit the stream's or the session's queue; nothing was queued.
    case queueFull
    /// The connection takes no new streams: it is shutting down or out of stream numbers.
    case sessionClosing
    case outOfMemory
    /// nghttp2 refused the call.
    case library(code: Int32)
}
