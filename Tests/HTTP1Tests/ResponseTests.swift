import HTTP
import HTTP1
import Testing

/// Checks that `text` answers requests with `methods` as `expected` says, however it is cut.
private func expect(_ text: String, to methods: [Method] = [.get], _ expected: String) {
    for cutting in allCuttings {
        let transcript = transcribe(responses: latin1(text), to: methods, cutting)
        #expect(transcript.description == expected, "\(cutting)")
    }
}

@Suite struct `A valid response` {
    @Test(
        arguments: [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                "200 'OK' http11 length(2) Content-Length=2 body=hi | ended"
            ),
            (
                "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
                "200 '' http11 length(0) Content-Length=0 | ended"
            ),
            (
                "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
                "200 '' http11 length(0) Content-Length=0 | ended"
            ),
            ("HTTP/1.1 404 Not\tFound \u{80}\r\nContent-Length: 0\r\n\r\n", nil),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n",
                "200 'OK' http11 chunked Transfer-Encoding=chunked* body=hi trailers X=y | ended"
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\nuntil the end",
                "200 'OK' http11 untilClose close body=until the end | ended"
            ),
            ("HTTP/1.1 200 OK\r\n\r\n", "200 'OK' http11 untilClose close | ended"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                "200 'OK' http11 length(0) close Content-Length=0 Connection=close* | ended"
            ),
            (
                "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
                "200 'OK' http10 length(1) close Content-Length=1 body=x | ended"
            ),
            (
                "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\nx",
                "200 'OK' http10 length(1) Content-Length=1 Connection=Keep-Alive* body=x | ended"
            ),
            ("HTTP/1.0 200 OK\r\n\r\nx", "200 'OK' http10 untilClose close body=x | ended"),
            ("HTTP/1.1 204 No Content\r\n\r\n", "204 'No Content' http11 none | ended"),
            (
                "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
                "204 'No Content' http11 none Content-Length=0 | ended"
            ),
            (
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
                "304 'Not Modified' http11 none Content-Length=99 | ended"
            ),
            (
                "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
                "304 'Not Modified' http11 none Transfer-Encoding=chunked* | ended"
            ),
            (
                "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
                "999 'Odd' http11 length(0) Content-Length=0 | ended"
            ),
            (
                "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
                "200 'OK' http11 length(0) Content-Length=0 | ended"
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                    + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
                "100 'Continue' http11 none | 103 'Early Hints' http11 none Link=x | 200 "
                    + "'OK' http11 length(1) Content-Length=1 body=x | ended"
            ),
        ] as [(String, String?)])
    func `ends where its head says`(text: String, expected: String?) {
        if let expected {
            expect(text, expected)
        } else {
            let whole = transcribe(responses: latin1(text), to: [.get])
            #expect(whole.error == nil)
            #expect(transcribe(responses: latin1(text), to: [.get], .single) == whole)
        }
    }

    @Test func `is read with its request in mind`() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        expect(
            head, to: [.head],
            "200 'OK' http11 none Content-Length=5 | ended")
        expect(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + head + "hello",
            to: [.head, .get],
            "200 'OK' http11 none Transfer-Encoding=chunked* | 200 'OK' http11 "
                + "length(5) Content-Length=5 body=hello | ended"
        )
        expect("HTTP/1.1 200 OK\r\n\r\n", to: [.head], "200 'OK' http11 none | ended")
        expect(
            head + "tunnel bytes", to: [.connect],
            "200 'OK' http11 untilClose close Content-Length=5 body=tunnel bytes | ended")
        expect(
            "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", to: [.connect],
            "403 'No' http11 length(2) Content-Length=2 body=no | ended")
    }

    @Test(arguments: [
        "H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nX: \u{1}",
        "",
    ])
    func `that is not complete is neither taken nor refused`(text: String) {
        #expect(transcribe(responses: latin1(text), to: [.get]).isOpen)
        #expect(transcribe(responses: latin1(text), to: [.get], .single).isOpen)
    }

    @Test func `switches protocols only when asked to`() throws {
        let text = latin1(
            "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbytes")
        #expect(transcribe(responses: text, to: [.get]).error == .protocolSwitchUnexpected)
        var decoder = ResponseDecoder()
        var head = ResponseHead()
        decoder.expect(responseTo: .get, upgrade: true)
        let decoded = try decoder.next(text.span, head: &head)
        #expect(decoded.event == .head)
        #expect(head.framing == .untilClose)
        let next = try decoder.next(text.span.extracting(decoded.consumed...), head: &head)
        #expect(next.event == .body(0..<5))
    }

    @Test func `leaves surplus bytes to be seen`() throws {
        let text = latin1("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n")
        var decoder = ResponseDecoder()
        var head = ResponseHead()
        decoder.expect(responseTo: .get)
        var consumed = 0
        var event = Event.needMore
        while event != .end {
            let decoded = try decoder.next(text.span.extracting(consumed...), head: &head)
            consumed += decoded.consumed
            event = decoded.event
        }
        #expect(text.count - consumed == 19)
        #expect(throws: ParseError.responseUnexpected) {
            try decoder.next(text.span.extracting(consumed...), head: &head)
        }
    }
}

