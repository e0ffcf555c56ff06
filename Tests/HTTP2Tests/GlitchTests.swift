import Bytes
import HTTP
import HTTP2
import Testing

@Suite struct `What is counted against a client` {
    /// Frames of a client that has said its preface, with a request to begin with.
    private static func settled() throws -> Pair {
        let pair = Pair()
        _ = try pair.client.session.submitRequest(makeRequest(), endsStream: true)
        try pair.settle()
        _ = pair.server.session.takeGlitchCounts()
        return pair
    }

    @Test(
        arguments: [
            ([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], Glitch.ping),
            ([0, 0, 0, 4, 0, 0, 0, 0, 0], .settings),
            ([0, 0, 5, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0], .priority),
            ([0, 0, 1, 0x42, 0, 0, 0, 0, 0, 9], .unknownFrame),
            ([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8], .resetReceived),
        ] as [([UInt8], Glitch)])
    func `is told by kind, whole and byte by byte`(frame: [UInt8], kind: Glitch) throws {
        for size in [frame.count, 1] {
            let pair = try Self.settled()
            var offset = 0
            while offset < frame.count {
                let end = min(offset + size, frame.count)
                try pair.server.receive(frame.span.extracting(offset..<end))
                offset = end
            }
            let counts = pair.server.session.takeGlitchCounts()
            #expect(counts[kind] == 1)
            #expect(pair.server.session.hasGlitches == false)
            #expect(pair.server.session.lastStraw == nil)
        }
    }

    @Test func `ends the connection when it is too much, with its kind on record`() throws {
        let pair = try Self.settled()
        let frame: [UInt8] = [0, 0, 5, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0]
        #expect(throws: SessionError.flooded) {
            for _ in 0...SessionLimits().glitchBurst { try pair.server.receive(frame.span) }
        }
        #expect(pair.server.session.lastStraw == .priority)
    }

    @Test(arguments: [1, 3, 9, .max])
    func `counts the parts of a head by frame and not by read`(segment: Int) throws {
        for (count, isTaken) in [(8, true), (9, false)] {
            let pair = try Self.settled()
            var wire: [UInt8] = [0, 0, 0, 1, 1, 0, 0, 0, 3]
            for part in 1...count {
                wire += [0, 0, 0, 9, part == count ? 4 : 0, 0, 0, 0, 3]
            }
            var error: SessionError?
            var offset = 0
            while offset < wire.count, error == nil {
                let end = segment < wire.count - offset ? offset + segment : wire.count
                do throws(SessionError) {
                    try pair.server.receive(wire.span.extracting(offset..<end))
                } catch let found {
                    error = found
                }
                offset = end
            }
            #expect((error == nil) == isTaken, "\(count) parts")
            #expect(pair.server.session.lastStraw == (isTaken ? nil : .continuation))
        }
    }

    @Test func `includes a number that was passed over`() throws {
        let pair = try Self.settled()
        // An empty head on stream 7, and then one on stream 5.
        try pair.server.receive([0, 0, 0, 1, 5, 0, 0, 0, 7].span)
        #expect(pair.server.session.takeGlitchCounts()[.connectionError] == 0)
        try pair.server.receive([0, 0, 0, 1, 5, 0, 0, 0, 5].span)
        try pair.server.flush()
        #expect(pair.server.session.takeGlitchCounts()[.connectionError] == 1)
    }
}

@Suite struct `A head on its way to HTTP/2` {
    @Test func `leaves out what is for one connection only`() throws {
        let pair = Pair()
        _ = try pair.client.session.submitRequest(makeRequest(), endsStream: true)
        try pair.settle()
        var head = makeResponse(
            200,
            fields: [
                ("Connection", "x-hop"), ("x-hop", "1"), ("keep-alive", "5"), ("te", "trailers"),
                ("Server", "a"), ("content-length", "999"),
            ])
        head.fields.markHopByHop(at: 1)
        head.framing = .length(2)
        try pair.server.session.submitResponse(
            head, on: pair.server.streams[0], endsStream: false)
        try pair.settle()
        #expect(pair.client.log.last == "1 200 server=a content-length=2")
    }

    @Test(arguments: [
        (200, "1 200 content-length=7"), (204, "1 204"), (304, "1 304 content-length=7"),
    ])
    func `tells the length of what is not sent, where there can be one`(
        status: Int, expected: String
    ) throws {
        let pair = Pair()
        _ = try pair.client.session.submitRequest(makeRequest("HEAD"), endsStream: true)
        try pair.settle()
        try pair.server.session.submitResponse(
            makeResponse(UInt16(status), fields: [("content-length", "7")]),
            on: pair.server.streams[0], endsStream: true)
        try pair.settle()
        #expect(pair.client.log.contains(expected))
    }
}

@Suite struct `The preface` {
    private static let text = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    @Test func `is told from anything else by its first bytes`() {
        for count in 0..<Self.text.count {
            #expect(Preface.match(Array(Self.text[..<count]).span) == .incomplete, "\(count)")
            var other = Array(Self.text[...count])
            other[count] ^= 1
            #expect(Preface.match(other.span) == .absent, "\(count)")
        }
        #expect(Preface.match(Self.text.span) == .complete)
        #expect(Preface.match((Self.text + [0]).span) == .complete)
    }
}

@Suite struct `A stream's windows` {
    @Test func `say how much is of use now`() throws {
        let pair = Pair()
        pair.client.consumes = false
        _ = try pair.client.session.submitRequest(makeRequest(), endsStream: true)
        try pair.settle()
        let stream = pair.server.streams[0]
        try pair.server.session.submitResponse(makeResponse(200), on: stream, endsStream: false)
        #expect(pair.server.session.sendableByteCount(on: stream) == 65536)
        try pair.server.session.send([UInt8](repeating: 1, count: 60_000).span, on: stream)
        #expect(pair.server.session.sendableByteCount(on: stream) == 5536)
        try pair.settle()
        try pair.server.session.send([UInt8](repeating: 1, count: 10_000).span, on: stream)
        pair.server.session.awaitEmptyQueue(of: stream)
        try pair.settle()
        #expect(pair.server.session.sendableByteCount(on: stream) == 0)
        #expect(pair.server.log.contains("1 drained") == false)
        pair.client.session.consume(70_000, on: StreamHandle.none)
        pair.client.consumes = true
        pair.client.session.reset(stream, .cancel)
        try pair.settle()
        #expect(pair.server.session.sendableByteCount(on: stream) == 0)
    }
}
