public import EventLoop
public import Kernel

/// Who answers the requests of an ``HTTPServer``.
public protocol HTTPHandler: AnyObject {
    /// A whole request has arrived; `reply` is used now or kept for later.
    func server(_ server: HTTPServer, didReceive request: HTTPRequest, reply: HTTPReply)

    /// What to say to a client whose bytes are no request, or one that is too large or too slow.
    ///
    /// - Parameters:
    ///   - server: Who asks.
    ///   - status: What it is answered with: 400, 408, 413, 414, 417, 431, 501 or 505.
    /// - Returns: `nil`, as without an implementation, says no more than the status.
    func server(_ server: HTTPServer, explanationOf status: UInt16) -> HTTPExplanation?
}

extension HTTPHandler {
    public func server(
        _ server: HTTPServer, explanationOf status: UInt16
    ) -> HTTPExplanation? { nil }
}

/// A body that explains a status.
public struct HTTPExplanation: Sendable {
    public let contentType: String
    public let body: [UInt8]

    public init(contentType: String, body: [UInt8]) {
        self.contentType = contentType
        self.body = body
    }
}

/// A small HTTP/1.1 server for administration and APIs, not for the data path.
///
/// Requests come whole, and are answered whole or with a stream.
/// It is used on the loop's thread only. Requests of one connection are answered in their order,
/// the next one is read when the reply before it has ended.
public final class HTTPServer {
    private enum State {
        case serving
        case draining
        case closed
    }

    public let limits: HTTPServerLimits
    /// How many connections were closed at once because there were too many.
    public private(set) var refusedConnectionCount: UInt64 = 0
    /// Told once when ``beginShutdown()`` was called and the last connection is gone.
    public var onDrained: (() -> Void)?

    let loop: EventLoop
    private var listener: Listener?
    private var listeningAddress: SocketAddress
    private weak var handler: (any HTTPHandler)?
    private var connections: [ObjectIdentifier: HTTPServerConnection] = [:]
    private var state = State.serving

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - loop: Whose thread the server lives on.
    ///   - address: Where to listen; port 0 lets the kernel choose, see ``address``.
    ///   - limits: What clients may cost.
    ///   - handler: Who answers; not kept, and without it every request is answered 503.
    /// - Throws: What the system calls report, such as `EADDRINUSE`.
    public init(
        loop: EventLoop, address: SocketAddress, limits: HTTPServerLimits = HTTPServerLimits(),
        handler: any HTTPHandler
    ) throws(Errno) {
        self.loop = loop
        self.limits = limits
        self.handler = handler
        listeningAddress = address
        let listener = try Listener(address: address, loop: loop, delegate: self)
        listeningAddress = listener.address
        self.listener = listener
    }

    deinit {
        close()
    }

    /// Where it listens, with the port that the kernel chose.
    public var address: SocketAddress { listeningAddress }

    public var connectionCount: Int { connections.count }

    /// Whether replies may leave the connection open for another request.
    var keepsConnections: Bool {
        if case .serving = state { true } else { false }
    }

    /// Stops to listen, closes idle connections, and the others after the reply that is due;
    /// streams end now.
    public func beginShutdown() {
        guard case .serving = state else { return }
        state = .draining
        stopListening()
        for connection in Array(connections.values) { connection.beginShutdown() }
        tellDrained()
    }

    /// Ends everything now; open replies are told so before this returns.
    public func close() {
        if case .closed = state { return }
        state = .closed
        stopListening()
        for connection in Array(connections.values) { connection.closeForGood() }
        onDrained = nil
    }

    private func stopListening() {
        listener?.close()
        listener = nil
    }

    func connectionClosed(_ connection: HTTPServerConnection) {
        connections[ObjectIdentifier(connection)] = nil
        tellDrained()
    }

    func handle(_ request: HTTPRequest, _ reply: HTTPReply) {
        guard let handler else {
            reply.send(status: 503)
            return
        }
        handler.server(self, didReceive: request, reply: reply)
    }

    func explanation(of status: UInt16) -> HTTPExplanation? {
        handler?.server(self, explanationOf: status)
    }

    private func tellDrained() {
        guard case .draining = state, connections.isEmpty else { return }
        state = .closed
        let onDrained = onDrained
        self.onDrained = nil
        onDrained?()
    }
}

extension HTTPServer: ListenerDelegate {
    public func listener(
        _ listener: Listener, didAccept socket: consuming Socket, from peer: SocketAddress
    ) {
        if connections.count >= limits.connectionCount {
            refusedConnectionCount += 1
            return
        }
        let connection = HTTPServerConnection(socket, from: peer, server: self)
        // Without kernel memory to watch it the connection is closed as it goes away.
        guard connection.start() else { return }
        connections[ObjectIdentifier(connection)] = connection
    }
}
