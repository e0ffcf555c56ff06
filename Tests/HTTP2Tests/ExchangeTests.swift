import Bytes
import HTTP
import HTTP2
import Testing

@Suite struct `An HTTP/2 exchange` {
    static let segments = [Int.max, 1, 2, 3, 9, 1000]

    @Test(arguments: segments)
    func `brings heads, bodies and trailers both ways`(segment: Int) throws {
        let pair = Pair(segment: segment)
        let stream = try pair.client.session.submitRequest(
            makeRequest(
                "POST", path: "/a?b=c",
                fields: [
                    ("X-Upper", "Value"), ("connection", "close"), ("te", "gzip"),
                    ("transfer-encoding", "chunked"), ("host", "other"), ("empty", ""),
                ]), endsStream: false)
        try pair.client.session.send("hello".utf8.span, on: stream)
        try pair.client.session.end(stream, trailers: makeFields([("sum", "1")]))
        try pair.settle()
        #expect(
            pair.server.log == [
                "settings", "1 POST reviews/a?b=c x-upper=Value empty=", "1 trailers sum=1",
                "1 end",
            ])
        #expect(pair.server.received == [1: Array("hello".utf8)])

        let request = pair.server.streams[0]
        try pair.server.session.submitInformational(makeResponse(103), on: request)
        try pair.server.session.submitResponse(
            makeResponse(200, fields: [("a", "b")]), on: request, endsStream: false)
        try pair.server.session.send("world".utf8.span, on: request)
        try pair.server.session.end(request, trailers: makeFields([("grpc-status", "0")]))
        try pair.settle()
        #expect(
            pair.client.log == [
                "settings", "1 103", "1 200 a=b", "1 trailers grpc-status=0", "1 end",
                "1 closed 0",
            ])
        #expect(pair.client.received == [1: Array("world".utf8)])
        #expect(pair.server.log.last == "1 closed 0")
        #expect(pair.client.session.openStreamCount == 0)
        #expect(pair.server.session.openStreamCount == 0)
    }

    @Test(arguments: segments)
    func `opens a tunnel where the server says that it may be asked`(segment: Int) throws {
        var limits = SessionLimits()
        limits.takesConnect = true
        let pair = Pair(segment: segment, server: limits)
        try pair.settle()
        let isTaken = (pair.client.session.peerTakesConnect, pair.server.session.peerTakesConnect)
        #expect(isTaken == (true, false))
        let fields = [("upgrade", "websocket"), ("connection", "upgrade"), ("content-length", "0")]
        let head = makeRequest("GET", path: "/chat", fields: fields)
        let target = (path: head.pathRange, authority: head.authorityRange)
        let stream = try pair.client.session.submitRequest(
            head, target: target, scheme: .https, tunnelling: head.fields[0].value,
            endsStream: false)
        try pair.client.session.send("to".utf8.span, on: stream)
        try pair.settle()
        #expect(pair.server.log == ["settings", "1 GET reviews/chat upgrade=websocket"])
        let asksForUpgrade = pair.server.lastRequest.asksForUpgrade
        let scheme = pair.server.lastRequest.scheme
        let framing = pair.server.lastRequest.framing
        #expect(asksForUpgrade && scheme == .https && framing == .none)
        #expect(pair.server.received == [1: Array("to".utf8)])
        let tunnel = pair.server.streams[0]
        try pair.server.session.submitResponse(makeResponse(200), on: tunnel, endsStream: false)
        try pair.server.session.send("fro".utf8.span, on: tunnel)
        try pair.server.session.end(tunnel)
        try pair.client.session.end(stream)
        try pair.settle()
        #expect(pair.client.log == ["settings", "1 200", "1 end", "1 closed 0"])
        #expect(pair.client.received == [1: Array("fro".utf8)])
    }

    @Test func `is refused as a tunnel where the server has not said that it may be asked`() throws
    {
        let pair = Pair()
        try pair.settle()
        let head = makeRequest("GET", path: "/chat", fields: [("upgrade", "websocket")])
        let target = (path: head.pathRange, authority: head.authorityRange)
        let isTaken = pair.client.session.peerTakesConnect
        #expect(!isTaken)
        _ = try pair.client.session.submitRequest(
            head, target: target, tunnelling: head.fields[0].value, endsStream: false)
        try pair.settle()
        #expect(pair.server.log == ["settings"])
        #expect(pair.client.log == ["settings", "1 closed 1"])
    }

    @Test func `may have a head as large as the limits let it be`() throws {
        var limits = SessionLimits()
        limits.headByteCount = 512 * 1024
        limits.continuationCount = 64
        let pair = Pair(server: limits)
        let value = String(repeating: "v", count: 30_000)
        let stream = try pair.client.session.submitRequest(
            makeRequest(fields: (0..<10).map { ("x-\($0)", value) }), endsStream: false)
        let trailers = [("sum", value), ("more", value), ("most", value)]
        try pair.client.session.end(stream, trailers: makeFields(trailers))
        try pair.settle()
        #expect(pair.server.log.count == 4)
        #expect(pair.server.lastRequest.fields.count == 10)
    }

    @Test func `may be an answer without a body`() throws {
        let pair = Pair()
        _ = try pair.client.session.submitRequest(makeRequest(), endsStream: true)
        try pair.settle()
        #expect(pair.server.log == ["settings", "1 GET reviews/", "1 end"])
        try pair.server.session.submitResponse(
            makeResponse(204), on: pair.server.streams[0], endsStream: true)
        try pair.settle()
        #expect(pair.client.log == ["settings", "1 204", "1 end", "1 closed 0"])
    }

    @Test func `fills the head as HTTP/1 would`() throws {
        let pair = Pair()
        _ = try pair.client.session.submitRequest(
            makeRequest(
                "POST",
                fields: [
                    ("cookie", "a=1"), ("x", "y"), ("content-length", "5"),
                    ("expect", "100-continue"),
                ]), endsStream: false)
        try pair.settle()
        let server = pair.server
        #expect(server.lastRequest.version == .http2)
        #expect(server.lastRequest.method == .post)
        #expect(server.lastRequest.framing == .length(5))
        #expect(server.lastRequest.expectsContinue == true)
        #expect(server.lastRequest.fields.count == 4)
        _ = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        try pair.settle()
        #expect(server.lastRequest.framing == .chunked)
        _ = try pair.client.session.submitRequest(makeRequest(), endsStream: true)
        try pair.settle()
        #expect(server.lastRequest.framing == .none)
    }

    @Test func `joins the crumbs of a cookie`() throws {
        let pair = Pair()
        _ = try pair.client.session.submitRequest(
            makeRequest(fields: [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")]),
            endsStream: true)
        try pair.settle()
        #expect(pair.server.log[1] == "1 GET reviews/ x=y cookie=a=1; b=2")
    }

    @Test(arguments: segments)
    func `carries a body larger than every window`(segment: Int) throws {
        guard segment > 100 else { return }
        let pair = Pair(segment: segment)
        let body = (0..<250_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let stream = try pair.client.session.submitRequest(makeRequest("PUT"), endsStream: false)
        try pair.client.session.send(body.span, on: stream)
        try pair.client.session.end(stream)
        try pair.settle()
        #expect(pair.server.received[1] == body)
        #expect(pair.server.log.last == "1 end")
    }

    @Test func `interleaves streams`() throws {
        let pair = Pair(segment: 100)
        for _ in 0..<50 {
            let stream = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
            try pair.client.session.send([UInt8](repeating: 7, count: 3000).span, on: stream)
            try pair.client.session.end(stream)
        }
        try pair.settle()
        #expect(pair.server.streams.count == 50)
        #expect(pair.server.received.values.allSatisfy { $0.count == 3000 })
        for stream in pair.server.streams {
            try pair.server.session.submitResponse(makeResponse(200), on: stream, endsStream: true)
        }
        try pair.settle()
        #expect(pair.client.session.openStreamCount == 0)
        #expect(pair.server.session.openStreamCount == 0)
    }
}

@Suite struct `An HTTP/2 stream that ends early` {
    @Test func `is reset by the client`() throws {
        let pair = Pair()
        let stream = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        try pair.settle()
        pair.client.session.reset(stream, .cancel)
        try pair.settle()
        #expect(pair.server.log.last == "1 closed 8")
        #expect(pair.client.log.last == "1 closed 8")
        #expect(throws: SubmitError.streamClosed) {
            try pair.server.session.submitResponse(
                makeResponse(200), on: pair.server.streams[0], endsStream: true)
        }
    }

    @Test func `is reset by the server`() throws {
        let pair = Pair()
        let stream = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        try pair.settle()
        pair.server.session.reset(pair.server.streams[0], .refusedStream)
        try pair.settle()
        #expect(pair.client.log.last == "1 closed 7")
        #expect(throws: SubmitError.streamClosed) {
            try pair.client.session.send("x".utf8.span, on: stream)
        }
    }

    @Test func `is reset before it began`() throws {
        let pair = Pair()
        let stream = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        pair.client.session.reset(stream, .cancel)
        try pair.settle()
        #expect(pair.client.log.contains("1 closed 8"))
        #expect(pair.client.session.openStreamCount == 0)
        #expect(pair.server.session.openStreamCount == 0)
    }

    @Test func `gives its bytes back to the connection's window`() throws {
        var limits = SessionLimits()
        limits.connectionWindowByteCount = 64 * 1024
        let pair = Pair(server: limits)
        pair.server.consumes = false
        for _ in 0..<20 {
            let stream = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
            try pair.client.session.send([UInt8](repeating: 1, count: 40_000).span, on: stream)
            try pair.settle()
            #expect(pair.server.received[stream.streamID]?.count == 40_000)
            pair.client.session.reset(stream, .cancel)
            try pair.settle()
        }
    }

    @Test func `is gone for both when the connection is lost`() throws {
        let pair = Pair()
        _ = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        _ = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        try pair.settle()
        pair.server.session.abandon(.cancel)
        pair.server.drainWithoutInput()
        #expect(pair.server.log.suffix(2) == ["1 closed 8", "3 closed 8"])
        #expect(pair.server.session.openStreamCount == 0)
        pair.client.session.abandon(.cancel)
        pair.client.drainWithoutInput()
        #expect(pair.client.session.openStreamCount == 0)
    }

    @Test func `leaves a handle that names nothing`() throws {
        let pair = Pair()
        let old = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        pair.client.session.reset(old, .cancel)
        try pair.settle()
        let new = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        #expect(old != new)
        pair.client.session.reset(old, .cancel)
        pair.client.session.consume(1000, on: old)
        #expect(throws: SubmitError.streamClosed) { try pair.client.session.end(old) }
        try pair.client.session.end(new)
        try pair.settle()
        #expect(pair.server.log.last == "\(new.streamID) end")
    }
}

