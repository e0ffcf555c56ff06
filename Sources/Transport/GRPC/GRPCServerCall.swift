import Bytes
public import HTTP
import HTTP2
public import Kernel
public import TLS

/// Who handles one call.
///
/// Called on the loop's thread, and never from within a method of the call.
public protocol GRPCServerCallHandler: AnyObject {
    /// One whole message without its prefix.
    func call(_ call: GRPCServerCall, didReceive message: [UInt8])
    /// The client sends no more messages; answer with ``GRPCServerCall/finish(_:)`` when done.
    func callDidEnd(_ call: GRPCServerCall)
    /// The last that is heard of the call, exactly once: what it was finished with when that
    /// reached the client, otherwise why not.
    func call(_ call: GRPCServerCall, didClose status: GRPCStatus)
}

/// One call of a client.
public final class GRPCServerCall {
    private enum State {
        /// No answer has begun.
        case accepted
        /// Messages were sent.
        case answering
        /// The last of the answer is queued or sent.
        case finished(GRPCStatus)
        /// Given up; the client is told by a reset.
        case failed(GRPCStatus)
        case closed
    }

    /// `/package.Service/Method`.
    public let path: String
    public let authority: String
    /// Where the client connects from.
    public let peer: SocketAddress
    /// Who the client is by its verified certificate; `nil` without one.
    public let peerIdentity: PeerIdentity?
    /// The `authorization` that came with the call, such as `Bearer TOKEN`.
    public let authorization: String?

    let stream: StreamHandle
    var handler: (any GRPCServerCallHandler)?
    private var state = State.accepted
    private var decoder: GRPCMessageDecoder
    private(set) var hasClientEnded = false
    private weak var connection: HTTP2Connection?

    init(
        head: borrowing RequestHead, stream: StreamHandle, connection: HTTP2Connection,
        peer: SocketAddress, limits: GRPCLimits
    ) {
        path = String(head.path)
        authority = String(head.authority)
        authorization = GRPCHeads.authorization(in: head.fields)
        self.peer = peer
        peerIdentity = connection.peerIdentity
        self.stream = stream
        self.connection = connection
        decoder = GRPCMessageDecoder(messageByteCountLimit: limits.receivedMessageByteCount)
    }

    /// Queues a message.
    ///
    /// - Returns: `false` when the call is closed or finished; a message that does not fit
    ///   ``GRPCLimits/queuedByteCount`` ends it with `resourceExhausted`.
    @discardableResult
    public func send(message: [UInt8]) -> Bool {
        var framed = Buffer()
        guard let connection, beginAnswer(),
            GRPCFraming.append(message: message.span, to: &framed)
        else { return false }
        do throws(SubmitError) {
            try connection.session.send(framed.bytes, on: stream)
            connection.scheduleWork()
            return true
        } catch {
            if error == .queueFull {
                fail(GRPCStatus(.resourceExhausted, "the client reads too slowly"))
            }
            return false
        }
    }

    /// Bytes of messages that wait for the client to read.
    public var queuedByteCount: Int {
        connection?.session.queuedByteCount(on: stream) ?? 0
    }

    /// Ends the call with a status, behind what is queued.
    public func finish(_ status: GRPCStatus) {
        guard let connection else { return }
        switch state {
        case .accepted:
            let head = GRPCHeads.response(status)
            try? connection.session.submitResponse(head, on: stream, endsStream: true)
        case .answering:
            let trailers = GRPCHeads.trailers(status)
            try? connection.session.end(stream, trailers: trailers)
        case .finished, .failed, .closed:
            return
        }
        state = .finished(status)
        connection.scheduleWork()
    }

    func receive(_ bytes: Span<UInt8>) {
        var offset = 0
        while offset < bytes.count, isOpen {
            do throws(GRPCFramingError) {
                var consumed = 0
                let message = try decoder.next(bytes.extracting(offset...), consumed: &consumed)
                offset += consumed
                if let message { handler?.call(self, didReceive: message) }
            } catch {
                finish(error.status)
            }
        }
    }

    func clientEnded() {
        hasClientEnded = true
        guard isOpen else { return }
        if decoder.isBetweenMessages {
            handler?.callDidEnd(self)
        } else {
            finish(GRPCFramingError.truncated.status)
        }
    }

    func closed(_ code: ErrorCode, _ end: HTTP2ConnectionEnd?) {
        let status: GRPCStatus
        switch state {
        case .failed(let reason): status = reason
        case .finished(let reason) where code == .noError: status = reason
        case .accepted, .answering, .finished: status = end.map(GRPCStatus.init) ?? GRPCStatus(code)
        case .closed: return
        }
        state = .closed
        let handler = self.handler
        self.handler = nil
        handler?.call(self, didClose: status)
    }

    private var isOpen: Bool {
        switch state {
        case .accepted, .answering: true
        case .finished, .failed, .closed: false
        }
    }

    /// - Returns: Whether messages may be sent.
    private func beginAnswer() -> Bool {
        switch state {
        case .answering: return true
        case .finished, .failed, .closed: return false
        case .accepted:
            do throws(SubmitError) {
                let head = GRPCHeads.response()
                try connection?.session.submitResponse(head, on: stream, endsStream: false)
                state = .answering
                return true
            } catch {
                return false
            }
        }
    }

    private func fail(_ status: GRPCStatus) {
        state = .failed(status)
        connection?.session.reset(stream, .enhanceYourCalm)
        connection?.noteOverflow()
    }
}
