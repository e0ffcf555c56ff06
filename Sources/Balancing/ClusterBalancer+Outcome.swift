import Bytes
import Mesh

extension ClusterBalancer {
    /// Counts a request as active at its endpoint until ``requestEnded(_:)``.
    public mutating func requestStarted(_ handle: EndpointHandle) {
        if !isValid(handle) { return }
        states[Int(handle.slot)].statistics.activeRequests += 1
        states[Int(handle.slot)].statistics.requests &+= 1
    }

    /// Ends what ``requestStarted(_:)`` began; exactly once for each.
    public mutating func requestEnded(_ handle: EndpointHandle) {
        if !isValid(handle) { return }
        let slot = Int(handle.slot)
        assert(states[slot].statistics.activeRequests > 0, "a request ended that had not started")
        if states[slot].statistics.activeRequests > 0 {
            states[slot].statistics.activeRequests -= 1
        }
        vacateWhenIdle(slot)
    }

    /// Counts a connection until ``connectionClosed(_:)``, also while it is being made.
    public mutating func connectionOpened(_ handle: EndpointHandle) {
        if !isValid(handle) { return }
        states[Int(handle.slot)].statistics.activeConnections += 1
        states[Int(handle.slot)].statistics.connections &+= 1
    }

    /// Ends what ``connectionOpened(_:)`` began; exactly once for each.
    public mutating func connectionClosed(_ handle: EndpointHandle) {
        if !isValid(handle) { return }
        let slot = Int(handle.slot)
        assert(states[slot].statistics.activeConnections > 0, "a connection closed twice")
        if states[slot].statistics.activeConnections > 0 {
            states[slot].statistics.activeConnections -= 1
        }
        vacateWhenIdle(slot)
    }

    /// Learns what became of an attempt; may eject the endpoint or bring it back.
    ///
    /// - Parameters:
    ///   - outcome: Reported once for each connection that was made or not, and once for each
    ///     response, reset or timeout.
    ///   - handle: As it was chosen; nothing happens when its endpoint is gone.
    ///   - now: Nanoseconds of the caller's clock.
    public mutating func report(
        _ outcome: EndpointOutcome, for handle: EndpointHandle, now: UInt64
    ) {
        if !isValid(handle) { return }
        let slot = Int(handle.slot)
        count(outcome, slot)
        if case .answered(let status) = outcome, status < 500, states[slot].standing.isSpotless {
            return
        }
        let before = states[slot].standing
        let verdict = states[slot].standing.heard(outcome, now: now, rules: rules)
        if let rules, isEnforced(verdict, rules), mayEjectOutlier(rules) {
            states[slot].standing.eject(now: now, rules: rules)
        }
        if states[slot].standing.state == before.state { return }
        if before.isUsable, !states[slot].standing.isUsable {
            states[slot].statistics.ejections &+= 1
        }
        refill(now: now)
    }

    @inline(__always)
    private mutating func count(_ outcome: EndpointOutcome, _ slot: Int) {
        switch outcome {
        case .connected: break
        case .connectFailed: states[slot].statistics.connectFailures &+= 1
        case .answered(let status) where status < 500:
            states[slot].statistics.successes &+= 1
        case .answered, .reset: states[slot].statistics.errors &+= 1
        case .timedOut:
            states[slot].statistics.errors &+= 1
            states[slot].statistics.timeouts &+= 1
        }
    }

    private mutating func isEnforced(_ verdict: Standing.Verdict, _ rules: OutlierDetection) -> Bool
    {
        switch verdict {
        case .none: false
        case .serverErrors: random.below(100) < UInt64(rules.enforcingConsecutiveServerErrors)
        case .gatewayFailures:
            random.below(100) < UInt64(rules.enforcingConsecutiveGatewayFailures)
        }
    }

    /// Whether one more may be left out: below the percentage, or nobody is yet and it is not 0.
    private func mayEjectOutlier(_ rules: OutlierDetection) -> Bool {
        outlierCount * 100 < slots.count * Int(rules.maximumEjectionPercent)
    }
}

extension Standing {
    var ejection: EndpointSummary.Ejection {
        switch state {
        case .trusted: .none
        case .outlier: .outlier
        case .unreachable, .awaitingTrial, .onTrial: .unreachable
        }
    }
}
