import Balancing
import EventLoop
import HTTP
import Kernel
import Telemetry

/// Time.
extension HTTP1ServerConnection {
    var hasLivedLongEnough: Bool {
        openedAt.after(listener.limits.connection) <= worker.loop.now
    }

    func nextDeadline() -> Deadline {
        switch state {
        case .idle: return Deadline(instant: endOfIdling, verdict: .close)
        case .exchanging(let exchange): return deadline(of: exchange)
        case .flushing:
            return Deadline(
                instant: lastActivity.after(listener.limits.streamIdle),
                verdict: .close)
        case .lingering(let end):
            return Deadline(instant: min(lastActivity + Self.lingerPause, end), verdict: .close)
        case .closed: return Deadline(instant: Deadline.never, verdict: .close)
        }
    }

    private var endOfIdling: Instant {
        if case .undecided(let since) = detection {
            return since.after(listener.limits.requestHead)
        }
        // A response that nobody reads is not idleness.
        if queuedByteCount > 0 { return lastActivity.after(listener.limits.streamIdle) }
        let end = lastActivity.after(listener.limits.idle)
        return worker.isDraining ? min(end, lastActivity + Worker.drainPause) : end
    }

    func deadline(of exchange: Exchange) -> Deadline {
        exchange.deadline(
            within: listener.limits, lastActivity: lastActivity, bodyWindow: bodyWindow)
    }

    /// Makes sure that the timer fires at `deadline` at the latest; one that is set for earlier
    /// stays, so that a busy connection hardly ever touches its timer.
    func arm(by deadline: Instant) {
        if deadline == Deadline.never { return }
        if let timer {
            if timerDeadline <= deadline { return }
            worker.loop.cancel(timer)
        }
        timerDeadline = deadline
        timer = worker.loop.schedule(at: deadline, for: self)
    }

    func timeOut(_ verdict: Verdict) {
        guard case .exchanging(let exchange) = state else {
            close()
            return
        }
        switch verdict {
        case .close: close()
        case .upstreamCheck:
            exchange.checkUpstream()
            arm(by: nextDeadline().instant)
        case .requestTimeout where isArrivingFastEnough(exchange):
            bodyWindow = BodyRateWindow(start: worker.loop.now)
            arm(by: nextDeadline().instant)
        case .requestTimeout:
            closesAfterResponse = true
            answer(exchange, 408, [])
        case .upstreamTimeout:
            if !exchange.hasResponseBegun { exchange.cancelUpstream(.timedOut) }
            answer(exchange, 504, .upstreamTimeout)
        case .streamIdle:
            closesAfterResponse = true
            let hasBegun = exchange.hasResponseBegun
            answer(exchange, exchange.requestIsComplete ? 504 : 408, .streamIdleTimeout)
            // Who has read nothing for so long will not read what is queued.
            if hasBegun { close() }
        }
    }

    private func isArrivingFastEnough(_ exchange: Exchange) -> Bool {
        guard case .body = exchange.requestState else { return false }
        return bodyWindow.isFastEnough && bodyWindow.deadline <= worker.loop.now
    }

    /// Answers in place of the upstream, or ends a response that has begun.
    private func answer(_ exchange: Exchange, _ status: UInt16, _ reason: ResponseFlags) {
        if exchange.hasResponseBegun {
            abort()
        } else {
            exchange.answer(status, reason)
        }
    }
}
