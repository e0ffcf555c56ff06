import Glibc
import Kernel
import Synchronization

/// A server that does with each connection what a script says, on a thread of its own.
final class Upstream: Sendable {
    let address: SocketAddress
    private let listener: CInt
    private let script: @Sendable (Peer) -> Void
    private let state = Mutex<State>(State())

    private struct State {
        var isOpen = true
        var connectionCount = 0
        var peers: [Peer] = []
        var threads: [JoinableThread] = []
    }

    init(script: @escaping @Sendable (Peer) -> Void) throws {
        let socket = try Socket.listening(on: .loopback(port: 0), sharesPort: false)
        address = socket.localAddress ?? .loopback(port: 0)
        let listener = socket.release()
        self.listener = listener
        self.script = script
        _ = fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) & ~O_NONBLOCK)
        let thread = try JoinableThread { [unowned self] in acceptAll() }
        state.withLock { $0.threads.append(thread) }
    }

    /// How many connections were made so far.
    var connectionCount: Int { state.withLock { $0.connectionCount } }

    private func acceptAll() {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0 { return }
            let peer = Peer(owning: descriptor)
            let isOpen = state.withLock { state in
                state.connectionCount += 1
                if state.isOpen { state.peers.append(peer) }
                return state.isOpen
            }
            if !isOpen { return }
            let thread = try? JoinableThread { [unowned self] in
                script(peer)
                state.withLock { state in state.peers.removeAll { $0 === peer } }
            }
            if let thread { state.withLock { $0.threads.append(thread) } }
        }
    }

    /// Ends all connections and waits for all scripts.
    func stop() {
        let peers = state.withLock { state in
            state.isOpen = false
            return state.peers
        }
        for peer in peers { peer.end() }
        _ = shutdown(listener, CInt(SHUT_RDWR))
        while let thread = state.withLock({ $0.threads.popLast() }) { thread.join() }
        _ = Glibc.close(listener)
    }
}

/// A thread that is kept in a list until it is joined.
final class JoinableThread: @unchecked Sendable {
    private var thread: Kernel.Thread?

    init(_ body: @escaping @Sendable () -> Void) throws {
        thread = try Kernel.Thread(name: "upstream", body)
    }

    func join() {
        if let thread = thread.take() { thread.join() }
    }
}
