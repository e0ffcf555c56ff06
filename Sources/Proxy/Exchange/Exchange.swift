import Balancing
import Bytes
import EventLoop
import HTTP
import HTTP1
import Kernel
import Mesh
import Routing
import Telemetry

/// One request and its response: the only type that sees both sides.
///
/// *routing → waiting for an upstream → relaying → done*, with an edge back to waiting as long as
/// no byte of a response has come. The client's connection drives the request side, the upstream's
/// connection the response side; both call in here with parts of messages, and each writes what it
/// is given in the version of HTTP that it speaks. Nothing else moves bytes between them.
/// Objects are used again for later requests, so that a request allocates nothing.
final class Exchange {
    /// Where the client's side stands.
    enum RequestState {
        /// The head is arriving.
        case head
        case body
        case complete
        /// Protocols were switched: bytes of another one go both ways until either side ends.
        case tunnel
    }

    /// Whether the client speaks another protocol behind its request (RFC 9110 §7.8).
    enum Upgrade {
        case none
        /// The upstream is asked; it may answer as if it were not.
        case asked
        case switched
    }

    /// Where the response stands.
    enum ResponseState {
        /// No byte of a final response has been sent to the client.
        case none
        case relaying
        case complete
    }

    /// Where the upstream side stands.
    enum UpstreamState {
        case none
        case waiting(any ConnectionPool)
        case attached(any Upstream)
        /// A retry waits for its time.
        case backingOff(TimerToken)
    }

    let worker: Worker
    /// The client's side; `nil` while the object waits for its next request.
    var downstream: (any Downstream)?

    var request = RequestHead()
    var response = ResponseHead()
    var requestState = RequestState.head
    var responseState = ResponseState.none
    var upstreamState = UpstreamState.none
    var upgrade = Upgrade.none

    /// The path and the authority that the upstream is asked for, in the arena of ``request``.
    var forwardedPath = ByteRange.empty
    var forwardedAuthority = ByteRange.empty
    /// The body as it arrived: until the exchange is attached all of it, then what a retry needs.
    var heldBody = Buffer()
    /// Whether ``heldBody`` still holds all that was sent, so that it can be sent again.
    var isReplayable = true
    /// Whether the rest of the request body has no reader any more and is thrown away.
    var discardsBody = false

    /// Whether the client speaks gRPC, and wants to hear of errors in its words.
    var isGRPC = false
    var forwarding: Forwarding?
    /// Of the configuration that was in effect when the request was routed.
    var table: RouteTable?
    /// Where the request was routed to; like the table it stays until the exchange has ended.
    var cluster: UpstreamCluster?
    var endpoint: EndpointHandle?
    var attempts: UInt32 = 0
    var flags: ResponseFlags = []
    /// What a guard of the listener has to say against the request.
    var objection: AccessGuard.Objection?
    var perTryTimer: TimerToken?
    /// Fires when all the time is up that the exchange has, with everything.
    var durationTimer: TimerToken?
    /// Whether a deadline stands in the place of the route's timeout.
    var ignoresRouteTimeout = false
    /// While it waits: whether a connection that was used before will not do.
    var needsFreshConnection = false

    var startedAt = Instant(nanoseconds: 0)
    var requestCompletedAt: Instant?
    var upstreamStartedAt: Instant?
    var upstreamServiceNanoseconds: UInt64?
    /// When it is time to ask whether the upstream is still there.
    var upstreamCheckAt = Instant(nanoseconds: .max)
    var status: UInt16 = 0
    var bytesReceived: UInt64 = 0
    var bytesSent: UInt64 = 0
    /// Whether the request counts against the cluster's breaker.
    var holdsRequestSlot = false
    /// Whether the request counts against the breaker of retries.
    var holdsRetrySlot = false
    /// How often the upstream went away before it answered.
    var resets: UInt32 = 0

    init(on worker: Worker) {
        self.worker = worker
    }

    /// Begins with the first byte of a request on `downstream`.
    func start(for downstream: any Downstream) {
        self.downstream = downstream
        startedAt = worker.loop.now
    }

    /// Forgets everything but its memory.
    func reset() {
        request.removeAll()
        response.removeAll()
        requestState = .head
        responseState = .none
        upstreamState = .none
        upgrade = .none
        heldBody.removeAll()
        isReplayable = true
        discardsBody = false
        isGRPC = false
        ignoresRouteTimeout = false
        forwarding = nil
        table = nil
        cluster = nil
        endpoint = nil
        objection = nil
        attempts = 0
        flags = []
        requestCompletedAt = nil
        upstreamStartedAt = nil
        upstreamServiceNanoseconds = nil
        upstreamCheckAt = Instant(nanoseconds: .max)
        status = 0
        bytesReceived = 0
        bytesSent = 0
        holdsRequestSlot = false
        holdsRetrySlot = false
        resets = 0
        downstream = nil
    }

    /// Whether it belongs to a client's connection, and its response is not over.
    var isUnderWay: Bool { downstream != nil }

    /// Whether more of the request is to come.
    var awaitsRequest: Bool { isUnderWay && !requestIsComplete }

    var hasResponseBegun: Bool {
        if case .none = responseState { false } else { true }
    }
}
