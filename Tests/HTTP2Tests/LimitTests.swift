import Bytes
import HTTP
import HTTP2
import Testing

/// Frames as an attacker writes them.
struct Wire {
    var bytes: [UInt8] = []

    static var preface: Wire {
        var wire = Wire(bytes: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8))
        wire.frame(type: 4, flags: 0, stream: 0, [])
        return wire
    }

    mutating func frame(type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) {
        let count = payload.count
        bytes += [UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)]
        bytes += [type, flags]
        bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) }
        bytes += payload
    }

    /// GET http / with `:authority` a, and then fields in HPACK's plainest form.
    static func head(_ fields: [(String, String)] = [], authority: String? = "a") -> [UInt8] {
        var block: [UInt8] = [0x82, 0x86, 0x84]
        if let authority { block += [0x41, UInt8(authority.utf8.count)] + Array(authority.utf8) }
        for (name, value) in fields { block += literal(name, value) }
        return block
    }

    static func literal(_ name: String, _ value: String) -> [UInt8] {
        [0x00, UInt8(name.utf8.count)] + Array(name.utf8)
            + [UInt8(value.utf8.count)] + Array(value.utf8)
    }
}

@Suite struct `An HTTP/2 server's limits` {
    struct Outcome {
        var log: [String] = []
        var error: SessionError?
        /// nghttp2 ends some connections by itself, with a GOAWAY and silence.
        var isFinished = false
    }

    /// Feeds `wire` in segments and tells what became of it.
    func run(_ wire: Wire, segment: Int, limits: SessionLimits = SessionLimits()) -> Outcome {
        let server = Peer(.server, limits: limits)
        var outcome = Outcome()
        var offset = 0
        do throws(SessionError) {
            while offset < wire.bytes.count {
                let end = min(offset + min(segment, wire.bytes.count), wire.bytes.count)
                try server.receive(wire.bytes.span.extracting(offset..<end))
                offset = end
            }
        } catch {
            outcome.error = error
        }
        outcome.log = server.log
        outcome.isFinished = server.session.isFinished
        return outcome
    }

    @Test(arguments: [
        ("upper-case name", [("X", "1")]), ("CR in a value", [("x", "a\rb")]),
        ("LF in a value", [("x", "a\nb")]), ("NUL in a value", [("x", "a\0b")]),
        ("colon in a name", [("a:b", "1")]), ("space in a name", [("a b", "1")]),
        ("connection", [("connection", "close")]), ("te", [("te", "gzip")]),
        ("transfer-encoding", [("transfer-encoding", "chunked")]),
        ("two lengths", [("content-length", "1"), ("content-length", "1")]),
        ("length that is no number", [("content-length", "+1")]),
        ("host that differs", [("host", "b")]),
        ("two hosts", [("host", "a"), ("host", "a")]),
        ("late pseudo field", [("x", "1"), (":path", "/b")]),
        ("unknown pseudo field", [(":x", "1")]), ("empty name", [("", "1")]),
    ])
    func `let no malformed head through`(name: String, fields: [(String, String)]) {
        var wire = Wire.preface
        wire.frame(type: 1, flags: 4, stream: 1, Wire.head(fields))
        wire.frame(type: 1, flags: 5, stream: 3, Wire.head())
        for segment in [Int.max, 1] {
            let outcome = run(wire, segment: segment)
            #expect(outcome.error == nil)
            #expect(outcome.log == ["settings", "3 GET a/", "3 end"], "\(name)")
        }
    }

    @Test(arguments: [
        (99, true), (100, true), (101, false),
    ])
    func `count fields, and crumbs of cookies one by one`(count: Int, isTaken: Bool) {
        var limits = SessionLimits()
        limits.fieldCount = 104
        var wire = Wire.preface
        let crumbs = (0..<count).map { ("cookie", "\($0)=1") }
        wire.frame(type: 1, flags: 5, stream: 1, Wire.head(crumbs))
        for segment in [Int.max, 1] {
            let outcome = run(wire, segment: segment, limits: limits)
            #expect(outcome.error == nil)
            #expect(outcome.log.contains("1 end") == isTaken)
        }
    }

    @Test func `count the bytes that a reference unfolds to`() {
        // One large field goes into the table, and each further byte repeats it.
        var block = Wire.head()
        block += [0x40, 1, UInt8(ascii: "x"), 0x7F, 0x81, 0x0F]
        block += [UInt8](repeating: UInt8(ascii: "v"), count: 2048)
        block += [UInt8](repeating: 0xBE, count: 90)
        var wire = Wire.preface
        wire.frame(type: 1, flags: 5, stream: 1, block)
        for segment in [Int.max, 1] {
            let outcome = run(wire, segment: segment)
            #expect(outcome.error == nil)
            #expect(outcome.log == ["settings"])
        }
        for stream in [3, 5] as [UInt32] {
            wire.frame(
                type: 1, flags: 5, stream: stream,
                [0x82, 0x86, 0x84] + [UInt8](repeating: 0xBE, count: 90))
        }
        for segment in [Int.max, 1] {
            #expect(run(wire, segment: segment).error == .headsTooLarge)
        }
    }

