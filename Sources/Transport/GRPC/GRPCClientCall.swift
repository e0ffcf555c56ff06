import Bytes
public import EventLoop
public import HTTP
import HTTP2
public import Kernel
public import TLS

/// Who follows a ``GRPCClientCall``.
///
/// Called on the loop's thread, and never from within a method of the call.
public protocol GRPCClientCallDelegate: AnyObject {
    /// The server speaks HTTP/2 and has the request; messages were taken before that too.
    func callDidOpen(_ call: GRPCClientCall)
    /// One whole message without its prefix.
    func call(_ call: GRPCClientCall, didReceive message: [UInt8])
    /// The last that is heard of the call, exactly once, whatever the reason.
    func call(_ call: GRPCClientCall, didClose status: GRPCStatus)
}

/// TLS under a client's gRPC calls.
public struct GRPCSecurity {
    /// What is presented to the server, and who it has to be.
    public var context: TLS.Context
    /// What the server is asked for (SNI); `nil` asks for nothing.
    public var serverName: String?

    public init(context: TLS.Context, serverName: String? = nil) {
        self.context = context
        self.serverName = serverName
    }
}

/// One bidirectional gRPC call on an HTTP/2 connection of its own, in the clear with prior
/// knowledge or over TLS that agrees upon `h2`; it does not reconnect.
///
/// The loop keeps the call alive until it is closed. It is used on the loop's thread only.
public final class GRPCClientCall {
    private enum State {
        case calling(StreamHandle)
        /// The delegate is told at the end of this turn.
        case closing(GRPCStatus, StreamHandle?)
        case closed
    }

    /// Whether the server ended the connection because of our PINGs (`too_many_pings`); the next
    /// call should double ``GRPCLimits/keepAliveInterval``, as gRPC's own clients do.
    public private(set) var wasAskedForFewerPings = false

    /// Why TLS came to an end, once the call is closed, if that is what has closed it.
    public var securityFailure: TLSError? {
        if case .securityFailed(let error, _) = connection.end { error } else { nil }
    }

    private var state: State
    private let connection: HTTP2Connection
    private weak var delegate: (any GRPCClientCallDelegate)?
    private var decoder: GRPCMessageDecoder
    private let limits: GRPCLimits
    private var goAway: ErrorCode?
    /// From a head or trailers; it counts once the stream has ended.
    private var receivedStatus: GRPCStatus?

    /// Starts to connect.
    ///
    /// - Parameters:
    ///   - loop: Whose thread the call lives on.
    ///   - address: Where the server listens.
    ///   - authority: What the server is asked for as, such as `control:7401`.
    ///   - path: `/package.Service/Method`.
    ///   - metadata: Further fields of the request, with names in lower case.
    ///   - limits: What the call may cost.
    ///   - security: What makes the connection one over TLS; a handshake that fails closes the call
    ///     with `unavailable` and the reason.
    ///   - delegate: Who follows the call; not kept.
    public init(
        loop: EventLoop, address: SocketAddress, authority: String, path: String,
        metadata: [(name: String, value: String)] = [], limits: GRPCLimits = GRPCLimits(),
        security: GRPCSecurity? = nil, delegate: any GRPCClientCallDelegate
    ) {
        self.limits = limits
        self.delegate = delegate
        decoder = GRPCMessageDecoder(messageByteCountLimit: limits.receivedMessageByteCount)
        var session = HTTP2.Session(role: .client, limits: SessionLimits(limits, callsPerQueue: 1))
        do throws(SubmitError) {
            let head = GRPCHeads.request(authority: authority, path: path, metadata: metadata)
            state = .calling(try session.submitRequest(head, endsStream: false))
        } catch {
            state = .closing(GRPCStatus(.internal, "HTTP/2: \(error)"), nil)
        }
        connection = HTTP2Connection(
            to: address, session: session, loop: loop, patience: limits.patience,
            security: security)
        connection.start(self)
    }

