import HTTP
import HTTP1
import Testing

/// Checks that `text` reads as `expected` however it is cut.
private func expect(_ text: String, _ expected: String) {
    for cutting in allCuttings {
        let transcript = transcribe(requests: latin1(text), cutting)
        #expect(transcript.description == expected, "\(cutting)")
    }
}

@Suite struct `A valid request` {
    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET a / http11 none Host=a | ended"),
        (
            "GET /a?b=c HTTP/1.1\r\nhOST:a:80\r\n\r\n",
            "GET a:80 /a?b=c http11 none hOST=a:80 | ended"
        ),
        (
            "GET /%41;x=1/..//?%2f?/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET a /%41;x=1/..//?%2f?/ http11 none Host=a | ended"
        ),
        (
            "GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET b:81 /x?y http11 none Host=a | ended"
        ),
        ("GET HTTP://b HTTP/1.1\r\nHost: a\r\n\r\n", "GET b / http11 none Host=a | ended"),
        ("GET http://b?q HTTP/1.1\r\nHost: b\r\n\r\n", "GET b /?q http11 none Host=b | ended"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS a * http11 none Host=a | ended"),
        ("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS b * http11 none Host=a | ended"),
        ("OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS a /x http11 none Host=a | ended"),
        (
            "CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT b:443  http11 none close Host=a | ended"
        ),
        ("get / HTTP/1.1\r\nHost: a\r\n\r\n", "get a / http11 none Host=a | ended"),
        (
            "!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n",
            "!#$%&'*+-.^_`|~ a / http11 none Host=a | ended"
        ),
        (
            "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
            "GET [2001:db8::1]:80 / http11 none Host=[2001:db8::1]:80 | ended"
        ),
        (
            "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            "GET 127.0.0.1 / http11 none Host=127.0.0.1 | ended"
        ),
        (
            "GET / HTTP/1.1\r\nHost: a_b.c-d~e\r\n\r\n",
            "GET a_b.c-d~e / http11 none Host=a_b.c-d~e | ended"
        ),
        ("GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "GET a: / http11 none Host=a: | ended"),
        ("GET / HTTP/1.9\r\nHost: a\r\n\r\n", "GET a / http11 none Host=a | ended"),
        ("GET / HTTP/1.0\r\n\r\n", "GET  / http10 none close | ended"),
        (
            "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
            "GET a / http10 none close Host=a Connection=keep-alive* | ended"
        ),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET a / http11 none Host=a | ended"),
        ("\r\n", " | ended"),
        ("", " | ended"),
    ])
    func `keeps its method, target and version`(text: String, expected: String) {
        expect(text, expected.hasPrefix(" | ") ? String(expected.dropFirst(3)) : expected)
    }

    @Test(arguments: [
        ("A:\r\n", "A="), ("A: \t \r\n", "A="), ("A:b\r\n", "A=b"),
        ("A:\t b c\t d \t\r\n", "A=b c\t d"),
        ("A: b: c,\"d\" e\r\n", "A=b: c,\"d\" e"),
        ("!#$%&'*+-.^_`|~0aZ: b\r\n", "!#$%&'*+-.^_`|~0aZ=b"),
        ("A: b\r\na: c\r\n", "A=b a=c"), ("X_Y: 1\r\n", "X_Y=1"),
        ("Connection: close\r\n", "Connection=close*"),
        ("Connection: x, , Y\r\nX: 1\r\ny: 2\r\nZ: 3\r\n", "Connection=x, , Y* X=1* y=2* Z=3"),
        ("X: 1\r\nConnection: y\r\nConnection: x\r\n", "X=1* Connection=y* Connection=x*"),
        (
            "TE: trailers\r\nConnection: TE\r\nUpgrade: h2c\r\nKeep-Alive: 5\r\n"
                + "Proxy-Connection: x\r\nTrailer: y\r\nHTTP2-Settings: z\r\n",
            "TE=trailers* Connection=TE* Upgrade=h2c* Keep-Alive=5* Proxy-Connection=x* "
                + "Trailer=y* HTTP2-Settings=z*"
        ),
    ])
    func `keeps its fields and tells which are hop-by-hop`(lines: String, expected: String) {
        let isLast = lines.contains("close")
        expect(
            "GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n",
            "GET a / http11 none \(isLast ? "close " : "")Host=a \(expected) | ended")
    }

