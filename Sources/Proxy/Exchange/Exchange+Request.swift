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

    /// The request head is complete: routes it and looks for an upstream.
    ///
    /// Without a body the end follows at once, and is waited for: an answer that is given before
    /// the end of its request has to close the connection.
    func requestHeadArrived() {
        requestState = .body
        worker.metrics.requestStarted()
        if requestHasBody { route() }
    }

    private var requestHasBody: Bool {
        switch request.framing {
        case .none, .length(0): false
        case .length, .chunked, .untilClose: true
        }
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
        if isUpstreamSlow { downstream?.setReading(false) }
    }

    /// The request is complete, trailers included.
    func requestEnded() {
        requestState = .complete
        requestCompletedAt = worker.loop.now
        if !requestHasBody { route() }
        downstream?.requestDeadlineChanged()
        if discardsBody || request.framing != .chunked { return }
        if case .attached(let connection) = upstreamState {
            worker.staging.removeAll()
            Writer.lastChunk(trailers: request.trailers, to: &worker.staging)
            keep(worker.staging)
            _ = connection.send(worker.staging)
            worker.staging.removeAll()
        } else {
            Writer.lastChunk(trailers: request.trailers, to: &outgoing)
        }
    }

    /// The upstream has taken what was queued for it.
    func upstreamDrained() {
        if case .complete = requestState { return }
        downstream?.setReading(true)
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
        let isTaken: Bool
        if request.framing == .chunked {
            worker.staging.removeAll()
            Self.appendChunk(bytes, to: &worker.staging)
            keep(worker.staging)
            isTaken = connection.send(worker.staging)
            worker.staging.removeAll()
        } else {
            keep(bytes)
            isTaken = connection.send(bytes)
        }
        if !isTaken { discardsBody = true }
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
