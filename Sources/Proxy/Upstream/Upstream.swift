import Bytes
import HTTP
import Kernel

/// The upstream's side of one exchange: writes the request in the version of HTTP that it speaks,
/// and calls the exchange with the parts of the response.
protocol Upstream: AnyObject {
    /// Whether any byte of an answer to the exchange has come.
    var hasAnswered: Bool { get }
    /// Whether an exchange before this one has used the connection, so that it may be stale.
    var isReused: Bool { get }
    /// Whether the connection is known to be of no use any more, as far as the kernel knows now.
    var isStale: Bool { get }
    /// How many bytes of the request have not been taken yet.
    var queuedByteCount: Int { get }

    /// Begins to carry `exchange`, and writes the head of its request.
    func carry(_ exchange: Exchange)
    func writeBody(_ bytes: Span<UInt8>)
    /// Writes the end of the request, with its trailers.
    func writeEnd(of exchange: Exchange)
    /// Sends what was written.
    func flushRequest()

    /// Stops or goes on reading the response, as the client takes it.
    func setReading(_ isReading: Bool)
    /// When the peer can be lost at the earliest; now, when it is.
    func earliestLoss() -> Instant
    /// The exchange is over.
    ///
    /// - Parameter isReusable: Whether request and response were complete, and nothing more came.
    func release(reusable isReusable: Bool)
    /// The peer closed it while a request was on its way.
    func wasStale()
    /// Ends it, whatever it is doing.
    func close()
}
