import EventLoop
import HTTP2
import Kernel
import Mesh

/// When a peer is asked for a sign of life, and how long it has to give one.
struct KeepAlive {
    let options: HTTP2Options.KeepAlive
    var timer: TimerToken?
    private(set) var lastHeard: Instant
    /// Whether a PING was sent, and nothing has come since.
    private(set) var isAwaitingAnswer = false

    init(_ options: HTTP2Options.KeepAlive, now: Instant) {
        self.options = options
        lastHeard = now
    }

    /// Anything that comes is a sign of life.
    mutating func heard(at now: Instant) {
        lastHeard = now
        isAwaitingAnswer = false
    }

    mutating func asked() {
        isAwaitingAnswer = true
    }
}

/// Finds out by PING whether the peer is still there (RFC 9113 §6.7), where the cluster wants it.
extension HTTP2UpstreamConnection {
    func startKeepAlive() {
        guard let options = pool.cluster.cluster.http2Options.keepAlive else { return }
        let now = worker.loop.now
        keepAlive = KeepAlive(options, now: now)
        keepAlive?.timer = worker.loop.schedule(after: options.interval, for: self)
    }

    func checkKeepAlive() {
        guard let keepAlive else { return }
        if keepAlive.isAwaitingAnswer {
            self.keepAlive?.timer = nil
            loss = .reset
            planFlush()
            return
        }
        let due = keepAlive.lastHeard + keepAlive.options.interval
        if due > worker.loop.now {
            self.keepAlive?.timer = worker.loop.schedule(at: due, for: self)
            return
        }
        session.ping(payload: worker.loop.now.nanoseconds)
        planFlush()
        self.keepAlive?.asked()
        self.keepAlive?.timer = worker.loop.schedule(
            after: keepAlive.options.timeout, for: self)
    }

    func stopKeepAlive() {
        if let timer = keepAlive?.timer { worker.loop.cancel(timer) }
        keepAlive = nil
    }
}
