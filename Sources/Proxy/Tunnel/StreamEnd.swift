import Bytes
import EventLoop
import Kernel
import Transport

/// A connection whose bytes go through the process, because they are sealed and opened there.
final class StreamEnd: TunnelEnd, EventHandler {
    private unowned let tunnel: Tunnel
    private let worker: Worker
    private var stream: StreamSocket
    private var isWatching = false
    private var isShakingHands = false

    init(_ stream: consuming StreamSocket, of tunnel: Tunnel, on worker: Worker) {
        self.stream = stream
        self.tunnel = tunnel
        self.worker = worker
    }

    var splices: Bool { false }
    var isFull: Bool { stream.queuedByteCount > 0 }

    func watch() throws(Errno) {
        try stream.register(self, for: [.readable, .writable])
        isWatching = true
    }

    func watchAgain() {
        // Whatever is left is told of in the next turn anyway.
    }

    func setReading(_ isReading: Bool) {
        if isReading, !isWatching {
            // Where memory is short the tunnel ends with its idle timeout.
            try? stream.register(self, for: .readable)
            isWatching = true
        } else {
            stream.setReading(isReading)
        }
    }

    func secure(
        by cluster: UpstreamCluster, to address: SocketAddress, _ readiness: Readiness
    ) -> UpstreamCluster.SecurityProgress {
        if isShakingHands {
            if readiness.contains(.writable), (try? stream.flush()) == nil { return .failed }
            return cluster.shakeHands(&stream, to: address, on: worker)
        }
        isShakingHands = true
        // Ends the interest in writing that connecting needed.
        stream.updateInterest()
        return cluster.secure(&stream, to: address, for: nil, on: worker)
    }

    func handle(_ readiness: Readiness) {
        var readiness = readiness
        // That both directions are over is told again and again, whatever is asked for.
        if readiness.contains(.hungUp), !stream.isReading {
            stream.unwatch()
            isWatching = false
        }
        if readiness.contains(.writable), isFull {
            do throws(Errno) {
                if try !stream.flush() { readiness.remove(.writable) }
            } catch {
                readiness.insert(.failed)
            }
        }
        tunnel.handle(readiness, at: self)
    }

    func fill(_ pipe: SplicePipe) throws(Errno) -> Transfer { throw .invalidArgument }

    func drain(_ pipe: SplicePipe) throws(Errno) -> Transfer { throw .invalidArgument }

    func receive(into room: inout MutableSpan<UInt8>) throws(Errno) -> Transfer {
        try stream.receive(into: &room)
    }

    func send(_ bytes: Span<UInt8>) throws(Errno) -> Transfer {
        try stream.write(bytes)
        return .bytes(bytes.count)
    }

    func shutdownWriting() {
        stream.shutdownWriting()
    }

    func takeError() -> Errno? {
        stream.takeError()
    }

    func close(resetting isReset: Bool) {
        if isReset { stream.resetOnClose() }
        stream.close()
    }
}
