import Bytes
import EventLoop
import HTTP
import HTTP2
import Kernel
import Testing
import Transport

@Suite struct `A gRPC server with a broken client` {
    /// What a client says that calls `path` and sends `messages`, with windows that never close.
    private func opening(_ path: String, messages: [[UInt8]]) throws -> Buffer {
        var limits = SessionLimits()
        limits.streamWindowByteCount = 1 << 30
        limits.connectionWindowByteCount = 1 << 30
        var session = Session(role: .client, limits: limits)
        var head = RequestHead()
        head.method = .post
        head.methodRange = head.fields.store("POST".utf8.span)
        head.pathRange = head.fields.store(path.utf8.span)
        head.authorityRange = head.fields.store("a".utf8.span)
        head.fields.append(name: "content-type".utf8.span, value: "application/grpc".utf8.span)
        let stream = try session.submitRequest(head, endsStream: false)
        for message in messages {
            var framed = Buffer()
            GRPCFraming.append(message: message.span, to: &framed)
            try session.send(framed.bytes, on: stream)
        }
        var bytes = Buffer()
        try session.flush(into: &bytes, byteCountLimit: .max)
        return bytes
    }

    @Test func `lets it go wherever it breaks off`() throws {
        let bench = try GRPCBench()
        let bytes = try opening("/test.Test/Echo", messages: [[1, 2, 3], [4, 5, 6]])
        for count in 0...bytes.count {
            do {
                let socket = try Socket.connecting(to: bench.server.address)
                _ = try socket.send(bytes.bytes.extracting(0..<count))
                try bench.turn { bench.server.connectionCount == 1 }
                if count.isMultiple(of: 2) { try bench.loop.turn(longestWait: .zero) }
                if count.isMultiple(of: 3) { socket.resetOnClose() }
            }
            try bench.turn { bench.server.connectionCount == 0 }
        }
        #expect(!bench.scripted.calls.isEmpty)
        #expect(bench.scripted.statuses.count == bench.scripted.calls.count)
        #expect(bench.scripted.statuses.allSatisfy { $0.code == .unavailable })
    }

    @Test func `ends a connection that does not move once a queue overflows`() throws {
        var limits = GRPCLimits()
        limits.queuedByteCount = 1_000_000
        let bench = try GRPCBench(limits: limits)
        let socket = try Socket.connecting(to: bench.server.address)
        let bytes = try opening("/test.Test/Silent", messages: [[1]])
        _ = try socket.send(bytes.bytes)
        try bench.turn { !bench.scripted.received.isEmpty }
        let call = bench.scripted.calls[0]
        let message = [UInt8](repeating: 1, count: 100_000)
        var sent = 0
        while call.send(message: message), sent < 1000 {
            sent += 1
            try bench.loop.turn(longestWait: .zero)
        }
        #expect(sent < 1000)
        try bench.turn { bench.server.connectionCount == 0 }
        #expect(bench.scripted.statuses.map(\.code) == [.resourceExhausted])
        #expect(socket.takeError() == nil)
    }

    @Test func `answers in HTTP's words what is no gRPC`() throws {
        let bench = try GRPCBench()
        for (method, type, status) in [
            ("GET", "application/grpc", 405), ("POST", "application/json", 415),
        ] as [(String, String, UInt16)] {
            #expect(try answer(method: method, contentType: type, bench) == status)
        }
        #expect(bench.scripted.calls.isEmpty)
    }

    private func answer(
        method: String, contentType: String, _ bench: GRPCBench
    ) throws -> UInt16 {
        var session = Session(role: .client)
        var head = RequestHead()
        head.methodRange = head.fields.store(method.utf8.span)
        head.pathRange = head.fields.store("/a/b".utf8.span)
        head.authorityRange = head.fields.store("a".utf8.span)
        head.fields.append(name: "content-type".utf8.span, value: contentType.utf8.span)
        _ = try session.submitRequest(head, endsStream: false)
        var bytes = Buffer()
        try session.flush(into: &bytes, byteCountLimit: .max)
        let socket = try Socket.connecting(to: bench.server.address)
        _ = try socket.send(bytes.bytes)
        var status: UInt16 = 0
        var isClosed = false
        try bench.turn {
            var room = Buffer()
            var span = room.room(minimum: 4096)
            guard let arrived = try? socket.receive(into: &span), case .bytes(let count) = arrived
            else { return false }
            room.commit(count)
            _ = try? session.receive(room.bytes, nowNanoseconds: 0)
            while let event = session.nextEvent() {
                if case .response = event {
                    var head = ResponseHead()
                    session.takeResponseHead(into: &head)
                    status = head.status
                }
                if case .closed = event { isClosed = true }
            }
            return isClosed
        }
        return status
    }
}
