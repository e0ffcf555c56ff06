import Balancing
import Bytes
import EventLoop
import HTTP
import HTTP1
import Kernel

/// The client's side: head, body, end.
extension Exchange {
    /// Most bytes of a request that are kept to be sent again.
    static let replayByteCount = 64 * 1024

    /// The head of a request with a body is complete: routes it and looks for an upstream.
    func requestHeadArrived(on downstream: ServerConnection) {
        requestState = .body
        worker.metrics.requestStarted()
        route(for: downstream)
    }

    /// A request without a body is complete: routes it and looks for an upstream.
    ///
    /// This is not done at its head, since an answer before the end of a request has to close.
    func requestArrived(on downstream: ServerConnection) {
        requestState = .complete
        requestCompletedAt = worker.loop.now
        worker.metrics.requestStarted()
        route(for: downstream)
    }

    /// A part of the request body arrived.
    func requestBodyArrived(_ bytes: Span<UInt8>) {
        bytesReceived &+= UInt64(bytes.count)
        if discardsBody { return }
        switch upstreamState {
        case .attached(let connection):
            forward(bytes, over: connection)
        case .waiting, .backingOff, .none:
            appendBody(bytes)
        }
    }

    /// The body is complete, trailers included.
    func requestEnded() {
        requestState = .complete
        requestCompletedAt = worker.loop.now
        if discardsBody { return }
        if case .attached(let connection) = upstreamState {
            if request.framing == .chunked {
                Writer.lastChunk(trailers: request.trailers, to: &worker.staging)
                sendStaged(over: connection)
            }
            if !hasResponseBegun { startPerTryTimer() }
        } else if request.framing == .chunked {
            Writer.lastChunk(trailers: request.trailers, to: &outgoing)
        }
    }

    /// The upstream has taken what was queued for it, or will never take it.
    func upstreamDrained() {
        if !requestIsComplete { downstream?.updateReading() }
    }

    /// Whether reading more of the request would only make a queue longer.
    var isUpstreamSlow: Bool {
        switch upstreamState {
        case .attached(let connection): connection.queuedByteCount > 0
        case .waiting, .backingOff: true
        case .none: false
        }
    }

    private func forward(_ bytes: Span<UInt8>, over connection: UpstreamConnection) {
        if request.framing == .chunked {
            Self.appendChunk(bytes, to: &worker.staging)
            sendStaged(over: connection)
        } else {
            keep(bytes)
            connection.send(bytes)
        }
    }

    private func sendStaged(over connection: UpstreamConnection) {
        keep(worker.staging)
        connection.send(worker.staging)
        worker.staging.removeAll()
    }

    private func appendBody(_ bytes: Span<UInt8>) {
        if request.framing == .chunked {
            Self.appendChunk(bytes, to: &outgoing)
        } else {
            outgoing.append(bytes)
        }
    }

    /// Keeps what is being sent for a retry, as long as one is possible.
    private func keep(_ bytes: Span<UInt8>) {
        if !isReplayable { return }
        if hasResponseBegun || outgoing.count + bytes.count > Self.replayByteCount {
            isReplayable = false
            outgoing.release()
        } else {
            outgoing.append(bytes)
        }
    }

    private func keep(_ buffer: borrowing Buffer) {
        keep(buffer.bytes)
    }

    static func appendChunk(_ bytes: Span<UInt8>, to buffer: inout Buffer) {
        if bytes.isEmpty { return }
        Writer.chunkHeader(size: bytes.count, to: &buffer)
        buffer.append(bytes)
        Writer.chunkEnd(to: &buffer)
    }
}
