import HTTP
import HTTP1
import Testing

@Suite struct `Random bytes` {
    private static let seeds: [Bytes] = [
        "GET /a?b=c HTTP/1.1\r\nHost: reviews:80\r\nAccept: */*\r\n"
            + "Connection: x-y, close\r\nX-Y: 1\r\n\r\n",
        "POST http://[::1]:80/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1;a=\"b\";c\r\nx\r\n1f\r\n0123456789012345678901234567890\r\n0\r\n"
            + "A: b\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        "GET /product/1?page=2&sort=name%20desc HTTP/1.1\r\nHost: reviews\r\nAccept: */*\r\n"
            + "Upgrade-Insecure-Requests: 1\r\nAccess-Control-Request-Headers: x-b3-traceid\r\n"
            + "x_under.score1: value of more than sixteen bytes  \r\nEmpty:\r\nTE: a\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
            + "0123456789OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
            + "hiHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.0 304 Not Modified\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 500 Oh\r\n\r\n"
            + "until the end",
    ].map(latin1)
    private typealias Bytes = [UInt8]

    /// Fragments that a mutation inserts, since they are where readers differ.
    private static let fragments: [Bytes] = [
        "\r\n", "\n", "\r", ":", " ", "\t", "0", "ffffffffffffffff", "9223372036854775807", ",",
        ";", "\"", "\\",
        "%", "#", "chunked", "Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n",
        "Connection: a\r\n", "\u{0}", "\u{FF}",
        "HTTP/1.1", "\r\n\r\n", "[", "]", "*",
    ].map(latin1)

    private static func mutated(_ random: inout SplitMix) -> Bytes {
        var bytes = seeds.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let position = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: position)
            case 2:
                bytes.insert(
                    contentsOf: fragments.randomElement(using: &random) ?? [], at: position)
            case 3: bytes.removeSubrange(position..<min(bytes.count, position + 9))
            default:
                let end = min(bytes.count, position + Int.random(in: 1...40, using: &random))
                bytes.insert(contentsOf: Array(bytes[position..<end]), at: position)
            }
        }
        return bytes
    }

    @Test func `never trap, and read the same however they are cut`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        for round in 0..<3000 {
            let bytes =
                round % 10 == 0
                ? (0..<Int.random(in: 0...64, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                } : Self.mutated(&random)
            let cutting = Cutting.random(seed: random.next())
            let limits =
                round % 3 == 0
                ? Limits(
                    headBytes: 90, fieldCount: 3, requestLineBytes: 40, chunkLineBytes: 6,
                    chunkExtensionBytes: 8, trailerBytes: 9, informationalCount: 0) : Limits()
            let whole = transcribe(requests: bytes, limits: limits)
            #expect(transcribe(requests: bytes, .single, limits: limits) == whole, "seed \(seed)")
            #expect(transcribe(requests: bytes, cutting, limits: limits) == whole, "seed \(seed)")
            let methods: [Method] = [[.get, .head], [.head, .get], [.connect], [.put, .put]][
                round % 4]
            let answers = transcribe(responses: bytes, to: methods, limits: limits)
            #expect(
                transcribe(responses: bytes, to: methods, .single, limits: limits) == answers,
                "seed \(seed)")
            #expect(
                transcribe(responses: bytes, to: methods, cutting, limits: limits) == answers,
                "seed \(seed)")
        }
    }
}
