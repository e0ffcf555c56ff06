import HTTP
import HTTP1
import Kernel
import Testing
import Transport

/// The answer without its date, which is checked for its shape only.
private func undated(_ text: String) -> String {
    text.split(separator: "\r\n", omittingEmptySubsequences: false)
        .filter { !$0.hasPrefix("date: ") }.joined(separator: "\r\n")
}

@Suite struct `An HTTP server` {
    @Test func `answers a request and keeps the connection`() throws {
        let harness = try HTTPServerHarness()
        let client = try harness.connect()
        for round in 1...3 {
            try client.send("POST /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
            #expect(try client.receive { $0.split(separator: "POST /a%20b hi").count == round })
            #expect(harness.server?.connectionCount == 1)
        }
        #expect(client.text.contains("content-length: 14\r\n"))
        #expect(client.text.contains(" GMT\r\n"))
        #expect(harness.requests[0].query == "x=1")
        #expect(harness.requests[0].value(of: "HOST") == "h")
        #expect(harness.requests[0].authority == "h")
        #expect(harness.requests[0].peer.isLoopback)
        #expect(harness.requests[0].pathSegments == ["a b"])
        #expect(!client.hasEnded)
    }

    @Test func `answers pipelined requests in their order, also late`() throws {
        let harness = try HTTPServerHarness()
        var replies: [HTTPReply] = []
        harness.answer = { _, reply in replies.append(reply) }
        let client = try harness.connect()
        try client.send(
            "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
                + "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        for number in 1...3 {
            #expect(try harness.turn { replies.count == number })
            replies[number - 1].send(status: 200, body: Array("[\(number)]".utf8))
            replies[number - 1].send(status: 500)
        }
        #expect(try client.receiveEnd())
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n"
        #expect(
            undated(client.text)
                == ok + "\r\n[1]" + ok + "\r\n[2]"
                + "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\n[3]")
    }

    @Test func `answers all of a client that has shut down its side`() throws {
        let harness = try HTTPServerHarness()
        let client = try harness.connect()
        try client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
        client.shutdownWriting()
        #expect(try client.receiveEnd())
        #expect(client.text.contains("GET /1") && client.text.contains("GET /2"))
        #expect(try harness.turn { harness.server?.connectionCount == 0 })
    }

