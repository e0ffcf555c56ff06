import Mesh

/// What this proxy itself has seen of an endpoint, and whether it is left out for that.
///
/// Two things leave an endpoint out. *Unreachable*, always on: a connection could not be made, so
/// it is left out for 250 ms, then one request may try, and so on with longer pauses of at most
/// a second; any sign of life ends it. *Outlier*, when the cluster asks for it: too many failures
/// in a row, as in Envoy, for a time that grows with every ejection.
struct Standing {
    enum State: Equatable {
        case trusted
        case outlier(until: UInt64)
        case unreachable(until: UInt64)
        /// The pause is over: one request may try.
        case awaitingTrial
        /// One request tries; should nothing be heard of it, another one may after `until`.
        case onTrial(until: UInt64)
    }

    /// Shortest and longest pause of an unreachable endpoint, in nanoseconds.
    static var shortestPause: UInt64 { 250_000_000 }
    static var longestPause: UInt64 { 1_000_000_000 }

    private(set) var state = State.trusted
    private var serverErrors: UInt32 = 0
    private var gatewayFailures: UInt32 = 0
    private var pauses: UInt32 = 0
    private var ejections: UInt64 = 0
    private var returnedAt: UInt64 = 0

    /// Whether a request may go there.
    var isUsable: Bool {
        switch state {
        case .trusted, .awaitingTrial: true
        case .outlier, .unreachable, .onTrial: false
        }
    }

    /// Whether one more success would change nothing.
    var isSpotless: Bool {
        guard case .trusted = state else { return false }
        return serverErrors | gatewayFailures | pauses == 0
    }

    /// When the state ends by itself; `nil` when it does not.
    var deadline: UInt64? {
        switch state {
        case .outlier(let until), .unreachable(let until), .onTrial(let until): until
        case .trusted, .awaitingTrial: nil
        }
    }

    var isOutlier: Bool {
        if case .outlier = state { true } else { false }
    }

    /// Why outlier detection would leave the endpoint out; the caller decides whether it does.
    enum Verdict { case none, serverErrors, gatewayFailures }

    mutating func heard(
        _ outcome: EndpointOutcome, now: UInt64, rules: OutlierDetection?
    ) -> Verdict {
        switch outcome {
        case .connected:
            regainTrust()
            return .none
        case .answered(let status):
            regainTrust()
            if status < 500 {
                serverErrors = 0
                gatewayFailures = 0
                return .none
            }
            if (502...504).contains(status) {
                gatewayFailures = Self.next(gatewayFailures)
            } else {
                gatewayFailures = 0
            }
        case .connectFailed:
            pause(now: now)
            gatewayFailures = Self.next(gatewayFailures)
        case .reset, .timedOut:
            gatewayFailures = Self.next(gatewayFailures)
        }
        serverErrors = Self.next(serverErrors)
        guard let rules, !isOutlier else { return .none }
        if rules.consecutiveServerErrors > 0, serverErrors >= rules.consecutiveServerErrors {
            serverErrors = 0
            return .serverErrors
        }
        if rules.consecutiveGatewayFailures > 0,
            gatewayFailures >= rules.consecutiveGatewayFailures
        {
            gatewayFailures = 0
            return .gatewayFailures
        }
        return .none
    }

    /// Leaves the endpoint out; every whole interval in use takes one earlier ejection back.
    mutating func eject(now: UInt64, rules: OutlierDetection) {
        let healthyTime = now > returnedAt ? now - returnedAt : 0
        let forgiven = healthyTime / max(rules.interval.clampedNanoseconds, 1)
        ejections = (ejections > forgiven ? ejections - forgiven : 0) + 1
        let time = rules.baseEjectionTime.clampedNanoseconds.multipliedReportingOverflow(
            by: ejections)
        let longest = rules.maximumEjectionTime.clampedNanoseconds
        let pause = time.overflow ? longest : min(time.partialValue, longest)
        state = .outlier(until: Self.later(now, pause))
        serverErrors = 0
        gatewayFailures = 0
    }

    /// Ends what has lasted until `now`.
    mutating func refresh(now: UInt64) {
        guard let deadline, deadline <= now else { return }
        switch state {
        case .outlier:
            state = .trusted
            returnedAt = now
        case .unreachable, .onTrial: state = .awaitingTrial
        case .trusted, .awaitingTrial: break
        }
    }

    /// A request goes there: when it is a trial, no other one does before it is decided.
    mutating func beginTrial(now: UInt64) {
        if state == .awaitingTrial { state = .onTrial(until: Self.later(now, Self.longestPause)) }
    }

    private mutating func regainTrust() {
        switch state {
        case .unreachable, .awaitingTrial, .onTrial: state = .trusted
        case .trusted, .outlier: break
        }
        pauses = 0
    }

    private mutating func pause(now: UInt64) {
        switch state {
        case .outlier, .unreachable: return
        case .trusted, .awaitingTrial, .onTrial: break
        }
        let pause = min(Self.shortestPause << UInt64(min(pauses, 8)), Self.longestPause)
        pauses = Self.next(pauses)
        state = .unreachable(until: Self.later(now, pause))
    }

    private static func next(_ count: UInt32) -> UInt32 {
        count == .max ? .max : count + 1
    }

    private static func later(_ now: UInt64, _ pause: UInt64) -> UInt64 {
        let sum = now.addingReportingOverflow(pause)
        return sum.overflow ? .max : sum.partialValue
    }
}
