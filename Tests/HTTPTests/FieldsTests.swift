import Bytes
import HTTP
import Testing

@Suite struct `The fields of a head` {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `are found by name in either case`() {
        var fields = Fields()
        fields.append(name: bytes("Accept").span, value: bytes("*/*").span)
        fields.append(name: bytes("HOST").span, value: bytes("a").span)
        fields.append(name: bytes("accept").span, value: bytes("x").span)
        let byName = fields.firstIndex(named: bytes("ACCEPT").span)
        #expect(byName == 0)
        let known = fields.firstIndex(of: .host)
        #expect(known == 1)
        let missing = fields.firstIndex(named: bytes("Accep").span)
        #expect(missing == nil)
        let value = String(fields.value(at: 2))
        #expect(value == "x")
    }

    @Test func `know which of them speak of one connection`() {
        var fields = Fields()
        for name in ["Keep-Alive", "TE", "X", "Content-Length"] {
            fields.append(name: bytes(name).span, value: bytes("").span)
        }
        fields.markHopByHop(at: 2)
        let marks = fields.indices.map { fields[$0].isHopByHop }
        #expect(marks == [true, true, true, false])
        fields.remove(at: 0)
        let count = fields.count
        #expect(count == 3)
    }

    @Test func `are empty for the next message`() {
        var head = RequestHead()
        head.fields.append(name: bytes("a").span, value: bytes("b").span)
        head.trailers.append(name: bytes("a").span, value: bytes("b").span)
        head.removeAll()
        let counts = (head.fields.count, head.trailers.count, head.fields.arena.count)
        #expect(counts == (0, 0, 0))
        head.release()
        let capacity = head.fields.arena.capacity
        #expect(capacity == 0)
    }

    @Test(arguments: [
        ("te", FieldName.te), ("Host", .host), ("DATE", .date), ("cookie", .cookie),
        ("Expect", .expect), ("upgrade", .upgrade), ("Trailer", .trailer),
        ("Connection", .connection), ("keep-alive", .keepAlive), ("X-Request-Id", .xRequestID),
        ("content-length", .contentLength), ("HTTP2-Settings", .http2Settings),
        ("x-forwarded-for", .xForwardedFor), ("proxy-connection", .proxyConnection),
        ("X-Forwarded-Client-Cert", .xForwardedClientCert), ("x-forwarded-client-cart", .other),
        ("Transfer-Encoding", .transferEncoding), ("", .other), ("hosts", .other),
        ("hos\u{F4}", .other), ("content_length", .other), ("transfer-encodinG ", .other),
    ])
    func `have names that are told apart`(text: String, name: FieldName) {
        #expect(FieldName(bytes(text).span) == name)
    }

    @Test(arguments: [
        ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
        ("CONNECT", .connect), ("OPTIONS", .options), ("TRACE", .trace), ("PATCH", .patch),
        ("get", .other), ("GETS", .other), ("", .other), ("PRI", .other),
    ])
    func `stand behind a method in capitals`(text: String, method: Method) {
        #expect(Method(bytes(text).span) == method)
    }
}
