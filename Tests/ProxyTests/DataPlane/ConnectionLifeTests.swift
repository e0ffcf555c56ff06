import Balancing
import EventLoop
import Kernel
import Mesh
import Synchronization
import Telemetry
import Testing

@testable import Proxy

private let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"
private let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

/// A listener that nobody accepts from, and whose queue is full: connecting to it hangs.
private final class BlackHole {
    let address: SocketAddress
    private let descriptor: FileDescriptor
    private var peers: [Peer] = []

    init() throws {
        let socket = try Socket.listening(
            on: .loopback(port: 0), sharesPort: false, backlog: 0)
        address = socket.localAddress ?? .loopback(port: 0)
        descriptor = FileDescriptor(owning: socket.release())
        for _ in 0..<4 { peers.append(try Peer(to: address)) }
    }
}

@Suite(.serialized) struct `A connection` {
    @Test func `that is being made outlives its cluster`() throws {
        let hole = try BlackHole()
        let rig = try Rig()
        let cluster = try Rig.cluster(
            endpoints: [hole.address], connectTimeout: .milliseconds(400))
        try rig.apply(routes: [try Rig.route()], clusters: [cluster])
        let limits = try #require(rig.dataPlane.limits["c"])
        var client: Peer? = try rig.connect()
        client?.send(get)
        #expect(try rig.turn(until: { limits.activeCount(.pendingRequests) == 1 }))
        client?.resetAtEnd()
        client = nil
        #expect(try rig.turn(until: { limits.activeCount(.pendingRequests) == 0 }))
        try rig.apply(routes: [try Rig.directRoute(byteCount: 1)], clusters: [])
        #expect(try rig.turn(until: { rig.upstreamConnectionCount == 0 }))
        #expect(limits.activeCount(.connections) == 0)
    }

    @Test func `that cannot be made is answered, and nothing stays in use`() throws {
        let hole = try BlackHole()
        let rig = try Rig()
        let cluster = try Rig.cluster(
            endpoints: [hole.address], connectTimeout: .milliseconds(50))
        try rig.apply(routes: [try Rig.route()], clusters: [cluster])
        let client = try rig.connect()
        client.send(get)
        #expect(client.readMessage().status == 503)
        client.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab")
        #expect(client.readMessage().value(of: "connection") == "close")
        client.end()
        #expect(try rig.turn(until: { rig.isQuiet && rig.upstreamConnectionCount == 0 }))
    }

