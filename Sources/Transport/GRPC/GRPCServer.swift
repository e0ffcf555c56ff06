public import EventLoop
public import HTTP
public import Kernel

/// Who decides which calls a ``GRPCServer`` takes.
public protocol GRPCServerDelegate: AnyObject {
    /// A client calls `call.path`.
    ///
    /// - Returns: Who handles the call, kept until it is closed; `nil` answers `unimplemented`.
    func server(_ server: GRPCServer, accept call: GRPCServerCall) -> (any GRPCServerCallHandler)?
}

/// Who handles one call; called on the loop's thread, never from within a method of the call.
public protocol GRPCServerCallHandler: AnyObject {
    /// One whole message without its prefix.
    func call(_ call: GRPCServerCall, didReceive message: [UInt8])
    /// The client sends no more messages; answer with ``GRPCServerCall/finish(_:)`` when done.
    func callDidEnd(_ call: GRPCServerCall)
    /// The last that is heard of the call, exactly once: `ok` after an orderly end, otherwise why.
    func call(_ call: GRPCServerCall, didClose status: GRPCStatus)
}

/// A gRPC server over HTTP/2 in the clear, several calls to a connection.
///
/// It is used on the loop's thread only.
public final class GRPCServer {
    /// Where it listens, with the port that the kernel chose.
    public let address: SocketAddress

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - loop: Whose thread the server lives on.
    ///   - address: Where to listen; port 0 lets the kernel choose.
    ///   - limits: What calls and connections may cost.
    ///   - delegate: Who takes the calls; not kept.
    /// - Throws: What the system calls report, such as `EADDRINUSE`.
    public init(
        loop: EventLoop, address: SocketAddress, limits: GRPCLimits = GRPCLimits(),
        delegate: any GRPCServerDelegate
    ) throws(Errno) {
        self.address = address
    }

    /// Stops to listen and tells clients to go elsewhere (GOAWAY); calls go on until they end.
    public func beginShutdown() {}

    /// Ends every call and every connection now.
    public func close() {}
}

/// One call of a client.
public final class GRPCServerCall {
    /// `/package.Service/Method`.
    public let path: String
    public let authority: String
    /// Where the client connects from.
    public let peer: SocketAddress

    init(path: String, authority: String, peer: SocketAddress) {
        self.path = path
        self.authority = authority
        self.peer = peer
    }

    /// Queues a message.
    ///
    /// - Returns: `false` when the call is closed; a message that does not fit
    ///   ``GRPCLimits/queuedByteCount`` closes it with `resourceExhausted`.
    @discardableResult
    public func send(message: [UInt8]) -> Bool { false }

    /// Bytes of messages that wait for the client to read.
    public var queuedByteCount: Int { 0 }

    /// Ends the call with a status, behind what is queued.
    public func finish(_ status: GRPCStatus) {}
}
