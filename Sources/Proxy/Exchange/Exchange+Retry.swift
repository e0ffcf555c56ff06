import Balancing
import Bytes
import EventLoop
import HTTP
import Kernel
import Mesh
import Routing
import Telemetry

/// When a request is sent again, and when it must not be.
///
/// Without a policy only what is safe is repeated: a connection that could not be made, and once a
/// request whose repetition changes nothing (RFC 9110 §9.2.2) when its connection died before any
/// byte of a response. The version first picked is kept; another endpoint is preferred.
extension Exchange: TimerHandler {
    /// Most attempts at peers that do not act on them.
    static let unprocessedAttemptCount: UInt32 = 10
    /// After so many of them there are pauses, since the peer is most likely overloaded.
    static let hastyAttemptCount: UInt32 = 3
    /// The longest of the first pause, and the longest of all, in nanoseconds.
    static let unprocessedPause = (first: UInt64(25_000_000), longest: UInt64(250_000_000))

    /// - Returns: Whether the request is on its way again.
    func retryAfterReset(reused isReused: Bool) -> Bool {
        guard isReplayable else { return false }
        resets += 1
        let conditions = forwarding?.rules.retry?.conditions ?? []
        if conditions.contains(.reset) || conditions.contains(.serverError)
            || conditions.contains(.gatewayError)
        {
            return retryByPolicy()
        }
        guard request.method.isIdempotent, resets == 1 else { return false }
        worker.metrics.retries.add()
        dispatchAgain(fresh: isReused)
        return true
    }

    /// A request that was not acted upon is sent again whatever it asks for (RFC 9113 §8.7).
    ///
    /// - Returns: Whether the request is on its way again.
    func retryUnprocessed() -> Bool {
        guard isReplayable, attempts < Self.unprocessedAttemptCount else { return false }
        if attempts < Self.hastyAttemptCount {
            worker.metrics.retries.add()
            dispatchAgain(fresh: false)
        } else {
            let doublings = attempts - Self.hastyAttemptCount
            backOff(
                from: Self.unprocessedPause.first, to: Self.unprocessedPause.longest, doublings)
        }
        return true
    }

    /// - Returns: Whether the response head is thrown away, since the request is sent again.
    func retryAfterResponse() -> Bool {
        guard let policy = forwarding?.rules.retry, isReplayable,
            retries(response.status, by: policy) || retriesCall(by: policy),
            mayRetry(by: policy)
        else { return false }
        detach(reusable: false, outcome: .answered(status: endpointStatus))
        backOff(by: policy)
        return true
    }

    /// Time is up for one attempt, or a pause between two attempts is over.
    func timerFired(_ timer: TimerToken) {
        if timer == perTryTimer {
            perTryTimer = nil
            attemptTimedOut()
        } else if timer == durationTimer {
            durationTimer = nil
            durationEnded()
        } else if case .backingOff(timer) = upstreamState {
            upstreamState = .none
            dispatchAgain(fresh: false)
        }
    }

    private func attemptTimedOut() {
        if hasResponseBegun { return }
        detach(reusable: false, outcome: .timedOut)
        let conditions = forwarding?.rules.retry?.conditions ?? []
        let isRetried = conditions.contains(.serverError) || conditions.contains(.gatewayError)
        if isRetried, isReplayable, retryByPolicy() { return }
        answer(504, .upstreamTimeout)
    }

    /// - Returns: Whether the request will be sent again after a pause.
    private func retryByPolicy() -> Bool {
        guard let policy = forwarding?.rules.retry, mayRetry(by: policy) else { return false }
        backOff(by: policy)
        return true
    }

    /// Whether policy and breaker leave room for one more attempt, which is taken then.
    private func mayRetry(by policy: CompiledRetry) -> Bool {
        guard attempts <= policy.retryCount else {
            flags.insert(.retryLimitExceeded)
            return false
        }
        if holdsRetrySlot { return true }
        guard let cluster, cluster.admitRetry() else {
            flags.insert(.upstreamOverflow)
            return false
        }
        holdsRetrySlot = true
        return true
    }

    /// Waits at random within a reach that doubles with every attempt, so that many exchanges do
    /// not come back at the same moment.
    private func backOff(by policy: CompiledRetry) {
        backOff(from: policy.baseInterval, to: policy.maximumInterval, min(attempts, 17) - 1)
    }

    private func backOff(from first: UInt64, to longest: UInt64, _ doublings: UInt32) {
        worker.metrics.retries.add()
        let isBeyond = first > longest >> UInt64(doublings)
        let reach = isBeyond ? longest : first << UInt64(doublings)
        let pause = worker.random.next(upperBound: max(reach, 1))
        upstreamState = .backingOff(
            worker.loop.schedule(at: worker.loop.now.after(pause), for: self))
    }

    private func retries(_ status: UInt16, by policy: CompiledRetry) -> Bool {
        let conditions = policy.conditions
        var isListed = false
        if conditions.contains(.retriableStatusCodes), let table, let route = forwarding?.route {
            isListed = table.isRetriable(status, for: route)
        }
        switch status {
        case 502, 503, 504:
            return isListed || !conditions.isDisjoint(with: [.gatewayError, .serverError])
        case 500...599: return isListed || conditions.contains(.serverError)
        case 409: return isListed || conditions.contains(.retriableClientError)
        default: return isListed
        }
    }
}
