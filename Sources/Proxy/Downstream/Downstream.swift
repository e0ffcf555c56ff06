import Bytes
import HTTP
import Routing

/// The client's side of one exchange: writes the response in the version of HTTP that it speaks.
///
/// The exchange says what to write, in the order of a message: informational heads, the head, parts
/// of the body, the end. What is written leaves with ``flushResponse()`` at the latest.
protocol Downstream: AnyObject {
    /// Where the client was accepted: its limits, its routes, its log.
    var listener: ListenerRuntime { get }
    /// The client's address without its port.
    var peerText: [UInt8] { get }
    /// The client's address with its port.
    var peerName: [UInt8] { get }
    /// Who the client is, found out once for a connection whose requests are guarded.
    var caller: Caller { get }
    /// What upstreams are told of the client, where a listener tells them anything.
    var certificate: ClientCertificate { get }
    /// How many bytes of responses the client is known not to have taken; where that is known only
    /// later, the exchange is told (``Exchange/downstreamFilled()``).
    var queuedByteCount: Int { get }

    /// Most bytes of a response that are of use now; more would only be held for the client.
    var wantedByteCount: Int { get }

    /// Writes the informational response that the exchange holds.
    func writeInformational(of exchange: Exchange)
    /// Writes the head of the final response.
    func writeHead(of exchange: Exchange)
    func writeBody(_ bytes: Span<UInt8>)
    /// Writes the end of the response, with its trailers.
    func writeEnd(of exchange: Exchange)
    /// Sends what was written; the exchange ends here when the client is gone.
    func flushResponse()

    /// Hands over what follows the request as bytes of another protocol; the head that says so was
    /// written.
    func becomeTunnel()

    /// Reads on where that is of use now; else the client is slowed down.
    func updateReading()
    /// The response is written to its end.
    func exchangeEnded()
    /// The response cannot be completed: ends it so that the client notices.
    func abort()
}
