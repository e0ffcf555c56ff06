import EventLoop
import Kernel

/// One of the two sockets of a tunnel.
///
/// It is watched for edges: a side that is ready while the other one is not says so once, and the
/// tunnel remembers it, so that a slow peer costs no system calls.
final class TunnelEnd: EventHandler {
    private static let interest: Readiness = [.readable, .writable, .edgeTriggered]

    private unowned let tunnel: Tunnel
    private let loop: EventLoop
    /// `nil` once closed.
    private var socket: Socket?
    private var token: Token?

    init(_ socket: consuming Socket, of tunnel: Tunnel, on loop: EventLoop) {
        self.socket = .some(socket)
        self.tunnel = tunnel
        self.loop = loop
    }

    /// Starts to tell the tunnel what the socket is ready for, at once and with every change.
    ///
    /// - Throws: What epoll_ctl(2) reports.
    func watch() throws(Errno) {
        token = try socket?.watch(on: loop, for: Self.interest, handler: self)
    }

    /// Is told once more what the socket is ready for, in the next turn.
    func watchAgain() {
        guard let token else { return }
        // A registered, open descriptor cannot fail here.
        try? socket?.watch(on: loop, as: token, for: Self.interest)
    }

    func handle(_ readiness: Readiness) {
        tunnel.handle(readiness, at: self)
    }

    func fill(_ pipe: SplicePipe) throws(Errno) -> Transfer {
        try socket?.fill(pipe) ?? .ended
    }

    func drain(_ pipe: SplicePipe) throws(Errno) -> Transfer {
        try socket?.drain(pipe) ?? .ended
    }

    func receive(into room: inout MutableSpan<UInt8>) throws(Errno) -> Transfer {
        try socket?.receive(into: &room) ?? .ended
    }

    func send(_ bytes: Span<UInt8>) throws(Errno) -> Transfer {
        try socket?.send(bytes) ?? .ended
    }

    func shutdownWriting() {
        socket?.shutdownWriting()
    }

    /// What became of a connection attempt, or of the connection.
    func takeError() -> Errno? {
        socket?.takeError()
    }

    /// Closes the socket.
    ///
    /// - Parameter isReset: Whether the peer must not take this for an end.
    func close(resetting isReset: Bool) {
        if let token { loop.deregister(token) }
        token = nil
        if isReset { socket?.resetOnClose() }
        socket = nil
    }
}

extension Socket {
    fileprivate func fill(_ pipe: SplicePipe) throws(Errno) -> Transfer {
        try pipe.fill(from: self)
    }

    fileprivate func drain(_ pipe: SplicePipe) throws(Errno) -> Transfer {
        try pipe.drain(to: self)
    }

    fileprivate func watch(
        on loop: EventLoop, for interest: Readiness, handler: any EventHandler
    ) throws(Errno) -> Token {
        try loop.register(descriptor, for: interest, handler: handler)
    }

    fileprivate func watch(
        on loop: EventLoop, as token: Token, for interest: Readiness
    ) throws(Errno) {
        try loop.modify(token, descriptor, for: interest)
    }
}
