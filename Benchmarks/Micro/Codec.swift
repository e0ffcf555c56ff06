import Bytes
import HTTP
import HTTP1

/// What the HTTP/1.1 codec does for one request; the messages are those of a small API call.
var codecOperations: [Operation] {
    [
        Operation("request head decoded", run: decodeRequests),
        Operation("response decoded, 2 bytes of body", run: decodeResponses),
        Operation("response decoded, 4 chunks of 1 KiB", run: decodeChunkedResponses),
        Operation("10 fields taken from another codec", run: copyFields),
        Operation("request head written", run: writeRequestHeads),
        Operation("response head written", run: writeResponseHeads),
    ]
}

let requestText = """
    GET /product/1 HTTP/1.1\r
    Host: reviews\r
    Accept: */*\r
    Accept-Encoding: gzip, deflate, br\r
    Accept-Language: en\r
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\r
    Cookie: user=ada; session=0123456789abcdef\r
    x-request-id: 2f1c6d0e-8f2b-4b61-9f0e-7a8d9c1b2a3f\r
    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r
    Cache-Control: no-cache\r
    Referer: http://reviews/product/1\r
    \r

    """

private let responseFields = """
    HTTP/1.1 200 OK\r
    Server: upstream\r
    Date: Sun, 22 Nov 2026 13:00:00 GMT\r
    Content-Type: application/json\r

    """

private let responseText = responseFields + "Content-Length: 2\r\n\r\nok"

private let chunkedText =
    responseFields + "Transfer-Encoding: chunked\r\n\r\n"
    + String(repeating: "400\r\n\(String(repeating: "x", count: 1024))\r\n", count: 4)
    + "0\r\n\r\n"

func decodeRequest(_ text: String, into head: inout RequestHead) throws(ParseError) {
    var decoder = RequestDecoder()
    _ = try decoder.next(Array(text.utf8).span, head: &head)
}

private func decodeRequests(_ count: Int) throws -> UInt64 {
    let bytes = Array(requestText.utf8)
    var decoder = RequestDecoder()
    var head = RequestHead()
    var sum: UInt64 = 0
    for _ in 0..<count {
        var offset = 0
        var isComplete = false
        while !isComplete {
            let decoded = try decoder.next(bytes.span.extracting(offset...), head: &head)
            offset += decoded.consumed
            isComplete = decoded.event == .end
        }
        sum &+= UInt64(head.fields.count)
    }
    return sum
}

private func decodeResponses(_ count: Int) throws -> UInt64 {
    try decodeResponses(Array(responseText.utf8), count)
}

private func decodeChunkedResponses(_ count: Int) throws -> UInt64 {
    try decodeResponses(Array(chunkedText.utf8), count)
}

private func decodeResponses(_ bytes: [UInt8], _ count: Int) throws(ParseError) -> UInt64 {
    var decoder = ResponseDecoder()
    var head = ResponseHead()
    var sum: UInt64 = 0
    for _ in 0..<count {
        decoder.expect(responseTo: .get)
        var offset = 0
        var isComplete = false
        while !isComplete {
            let decoded = try decoder.next(bytes.span.extracting(offset...), head: &head)
            offset += decoded.consumed
            switch decoded.event {
            case .end: isComplete = true
            case .body(let range): sum &+= UInt64(range.count)
            case .head, .needMore: break
            }
        }
    }
    return sum
}

/// As HTTP/2 fills a head: name by name.
private func copyFields(_ count: Int) throws -> UInt64 {
    var head = RequestHead()
    try decodeRequest(requestText, into: &head)
    var fields = Fields()
    var sum: UInt64 = 0
    for _ in 0..<count {
        fields.removeAll()
        for index in head.fields.indices {
            fields.append(name: head.fields.name(at: index), value: head.fields.value(at: index))
        }
        sum &+= UInt64(fields.count)
    }
    return sum
}

private func writeRequestHeads(_ count: Int) throws -> UInt64 {
    var head = RequestHead()
    try decodeRequest(requestText, into: &head)
    var buffer = Buffer()
    var sum: UInt64 = 0
    for _ in 0..<count {
        buffer.removeAll()
        Writer.requestLine(method: head.methodBytes, target: head.path, to: &buffer)
        Writer.field("host", value: head.authority, to: &buffer)
        Writer.endToEndFields(head.fields, to: &buffer)
        Writer.endOfHead(to: &buffer)
        sum &+= UInt64(buffer.count)
    }
    return sum
}

private func writeResponseHeads(_ count: Int) throws -> UInt64 {
    var decoder = ResponseDecoder()
    var head = ResponseHead()
    decoder.expect(responseTo: .get)
    _ = try decoder.next(Array(responseText.utf8).span, head: &head)
    var buffer = Buffer()
    var sum: UInt64 = 0
    for _ in 0..<count {
        buffer.removeAll()
        Writer.statusLine(head.status, reason: head.reason, to: &buffer)
        Writer.endToEndFields(head.fields, to: &buffer)
        Writer.contentLength(2, to: &buffer)
        Writer.endOfHead(to: &buffer)
        sum &+= UInt64(buffer.count)
    }
    return sum
}
