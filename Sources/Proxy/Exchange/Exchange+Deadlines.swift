import Kernel

/// What happens when a deadline passes.
enum Verdict {
    case close
    /// The request does not arrive: 408 (RFC 9110 §15.5.9).
    case requestTimeout
    /// The route's time is up: 504.
    case upstreamTimeout
    /// Nothing moves any more.
    case streamIdle
    /// The upstream may be lost.
    case upstreamCheck
}

struct Deadline {
    static let never = Instant(nanoseconds: .max)

    var instant: Instant
    var verdict: Verdict
}

extension Exchange {
    /// What has to happen next.
    ///
    /// - Parameters:
    ///   - limits: Of the listener.
    ///   - lastActivity: When something moved between the client and the proxy.
    ///   - bodyWindow: What of the request's body has arrived lately.
    /// - Returns: What it is, and when.
    func deadline(
        within limits: ListenerTimeouts, lastActivity: Instant, bodyWindow: BodyRateWindow
    ) -> Deadline {
        var next = Deadline(instant: Deadline.never, verdict: .streamIdle)
        func consider(_ instant: Instant, _ verdict: Verdict) {
            if instant < next.instant { next = Deadline(instant: instant, verdict: verdict) }
        }
        switch requestState {
        case .head: consider(startedAt.after(limits.requestHead), .requestTimeout)
        case .body:
            consider(startedAt.after(limits.request), .requestTimeout)
            if !hasResponseBegun, !isUpstreamSlow {
                consider(bodyWindow.deadline, .requestTimeout)
            }
        case .complete:
            if let requestCompletedAt {
                consider(requestCompletedAt.after(routeTimeout), .upstreamTimeout)
            }
        case .tunnel: break
        }
        consider(upstreamCheckAt, .upstreamCheck)
        let idleLimit = idleTimeout(inherited: limits.streamIdle)
        consider(lastActivity.after(idleLimit), .streamIdle)
        return next
    }
}
