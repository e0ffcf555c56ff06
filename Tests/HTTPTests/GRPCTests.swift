import Bytes
import HTTP
import Testing

@Suite struct `gRPC words` {
    @Test(arguments: [
        ("0", GRPCStatus.Code.ok), ("5", .notFound), ("14", .unavailable), ("16", .unauthenticated),
        ("17", .unknown), ("", .unknown), ("-1", .unknown), ("1x", .unknown), ("0000", .unknown),
        ("99999999999999999999", .unknown),
    ])
    func `a status code is a decimal number of the table`(text: String, code: GRPCStatus.Code) {
        #expect(GRPCStatus.Code(parsing: Array(text.utf8).span) == code)
    }

    @Test(arguments: [
        ("plain text, with punctuation!", "plain text, with punctuation!"),
        ("100% déjà\n", "100%25 d%C3%A9j%C3%A0%0A"), ("", ""),
    ])
    func `a message is percent-encoded and comes back`(message: String, encoded: String) {
        let status = GRPCStatus(.internal, message)
        #expect(status.percentEncodedMessage == Array(encoded.utf8))
        #expect(GRPCStatus(.internal, percentEncoded: Array(encoded.utf8).span) == status)
    }

    @Test(arguments: [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%41%4", "A%4")])
    func `what is not well-formed stays as it is`(encoded: String, message: String) {
        let status = GRPCStatus(.unknown, percentEncoded: Array(encoded.utf8).span)
        #expect(status.message == message)
    }

    @Test func `a long message loses its end`() {
        let status = GRPCStatus(.internal, String(repeating: "é", count: 10_000))
        #expect(status.percentEncodedMessage.count <= GRPCStatus.messageByteCountLimit)
    }

    @Test(arguments: [
        ("application/grpc", true), ("application/grpc+proto", true), ("Application/GRPC", true),
        ("application/grpc;charset=x", true), ("application/grpc-web", false),
        ("application/json", false), ("", false), ("application/grp", false),
    ])
    func `a content type is gRPC's by its first word`(value: String, isGRPC: Bool) {
        #expect(GRPCFraming.isContentType(Array(value.utf8).span) == isGRPC)
    }
}

@Suite struct `A head of gRPC` {
    @Test(arguments: [
        ("1n", 1), ("20u", 20_000), ("300m", 300_000_000), ("4S", 4_000_000_000),
        ("5M", 300_000_000_000), ("6H", 21_600_000_000_000),
        ("99999999H", .max), ("00000001S", 1_000_000_000), ("0m", 0),
        ("", nil), ("m", nil), ("1", nil), ("1s", nil), ("-1S", nil), ("1 S", nil), ("1.5S", nil),
        ("123456789S", nil),
    ])
    func `says how long its client waits`(text: String, nanoseconds: UInt64?) {
        var head = RequestHead()
        #expect(head.grpcTimeout == nil)
        head.fields.append("Grpc-Timeout", value: text.utf8.span)
        #expect(head.grpcTimeout == nanoseconds)
    }

    @Test func `says how the call ended, behind the body or before it`() {
        var head = ResponseHead()
        #expect(head.grpcStatus == nil)
        head.fields.append("grpc-status", "14")
        #expect(head.grpcStatus == .unavailable)
        head.trailers.append("grpc-status", "0")
        #expect(head.grpcStatus == .ok)
    }
}

@Suite struct `gRPC framing` {
    static let sizes = [0, 1, 4, 5, 6, 255, 256, 70_000]

    @Test(arguments: [1, 2, 3, 7, 4096, 1_000_000])
    func `messages come back whole however they are cut`(segment: Int) throws {
        let messages = Self.sizes.map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0) } }
        var wire = Buffer()
        for message in messages { GRPCFraming.append(message: message.span, to: &wire) }
        var decoder = GRPCMessageDecoder(messageByteCountLimit: 70_000)
        var received: [[UInt8]] = []
        var offset = 0
        while offset < wire.count {
            let end = min(offset + segment, wire.count)
            var consumed = 0
            let part = wire.bytes.extracting(offset..<end)
            if let message = try decoder.next(part, consumed: &consumed) {
                received.append(message)
            }
            offset += consumed
        }
        #expect(received == messages)
        #expect(decoder.isBetweenMessages)
    }

    @Test(
        arguments: [
            ([1, 0, 0, 0, 0], GRPCFramingError.compressed),
            ([2, 0, 0, 0, 0], .flagUnknown(2)),
            ([0, 0, 0, 0, 11], .messageTooLarge(byteCount: 11, limit: 10)),
            ([0, 255, 255, 255, 255], .messageTooLarge(byteCount: .max, limit: 10)),
        ] as [([UInt8], GRPCFramingError)])
    func `refuses`(prefix: [UInt8], error: GRPCFramingError) {
        #expect(throws: error) {
            var decoder = GRPCMessageDecoder(messageByteCountLimit: 10)
            var consumed = 0
            _ = try decoder.next(prefix.span, consumed: &consumed)
        }
        #expect(throws: error) {
            var decoder = GRPCMessageDecoder(messageByteCountLimit: 10)
            for byte in prefix {
                var consumed = 0
                _ = try decoder.next([byte].span, consumed: &consumed)
            }
        }
    }

    @Test func `knows that a message is not complete`() throws {
        var decoder = GRPCMessageDecoder(messageByteCountLimit: 10)
        var consumed = 0
        _ = try decoder.next([0 as UInt8, 0].span, consumed: &consumed)
        #expect(!decoder.isBetweenMessages)
        _ = try decoder.next([0 as UInt8, 0, 2, 9].span, consumed: &consumed)
        #expect(!decoder.isBetweenMessages)
    }
}