@Suite struct `An HTTP/2 connection` {
    @Test func `answers a PING`() throws {
        let pair = Pair()
        pair.client.session.ping(payload: 0x0102_0304_0506_0708)
        try pair.settle()
        #expect(pair.client.log.last == "pong \(0x0102_0304_0506_0708)")
    }

    @Test func `shuts down in two steps without losing a stream`() throws {
        let pair = Pair()
        _ = try pair.client.session.submitRequest(makeRequest(), endsStream: true)
        try pair.settle()
        pair.server.session.beginShutdown()
        // This request crosses the first GOAWAY on the wire.
        _ = try pair.client.session.submitRequest(makeRequest(), endsStream: true)
        try pair.settle()
        #expect(pair.client.log.contains("goaway 2147483647 0"))
        #expect(pair.client.log.last == "goaway 3 0")
        #expect(pair.client.session.acceptsRequests == false)
        #expect(throws: SubmitError.sessionClosing) {
            _ = try pair.client.session.submitRequest(makeRequest(), endsStream: true)
        }
        #expect(pair.server.session.isFinished == false)
        for stream in pair.server.streams {
            try pair.server.session.submitResponse(makeResponse(200), on: stream, endsStream: true)
        }
        try pair.settle()
        #expect(pair.client.log.suffix(2) == ["3 end", "3 closed 0"])
        #expect(pair.server.session.isFinished == true)
        #expect(pair.client.session.isFinished == true)
    }

    @Test func `refuses what is not HTTP/2`() throws {
        let server = Peer(.server)
        #expect(throws: SessionError.prefaceMissing) {
            try server.receive("GET / HTTP/1.1\r\nhost: a\r\n\r\n".utf8.span)
        }
    }
}