    @Test func `leaves out the body where there is none`() throws {
        let harness = try HTTPServerHarness()
        harness.answer = { request, reply in
            let status: UInt16 = request.path == "/204" ? 204 : 200
            reply.send(status: status, fields: [("x", "a\r\nb")], body: Array("body".utf8))
        }
        let client = try harness.connect()
        try client.send(
            "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
                + "GET /204 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        )
        #expect(try client.receiveEnd())
        #expect(
            undated(client.text)
                == "HTTP/1.1 200 OK\r\nx: a  b\r\ncontent-length: 4\r\n\r\n"
                + "HTTP/1.1 204 No Content\r\nx: a  b\r\nconnection: close\r\n\r\n")
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"), ("GET / HTTP/3.0\r\n", "505 HTTP"),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", "413 Content"),
        (
            "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a",
            "413 Content"
        ),
        ("GET /\(String(repeating: "x", count: 8192)) HTTP/1.1\r\n", "414 URI"),
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET\n", "200 OK"),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n01234", "200 OK"),
    ])
    func `refuses what it cannot read, and closes`(text: String, status: String) throws {
        let harness = try HTTPServerHarness(limits: HTTPServerLimits(bodyByteCount: 10))
        let client = try harness.connect()
        try client.send(text)
        client.shutdownWriting()
        #expect(try client.receiveEnd())
        #expect(client.text.hasPrefix("HTTP/1.1 \(status)"), "\(client.text)")
        #expect(try harness.turn { harness.server?.connectionCount == 0 })
    }

    @Test(arguments: [("PUT", "why"), ("HEAD", "")])
    func `says why it refuses in the words of its handler`(method: String, body: String) throws {
        let harness = try HTTPServerHarness(limits: HTTPServerLimits(bodyByteCount: 10))
        harness.explanation = HTTPExplanation(contentType: "text/x", body: Array("why".utf8))
        let client = try harness.connect()
        try client.send("\(method) / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n")
        client.shutdownWriting()
        #expect(try client.receiveEnd())
        #expect(
            undated(client.text)
                == "HTTP/1.1 413 Content Too Large\r\ncontent-type: text/x\r\n"
                + "connection: close\r\ncontent-length: 3\r\n\r\n\(body)")
    }

    @Test func `lets a refused client read why before it closes`() throws {
        let harness = try HTTPServerHarness(limits: HTTPServerLimits(bodyByteCount: 10))
        let client = try harness.connect()
        let body = String(repeating: "x", count: 400_000)
        try client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n" + body)
        #expect(try client.receiveEnd())
        #expect(client.text.hasPrefix("HTTP/1.1 413 "))
    }

    @Test func `sends 100 to who waits for it`() throws {
        let harness = try HTTPServerHarness()
        let client = try harness.connect()
        try client.send(
            "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try client.receive { $0 == "HTTP/1.1 100 Continue\r\n\r\n" })
        try client.send("hi")
        #expect(try client.receive { $0.hasSuffix("PUT / hi") })
    }

    @Test func `gives up who is slow to ask`() throws {
        let harness = try HTTPServerHarness(
            limits: HTTPServerLimits(
                headTime: .milliseconds(30), bodyTime: .milliseconds(30),
                idleTime: .milliseconds(30)))
        let silent = try harness.connect()
        #expect(try silent.receiveEnd())
        #expect(silent.text.isEmpty)
        let slow = try harness.connect()
        try slow.send("GET / HT")
        #expect(try slow.receive { $0.hasPrefix("HTTP/1.1 408 ") })
        let stalled = try harness.connect()
        try stalled.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx")
        #expect(try stalled.receive { $0.hasPrefix("HTTP/1.1 408 ") })
        let idle = try harness.connect()
        try idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try idle.receiveEnd())
        #expect(idle.text.hasPrefix("HTTP/1.1 200 "))
    }

    @Test func `has so many connections and no more`() throws {
        let harness = try HTTPServerHarness(limits: HTTPServerLimits(connectionCount: 2))
        let clients = [try harness.connect(), try harness.connect()]
        #expect(try harness.turn { harness.server?.connectionCount == 2 })
        let third = try harness.connect()
        #expect(try third.receiveEnd())
        #expect(harness.server?.refusedConnectionCount == 1)
        clients[0].close()
        #expect(try harness.turn { harness.server?.connectionCount == 1 })
        let fourth = try harness.connect()
        try fourth.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try fourth.receive { $0.hasSuffix("GET / ") })
    }

    @Test func `takes no more requests than it can answer`() throws {
        let harness = try HTTPServerHarness()
        let large = [UInt8](repeating: 0x78, count: 1_000_000)
        harness.answer = { _, reply in reply.send(status: 200, body: large) }
        let client = try harness.connect()
        let requests = [UInt8](
            String(repeating: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", count: 400_000).utf8)
        var sent = 0
        // The client asks as fast as it can and reads nothing.
        let isFull = try harness.turn {
            let offered = client.offer(Array(requests[sent..<min(sent + 65_536, requests.count)]))
            sent += offered ?? 0
            return offered == 0
        }
        #expect(isFull)
        #expect(harness.requests.count < 20)
        #expect(try client.receive { _ in harness.requests.count > 20 })
    }

    @Test func `drains`() throws {
        let harness = try HTTPServerHarness()
        var replies: [HTTPReply] = []
        harness.answer = { request, reply in
            replies.append(reply)
            if request.path == "/stream" { reply.beginStream(status: 200) }
        }
        var isDrained = false
        harness.server?.onDrained = { isDrained = true }
        let idle = try harness.connect()
        let busy = try harness.connect()
        try busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let streaming = try harness.connect()
        try streaming.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try harness.turn { replies.count == 2 && harness.server?.connectionCount == 3 })
        harness.server?.beginShutdown()
        #expect(try idle.receiveEnd())
        #expect(try streaming.receiveEnd())
        #expect(streaming.text.hasSuffix("0\r\n\r\n"))
        streaming.close()
        #expect(!isDrained)
        for reply in replies { reply.send(status: 200) }
        #expect(try busy.receiveEnd())
        #expect(busy.text.contains("connection: close"))
        busy.close()
        #expect(try harness.turn { isDrained })
        let late = try harness.connect()
        #expect(try late.receiveEnd())
    }
}

