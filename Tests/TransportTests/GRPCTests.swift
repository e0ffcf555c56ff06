import EventLoop
import HTTP
import Kernel
import Testing
import Transport

@Suite struct `A gRPC call` {
    @Test func `carries messages both ways and ends in order`() throws {
        let bench = try GRPCBench()
        let messages = [0, 1, 5, 100, 70_000, 3_000_000].map {
            (0..<$0).map { UInt8(truncatingIfNeeded: $0) }
        }
        let client = RecordingCall()
        let call = bench.call("/test.Test/Echo", delegate: client)
        for message in messages { #expect(call.send(message: message)) }
        try bench.turn { client.messages.count == messages.count }
        #expect(client.messages == messages)
        #expect(client.isOpen)
        call.finish()
        try bench.turn { !client.statuses.isEmpty && !bench.scripted.statuses.isEmpty }
        #expect(client.statuses == [GRPCStatus(.ok)])
        #expect(bench.scripted.statuses == [GRPCStatus(.ok)])
        #expect(bench.scripted.calls[0].path == "/test.Test/Echo")
        #expect(bench.scripted.calls[0].authority == "control")
        #expect(!call.send(message: []))
        try bench.turn { bench.server.connectionCount == 0 }
    }

    @Test(arguments: [
        ("/test.Test/Unknown", GRPCStatus(.unimplemented, "unknown method /test.Test/Unknown"), 0),
        ("/test.Test/Fail", GRPCStatus(.permissionDenied, "nö: 100%"), 0),
        ("/test.Test/Late", GRPCStatus(.aborted, "after a message"), 1),
    ])
    func `ends with the status that the server gave`(
        path: String, status: GRPCStatus, messages: Int
    ) throws {
        let bench = try GRPCBench()
        let client = RecordingCall()
        let call = bench.call(path, delegate: client)
        call.send(message: [1, 2, 3])
        try bench.turn { !client.statuses.isEmpty }
        #expect(client.statuses == [status])
        #expect(client.messages.count == messages)
        try bench.turn { bench.server.connectionCount == 0 }
        #expect(
            bench.scripted.statuses
                == (messages == 0 && status.code == .unimplemented ? [] : [status]))
    }

    @Test func `is told that nobody listens`() throws {
        let bench = try GRPCBench()
        let client = RecordingCall()
        bench.server.close()
        _ = bench.call("/test.Test/Echo", delegate: client)
        #expect(client.statuses.isEmpty)
        try bench.turn { !client.statuses.isEmpty }
        #expect(client.statuses.map(\.code) == [.unavailable])
        #expect(client.statuses[0].message == "connect: Connection refused")
    }

    @Test func `can be cancelled, before it is open and after`() throws {
        let bench = try GRPCBench()
        let early = RecordingCall()
        bench.call("/test.Test/Echo", delegate: early).cancel()
        #expect(early.statuses.isEmpty)
        try bench.turn { !early.statuses.isEmpty }
        let late = RecordingCall()
        let call = bench.call("/test.Test/Echo", delegate: late)
        call.send(message: [1])
        try bench.turn { !late.messages.isEmpty }
        call.cancel()
        try bench.turn { !late.statuses.isEmpty && !bench.scripted.statuses.isEmpty }
        #expect(early.statuses.map(\.code) == [.cancelled])
        #expect(late.statuses.map(\.code) == [.cancelled])
        #expect(bench.scripted.statuses.map(\.code) == [.cancelled])
    }

    @Test func `may be cancelled from within its own events`() throws {
        let bench = try GRPCBench()
        let client = RecordingCall()
        client.onMessage = { call, _ in call.cancel() }
        let call = bench.call("/test.Test/Echo", delegate: client)
        for _ in 0..<10 { call.send(message: [1]) }
        try bench.turn { !client.statuses.isEmpty }
        #expect(client.messages.count == 1)
        #expect(client.statuses.map(\.code) == [.cancelled])
    }

    @Test func `ends when the server is gone`() throws {
        let bench = try GRPCBench()
        let client = RecordingCall()
        let call = bench.call("/test.Test/Echo", delegate: client)
        call.send(message: [1])
        try bench.turn { !client.messages.isEmpty }
        bench.server.close()
        try bench.turn { !client.statuses.isEmpty }
        #expect(client.statuses == [GRPCStatus(.unavailable, "connection closed by peer")])
        #expect(bench.scripted.statuses.map(\.code) == [.unavailable])
    }

    @Test func `goes on while the server shuts down`() throws {
        let bench = try GRPCBench()
        let client = RecordingCall()
        let call = bench.call("/test.Test/Echo", delegate: client)
        call.send(message: [1])
        try bench.turn { client.messages.count == 1 }
        bench.server.beginShutdown()
        call.send(message: [2])
        try bench.turn { client.messages.count == 2 }
        call.finish()
        try bench.turn { !client.statuses.isEmpty && bench.server.connectionCount == 0 }
        #expect(client.statuses == [GRPCStatus(.ok)])
    }

    @Test func `is closed once`() throws {
        let bench = try GRPCBench()
        let client = RecordingCall()
        let call = bench.call("/test.Test/Fail", delegate: client)
        call.send(message: [1])
        call.finish()
        try bench.turn { bench.server.connectionCount == 0 && !client.statuses.isEmpty }
        call.cancel()
        try bench.loop.turn(longestWait: .milliseconds(20))
        #expect(client.statuses.count == 1)
        #expect(bench.scripted.statuses.count == 1)
    }
}

