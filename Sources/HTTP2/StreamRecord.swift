import Bytes
import HTTP

/// What we keep of one stream; records are used again, slots name them.
final class StreamRecord {
    /// Most bytes of memory that a queue keeps for its next stream.
    static let keptByteCount = 16 * 1024

    enum Life {
        case vacant
        /// The peer opened it, and its head is not complete, so nobody has heard of it.
        case opening
        case open
        /// nghttp2 has closed it; the event that says so waits to be drained.
        case closed
    }

    enum Sending {
        case open
        /// Ends the stream when the queue is empty.
        case ended
        /// Sends ``StreamRecord/trailers`` when the queue is empty, and so ends the stream.
        case endedWithTrailers
        /// The last frame is with nghttp2.
        case finished
        /// RST_STREAM is queued; no more DATA goes out.
        case reset
    }

    /// What the caller wants to hear of as ``SessionEvent/drained(_:)``.
    enum Awaited {
        case nothing
        /// Bytes were refused.
        case room
        case emptyQueue
    }

    var life = Life.vacant
    var sending = Sending.open
    var streamID: Int32 = 0
    /// What waits to be sent as DATA.
    var queue = Buffer()
    var trailers = Fields()
    /// nghttp2 asked for data when there was none.
    var isDeferred = false
    var awaited = Awaited.nothing
    /// Who has ended the stream, or is about to.
    var closer: Session.Closer?
    /// Bytes that arrived and were not consumed yet.
    var unconsumedByteCount = 0

    func reset() {
        life = .vacant
        sending = .open
        streamID = 0
        if queue.capacity > Self.keptByteCount { queue.release() } else { queue.removeAll() }
        trailers.removeAll()
        isDeferred = false
        awaited = .nothing
        closer = nil
        unconsumedByteCount = 0
    }
}