@Suite struct `A response is refused` {
    private func expectRefusal(_ text: String, _ error: ParseError, to method: Method = .get) {
        for cutting in allCuttings {
            let transcript = transcribe(responses: latin1(text), to: [method], cutting)
            #expect(transcript.error == error, "\(cutting): \(transcript)")
        }
    }

    @Test(arguments: [
        "HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 +20 OK",
        "HTTP/1.1 2x0 OK", "HTTP/1.1 099 OK",
        "HTTP/1.1 000 OK", "HTTP/1.1 200OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK",
        "HTTP/2.0 200 OK", "HTTP/2 200 OK", "HTTP/0.9 200 OK",
        "http/1.1 200 OK", "HTTP/1.10 200 OK", "ICY 200 OK", "HTTP/1.1", "HTTP/1.1 ", "",
        "\r\nHTTP/1.1 200 OK", " HTTP/1.1 200 OK",
        "GET / HTTP/1.1", "HTTP/1.1 OK", "<html>",
    ])
    func `for its status line`(line: String) {
        expectRefusal(line + "\r\nContent-Length: 0\r\n\r\n", .statusLineInvalid)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", ParseError.bareLineFeed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\n\n", .bareLineFeed),
        ("HTTP/1.1 200 O\rK\r\n\r\n", .bareCarriageReturn),
        ("HTTP/1.1 200 O\u{0}K\r\n\r\n", .controlByte),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", .fieldFolded),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", .spaceBeforeColon),
        ("HTTP/1.1 200 OK\r\nA: b\u{0}\r\n\r\n", .controlByte),
        ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", .fieldNameInvalid),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            .contentLengthRepeated
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", .contentLengthInvalid),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", .contentLengthInvalid),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            .contentLengthBesideTransferEncoding
        ),
        (
            "HTTP/1.1 304 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            .contentLengthBesideTransferEncoding
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", .transferEncodingInvalid),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .transferCodingUnknown),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
            .transferEncodingInvalid
        ),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingBeforeHTTP11),
        ("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", .contentForbidden),
        ("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", .contentForbidden),
        ("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n", .contentForbidden),
        ("HTTP/1.1 101 Switching\r\n\r\n", .protocolSwitchUnexpected),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n", .chunkSizeInvalid),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n", .bareLineFeed),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
            .chunkDataUnterminated
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            .responseUnexpected
        ),
        ("HTTP/1.1 204 No\r\n\r\nx", .responseUnexpected),
        (
            "HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 0\r\n\r\n",
            .connectionOptionForbidden
        ),
        (
            String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 17),
            .informationalResponsesTooMany
        ),
    ])
    func `when it can be read in two ways`(text: String, error: ParseError) {
        expectRefusal(text, error)
    }

    @Test func `when its head is too large`() {
        let long = String(repeating: "x", count: 33 * 1024)
        expectRefusal("HTTP/1.1 200 OK\r\nX: \(long)\r\n\r\n", .headTooLarge)
        expectRefusal("HTTP/1.1 200 \(long)\r\n\r\n", .headTooLarge)
        expectRefusal("HTTP/1.1 200 \(long)", .headTooLarge)
    }

    @Test func `with a body to a HEAD`() {
        expectRefusal(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", .responseUnexpected, to: .head)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "HTTP/1.1 200 O",
        "HTTP/1.1 100 C\r\n\r\n",
    ])
    func `as truncated when the connection ends too early`(text: String) throws {
        let bytes = latin1(text)
        var decoder = ResponseDecoder()
        var head = ResponseHead()
        decoder.expect(responseTo: .get)
        var consumed = 0
        var event = Event.head
        while event != .needMore {
            let decoded = try decoder.next(bytes.span.extracting(consumed...), head: &head)
            consumed += decoded.consumed
            event = decoded.event
        }
        #expect(throws: ParseError.messageTruncated) { try decoder.endOfInput() }
    }
}