@Suite struct `A gRPC call's limits` {
    @Test func `bound what is received`() throws {
        var limits = GRPCLimits()
        limits.receivedMessageByteCount = 100
        let bench = try GRPCBench()
        let client = RecordingCall()
        let call = bench.call("/test.Test/Echo", limits: limits, delegate: client)
        call.send(message: [UInt8](repeating: 1, count: 101))
        try bench.turn { !client.statuses.isEmpty }
        #expect(client.statuses.map(\.code) == [.resourceExhausted])
        #expect(client.messages.isEmpty)
    }

    @Test func `bound what the server receives`() throws {
        var limits = GRPCLimits()
        limits.receivedMessageByteCount = 100
        let bench = try GRPCBench(limits: limits)
        let client = RecordingCall()
        let call = bench.call("/test.Test/Echo", delegate: client)
        call.send(message: [UInt8](repeating: 1, count: 5_000_000))
        try bench.turn { !client.statuses.isEmpty }
        #expect(client.statuses.map(\.code) == [.resourceExhausted])
        #expect(bench.scripted.received.isEmpty)
    }

    @Test func `bound what waits to be sent`() throws {
        var limits = GRPCLimits()
        limits.queuedByteCount = 1000
        let bench = try GRPCBench()
        let client = RecordingCall()
        let call = bench.call("/test.Test/Echo", limits: limits, delegate: client)
        #expect(call.send(message: [UInt8](repeating: 1, count: 900)))
        #expect(!call.send(message: [UInt8](repeating: 1, count: 900)))
        #expect(client.statuses.isEmpty)
        try bench.turn { !client.statuses.isEmpty }
        #expect(client.statuses.map(\.code) == [.resourceExhausted])
    }

    @Test func `end a client that does not read`() throws {
        var limits = GRPCLimits()
        limits.queuedByteCount = 100_000
        let bench = try GRPCBench(limits: limits)
        let client = RecordingCall()
        let call = bench.call("/test.Test/Silent", delegate: client)
        call.send(message: [1])
        try bench.turn { !bench.scripted.received.isEmpty }
        let served = bench.scripted.calls[0]
        #expect(served.send(message: [UInt8](repeating: 1, count: 60_000)))
        #expect(served.queuedByteCount == 60_005)
        #expect(!served.send(message: [UInt8](repeating: 1, count: 60_000)))
        #expect(served.queuedByteCount == 0)
        try bench.turn { !client.statuses.isEmpty && !bench.scripted.statuses.isEmpty }
        #expect(client.statuses.map(\.code) == [.resourceExhausted])
        #expect(bench.scripted.statuses.map(\.code) == [.resourceExhausted])
    }

    /// A server that takes connections and then says no more than `greeting`.
    private func close(
        against greeting: [UInt8], limits: GRPCLimits
    ) throws -> (statuses: [GRPCStatus], isOpen: Bool) {
        let loop = try EventLoop()
        let mute = try Socket.listening(on: .loopback(port: 0), sharesPort: false)
        let client = RecordingCall()
        let call = GRPCClientCall(
            loop: loop, address: mute.localAddress ?? .loopback(port: 0), authority: "a",
            path: "/a/b", limits: limits, delegate: client)
        call.send(message: [1])
        guard let accepted = try mute.accept() else { return ([], false) }
        _ = try accepted.socket.send(greeting.span)
        let deadline = Instant.now() + .seconds(10)
        while client.statuses.isEmpty, Instant.now() < deadline {
            try loop.turn(longestWait: .milliseconds(100))
        }
        return (client.statuses, client.isOpen)
    }

    @Test func `end a connection on which no HTTP/2 comes`() throws {
        var limits = GRPCLimits()
        limits.connectTimeout = .milliseconds(50)
        let silent = try close(against: [], limits: limits)
        #expect(silent.statuses == [GRPCStatus(.unavailable, "connect: timed out")])
        #expect(!silent.isOpen)
        let chatty = try close(
            against: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), limits: limits)
        #expect(chatty.statuses.map(\.code) == [.unavailable])
    }

    @Test func `end a connection whose PING nobody answers`() throws {
        var limits = GRPCLimits()
        limits.keepAliveInterval = .milliseconds(20)
        limits.keepAliveTimeout = .milliseconds(30)
        let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
        let result = try close(against: settings, limits: limits)
        #expect(result.isOpen)
        #expect(
            result.statuses == [GRPCStatus(.unavailable, "keep-alive PING not answered")])
    }

    @Test func `keep a quiet connection that answers PINGs`() throws {
        var limits = GRPCLimits()
        limits.keepAliveInterval = .milliseconds(10)
        limits.keepAliveTimeout = .milliseconds(500)
        let bench = try GRPCBench(limits: limits)
        let client = RecordingCall()
        let call = bench.call("/test.Test/Echo", limits: limits, delegate: client)
        call.send(message: [1])
        let end = Instant.now() + .milliseconds(200)
        while Instant.now() < end { try bench.loop.turn(longestWait: .milliseconds(20)) }
        #expect(client.statuses.isEmpty)
        call.send(message: [2])
        try bench.turn { client.messages.count == 2 }
    }
}
