import EventLoop
import Kernel

/// One of the two connections of a tunnel.
protocol TunnelEnd: AnyObject {
    /// Whether bytes can go by a pipe; else they are copied.
    var splices: Bool { get }
    /// Whether there is no room, although all that was sent so far was taken.
    var isFull: Bool { get }

    /// Starts to tell the tunnel what the connection is ready for.
    ///
    /// - Throws: What epoll_ctl(2) reports.
    func watch() throws(Errno)
    /// Is told once more what the connection is ready for, in the next turn.
    func watchAgain()
    /// Says whether what arrives has a use now.
    func setReading(_ isReading: Bool)
    /// Makes a connection ready that was established a moment ago, as its cluster says.
    func secure(
        by cluster: UpstreamCluster, to address: SocketAddress, _ readiness: Readiness
    ) -> UpstreamCluster.SecurityProgress

    func fill(_ pipe: SplicePipe) throws(Errno) -> Transfer
    func drain(_ pipe: SplicePipe) throws(Errno) -> Transfer
    func receive(into room: inout MutableSpan<UInt8>) throws(Errno) -> Transfer
    func send(_ bytes: Span<UInt8>) throws(Errno) -> Transfer
    func shutdownWriting()

    /// What became of a connection attempt, or of the connection.
    func takeError() -> Errno?
    /// Closes the connection.
    ///
    /// - Parameter isReset: Whether the peer must not take this for an end.
    func close(resetting isReset: Bool)
}

/// A connection whose bytes go as they are, by way of the kernel alone.
///
/// It is watched for edges: a side that is ready while the other one is not says so once, and the
/// tunnel remembers it, so that a slow peer costs no system calls.
final class SplicedEnd: TunnelEnd, EventHandler {
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

    var splices: Bool { true }
    var isFull: Bool { false }

    func watch() throws(Errno) {
        token = try socket?.watch(on: loop, for: Self.interest, handler: self)
    }

    func watchAgain() {
        guard let token else { return }
        // A registered, open descriptor cannot fail here.
        try? socket?.watch(on: loop, as: token, for: Self.interest)
    }

    func setReading(_ isReading: Bool) {}

    func secure(
        by cluster: UpstreamCluster, to address: SocketAddress, _ readiness: Readiness
    ) -> UpstreamCluster.SecurityProgress { .ready }

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

    func takeError() -> Errno? {
        socket?.takeError()
    }

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