@Suite struct `A stream of an HTTP server` {
    private static let request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test func `goes out as it is written`() throws {
        let harness = try HTTPServerHarness()
        var reply: HTTPReply?
        harness.answer = { _, given in reply = given }
        let client = try harness.connect()
        try client.send(Self.request)
        #expect(try harness.turn { reply != nil })
        reply?.beginStream(status: 200, fields: [("content-type", "text/event-stream")])
        #expect(reply?.write(Array("data: 1\n\n".utf8)) == true)
        #expect(try client.receive { $0.hasSuffix("9\r\ndata: 1\n\n\r\n") })
        #expect(reply?.write([]) == true)
        reply?.finish()
        reply?.finish()
        #expect(reply?.write([1]) == false)
        #expect(try client.receive { $0.hasSuffix("\r\n0\r\n\r\n") })
        reply = nil
        try client.send(Self.request)
        #expect(try harness.turn { reply != nil })
        #expect(!client.hasEnded)
    }

    @Test func `ends with the connection for HTTP/1.0, and at once for HEAD`() throws {
        let harness = try HTTPServerHarness()
        harness.answer = { _, reply in
            reply.beginStream(status: 200)
            reply.write(Array("hello".utf8))
            reply.finish()
        }
        let old = try harness.connect()
        try old.send("GET / HTTP/1.0\r\n\r\n")
        #expect(try old.receiveEnd())
        #expect(undated(old.text) == "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello")
        let head = try harness.connect()
        try head.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(try head.receiveEnd())
        #expect(head.text.hasSuffix("transfer-encoding: chunked\r\n\r\n"))
    }

    @Test func `tells when its client has gone`() throws {
        let harness = try HTTPServerHarness()
        var reply: HTTPReply?
        var closures = 0
        harness.answer = { _, given in
            given.onClose = { closures += 1 }
            given.beginStream(status: 200)
            reply = given
        }
        let client = try harness.connect()
        try client.send(Self.request)
        #expect(try harness.turn { reply != nil })
        client.close()
        #expect(try harness.turn { closures == 1 })
        #expect(reply?.isOpen == false)
        #expect(reply?.write([1]) == false)
        #expect(harness.server?.connectionCount == 0)
    }

    @Test func `tells when its server is closed`() throws {
        let harness = try HTTPServerHarness()
        var closures = 0
        harness.answer = { _, reply in
            reply.onClose = { closures += 1 }
            reply.beginStream(status: 200)
        }
        let client = try harness.connect()
        try client.send(Self.request)
        #expect(try client.receive { $0.hasPrefix("HTTP/1.1 200 OK") })
        harness.server?.close()
        #expect(closures == 1)
        #expect(try client.receiveEnd())
        #expect(harness.server?.connectionCount == 0)
    }

    @Test func `is cut off when its client reads too slowly`() throws {
        let harness = try HTTPServerHarness(limits: HTTPServerLimits(queuedByteCount: 500_000))
        var reply: HTTPReply?
        var closures = 0
        harness.answer = { _, given in
            given.onClose = { closures += 1 }
            given.beginStream(status: 200)
            reply = given
        }
        let client = try harness.connect()
        try client.send(Self.request)
        #expect(try harness.turn { reply != nil })
        let event = [UInt8](repeating: 0x78, count: 400_000)
        #expect(try harness.turn { reply?.write(event) == false })
        #expect(closures == 0 || closures == 1)
        #expect(try harness.turn { closures == 1 })
        #expect(harness.server?.connectionCount == 0)
    }
}