    static let floods: [(String, Int, @Sendable (inout Wire, UInt32) -> Void)] = [
        (
            "PING", 3000,
            { wire, _ in wire.frame(type: 6, flags: 0, stream: 0, [0, 0, 0, 0, 0, 0, 0, 0]) }
        ),
        ("SETTINGS", 3000, { wire, _ in wire.frame(type: 4, flags: 0, stream: 0, []) }),
        (
            "PRIORITY", 3000,
            { wire, _ in wire.frame(type: 2, flags: 0, stream: 3, [0, 0, 0, 0, 1]) }
        ),
        ("unknown frames", 3000, { wire, _ in wire.frame(type: 0x42, flags: 0, stream: 0, []) }),
        ("empty DATA", 3000, { wire, _ in wire.frame(type: 0, flags: 0, stream: 1, []) }),
        (
            "WINDOW_UPDATE", 3000,
            { wire, _ in wire.frame(type: 8, flags: 0, stream: 0, [0, 0, 0, 1]) }
        ),
        (
            "rapid reset", 3000,
            { wire, number in
                wire.frame(type: 1, flags: 5, stream: 3 + 2 * number, Wire.head())
                wire.frame(type: 3, flags: 0, stream: 3 + 2 * number, [0, 0, 0, 8])
            }
        ),
        (
            "resets that the server is made to send", 3000,
            { wire, number in
                wire.frame(type: 1, flags: 4, stream: 3 + 2 * number, Wire.head())
                wire.frame(type: 8, flags: 0, stream: 3 + 2 * number, [0, 0, 0, 0])
            }
        ),
        ("CONTINUATION", 100, { wire, _ in wire.frame(type: 9, flags: 0, stream: 3, []) }),
    ]

    @Test(arguments: floods.indices)
    func `end a flood`(index: Int) {
        let (name, count, append) = Self.floods[index]
        var wire = Wire.preface
        wire.frame(type: 1, flags: 4, stream: 1, Wire.head())
        if name == "CONTINUATION" { wire.frame(type: 1, flags: 0, stream: 3, Wire.head()) }
        for number in 0..<UInt32(count) { append(&wire, number) }
        for segment in [Int.max, 7] {
            let outcome = run(wire, segment: segment)
            #expect(outcome.error == .flooded || outcome.isFinished, "\(name)")
        }
    }

    @Test func `let a modest rate of glitches pass`() throws {
        let server = Peer(.server)
        try server.receive(Wire.preface.bytes.span)
        for second in 0..<200 as Range<UInt64> {
            server.now = second * 1_000_000_000
            var wire = Wire()
            for _ in 0..<30 {
                wire.frame(type: 6, flags: 0, stream: 0, [0, 0, 0, 0, 0, 0, 0, 0])
            }
            try server.receive(wire.bytes.span)
            server.output.removeAll()
        }
    }

    @Test func `count no reset against a client that it did not cause`() throws {
        var limits = SessionLimits()
        limits.glitchBurst = 5
        limits.glitchesPerSecond = 0
        let server = Peer(.server, limits: limits)
        try server.receive(Wire.preface.bytes.span)
        for number in 0..<20 as Range<UInt32> {
            var wire = Wire()
            wire.frame(type: 1, flags: 5, stream: 1 + 2 * number, Wire.head())
            try server.receive(wire.bytes.span)
            let stream = try #require(server.streams.last)
            server.session.reset(stream, .internalError)
            try server.flush()
            server.output.removeAll()
        }
        #expect(server.session.lastStraw == nil)
        #expect(server.session.takeGlitchCounts()[.resetSent] == 0)
    }

    @Test func `end a flood of informational answers`() throws {
        let client = Peer(.client)
        _ = try client.session.submitRequest(makeRequest(), endsStream: true)
        try client.flush()
        var wire = Wire()
        wire.frame(type: 4, flags: 0, stream: 0, [])
        for _ in 0..<3000 {
            wire.frame(type: 1, flags: 4, stream: 1, [0x08, 3] + Array("103".utf8))
        }
        #expect(throws: SessionError.flooded) { try client.receive(wire.bytes.span) }
    }