    /// Queues a message.
    ///
    /// - Returns: `false` when the call is closed or closing; a message that does not fit
    ///   ``GRPCLimits/queuedByteCount`` closes it with `resourceExhausted`.
    @discardableResult
    public func send(message: [UInt8]) -> Bool {
        guard case .calling(let stream) = state else { return false }
        var framed = Buffer()
        guard GRPCFraming.append(message: message.span, to: &framed) else { return false }
        do throws(SubmitError) {
            try connection.session.send(framed.bytes, on: stream)
            connection.scheduleWork()
            return true
        } catch {
            if error == .queueFull {
                close(GRPCStatus(.resourceExhausted, "more messages queued than the limit allows"))
                connection.noteOverflow()
            }
            return false
        }
    }

    /// Tells the server that no more messages come, behind what is queued.
    public func finish() {
        guard case .calling(let stream) = state else { return }
        try? connection.session.end(stream)
        connection.scheduleWork()
    }

    /// Gives the call up: the delegate is told `cancelled` at the end of this turn.
    public func cancel() {
        close(GRPCStatus(.cancelled, "cancelled by the caller"))
    }

    private func close(_ status: GRPCStatus) {
        guard case .calling(let stream) = state else { return }
        state = .closing(status, stream)
        connection.scheduleWork()
    }

    private func tellClosed(_ status: GRPCStatus) {
        switch state {
        case .calling(let stream), .closing(_, .some(let stream)):
            connection.session.reset(stream, .cancel)
        case .closing(_, nil): break
        case .closed: return
        }
        state = .closed
        connection.finish()
        delegate?.call(self, didClose: status)
    }
}

extension GRPCClientCall: HTTP2ConnectionDelegate {
    func connectionDidOpen(_ connection: HTTP2Connection) {
        if case .calling = state { delegate?.callDidOpen(self) }
    }

    func connectionWillWork(_ connection: HTTP2Connection) {
        if case .closing(let status, _) = state { tellClosed(status) }
    }

    func connection(
        _ connection: HTTP2Connection, didRecord event: SessionEvent, input: Span<UInt8>
    ) {
        switch event {
        case .response: receiveHead()
        case .data(let stream, let range):
            connection.session.consume(range.count, on: stream)
            receive(input.extracting(range))
        case .trailers:
            var trailers = Fields()
            connection.session.takeTrailers(into: &trailers)
            receivedStatus = GRPCHeads.status(in: trailers) ?? receivedStatus
        case .end: receiveEnd()
        case .closed(_, let code):
            guard case .calling = state else { return }
            tellClosed(connection.end.map(status) ?? GRPCStatus(code))
        case .goAway(_, let code):
            goAway = code
            if code == .enhanceYourCalm { wasAskedForFewerPings = true }
        case .request, .drained, .endSent, .settings, .pingAcknowledged:
            break
        }
    }

    func connection(_ connection: HTTP2Connection, didClose reason: HTTP2ConnectionEnd) {
        switch state {
        case .closing(let status, _): tellClosed(status)
        case .calling: tellClosed(status(reason))
        case .closed: break
        }
    }

    private func status(_ end: HTTP2ConnectionEnd) -> GRPCStatus {
        var status = GRPCStatus(end)
        if let goAway { status.message += " after GOAWAY with HTTP/2 error \(goAway.rawValue)" }
        return status
    }

    private func receiveHead() {
        var head = ResponseHead()
        connection.session.takeResponseHead(into: &head)
        if head.isInformational { return }
        receivedStatus = GRPCHeads.status(in: head.fields)
        if receivedStatus != nil { return }
        if head.status != 200 {
            close(GRPCStatus(.init(httpStatus: head.status), "HTTP status \(head.status)"))
        } else if !GRPCHeads.isGRPC(head.fields) {
            close(GRPCStatus(.unknown, "the answer's content type is not gRPC's"))
        }
    }

    private func receive(_ bytes: Span<UInt8>) {
        var offset = 0
        while offset < bytes.count, case .calling = state {
            do throws(GRPCFramingError) {
                var consumed = 0
                let message = try decoder.next(bytes.extracting(offset...), consumed: &consumed)
                offset += consumed
                if let message { delegate?.call(self, didReceive: message) }
            } catch {
                close(error.status)
            }
        }
    }

    private func receiveEnd() {
        guard case .calling = state else { return }
        if let receivedStatus {
            let isWhole = decoder.isBetweenMessages || receivedStatus.code != .ok
            tellClosed(isWhole ? receivedStatus : GRPCFramingError.truncated.status)
        } else {
            tellClosed(GRPCStatus(.internal, "the stream ended without a status"))
        }
    }
}
