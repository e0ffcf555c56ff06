import Kernel

/// Finds the address of a target that takes connections, before anything is measured.
enum Probe {
    /// Connects to one address after the other, and closes that connection again.
    ///
    /// - Throws: ``BenchError/unknownHost(_:)``, or ``BenchError/cannotConnect(_:_:)`` with what
    ///   the last address said.
    static func firstReachable(
        _ target: Target, timeout: Duration
    ) throws(BenchError) -> SocketAddress {
        var failure: BenchError?
        for address in SocketAddress.resolve(host: target.host, port: target.port) {
            do throws(Errno) {
                try connect(to: address, timeout: timeout)
                return address
            } catch {
                failure = .cannotConnect(address.description, error)
            }
        }
        throw failure ?? .unknownHost(target.host)
    }

    private static func connect(to address: SocketAddress, timeout: Duration) throws(Errno) {
        let socket = try Socket.connecting(to: address)
        var poller = try Poller(batchCapacity: 1)
        try poller.add(
            socket.descriptor, for: .writable, as: Token(slot: 0, generation: 0))
        let milliseconds = CInt(clamping: max(timeout.wholeNanoseconds / 1_000_000, 1))
        if try poller.wait(timeoutMilliseconds: milliseconds) == 0 { throw .timedOut }
        if let error = socket.takeError() { throw error }
    }
}
