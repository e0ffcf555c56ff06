import Bytes
import HTTP
import HTTP1
import Testing

@Suite struct `What the writer writes` {
    @Test func `is read back the same`() throws {
        let text =
            "POST http://b/x HTTP/1.1\r\nHost:a\r\nA:  1 \r\nConnection: z\r\nZ: 2\r\n"
            + "Content-Length: 3\r\n\r\nabc"
        let bytes = latin1(text)
        var decoder = RequestDecoder()
        var head = RequestHead()
        _ = try decoder.next(bytes.span, head: &head)
        var buffer = Buffer()
        Writer.requestLine(method: head.methodBytes, target: head.path, to: &buffer)
        Writer.field("host", value: head.authority, to: &buffer)
        Writer.endToEndFields(head.fields, to: &buffer)
        Writer.chunkedEncoding(to: &buffer)
        Writer.endOfHead(to: &buffer)
        Writer.chunkHeader(size: 27, to: &buffer)
        buffer.append("abcdefghijklmnopqrstuvwxyz.")
        Writer.chunkEnd(to: &buffer)
        Writer.lastChunk(to: &buffer)
        #expect(
            String(buffer.bytes)
                == "POST /x HTTP/1.1\r\nhost: b\r\nA: 1\r\ntransfer-encoding: chunked\r\n\r\n"
                + "1b\r\nabcdefghijklmnopqrstuvwxyz.\r\n0\r\n\r\n")
    }

    /// Lines that are as they would be written are copied together, others are written anew.
    @Test func `does not show how a head came in`() throws {
        let text =
            "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB:2\r\nKeep-Alive: 3\r\nC: 4\r\nD:  5\r\n"
            + "E: \r\nF:\r\nG: 6\t\r\nConnection: H\r\nH: 7\r\nI: a b\t c\r\n"
            + "Content-Length: 0\r\nJ: 8\r\n\r\n"
        let unchanged = "B: 2\r\nC: 4\r\nD: 5\r\nE: \r\nF: \r\nG: 6\r\nI: a b\t c\r\nJ: 8\r\n"
        for cutting in allCuttings {
            var decoder = RequestDecoder()
            var head = RequestHead()
            for piece in cutting.pieces(latin1(text)) {
                _ = try decoder.next(piece.span, head: &head)
            }
            var buffer = Buffer()
            Writer.endToEndFields(head.fields, to: &buffer)
            #expect(String(buffer.bytes) == "A: 1\r\n" + unchanged)
            head.fields.remove(at: 1)
            head.fields.append("k", value: latin1("9").span)
            head.fields.append("l", value: latin1("").span)
            buffer.removeAll()
            Writer.endToEndFields(head.fields, to: &buffer)
            #expect(String(buffer.bytes) == unchanged + "k: 9\r\nl: \r\n")
        }
    }

    @Test(arguments: [(200, "OK"), (503, "Service Unavailable"), (599, "")])
    func `has the reason of its status`(status: UInt16, reason: String) {
        var buffer = Buffer()
        Writer.statusLine(status, to: &buffer)
        Writer.contentLength(UInt64.max, to: &buffer)
        Writer.field("a", "b", to: &buffer)
        var trailers = Fields()
        trailers.append(name: latin1("t").span, value: latin1("v").span)
        Writer.endOfHead(to: &buffer)
        Writer.lastChunk(trailers: trailers, to: &buffer)
        #expect(
            String(buffer.bytes)
                == "HTTP/1.1 \(status) \(reason)\r\ncontent-length: 18446744073709551615\r\n"
                + "a: b\r\n\r\n"
                + "0\r\nt: v\r\n\r\n")
    }
}
