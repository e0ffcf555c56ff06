import HTTP
import Kernel
import Mesh
import Testing

@testable import Proxy

/// Reads requests and answers each with its method, path and body.
@Sendable private func echo(_ peer: Peer) {
    while true {
        let request = peer.readMessage()
        if !request.isComplete { return }
        let line = request.head.split(separator: " ").prefix(2).joined(separator: " ")
        let body = Array(line.utf8) + request.body
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: \(body.count)\r\n\r\n")
        peer.send(body)
    }
}

private let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

@Suite(.serialized) struct `An exchange` {
    @Test func `answered by the proxy keeps its connection, also when requests are pipelined`()
        throws
    {
        let rig = try Rig()
        try rig.apply(routes: [try Rig.directRoute(byteCount: 3)], clusters: [])
        let client = try rig.connect()
        let direct = "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n"
        let empty = "POST /direct HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"
        for requests in [direct, empty, "GET /x HTTP/1.1\r\nhost: a\r\n\r\n" + direct] {
            client.send(requests)
            if requests.hasPrefix("GET /x") { #expect(client.readMessage().status == 404) }
            let answer = client.readMessage()
            #expect(answer.text == "ddd")
            #expect(answer.value(of: "connection") == nil)
        }
        client.send("POST /direct HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n")
        #expect(client.readMessage().value(of: "connection") == "close")
        #expect(client.readToEnd().end == .closed)
        client.end()
        #expect(try rig.turn(until: { rig.isQuiet && rig.clientCount == 0 }))
    }

    @Test func `of a client that stops sending is answered to the last byte`() throws {
        let size = 16 << 20
        let upstream = try Upstream { peer in
            while peer.readMessage().isComplete {
                peer.send("HTTP/1.1 200 OK\r\ncontent-length: \(size)\r\n\r\n")
                peer.send([UInt8](repeating: 7, count: size))
            }
        }
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(to: [upstream])
        let client = try rig.connect()
        client.send(get + get)
        client.finishWriting()
        // Slower than the proxy, so that the last bytes wait there.
        client.pauseMilliseconds = 1
        for _ in 0..<2 {
            let answer = client.readMessage()
            #expect(answer.isComplete)
            #expect(answer.body.count == size)
        }
        #expect(client.readToEnd().end == .closed)
        #expect(try rig.turn(until: { rig.isQuiet && rig.clientCount == 0 }))
    }

    @Test func `of a client that goes away in the middle harms nobody`() throws {
        let upstream = try Upstream { peer in
            while peer.readMessage().isComplete {
                peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                let data = [UInt8](repeating: 1, count: 0x8000)
                let chunk = Array("8000\r\n".utf8) + data + [13, 10]
                for _ in 0..<64 where peer.send(chunk) < chunk.count { return }
                peer.send("0\r\n\r\n")
            }
        }
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(to: [upstream])
        for round in 0..<100 {
            let client = try rig.connect()
            client.send(get)
            _ = client.skip(1 + round * 997)
            client.resetAtEnd()
        }
        #expect(try rig.turn(until: { rig.isQuiet && rig.clientCount == 0 }))
        let client = try rig.connect()
        client.send(get)
        #expect(client.readMessage().isComplete)
    }

    @Test func `is not begun while the client does not read, and none is lost`() throws {
        let rig = try Rig()
        try rig.apply(routes: [try Rig.directRoute(byteCount: 4096)], clusters: [])
        let client = try rig.connect()
        client.setTimeout(.milliseconds(300))
        let padding = String(repeating: "x", count: 4000)
        let head = "GET /direct HTTP/1.1\r\nhost: a\r\npadding: \(padding)\r\n\r\n"
        let request = Array(head.utf8)
        let flood = Array(repeatElement(request, count: 100).joined())
        var sent = 0
        var isBlocked = false
        while !isBlocked, sent < 64 << 20 {
            let count = client.send(flood)
            sent += count
            isBlocked = count < flood.count
        }
        #expect(isBlocked)
        client.setTimeout(.seconds(10))
        client.finishWriting()
        let complete = sent / request.count
        var count = 0
        while client.readMessage().status == 200 { count += 1 }
        #expect(count == complete)
        #expect(try rig.turn(until: { rig.isQuiet && rig.clientCount == 0 }))
    }

    @Test func `is read to its end when it came behind a full buffer`() throws {
        let upstream = try Upstream(script: echo)
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(to: [upstream])
        let client = try rig.connect()
        let request = "GET /\(String(repeating: "x", count: 4000)) HTTP/1.1\r\nhost: a\r\n\r\n"
        let count = 40
        let all = String(repeating: request, count: count)
        // The last one is cut in its head, beyond what waits while others are answered.
        client.send(String(all.dropLast(50)))
        for _ in 1..<count { #expect(client.readMessage().isComplete) }
        client.send(String(all.suffix(50)))
        #expect(client.readMessage().body.count == 4 + 4001)
    }

    @Test(arguments: [
        ("content-length: 100\r\n\r\nabc", false), ("content-length: 100\r\n\r\nabc", true),
        ("transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", false),
        ("transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", true), ("\r\nabc", true),
    ])
    func `whose response breaks off never looks complete`(head: String, resets: Bool) throws {
        let upstream = try Upstream { peer in
            _ = peer.readMessage()
            peer.send("HTTP/1.1 200 OK\r\n\(head)")
            if resets { peer.resetAtEnd() }
        }
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(to: [upstream])
        for version in ["1.0", "1.1"] {
            let client = try rig.connect()
            client.send("GET / HTTP/\(version)\r\nhost: a\r\n\r\n")
            let answer = client.readMessage()
            #expect(!answer.isComplete, "HTTP/\(version) \(answer)")
        }
        #expect(try rig.turn(until: { rig.isQuiet && rig.clientCount == 0 }))
    }
}
