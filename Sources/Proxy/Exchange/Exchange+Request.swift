import Balancing
import Bytes
import EventLoop
import HTTP
import Kernel

/// The client's side: head, body, end.
extension Exchange {
    /// Most bytes of a request that are kept to be sent again.
    static let replayByteCount = 64 * 1024

    /// The head of a request with a body is complete: routes it and looks for an upstream.
    func requestHeadArrived(on downstream: any Downstream) {
        requestState = .body
        worker.metrics.requestStarted()
        route(for: downstream)
    }

    /// A request without a body is complete: routes it and looks for an upstream.
    ///
    /// This is not done at its head, since an answer before the end of a request has to close.
    func requestArrived(on downstream: any Downstream) {
        requestState = .complete
        requestCompletedAt = worker.loop.now
        worker.metrics.requestStarted()
        route(for: downstream)
    }

    /// A part of the request body arrived.
    func requestBodyArrived(_ bytes: Span<UInt8>) {
        bytesReceived &+= UInt64(bytes.count)
        if discardsBody { return }
        if case .attached(let connection) = upstreamState {
            keep(bytes)
            connection.writeBody(bytes)
        } else {
            heldBody.append(bytes)
        }
    }

    /// The body is complete, trailers included.
    func requestEnded() {
        requestState = .complete
        requestCompletedAt = worker.loop.now
        if discardsBody { return }
        if case .attached(let connection) = upstreamState {
            connection.writeEnd(of: self)
            if !hasResponseBegun { startPerTryTimer() }
        }
    }

    /// The client has ended its side of a tunnel; the upstream's goes on.
    func tunnelInputEnded() {
        requestState = .complete
        guard case .attached(let connection) = upstreamState else { return }
        connection.writeEnd(of: self)
        connection.flushRequest()
    }

    /// What the client sent so far is understood; the upstream gets it now.
    func requestInputEnded() {
        if case .attached(let connection) = upstreamState { connection.flushRequest() }
    }

    /// The upstream has not taken all that was written.
    func upstreamSlowed() {
        if !requestIsComplete { downstream?.updateReading() }
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

    /// Keeps what is being sent for a retry, as long as one is possible.
    private func keep(_ bytes: Span<UInt8>) {
        if !isReplayable { return }
        if hasResponseBegun || heldBody.count + bytes.count > Self.replayByteCount {
            stopKeeping()
        } else {
            heldBody.append(bytes)
        }
    }

    /// The request cannot be sent again from now on.
    func stopKeeping() {
        isReplayable = false
        heldBody.release()
    }
}