    @Test func `is waited for when the limit is reached, and refused beyond the next limit`() throws
    {
        let upstream = try Upstream { peer in
            while peer.readMessage().isComplete { peer.send(ok) }
        }
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(to: [upstream], breakers: CircuitBreakers(connections: 1))
        let clients = try (0..<20).map { _ in try rig.connect() }
        for round in 0..<10 {
            for client in clients { client.send(round % 3 == 0 ? get + get : get) }
            for client in clients {
                #expect(client.readMessage().text == "ok")
                if round % 3 == 0 { #expect(client.readMessage().text == "ok") }
            }
        }
        #expect(upstream.connectionCount == 1)
        try rig.apply(
            to: [upstream], breakers: CircuitBreakers(connections: 1, pendingRequests: 0))
        let other = try rig.connect()
        other.send(get)
        #expect(other.readMessage().text == "ok")
        try rig.apply(to: [upstream], breakers: CircuitBreakers(requests: 0))
        other.send(get)
        #expect(other.readMessage().status == 503)
        #expect(try rig.turn(until: { rig.isQuiet }))
    }

    @Test func `ends after what is under way when draining, told or not`() throws {
        let goOn = Atomic(false)
        let upstream = try Upstream { peer in
            while peer.readMessage().isComplete {
                peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no")
                while !goOn.load(ordering: .relaxed) { _ = Instant.now() }
                peer.send("k")
            }
        }
        defer { upstream.stop() }
        let rig = try Rig(workerCount: 2)
        try rig.apply(to: [upstream])
        var isDrained = false
        rig.dataPlane.onDrained = { isDrained = true }
        let clients = try (0..<4).map { _ in try rig.connect() }
        for client in clients { client.send(get) }
        for client in clients { #expect(client.skip(39) == nil) }
        rig.dataPlane.stopListening()
        rig.dataPlane.drain()
        rig.dataPlane.closeIdle()
        goOn.store(true, ordering: .relaxed)
        for client in clients { #expect(client.readToEnd().end == .closed) }
        #expect(try rig.turn(until: { isDrained && rig.isQuiet && rig.clientCount == 0 }))
    }

    @Test func `of a listener that moved ends with its next response`() throws {
        let upstream = try Upstream { peer in
            while peer.readMessage().isComplete { peer.send(ok) }
        }
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(to: [upstream])
        let client = try rig.connect()
        client.send(get)
        #expect(client.readMessage().value(of: "connection") == nil)
        let spare = try Socket.listening(on: .loopback(port: 0), sharesPort: false)
        let port = try #require(spare.localAddress?.port)
        _ = consume spare
        let cluster = try Rig.cluster(endpoints: [upstream.address])
        try rig.apply(routes: [try Rig.route()], clusters: [cluster], port: port)
        client.send(get)
        #expect(client.readMessage().value(of: "connection") == "close")
        let other = try rig.connect()
        #expect(rig.address.port == port)
        other.send(get)
        #expect(other.readMessage().text == "ok")
        client.end()
        #expect(try rig.turn(until: { rig.clientCount == 1 }))
    }

    @Test func `that brings no request in time ends, with 408 where one had begun`() throws {
        let rig = try Rig()
        let limits = try ListenerLimits(
            idleTimeout: .milliseconds(150), streamIdleTimeout: .milliseconds(150),
            requestHeadTimeout: .milliseconds(60))
        try rig.apply(
            routes: [try Rig.directRoute(byteCount: 1)], clusters: [], limits: limits)
        let silent = try rig.connect()
        let slow = try rig.connect()
        slow.send("GET / HT")
        #expect(slow.readMessage().status == 408)
        #expect(slow.readToEnd().end == .closed)
        slow.end()
        #expect(silent.readToEnd().end == .closed)
        #expect(try rig.turn(until: { rig.clientCount == 0 }))
    }

    @Test func `whose client reads no more ends, and its upstream's with it`() throws {
        let upstream = try Upstream { peer in
            while peer.readMessage().isComplete {
                peer.send("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
                peer.send([UInt8](repeating: 1, count: 100_000_000))
            }
        }
        defer { upstream.stop() }
        let rig = try Rig()
        let limits = try ListenerLimits(streamIdleTimeout: .milliseconds(300))
        try rig.apply(to: [upstream], limits: limits)
        let client = try rig.connect()
        client.send(get)
        #expect(client.skip(1) == nil)
        #expect(
            try rig.turn(until: {
                rig.isQuiet && rig.clientCount == 0 && rig.upstreamConnectionCount == 0
            }))
        #expect(!client.readMessage().isComplete)
    }

    @Test func `passes 64 MiB either way with little in between`() throws {
        let size = 64 << 20
        let sentCount = Atomic(0)
        let upstream = try Upstream { peer in
            while true {
                let request = peer.readMessage()
                if !request.isComplete { return }
                if request.head.hasPrefix("PUT") {
                    let count = request.body.count
                    peer.send("HTTP/1.1 200 OK\r\nx-size: \(count)\r\ncontent-length: 0\r\n\r\n")
                    continue
                }
                peer.send("HTTP/1.1 200 OK\r\ncontent-length: \(size)\r\n\r\n")
                let part = [UInt8](repeating: 1, count: 1 << 16)
                for _ in 0..<size >> 16 {
                    sentCount.wrappingAdd(peer.send(part), ordering: .relaxed)
                }
            }
        }
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(to: [upstream])
        let reader = try rig.connect()
        reader.send(get)
        // It stands still while nobody reads: what was sent does not grow any more.
        var last = -1
        var now = 0
        while now != last || now == 0 {
            last = now
            let pause = Instant.now() + .milliseconds(100)
            #expect(try rig.turn(until: { Instant.now() > pause }))
            now = sentCount.load(ordering: .relaxed)
        }
        #expect(now < size / 2)
        #expect(reader.readMessage().body.count == size)
        let writer = try rig.connect()
        writer.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: \(size)\r\n\r\n")
        writer.send([UInt8](repeating: 2, count: size))
        #expect(writer.readMessage().value(of: "x-size") == String(size))
    }
}
