import EventLoop
import Kernel
import Synchronization

/// A server in this process, on a thread of its own.
enum ServerThread {
    /// Serves while `body` runs, which gets the URL; `start` makes the server on its thread, and
    /// tells its port.
    static func serve<Result>(
        _ start: @escaping @Sendable (EventLoop) throws(Errno) -> (AnyObject, UInt16),
        _ body: (String) throws -> Result
    ) throws -> Result {
        let stop = try Mailbox<Bool>()
        let state = try ServerState()
        let thread = try Thread(name: "server") {
            do {
                let loop = try EventLoop()
                _ = try loop.register(
                    stop.wakeUp.descriptor, for: .readable, handler: StopBell(loop))
                let (server, port) = try start(loop)
                state.port.withLock { $0 = port }
                state.ready.ring()
                try loop.run()
                withExtendedLifetime(server) {}
            } catch {
                state.ready.ring()
            }
        }
        state.ready.silence()
        let port = state.port.withLock { $0 }
        let result = Swift.Result { try body("http://127.0.0.1:\(port)/") }
        stop.post(true)
        thread.join()
        return try result.get()
    }
}

private final class StopBell: EventHandler {
    private let loop: EventLoop

    init(_ loop: EventLoop) {
        self.loop = loop
    }

    func handle(_ readiness: Readiness) {
        loop.stop()
    }
}

private final class ServerState: Sendable {
    let port = Mutex<UInt16>(0)
    let ready: WakeUp

    init() throws(Errno) {
        ready = try WakeUp(isBlocking: true)
    }
}
