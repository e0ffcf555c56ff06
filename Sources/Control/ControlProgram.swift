public import EventLoop
public import Kernel

/// The control plane as a process: its loop, the signals that end it, and its log.
public final class ControlProgram {
    private let loop: EventLoop
    private let controlPlane: ControlPlane
    private let signals: SignalQueue
    private let log: (String) -> Void

    /// Reads the store and starts to listen.
    ///
    /// - Parameters:
    ///   - settings: What the operator decided.
    ///   - log: Takes a line about what happens.
    /// - Throws: ``ControlPlane/Failure``, or an `Errno` when the system gives no loop.
    public init(
        _ settings: ControlPlane.Settings, log: @escaping (String) -> Void
    ) throws {
        SignalQueue.ignoreBrokenPipes()
        _ = Machine.raiseDescriptorLimit()
        loop = try EventLoop()
        signals = try SignalQueue([SignalQueue.terminate, SignalQueue.interrupt])
        controlPlane = try ControlPlane(settings, loop: loop, log: log)
        self.log = log
    }

    /// Where the API listens, with the port that the kernel chose.
    public var apiAddress: SocketAddress { controlPlane.apiAddress }
    /// Where clients ask for their configuration, with the port that the kernel chose.
    public var xdsAddress: SocketAddress? { controlPlane.xdsAddress }
    /// The same for those who show who they are.
    public var secureAddress: SocketAddress? { controlPlane.secureAddress }
    /// The current revision.
    public var revision: UInt64 { controlPlane.revision }

    /// Serves until SIGTERM or SIGINT, and lets go of the store then.
    ///
    /// - Throws: What epoll_wait(2) reports.
    public func run() throws(Errno) {
        _ = try loop.register(signals.descriptor, for: .readable, handler: self)
        defer { controlPlane.close() }
        try loop.run()
    }
}

extension ControlProgram: EventHandler {
    public func handle(_ readiness: Readiness) {
        var isTold = false
        while let signal = signals.next() {
            log("\(signal == SignalQueue.terminate ? "SIGTERM" : "SIGINT"): stopping")
            isTold = true
        }
        if isTold { controlPlane.beginShutdown() }
    }
}
