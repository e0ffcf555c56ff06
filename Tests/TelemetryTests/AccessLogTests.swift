import Bytes
import Telemetry
import Testing

private func rendered(_ append: (inout Buffer) -> Void) -> String {
    var buffer = Buffer()
    append(&buffer)
    return String(buffer.bytes)
}

@Suite struct `A timestamp` {
    @Test(arguments: [
        (UInt64(0), "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_007, "2000-03-01T00:00:00.007Z"),
        (1_795_352_809_042, "2026-11-22T13:06:49.042Z"),
        (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func `is UTC in RFC 3339 with milliseconds`(milliseconds: UInt64, text: String) {
        let moment = Timestamp(unixMilliseconds: milliseconds)
        #expect(rendered { moment.append(to: &$0) } == text)
    }

    @Test func `far in the future does not trap`() {
        #expect(rendered { Timestamp(unixMilliseconds: .max).append(to: &$0) }.hasPrefix("9999"))
    }
}

@Suite struct `Response flags` {
    @Test func `are Envoy's codes with commas`() {
        #expect(rendered { ResponseFlags().append(to: &$0) } == "-")
        let flags: ResponseFlags = [.retryLimitExceeded, .upstreamConnectFailure]
        #expect(rendered { flags.append(to: &$0) } == "UF,URX")
        #expect(rendered { ResponseFlags(rawValue: 1 << 31).append(to: &$0) } == "?")
    }
}

@Suite struct `A JSON string` {
    @Test(arguments: [
        ([UInt8](), #""""#), (Array("plain".utf8), #""plain""#),
        (Array("q\" b\\ n\n r\r t\t".utf8), #""q\" b\\ n\n r\r t\t""#),
        ([0x00, 0x1F, 0x7F], "\"\\u0000\\u001f\u{7F}\""),
        (Array("é€😀".utf8), "\"é€😀\""),
        ([0xE9], #""\u00e9""#), ([0xC3], #""\u00c3""#), ([0xE2, 0x82], #""\u00e2\u0082""#),
        ([0xC0, 0xAF], #""\u00c0\u00af""#), ([0xED, 0xA0, 0x80], #""\u00ed\u00a0\u0080""#),
        ([0xF4, 0x90, 0x80, 0x80], #""\u00f4\u0090\u0080\u0080""#),
        ([0xF0, 0x9F, 0x98, 0x22], #""\u00f0\u009f\u0098\"""#),
    ])
    func `is valid whatever the bytes are`(bytes: [UInt8], expected: String) {
        #expect(rendered { $0.append(jsonString: bytes.span) } == expected)
    }

    @Test func `of random bytes is UTF-8 without control bytes`() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var state = seed
        for _ in 0..<500 {
            let bytes = (0..<40).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 56)
            }
            var buffer = Buffer()
            buffer.append(jsonString: bytes.span)
            let text = String(buffer.bytes)
            #expect(!text.unicodeScalars.contains { $0 == "\u{FFFD}" || $0.value < 32 }, "\(seed)")
        }
    }
}

@Suite struct `The access log` {
    private func addLine(to log: inout AccessLog, path: String) {
        log.begin(at: Timestamp(unixMilliseconds: 0))
        log.add(.method, "GET")
        log.add(.path, path)
        log.add(.requestProtocol, "HTTP/1.1")
        log.add(.status, 503)
        log.add(.noHealthyUpstream)
        log.add(.bytesSent, 19)
        log.add(.total, nanoseconds: 12_045_678)
        log.end()
    }

    @Test func `is one JSON object a line`() {
        let queue = AccessLogQueue()
        var log = AccessLog(to: queue)
        addLine(to: &log, path: "/a\"b")
        let waits = log.hasPending
        #expect(waits)
        let wakes = log.flush()
        #expect(wakes)
        var batch = Buffer()
        queue.take(into: &batch)
        let line =
            #"{"time":"1970-01-01T00:00:00.000Z","method":"GET","path":"/a\"b","#
            + #""protocol":"HTTP/1.1","status":503,"response_flags":"UH","bytes_sent":19,"#
            + #""duration_ms":12.045}"# + "\n"
        #expect(String(batch.bytes) == line)
    }

    @Test func `wakes the writer only when it may be asleep`() {
        let queue = AccessLogQueue()
        var log = AccessLog(to: queue)
        let idle = log.flush()
        addLine(to: &log, path: "/1")
        let first = log.flush()
        addLine(to: &log, path: "/2")
        let second = log.flush()
        #expect(!idle && first && !second)
    }

    @Test func `drops and counts what a slow writer leaves no room for`() {
        let queue = AccessLogQueue(maximumByteCount: 300)
        var log = AccessLog(to: queue)
        let path = String(repeating: "x", count: 5000)
        for _ in 0..<100 {
            addLine(to: &log, path: path)
            _ = log.flush()
        }
        #expect(queue.droppedCount > 30)
        #expect(queue.droppedCount < 60)
        var batch = Buffer()
        queue.take(into: &batch)
        #expect(String(batch.bytes).isEmpty)
    }

    @Test func `cuts a text that is too long`() {
        let queue = AccessLogQueue()
        var log = AccessLog(to: queue)
        addLine(to: &log, path: String(repeating: "x", count: 60_000))
        _ = log.flush()
        var batch = Buffer()
        queue.take(into: &batch)
        let byteCount = batch.count
        #expect(byteCount < AccessLog.maximumTextByteCount + 300)
    }
}