    @Test(arguments: [
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n", true),
        ("GET / HTTP/1.1", "Connection: keep-alive, UPGRADE\r\nupgrade: a, b\r\n", true),
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 0\r\n", true),
        ("GET / HTTP/1.1", "Upgrade: websocket\r\n", false),
        ("GET / HTTP/1.1", "Connection: upgrade\r\n", false),
        ("GET / HTTP/1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false),
        ("POST / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n", false),
        (
            "GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n",
            false
        ),
    ])
    func `asks for an upgrade`(line: String, fields: String, isAsked: Bool) throws {
        let text = latin1("\(line)\r\nHost: a\r\n\(fields)\r\n")
        var decoder = RequestDecoder()
        var head = RequestHead()
        #expect(try decoder.next(text.span, head: &head).event == .head)
        #expect(head.asksForUpgrade == isAsked)
    }

    @Test func `may become a tunnel behind its end`() throws {
        let text = latin1("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET \0\r\n")
        var decoder = RequestDecoder()
        var head = RequestHead()
        let read = try decoder.next(text.span, head: &head)
        let rest = text.span.extracting(read.consumed...)
        #expect(try decoder.next(rest, head: &head).event == .end)
        decoder.becomeTunnel()
        #expect(try decoder.next(rest, head: &head).event == .body(0..<7))
        #expect(try decoder.next(Span(), head: &head).event == .needMore)
    }

    @Test func `keeps a value in another encoding as it is`() {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nA: \u{80}\u{FF}\r\n\r\n"
        let transcript = transcribe(requests: latin1(text))
        #expect(transcript.error == nil)
        #expect(transcribe(requests: latin1(text), .single) == transcript)
    }

    @Test(arguments: [
        ("Content-Length: 0\r\n\r\n", "length(0) Host=a Content-Length=0 | ended"),
        ("Content-Length: 3\r\n\r\nabc", "length(3) Host=a Content-Length=3 body=abc | ended"),
        (
            "Content-Length: 0003\r\n\r\nabc",
            "length(3) Host=a Content-Length=0003 body=abc | ended"
        ),
        ("Content-Length: 3\r\n\r\nab", "length(3) Host=a Content-Length=3 body=ab | open"),
        (
            "Content-Length: 9223372036854775807\r\n\r\nab",
            "length(9223372036854775807) Host=a Content-Length=9223372036854775807 body=ab | open"
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "chunked Host=a Transfer-Encoding=chunked* body=abc | ended"
        ),
        (
            "transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n",
            "chunked Host=a transfer-encoding=CHUNKED* | ended"
        ),
        (
            "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
            "length(1) expects Host=a Expect=100-Continue Content-Length=1 body=x | ended"
        ),
        ("Expect: 100-continue\r\n\r\n", "none Host=a Expect=100-continue | ended"),
        (
            "Connection: keep-alive, Close\r\nContent-Length: 1\r\n\r\nxignored",
            "length(1) close Host=a Connection=keep-alive, Close* Content-Length=1 body=x | ended"
        ),
    ])
    func `tells where its body ends`(rest: String, expected: String) {
        expect("POST / HTTP/1.1\r\nHost: a\r\n" + rest, "POST a / http11 " + expected)
    }

    @Test(arguments: [
        ("5\r\nabcde\r\n0\r\n\r\n", "body=abcde"), ("05\r\nabcde\r\n000\r\n\r\n", "body=abcde"),
        ("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "body=01234567890123456789"),
        ("1;a\r\nx\r\n0;b=c\r\n\r\n", "body=x"),
        ("1;a=\"b;\\\"\t\u{E9}c\";d\r\nx\r\n0\r\n\r\n", "body=x"),
        ("1 ; a = b ;c\r\nx\r\n0\r\n\r\n", "body=x"), ("1\t;a=\"\"\r\nx\r\n0\r\n\r\n", "body=x"),
        ("2\r\n\r\n\r\n0\r\n\r\n", "body=\r\n"),
        ("1\r\nx\r\n0\r\nA: b\r\nC:d\r\n\r\n", "body=x trailers A=b C=d"),
    ])
    func `has chunks, extensions and trailers`(body: String, expected: String) {
        expect(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
            "POST a / http11 chunked Host=a Transfer-Encoding=chunked* \(expected) | ended")
    }

    @Test func `is followed by the next one`() {
        expect(
            "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi\r\nGET /2 "
                + "HTTP/1.1\r\nHost: b\r\n\r\n"
                + "PUT /3 HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"
                + "!\r\n0\r\n\r\n"
                + "GET /4 HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\nGET /5 HTTP/1.1\r\n",
            "POST a /1 http11 length(2) Host=a Content-Length=2 body=hi | GET b /2 http11 "
                + "none Host=b"
                + " | PUT c /3 http11 chunked Host=c Transfer-Encoding=chunked* body=!"
                + " | GET d /4 http11 none close Host=d Connection=close* | ended")
    }

    @Test(arguments: [
        "G", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r", "\r",
        "GET / HTTP/1.1\r\nA: \u{1}",
    ])
    func `that is not complete is neither taken nor refused`(text: String) {
        expect(text, "open")
    }
}
