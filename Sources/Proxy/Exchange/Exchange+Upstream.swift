import Balancing
import Bytes
import EventLoop
import HTTP
import Kernel
import Mesh
import Routing
import Telemetry

/// The upstream's side: endpoint, connection, attempts.
extension Exchange {
    /// Most attempts at endpoints that could not be reached; nothing was sent, so each is safe.
    static let connectAttemptCount: UInt32 = 3

    /// How the upstream's part of the exchange came to an early end.
    enum UpstreamEnd: Equatable {
        /// The peer closed the connection, or lost it.
        case closed
        case reset
        /// What the peer sent is not HTTP.
        case malformed
        /// The peer has not acted on the request, and says so (RFC 9113 §8.7).
        case unprocessed
        /// The peer cannot be asked for that, so nothing was sent; the status says why.
        case unfit(UInt16)
    }

    /// Looks for an endpoint and a connection to it.
    ///
    /// - Parameters:
    ///   - cluster: The exchange's own.
    ///   - isFresh: Whether a connection that was used before will not do.
    ///
    /// It is for the caller to flush what is written (``requestInputEnded()``).
    func dispatch(to cluster: UpstreamCluster, fresh isFresh: Bool) {
        let chosen = cluster.choose(
            hash: forwarding?.key.hash, avoiding: endpoint, now: worker.loop.now)
        guard let chosen, let pool = cluster.pool(of: chosen, for: request.version) else {
            answer(503, .noHealthyUpstream)
            return
        }
        endpoint = chosen
        attempts += 1
        upstreamCheckAt = worker.loop.now.after(Worker.longestPeerSilence)
        var answer = pool.connection(for: self, fresh: isFresh)
        if case .upstream(let connection) = answer, !request.method.isIdempotent,
            connection.isStale
        {
            // A request that must not be sent twice is not tried on a dead connection.
            connection.close()
            answer = pool.connection(for: self, fresh: true)
        }
        switch answer {
        case .upstream(let connection): attach(connection, chosen, of: cluster)
        case .waiting:
            upstreamState = .waiting(pool)
        case .overflow:
            self.answer(503, .upstreamOverflow)
        }
    }

    /// Sends the request, as far as it has arrived, over the connection that it has waited for.
    func attach(_ connection: any Upstream) {
        guard let cluster, let endpoint else {
            preconditionFailure("waits for a connection without an endpoint")
        }
        attach(connection, endpoint, of: cluster)
        connection.flushRequest()
    }

    /// Writes the request as far as it has arrived; it is for the caller to flush it.
    private func attach(
        _ connection: any Upstream, _ endpoint: EndpointHandle, of cluster: UpstreamCluster
    ) {
        upstreamState = .attached(connection)
        upstreamStartedAt = worker.loop.now
        connection.carry(self)
        cluster.attemptStarted(at: endpoint, isRetry: attempts > 1)
        if !heldBody.isEmpty { connection.writeBody(heldBody.bytes) }
        if requestIsComplete {
            connection.writeEnd(of: self)
            startPerTryTimer()
        } else {
            downstream?.updateReading()
        }
        if heldBody.count > Self.replayByteCount { stopKeeping() }
    }

    /// The time of one attempt begins when the upstream can have the whole request, as in Envoy.
    func startPerTryTimer() {
        if let limit = forwarding?.rules.retry?.perTryTimeout {
            perTryTimer = worker.loop.schedule(at: worker.loop.now.after(limit), for: self)
        }
    }

    /// Looks for an endpoint and a connection once more.
    func dispatchAgain(fresh isFresh: Bool) {
        guard let cluster else { preconditionFailure("dispatched before it was routed") }
        dispatch(to: cluster, fresh: isFresh)
        requestInputEnded()
    }

    /// The endpoint speaks another version than the one waited for; nothing was sent.
    func dispatchOverOther() {
        upstreamState = .none
        attempts -= 1
        dispatchAgain(fresh: false)
    }

    /// No connection to the chosen endpoint could be made; nothing was sent.
    func connectFailed() {
        upstreamState = .none
        if attempts < Self.connectAttemptCount {
            worker.metrics.retries.add()
            dispatchAgain(fresh: false)
        } else {
            answer(503, .upstreamConnectFailure)
        }
    }

    /// The connection ended, or brought what is not HTTP, before the response was complete.
    func upstreamEnded(_ end: UpstreamEnd) {
        guard case .attached(let connection) = upstreamState else { return }
        let isReused = connection.isReused
        let hasAnswered = connection.hasAnswered
        if case .unfit(let status) = end {
            detach(reusable: false, outcome: nil)
            answer(status, [])
            return
        }
        let wasStale = isReused && !hasAnswered && end != .unprocessed
        if wasStale { connection.wasStale() }
        // A kept-alive connection that its server closed in time says nothing about the server.
        let saysNothing = wasStale || end == .unprocessed
        detach(reusable: false, outcome: saysNothing ? nil : .reset)
        let reason: ResponseFlags =
            switch end {
            case .closed: .upstreamConnectionTermination
            case .reset, .unprocessed, .unfit: .upstreamReset
            case .malformed: .upstreamProtocolError
            }
        if hasResponseBegun {
            flags.insert(reason)
            downstream?.abort()
            return
        }
        switch end {
        case .malformed: answer(502, reason)
        case .unprocessed where !hasAnswered:
            if !retryUnprocessed() { answer(503, reason) }
        case .closed, .reset, .unprocessed, .unfit:
            // A part of an answer shows that the request was acted upon.
            if hasAnswered {
                answer(502, [reason, .upstreamProtocolError])
            } else if !retryAfterReset(reused: isReused) {
                answer(503, reason)
            }
        }
    }

    /// Ends with the upstream when that does not answer TCP itself any more.
    func checkUpstream() {
        guard case .attached(let connection) = upstreamState else {
            upstreamCheckAt = worker.loop.now.after(Worker.longestPeerSilence)
            return
        }
        upstreamCheckAt = connection.earliestLoss()
        if upstreamCheckAt <= worker.loop.now { upstreamEnded(.reset) }
    }

    /// Gives the upstream back, or away.
    ///
    /// - Parameters:
    ///   - isReusable: Whether the connection can carry another exchange.
    ///   - outcome: What this says of the endpoint; `nil` says nothing.
    func detach(reusable isReusable: Bool, outcome: EndpointOutcome?) {
        cancelPerTryTimer()
        guard case .attached(let connection) = upstreamState, let cluster, let endpoint else {
            return
        }
        upstreamState = .none
        cluster.attemptEnded(at: endpoint, outcome, now: worker.loop.now)
        connection.release(reusable: isReusable)
    }

    /// Leaves the upstream side, whatever it is doing, because the client went away or time is up.
    ///
    /// - Parameter outcome: What this says of the endpoint; `nil` says nothing.
    func cancelUpstream(_ outcome: EndpointOutcome?) {
        switch upstreamState {
        case .none: break
        case .waiting(let pool): pool.forget(self)
        case .attached: detach(reusable: false, outcome: outcome)
        case .backingOff(let timer): worker.loop.cancel(timer)
        }
        upstreamState = .none
    }

    func cancelPerTryTimer() {
        if let perTryTimer { worker.loop.cancel(perTryTimer) }
        perTryTimer = nil
    }
}
