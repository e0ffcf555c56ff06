import EventLoop
import HTTP2
import Kernel
import Mesh

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

    /// When the client has to show a sign of life, or is asked for one.
    private var endOfSilence: Instant {
        // While nothing is read, nothing can be heard.
        guard let keepAlive = listener.keepAlive, isReading else { return Deadline.never }
        if let pingedAt { return pingedAt + keepAlive.timeout }
        return lastHeard + keepAlive.interval
    }

    func nextDeadline() -> Instant {
        switch state {
        case .open: break
        case .flushing: return lastProgress.after(listener.limits.streamIdle)
        case .lingering(let end): return end
        case .closed: return Deadline.never
        }
        if hasWaitingInput { return worker.loop.now }
        var next = min(endOfHead, endOfPatience, endOfShutdown, endOfSilence)
        if shutdownAt == nil { next = min(next, endOfLife, endOfIdling) }
        for case let stream? in streams { next = min(next, stream.deadline.instant) }
        return next
    }

    /// Does what is due.
    func checkDeadlines() {
        let now = worker.loop.now
        if endOfHead <= now || endOfPatience <= now { return end() }
        if endOfSilence <= now {
            if pingedAt != nil { return lose() }
            ping()
        }
        if endOfShutdown <= now { finishShutdown() }
        if shutdownAt == nil, min(endOfLife, endOfIdling) <= now { beginDraining() }
        for case let stream? in streams {
            let deadline = stream.deadline
            if deadline.instant <= now { stream.timeOut(deadline.verdict) }
        }
    }
}
