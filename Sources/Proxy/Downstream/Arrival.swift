import Bytes
import EventLoop
import Kernel
import Mesh
import TLS
import Telemetry
import Transport

/// A connection between being accepted and being ready: finds its filter chain where there are
/// several, and shakes hands where the chain asks for it.
final class Arrival: EventHandler, TimerHandler {
    private enum State {
        /// The beginning is looked at and left in the kernel.
        case inspecting(byteCount: Int)
        case shakingHands
        case over
    }

    private let listener: ListenerRuntime
    private let peer: SocketAddress
    private let worker: Worker
    /// `nil` once it was handed on.
    private var stream: StreamSocket?
    private var state: State
    private var timer: TimerToken?

    init(
        _ socket: consuming Socket, from peer: SocketAddress, on listener: ListenerRuntime,
        of worker: Worker
    ) {
        self.listener = listener
        self.peer = peer
        self.worker = worker
        stream = .some(StreamSocket(socket, on: worker.loop))
        state = .inspecting(byteCount: 0)
    }

    /// Begins; ends with ``Worker/arrived(_:)`` or ``Worker/closed(_:)-(Arrival)``, maybe at once.
    func start() {
        do throws(Errno) {
            try stream?.register(self, for: .readable)
        } catch {
            end()
            return
        }
        if let only = listener.security.onlyChain {
            begin(only)
        } else if let limit = listener.security.inspection.timeout {
            timer = worker.loop.schedule(after: limit, for: self)
        }
    }

    func handle(_ readiness: Readiness) {
        switch state {
        case .inspecting(let byteCount): inspect(after: byteCount)
        case .shakingHands:
            if readiness.contains(.writable) { flush() }
            if case .shakingHands = state { shakeHands() }
        case .over: return
        }
    }

    func timerFired(_ timer: TimerToken) {
        self.timer = nil
        guard case .inspecting(let byteCount) = state, listener.security.inspection.continues else {
            fail(.timedOut)
            return
        }
        do throws(Errno) {
            // What has come stays in the kernel for whoever takes the connection.
            try decide(.notTLS, byteCount: byteCount)
        } catch {
            end()
        }
    }

    /// Waits for the end of what a client begins with, without being woken for what is known.
    private func inspect(after byteCount: Int) {
        var scratch = worker.takeScratch()
        var room = scratch.room(minimum: ClientHello.byteLimit)
        do throws(Errno) {
            let arrived = try stream?.peek(into: &room) ?? .ended
            switch arrived {
            case .wouldBlock: break
            case .bytes(let count) where count > byteCount:
                scratch.commit(count)
                try decide(ClientHello.read(scratch.bytes), byteCount: count)
            // Woken for nothing new: that is the end.
            case .bytes, .ended: end()
            }
        } catch {
            end()
        }
        worker.returnScratch(scratch)
    }

    private func decide(_ reading: ClientHello.Reading, byteCount: Int) throws(Errno) {
        let hello: ClientHello?
        switch reading {
        case .needsMore:
            state = .inspecting(byteCount: byteCount)
            try stream?.setLeastReadable(byteCount: byteCount + 1)
            return
        case .notTLS: hello = nil
        case .hello(let read): hello = read
        }
        try stream?.setLeastReadable(byteCount: 1)
        let position = listener.security.chains.position(
            serverName: hello?.serverName, isTLS: hello != nil,
            applicationProtocols: hello?.applicationProtocols ?? [])
        if let position {
            begin(position)
        } else {
            listener.metrics.security.unmatched.add()
            end()
        }
    }

    private func begin(_ chain: Int) {
        guard listener.security.isSecured(at: chain) else {
            finish()
            return
        }
        guard let context = listener.security.context(at: chain) else {
            listener.metrics.security.unprovided.add()
            end()
            return
        }
        do throws(TLSError) {
            try stream?.secure(context, with: worker.secureBuffers)
        } catch {
            fail(error)
            return
        }
        state = .shakingHands
        cancelTimer()
        timer = worker.loop.schedule(after: listener.security.timeout, for: self)
        shakeHands()
    }

    private func shakeHands() {
        do throws(TLSError) {
            guard try stream?.shakeHands() ?? false else { return }
        } catch {
            fail(error)
            return
        }
        listener.metrics.security.countHandshake(isResumed: stream?.security?.isResumed ?? false)
        finish()
    }

    private func flush() {
        do throws(Errno) {
            _ = try stream?.flush()
        } catch {
            end()
        }
    }

    private func fail(_ error: TLSError) {
        // Who connects and says nothing has only looked whether somebody is there.
        if error == .truncated, stream?.security?.hasHeard == false {
            end()
            return
        }
        listener.metrics.security.count(error.reason)
        worker.tell(
            error, .listener(listener.name), peer: peer, stream?.security?.refusedPeer)
        end()
    }

    private func finish() {
        state = .over
        cancelTimer()
        worker.arrived(self)
    }

    /// Gives the connection to whoever speaks over it.
    func takeStream() -> StreamSocket? {
        stream.take()
    }

    /// Where to go on.
    var place: (listener: ListenerRuntime, peer: SocketAddress) { (listener, peer) }

    private func end() {
        if case .over = state { return }
        state = .over
        cancelTimer()
        // A connection that is closed with something unread is reset, and the peer would not learn
        // why.
        stream?.shutdownWriting()
        stream?.close()
        worker.closed(self)
    }

    private func cancelTimer() {
        if let timer { worker.loop.cancel(timer) }
        timer = nil
    }
}

/// How the connections of a listener are secured.
struct ListenerSecurity {
    let chains: [FilterChain]
    private let contexts: [TLS.Context?]
    /// For handshakes.
    let timeout: Duration
    /// For what comes before them.
    let inspection: Inspection
    /// Whether there is a chain for connections in the clear.
    let takesPlain: Bool

    init(_ configuration: ListenerConfiguration) {
        chains = configuration.listener.chains
        takesPlain = chains.contains { $0.security == nil }
        contexts = configuration.contexts
        inspection = configuration.listener.inspection
        timeout = chains.map(\.handshakeTimeout).min() ?? FilterChain.defaultHandshakeTimeout
    }

    /// Whether every connection is taken as it comes.
    var isPlain: Bool { chains == .plain }

    /// The chain that takes every connection; `nil` when one has to look.
    var onlyChain: Int? {
        chains.count == 1 && chains[0].match == FilterChain.Match() ? 0 : nil
    }

    func isSecured(at chain: Int) -> Bool { chains[chain].security != nil }

    /// `nil` also where a secret has not come.
    func context(at chain: Int) -> TLS.Context? {
        chain < contexts.count ? contexts[chain] : nil
    }
}
