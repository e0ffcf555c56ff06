import Kernel
import Testing

@Suite(.serialized) struct `A pipe between sockets` {
    /// Two connected sockets.
    private final class Pair {
        let near: Socket
        let far: Socket

        init() throws {
            let listener = try Socket.listening(on: .loopback(port: 0), sharesPort: false)
            let address = listener.localAddress
            far = try Socket.connecting(to: try #require(address))
            near = try Self.accept(on: listener)
        }

        private static func accept(on listener: borrowing Socket) throws -> Socket {
            while true {
                if let accepted = try listener.accept() { return accepted.socket }
            }
        }
    }

    private func received(_ socket: borrowing Socket, atLeast count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < count {
            var room = buffer.mutableSpan
            switch try socket.receive(into: &room) {
            case .bytes(let count): bytes += buffer[..<count]
            case .wouldBlock: continue
            case .ended: return bytes
            }
        }
        return bytes
    }

    @Test func `moves bytes as they are, and then the end`() throws {
        let source = try Pair()
        let destination = try Pair()
        let pipe = try SplicePipe()
        #expect(try pipe.fill(from: source.near) == .wouldBlock)
        let sent = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        #expect(try source.far.send(sent.span) == .bytes(sent.count))
        source.far.shutdownWriting()
        var moved = 0
        while moved < sent.count {
            guard case .bytes(let count) = try pipe.fill(from: source.near) else { continue }
            #expect(pipe.byteCount == count)
            while pipe.byteCount > 0 { _ = try pipe.drain(to: destination.near) }
            moved += count
        }
        #expect(moved == sent.count)
        while try pipe.fill(from: source.near) == .wouldBlock {}
        #expect(try pipe.fill(from: source.near) == .ended)
        #expect(try received(destination.far, atLeast: sent.count) == sent)
    }

    @Test func `keeps what a slow socket does not take`() throws {
        let source = try Pair()
        let destination = try Pair()
        let pipe = try SplicePipe()
        let part = [UInt8](repeating: 1, count: 1 << 16)
        var moved = 0
        while pipe.byteCount == 0 {
            _ = try source.far.send(part.span)
            _ = try pipe.fill(from: source.near)
            while pipe.byteCount > 0, case .bytes(let count) = try pipe.drain(to: destination.near)
            {
                moved += count
            }
        }
        let held = pipe.byteCount
        #expect(try pipe.drain(to: destination.near) == .wouldBlock)
        #expect(pipe.byteCount == held)
        #expect(try received(destination.far, atLeast: moved).count == moved)
        while pipe.byteCount > 0 { _ = try pipe.drain(to: destination.near) }
        #expect(try received(destination.far, atLeast: held).count == held)
    }

    @Test func `says when the destination takes no more`() throws {
        SignalQueue.ignoreBrokenPipes()
        let source = try Pair()
        let destination = try Pair()
        let pipe = try SplicePipe()
        destination.near.shutdownWriting()
        let sent: [UInt8] = [1, 2, 3]
        #expect(try source.far.send(sent.span) == .bytes(3))
        while try pipe.fill(from: source.near) == .wouldBlock {}
        #expect(throws: Errno.brokenPipe) { try pipe.drain(to: destination.near) }
    }
}
