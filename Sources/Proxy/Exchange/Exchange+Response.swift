import Balancing
import Bytes
import EventLoop
import HTTP
import Kernel
import Telemetry

/// The response: from the upstream, or from the proxy itself.
extension Exchange {
    /// A response head is complete, an informational or the final one.
    func responseHeadArrived() {
        if response.isInformational {
            guard let downstream else { return }
            downstream.writeInformational(of: self)
            // Not before the head is read, since the exchange ends here when the client is gone;
            // and not later, since what follows may be thrown away, and would leave this behind.
            downstream.flushResponse()
            return
        }
        if let upstreamStartedAt {
            upstreamServiceNanoseconds = worker.loop.now.nanoseconds(since: upstreamStartedAt)
        }
        cancelPerTryTimer()
        if retryAfterResponse() { return }
        if upgrade != .none, !settleUpgrade() { return }
        status = response.status
        heldBody.removeAll()
        isReplayable = false
        guard let downstream else { return }
        responseState = .relaying
        applyResponseMutations()
        downstream.writeHead(of: self)
        if upgrade == .switched { openTunnel(to: downstream) }
    }

    /// Passes on bytes of another protocol from here on; no time but that of idleness is limited.
    private func openTunnel(to downstream: any Downstream) {
        // At once: the exchange ends here when the client is gone.
        downstream.flushResponse()
        guard isUnderWay else { return }
        requestState = .tunnel
        requestCompletedAt = nil
        downstream.becomeTunnel()
    }

    /// A part of the response body arrived.
    func responseBodyArrived(_ bytes: Span<UInt8>) {
        guard case .relaying = responseState, let downstream else { return }
        bytesSent &+= UInt64(bytes.count)
        downstream.writeBody(bytes)
    }

    /// What the upstream sent so far is understood; the client gets it now.
    func responseInputEnded() {
        guard let downstream else { return }
        downstream.flushResponse()
        if downstream.queuedByteCount > 0 { downstreamFilled() }
    }

    /// Most bytes of the response that are of use now.
    var wantedByteCount: Int { downstream?.wantedByteCount ?? Worker.receiveByteCount }

    /// The client has not taken what was written, so that the upstream has to wait.
    func downstreamFilled() {
        if case .attached(let connection) = upstreamState { connection.setReading(false) }
    }

    /// The response is complete.
    ///
    /// - Parameter isReusable: Whether the upstream's connection can carry another exchange.
    func responseEnded(reusable isReusable: Bool) {
        guard let downstream else { return }
        finishResponse(on: downstream)
        detach(
            reusable: isReusable && requestIsComplete,
            outcome: .answered(status: endpointStatus))
        downstream.exchangeEnded()
    }

    /// The client has taken what was queued for it.
    func downstreamDrained() {
        if case .attached(let connection) = upstreamState { connection.setReading(true) }
    }

    /// Answers in place of an upstream; what was on its way there is given up.
    ///
    /// - Parameters:
    ///   - status: What the client gets.
    ///   - reason: What the access log says about it.
    func answer(_ status: UInt16, _ reason: ResponseFlags) {
        flags.formUnion(reason)
        if isGRPC {
            answerCall(GRPCStatus.Code(httpStatus: status), status)
            return
        }
        var body = Buffer()
        body.append(LocalReply.body(status: status, flags: flags))
        beginAnswer(status)
        if !body.isEmpty { response.fields.append("content-type", "text/plain") }
        endAnswer(body: body)
    }

    /// Begins an answer of the proxy's own; fields follow, and then ``endAnswer(body:)``.
    func beginAnswer(_ status: UInt16) {
        cancelUpstream(nil)
        discardsBody = true
        self.status = status
        response.removeAll()
        response.status = status
    }

    /// Sends what ``beginAnswer(_:)`` began, and ends the exchange.
    ///
    /// - Parameter body: Not sent in answer to HEAD, nor with a status that has none.
    func endAnswer(body: borrowing Buffer) {
        guard let downstream else { return }
        let mayHaveBody = LocalReply.mayHaveBody(status)
        // The end of a call is in its fields alone, where its version has no need of a length.
        let isBare = isGRPC && request.version == .http2
        response.framing = mayHaveBody && !isBare ? .length(UInt64(body.count)) : .none
        responseState = .relaying
        downstream.writeHead(of: self)
        if mayHaveBody, request.method != .head {
            downstream.writeBody(body.bytes)
            bytesSent &+= UInt64(body.count)
        }
        finishResponse(on: downstream)
        downstream.exchangeEnded()
    }

    /// Sends the end of the response and what waited for it; the client may be gone then.
    private func finishResponse(on downstream: any Downstream) {
        downstream.writeEnd(of: self)
        responseState = .complete
        downstream.flushResponse()
    }

    var requestIsComplete: Bool {
        if case .complete = requestState { true } else { false }
    }
}
