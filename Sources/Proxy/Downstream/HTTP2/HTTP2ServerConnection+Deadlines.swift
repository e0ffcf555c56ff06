import EventLoop
import HTTP2
import Kernel

/// Time.
extension HTTP2ServerConnection {
    var hasLivedLongEnough: Bool { endOfLife <= worker.loop.now }

    private var endOfLife: Instant { openedAt.after(listener.limits.connection) }

    /// When the client has to have sent what has to come first, or what it has begun.
    private var endOfHead: Instant {
        let limit = listener.limits.requestHead
        if !isGreeted { return openedAt.after(limit) }
        return headStartedAt?.after(limit) ?? Deadline.never
    }

    private var endOfIdling: Instant {
        if session.openStreamCount > 0 { return Deadline.never }
        return idleSince.after(listener.limits.idle)
    }

    /// When a client that takes nothing of what is queued is given up.
    private var endOfPatience: Instant {
        isStalled ? lastProgress.after(listener.limits.streamIdle) : Deadline.never
    }

    private var endOfShutdown: Instant {
        guard let shutdownAt, !isShutDown else { return Deadline.never }
        return shutdownAt.after(Self.shutdownNanoseconds)
    }

    func nextDeadline() -> Instant {
        switch state {
        case .open: break
        case .flushing: return lastProgress.after(listener.limits.streamIdle)
        case .lingering(let end): return end
        case .closed: return Deadline.never
        }
        if hasWaitingInput { return worker.loop.now }
        var next = min(endOfHead, endOfPatience, endOfShutdown)
        if shutdownAt == nil { next = min(next, endOfLife, endOfIdling) }
        for case let stream? in streams { next = min(next, stream.deadline.instant) }
        return next
    }

    /// Does what is due.
    func checkDeadlines() {
        let now = worker.loop.now
        if endOfHead <= now || endOfPatience <= now { return end() }
        if endOfShutdown <= now { finishShutdown() }
        if shutdownAt == nil, min(endOfLife, endOfIdling) <= now { beginDraining() }
        for case let stream? in streams {
            let deadline = stream.deadline
            if deadline.instant <= now { stream.timeOut(deadline.verdict) }
        }
    }
}
