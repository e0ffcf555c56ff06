public import EventLoop
public import HTTP
public import Kernel

/// Who follows a ``GRPCClientCall``; called on the loop's thread, never from within a method of
/// the call.
public protocol GRPCClientCallDelegate: AnyObject {
    /// The connection stands and the request is on its way; messages were accepted before that too.
    func callDidOpen(_ call: GRPCClientCall)
    /// One whole message without its prefix.
    func call(_ call: GRPCClientCall, didReceive message: [UInt8])
    /// The last that is heard of the call, exactly once, whatever the reason.
    func call(_ call: GRPCClientCall, didClose status: GRPCStatus)
}

/// One bidirectional gRPC call on an HTTP/2 connection of its own, in the clear with prior
/// knowledge; it does not reconnect.
///
/// The loop keeps the call alive until it is closed. It is used on the loop's thread only.
public final class GRPCClientCall {
    /// Whether the server ended the connection because of our PINGs (`too_many_pings`); the next
    /// call should double ``GRPCLimits/keepAliveInterval``, as gRPC's own clients do.
    public private(set) var wasAskedForFewerPings = false

    /// Starts to connect.
    ///
    /// - Parameters:
    ///   - loop: Whose thread the call lives on.
    ///   - address: Where the server listens.
    ///   - authority: What the server is asked for as, such as `control:7401`.
    ///   - path: `/package.Service/Method`.
    ///   - limits: What the call may cost.
    ///   - delegate: Who follows the call; not kept.
    public init(
        loop: EventLoop, address: SocketAddress, authority: String, path: String,
        limits: GRPCLimits = GRPCLimits(), delegate: any GRPCClientCallDelegate
    ) {}

    /// Queues a message.
    ///
    /// - Returns: `false` when the call is closed or closing; a message that does not fit
    ///   ``GRPCLimits/queuedByteCount`` closes it with `resourceExhausted`.
    @discardableResult
    public func send(message: [UInt8]) -> Bool { false }

    /// Tells the server that no more messages come, behind what is queued.
    public func finish() {}

    /// Gives the call up: the delegate is told `cancelled` at the end of this turn.
    public func cancel() {}
}
