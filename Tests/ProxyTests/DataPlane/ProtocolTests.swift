import Kernel
import Mesh
import Synchronization
import Telemetry
import Testing

@testable import Proxy

@Suite(.serialized) struct `The relay` {
    struct Case: Sendable, CustomStringConvertible {
        var request: String
        var response: String
        /// What the client reads until the connection ends; without a `date` of the proxy's.
        var answer: String
        var description: String { request.debugDescription }
    }

    private static let cases = [
        Case(
            request: "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n",
            response: "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n",
            answer: "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"),
        Case(
            request: "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n",
            response: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            answer: "HTTP/1.1 200 OK\r\n\r\n"),
        Case(
            request: "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            response: "HTTP/1.1 204 No Content\r\nx: y\r\n\r\n",
            answer: "HTTP/1.1 204 No Content\r\nx: y\r\n\r\n"),
        Case(
            request: "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            response: "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
            answer: "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"),
        Case(
            request: "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            response: "HTTP/1.1 103 Early Hints\r\nlink: l\r\n\r\n"
                + "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            answer: "HTTP/1.1 103 Early Hints\r\nlink: l\r\n\r\n"
                + "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        Case(
            request: "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
            response: "HTTP/1.1 103 Early Hints\r\nlink: l\r\n\r\nHTTP/1.1 200 OK\r\n"
                + "transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nt: u\r\n\r\n",
            answer: "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\na"),
        Case(
            request: "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            response: "HTTP/1.0 200 OK\r\nserver: s\r\n\r\na",
            answer: "HTTP/1.1 200 OK\r\nserver: s\r\ntransfer-encoding: chunked\r\n\r\n"
                + "1\r\na\r\n0\r\n\r\n"),
        Case(
            request: "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            response: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: x\r\n"
                + "x: y\r\n\r\n1\r\na\r\n0\r\nt: u\r\n\r\n",
            answer: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                + "1\r\na\r\n0\r\nt: u\r\n\r\n"),
        Case(
            request: "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n"
                + "content-length: 3\r\n\r\nabc",
            response: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            answer: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        Case(
            request: "GET / HTTP/1.1\r\nhost: a\r\n\r\n", response: "HTTP/1.1 101 Hm\r\n\r\n",
            answer: "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/plain\r\n"
                + "content-length: 34\r\n\r\nthe upstream's answer is not HTTP\n"),
        Case(
            request: "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n", response: "",
            answer: "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\n"
                + "content-length: 17\r\nconnection: close\r\n\r\nno route matches\n"),
    ]

    @Test func `outlives a client that goes between two informational responses`() throws {
        let upstream = try Upstream { peer in
            while peer.readMessage().isComplete {
                for _ in 0..<4 { peer.send("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n") }
                if peer.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") == 0 { return }
            }
        }
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(to: [upstream])
        for _ in 0..<300 {
            let client = try rig.connect()
            client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            client.resetAtEnd()
            client.end()
        }
        let client = try rig.connect()
        client.send("GET / HTTP/1.0\r\n\r\n")
        client.finishWriting()
        let text = String(decoding: client.readToEnd().bytes, as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 OK"), "\(text)")
    }

    @Test func `leaves nothing behind of a response that is thrown away`() throws {
        let upstream = try Upstream { peer in
            guard peer.readMessage().isComplete else { return }
            peer.send(
                "HTTP/1.1 103 Early Hints\r\nlink: private\r\n\r\n"
                    + "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
            _ = peer.readToEnd()
        }
        defer { upstream.stop() }
        let rig = try Rig()
        let retry = try RetryPolicy(
            conditions: [.gatewayError], retryCount: 1, baseInterval: .seconds(5))
        try rig.apply(to: [upstream], retry: retry)
        let patient = try rig.connect()
        patient.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        #expect(try rig.turn(until: { rig.dataPlane.metrics[0].retries.value == 1 }))
        let other = try rig.connect()
        other.send("GET /direct HTTP/1.0\r\n\r\n")
        let text = String(decoding: other.readToEnd().bytes, as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(text.prefix(80))")
        patient.resetAtEnd()
        patient.end()
        #expect(try rig.turn(until: { rig.isQuiet }))
    }

    @Test(arguments: cases)
    func `understands both sides and writes anew`(example: Case) throws {
        let upstream = try Upstream { peer in
            while peer.readMessage().isComplete {
                // Byte by byte, so that no verdict depends on pieces.
                for byte in example.response.utf8 { peer.send([byte]) }
                if example.response.hasPrefix("HTTP/1.0") { return }
            }
        }
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(
            routes: [try Rig.route()], clusters: [Rig.cluster(endpoints: [upstream.address])])
        for isWhole in [true, false] {
            let client = try rig.connect()
            if isWhole {
                client.send(example.request)
            } else {
                for byte in example.request.utf8 { client.send([byte]) }
            }
            client.finishWriting()
            let text = String(decoding: client.readToEnd().bytes, as: UTF8.self)
            #expect(text == example.answer)
        }
        #expect(try rig.turn(until: { rig.isQuiet && rig.clientCount == 0 }))
    }

    @Test func `gives an early answer to its end while the body is still coming`() throws {
        let upstream = try Upstream { peer in
            _ = peer.skip(1)
            peer.send("HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge")
            _ = peer.readToEnd()
        }
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(to: [upstream])
        for _ in 0..<20 {
            let client = try rig.connect()
            client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 50000000\r\n\r\n")
            for _ in 0..<40 { client.send([UInt8](repeating: 1, count: 50_000)) }
            let answer = client.readMessage()
            #expect(answer.text == "large")
            #expect(answer.value(of: "connection") == "close")
            #expect(client.readToEnd().end == .closed)
        }
        #expect(try rig.turn(until: { rig.isQuiet && rig.clientCount == 0 }))
    }

    @Test(arguments: [("GET", true), ("PUT", true), ("POST", false)])
    func `repeats on a dead connection only what is safe`(method: String, isSafe: Bool) throws {
        let count = Atomic(0)
        let upstream = try Upstream { peer in
            let request = peer.readMessage()
            if count.wrappingAdd(1, ordering: .relaxed).oldValue == 0 { return }
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: \(request.body.count)\r\n\r\n")
            peer.send(request.body)
        }
        defer { upstream.stop() }
        let rig = try Rig()
        try rig.apply(to: [upstream])
        let client = try rig.connect()
        client.send("\(method) / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello")
        let answer = client.readMessage()
        #expect(answer.status == (isSafe ? 200 : 503))
        #expect(count.load(ordering: .relaxed) == (isSafe ? 2 : 1))
        if isSafe { #expect(answer.text == "hello") }
        #expect(try rig.turn(until: { rig.isQuiet }))
    }

    @Test func `tries again within the time of one attempt, and gives up within that of all`()
        throws
    {
        let stalls = Atomic(1)
        let upstream = try Upstream { peer in
            while peer.readMessage().isComplete {
                if stalls.wrappingSubtract(1, ordering: .relaxed).oldValue > 0 {
                    _ = peer.readToEnd()
                    return
                }
                peer.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            }
        }
        defer { upstream.stop() }
        let rig = try Rig()
        let retry = try RetryPolicy(
            conditions: [.gatewayError], retryCount: 3, perTryTimeout: .milliseconds(50),
            baseInterval: .milliseconds(1))
        try rig.apply(to: [upstream], retry: retry, timeout: .milliseconds(120))
        let client = try rig.connect()
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        #expect(client.readMessage().status == 200)
        stalls.store(100, ordering: .relaxed)
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        let answer = client.readMessage()
        #expect(answer.status == 504)
        #expect(answer.text == "the upstream request timed out\n")
        #expect(try rig.turn(until: { rig.isQuiet }))
    }
}
