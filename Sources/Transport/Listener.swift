public import EventLoop
public import Kernel

/// Who takes the connections of a ``Listener``.
public protocol ListenerDelegate: AnyObject {
    /// A connection was accepted; whoever does not keep the socket closes it.
    func listener(
        _ listener: Listener, didAccept socket: consuming Socket, from peer: SocketAddress)
}

/// A listening socket on a loop.
///
/// When descriptors run out, it rests for a moment and not for ever: level-triggered readiness
/// would otherwise spin while nothing can be accepted. Connections wait in the kernel meanwhile.
public final class Listener: EventHandler, TimerHandler {
    /// Most connections taken in one turn, so that those that exist get their share.
    static let acceptsPerTurn = 64
    /// How long accepting rests when descriptors or memory have run out.
    static let restAfterExhaustion = Duration.milliseconds(100)

    public let address: SocketAddress
    /// How often accepting had to rest because descriptors or memory ran out.
    public private(set) var exhaustionCount: UInt64 = 0
    private let socket: Socket
    private let loop: EventLoop
    private weak var delegate: (any ListenerDelegate)?
    private var token: Token?
    private var restTimer: TimerToken?
    private var isAccepting = true

    /// Opens a socket of its own and starts to accept.
    ///
    /// - Parameters:
    ///   - address: Where to listen; port 0 lets the kernel choose, see ``address``.
    ///   - loop: The loop that accepts; the listener is used on its thread only.
    ///   - delegate: Who takes the connections; not kept.
    /// - Throws: What the system calls report, such as `EADDRINUSE`.
    public convenience init(
        address: SocketAddress, loop: EventLoop, delegate: any ListenerDelegate
    ) throws(Errno) {
        let socket = try Socket.listening(on: address, sharesPort: false)
        try self.init(adopting: socket, loop: loop, delegate: delegate)
    }

    /// Starts to accept on a socket that listens already.
    ///
    /// - Parameters:
    ///   - socket: A listening socket.
    ///   - loop: The loop that accepts; the listener is used on its thread only.
    ///   - delegate: Who takes the connections; not kept.
    /// - Throws: What epoll_ctl(2) reports.
    public init(
        adopting socket: consuming Socket, loop: EventLoop, delegate: any ListenerDelegate
    ) throws(Errno) {
        address = socket.localAddress ?? .loopback(port: 0)
        self.socket = socket
        self.loop = loop
        self.delegate = delegate
        token = try loop.register(self.socket.descriptor, for: .readable, handler: self)
    }

    /// Stops accepting; the socket is closed when the listener goes away.
    public func close() {
        guard let token else { return }
        loop.unwatch(socket.descriptor)
        loop.deregister(token)
        self.token = nil
        if let restTimer { loop.cancel(restTimer) }
        restTimer = nil
    }

    /// Accepts what waits; called by the loop.
    public func handle(_ readiness: Readiness) {
        for _ in 0..<Self.acceptsPerTurn {
            do throws(Errno) {
                guard let accepted = try socket.accept() else { return }
                let peer = accepted.peer
                delegate?.listener(self, didAccept: accepted.socket, from: peer)
                if token == nil || !isAccepting { return }
            } catch {
                if error.isExhaustion { rest() }
                return
            }
        }
    }

    /// Accepts again after a rest; called by the loop.
    public func timerFired(_ timer: TimerToken) {
        restTimer = nil
        updateInterest()
    }

    private func rest() {
        exhaustionCount += 1
        if restTimer != nil { return }
        restTimer = loop.schedule(after: Self.restAfterExhaustion, for: self)
        updateInterest()
    }

    /// Lets connections wait in the kernel, or takes them again, after a rest that is under way.
    public func setAccepting(_ isAccepting: Bool) {
        self.isAccepting = isAccepting
        updateInterest()
    }

    private func updateInterest() {
        guard let token else { return }
        let isWatching = isAccepting && restTimer == nil
        try? loop.modify(token, socket.descriptor, for: isWatching ? .readable : [])
    }
}