    @Test func `take the highest number that a stream can have`() {
        var wire = Wire.preface
        wire.frame(type: 1, flags: 5, stream: 0x7FFF_FFFF, Wire.head())
        #expect(
            run(wire, segment: .max).log
                == ["settings", "2147483647 GET a/", "2147483647 end"])
    }

    @Test func `refuse an answer that switches protocols`() throws {
        let client = Peer(.client)
        _ = try client.session.submitRequest(makeRequest(), endsStream: true)
        try client.flush()
        var wire = Wire()
        wire.frame(type: 4, flags: 0, stream: 0, [])
        wire.frame(type: 1, flags: 4, stream: 1, [0x08, 3] + Array("101".utf8))
        try client.receive(wire.bytes.span)
        try client.flush()
        #expect(client.log.last == "1 closed 1")
    }

    @Test func `refuse streams beyond the limit`() {
        var limits = SessionLimits()
        limits.concurrentStreamCount = 2
        var wire = Wire.preface
        for stream in [1, 3, 5] as [UInt32] {
            wire.frame(type: 1, flags: 5, stream: stream, Wire.head())
        }
        let outcome = run(wire, segment: .max, limits: limits)
        #expect(outcome.log == ["settings", "1 GET a/", "1 end", "3 GET a/", "3 end"])
    }

    @Test func `bound what one turn works on`() throws {
        var limits = SessionLimits()
        limits.turnByteCount = 100
        var session = Session(role: .server, limits: limits)
        var wire = Wire.preface
        for _ in 0..<100 { wire.frame(type: 6, flags: 1, stream: 0, [0, 0, 0, 0, 0, 0, 0, 0]) }
        #expect(try session.receive(wire.bytes.span, nowNanoseconds: 0) == 100)
    }

    @Test func `bound the events of one turn`() throws {
        var session = Session(role: .server)
        var wire = Wire.preface
        wire.frame(type: 1, flags: 4, stream: 1, Wire.head())
        for _ in 0..<5000 { wire.frame(type: 0, flags: 0, stream: 1, [1]) }
        let taken = try session.receive(wire.bytes.span, nowNanoseconds: 0)
        #expect(taken < 20_000)
        var count = 0
        while session.nextEvent() != nil { count += 1 }
        #expect(count < 2000)
    }

    @Test func `stop input while output does not leave`() throws {
        var limits = SessionLimits()
        limits.outboundFrameCount = 10
        var session = Session(role: .server, limits: limits)
        var wire = Wire.preface
        for _ in 0..<5000 { wire.frame(type: 6, flags: 0, stream: 0, [0, 0, 0, 0, 0, 0, 0, 0]) }
        var offset = 0
        for _ in 0..<10 {
            let rest = wire.bytes.span.extracting(offset...)
            offset += try session.receive(rest, nowNanoseconds: 0)
            while session.nextEvent() != nil {}
        }
        #expect(session.isInputBlocked == true)
        #expect(offset < 10_000)
    }
}

@Suite struct `HTTP/2 queues and windows` {
    @Test func `a slow reader stops its stream and no other`() throws {
        let pair = Pair()
        pair.server.consumes = false
        let slow = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        try pair.client.session.send([UInt8](repeating: 1, count: 200_000).span, on: slow)
        try pair.settle()
        #expect(pair.server.received[1]?.count == 64 * 1024)
        pair.server.consumes = true
        let other = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        try pair.client.session.send([UInt8](repeating: 2, count: 200_000).span, on: other)
        try pair.settle()
        #expect(pair.server.received[3]?.count == 200_000)
        #expect(pair.server.received[1]?.count == 64 * 1024)
        pair.server.session.consume(64 * 1024, on: pair.server.streams[0])
        try pair.settle()
        #expect(pair.server.received[1]?.count == 200_000)
    }

    @Test func `a full queue refuses whole pieces and tells when it has room`() throws {
        var limits = SessionLimits()
        limits.streamQueueByteCount = 100_000
        let pair = Pair(client: limits)
        pair.server.consumes = false
        let stream = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        try pair.client.session.send([UInt8](repeating: 1, count: 100_000).span, on: stream)
        #expect(throws: SubmitError.queueFull) {
            try pair.client.session.send([1 as UInt8].span, on: stream)
        }
        #expect(pair.client.session.queuedByteCount(on: stream) == 100_000)
        try pair.settle()
        #expect(pair.client.log.contains("1 drained"))
        #expect(pair.client.session.queuedByteCount(on: stream) == 100_000 - 64 * 1024)
    }

    @Test func `the session's queue bounds all streams together`() throws {
        var limits = SessionLimits()
        limits.sessionQueueByteCount = 1000
        let pair = Pair(client: limits)
        let first = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        let second = try pair.client.session.submitRequest(makeRequest(), endsStream: false)
        try pair.client.session.send([UInt8](repeating: 1, count: 900).span, on: first)
        #expect(throws: SubmitError.queueFull) {
            try pair.client.session.send([UInt8](repeating: 1, count: 900).span, on: second)
        }
        pair.client.session.reset(first, .cancel)
        try pair.settle()
        try pair.client.session.send([UInt8](repeating: 1, count: 900).span, on: second)
        try pair.settle()
        #expect(pair.server.received[second.streamID]?.count == 900)
    }
}
