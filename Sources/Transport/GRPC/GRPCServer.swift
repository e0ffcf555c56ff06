public import EventLoop
import HTTP2
public import Kernel
public import TLS

/// Who decides which calls a ``GRPCServer`` takes.
public protocol GRPCServerDelegate: AnyObject {
    /// A client calls `call.path`.
    ///
    /// - Returns: Who handles the call, kept until it is closed; `nil` answers `unimplemented`.
    func server(_ server: GRPCServer, accept call: GRPCServerCall) -> (any GRPCServerCallHandler)?

    /// TLS with a client failed; does nothing unless implemented.
    ///
    /// - Parameters:
    ///   - server: Whose client it is.
    ///   - peer: Where the client connects from.
    ///   - error: Why.
    ///   - names: What the certificate says that was not accepted.
    func server(
        _ server: GRPCServer, didRefuse peer: SocketAddress, for error: TLSError, names: [String])
}

extension GRPCServerDelegate {
    public func server(
        _ server: GRPCServer, didRefuse peer: SocketAddress, for error: TLSError, names: [String]
    ) {}
}

/// A gRPC server over HTTP/2 in the clear or over TLS, several calls to a connection.
///
/// It is used on the loop's thread only, and listens until ``beginShutdown()``, ``close()`` or its
/// own end.
public final class GRPCServer {
    /// Where it listens, with the port that the kernel chose.
    public let address: SocketAddress

    let limits: GRPCLimits
    private(set) weak var delegate: (any GRPCServerDelegate)?
    private let loop: EventLoop
    private var listener: Listener?
    private var security: HTTP2Connection.Security?
    private let acceptor: GRPCServerAcceptor
    private var connections: [ObjectIdentifier: GRPCServerConnection] = [:]
    private var isShuttingDown = false

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - loop: Whose thread the server lives on.
    ///   - address: Where to listen; port 0 lets the kernel choose.
    ///   - limits: What calls and connections may cost.
    ///   - security: What makes every connection one over TLS; it has to agree upon `h2`.
    ///   - delegate: Who takes the calls; not kept.
    /// - Throws: What the system calls report, such as `EADDRINUSE`.
    public init(
        loop: EventLoop, address: SocketAddress, limits: GRPCLimits = GRPCLimits(),
        security: TLS.Context? = nil, delegate: any GRPCServerDelegate
    ) throws(Errno) {
        self.loop = loop
        self.limits = limits
        self.delegate = delegate
        acceptor = GRPCServerAcceptor()
        self.security = try security.map { context throws(Errno) in try .init(context) }
        let listener = try Listener(address: address, loop: loop, delegate: acceptor)
        self.address = listener.address
        self.listener = listener
        acceptor.server = self
    }

    deinit {
        listener?.close()
    }

    /// How many connections are open.
    public var connectionCount: Int { connections.count }

    /// Replaces the context that the server was made with: clients meet the new one with their next
    /// connection, and connections that exist stay as they are.
    public func setSecurity(_ context: TLS.Context) {
        precondition(security != nil, "a server in the clear was given a certificate")
        security?.context = context
    }

    /// Stops to listen and tells clients to go elsewhere (GOAWAY); calls go on until they end.
    public func beginShutdown() {
        isShuttingDown = true
        listener?.close()
        listener = nil
        for connection in connections.values { connection.beginShutdown() }
    }

    /// Ends every call and every connection now; handlers are told before this returns.
    public func close() {
        beginShutdown()
        for connection in connections.values { connection.close() }
    }

    fileprivate func accept(_ socket: consuming Socket, from peer: SocketAddress) {
        guard connections.count < limits.connectionCount, !isShuttingDown else { return }
        let session = HTTP2.Session(role: .server, limits: SessionLimits(limits, callsPerQueue: 2))
        let http2 = HTTP2Connection(
            accepted: socket, session: session, loop: loop, patience: limits.patience,
            security: security)
        let connection = GRPCServerConnection(http2, server: self, peer: peer)
        connections[ObjectIdentifier(connection)] = connection
        http2.start(connection)
    }

    func forget(_ connection: GRPCServerConnection, _ end: HTTP2ConnectionEnd, peer: SocketAddress)
    {
        connections[ObjectIdentifier(connection)] = nil
        if case .securityFailed(let error, let names) = end {
            delegate?.server(self, didRefuse: peer, for: error, names: names)
        }
    }
}

/// Keeps the loop, which keeps the listener, from keeping the server.
private final class GRPCServerAcceptor: ListenerDelegate {
    weak var server: GRPCServer?

    func listener(
        _ listener: Listener, didAccept socket: consuming Socket, from peer: SocketAddress
    ) {
        server?.accept(socket, from: peer)
    }
}
