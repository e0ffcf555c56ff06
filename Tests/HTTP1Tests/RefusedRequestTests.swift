import HTTP1
import Testing

/// Checks that `text` is refused for `error` however it is cut.
private func expectRefusal(
    _ text: String, _ error: ParseError, limits: Limits = Limits()
) {
    for cutting in allCuttings {
        let transcript = transcribe(requests: latin1(text), cutting, limits: limits)
        #expect(transcript.error == error, "\(cutting): \(transcript)")
        #expect(transcript.messages.isEmpty)
    }
}

@Suite struct `A request is refused` {
    @Test(arguments: [
        ("GET  / HTTP/1.1", ParseError.requestLineInvalid), (" GET / HTTP/1.1", .methodInvalid),
        ("GET / HTTP/1.1 ", .requestLineInvalid), ("GET /  HTTP/1.1", .requestLineInvalid),
        ("GET /a b HTTP/1.1", .requestLineInvalid), ("GET\t/\tHTTP/1.1", .methodInvalid),
        ("GET /\tHTTP/1.1", .requestLineInvalid), ("GET / HTTP/1.1\t", .requestLineInvalid),
        ("GET /", .requestLineInvalid), ("GET", .requestLineInvalid), ("GET ", .requestLineInvalid),
        ("GET / ", .requestLineInvalid), ("/ HTTP/1.1", .methodInvalid),
        ("(GET) / HTTP/1.1", .methodInvalid),
        ("GE:T / HTTP/1.1", .methodInvalid), ("G\u{C9}T / HTTP/1.1", .methodInvalid),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", .methodInvalid),
        ("\u{0}GET / HTTP/1.1", .methodInvalid),
        ("GET / http/1.1", .requestLineInvalid), ("GET / HTTP/1.", .requestLineInvalid),
        ("GET / HTTP/1.10", .requestLineInvalid), ("GET / HTTP/01.1", .requestLineInvalid),
        ("GET / HTTP/1,1", .requestLineInvalid), ("GET / HTTP/ 1.1", .requestLineInvalid),
        ("GET / HTTP/+1.1", .requestLineInvalid), ("GET / HTTPS/1.1", .requestLineInvalid),
        ("GET / HTTP/1.x", .requestLineInvalid), ("GET / ICY/1.1", .requestLineInvalid),
        ("GET / HTTP/0.9", .versionUnsupported), ("GET / HTTP/2.0", .versionUnsupported),
        ("PRI * HTTP/2.0", .versionUnsupported), ("GET / HTTP/3.1", .versionUnsupported),
    ])
    func `for its request line`(line: String, error: ParseError) {
        expectRefusal(line + "\r\nHost: a\r\n\r\n", error)
    }

    @Test(arguments: [
        "a", "a/b", "/a#b", "#", "/\u{E9}", "/a\"b", "/<a>", "/a\\b", "/a^b", "/a`b", "/{a}",
        "/a|b",
        "/[a]", "/%", "/%4", "/%4g", "/%g4", "/%%41", "/a?b=%", "/?a#", "*", "**", "*/", "?a",
        "//[", "a:80",
        "http:/a/", "http://", "http:///a", "http://?a", "http://u@a/", "http://u:p@a/",
        "http://a:b/",
        "http://a:65536/", "http://a:80:80/", "http://[::1/", "http://[1]/", "http://[::g]/",
        "http://a b/",
        "http://a%zz/", "http://a/#", "https://a/", "ftp://a/", "http:a", "://a/", "http://a\\b/",
    ])
    func `for its target`(target: String) {
        let error: ParseError = target.contains(" ") ? .requestLineInvalid : .targetInvalid
        expectRefusal("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n", error)
    }

    @Test(arguments: [
        "CONNECT a", "CONNECT a:", "CONNECT :80", "CONNECT /", "CONNECT *", "CONNECT http://a:80/",
        "CONNECT a:80/", "CONNECT u@a:80", "CONNECT a:99999", "CONNECT a:8x", "CONNECT [::1]",
        "OPTIONS a:80",
        "OPTIONS *a", "POST *", "connect a:80",
    ])
    func `for a target that its method does not have`(start: String) {
        expectRefusal("\(start) HTTP/1.1\r\nHost: a\r\n\r\n", .targetInvalid)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", ParseError.bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .methodInvalid),
        ("\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
        ("\r\n GET / HTTP/1.1\r\n", .methodInvalid),
        ("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", .bareCarriageReturn),
        ("\rGET / HTTP/1.1\r\n\r\n", .bareCarriageReturn),
        ("GET /\rHTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\rC: d\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nHost: a\r\n\rA: b\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: \u{0}\r\n\r\n", .controlByte),
        ("GET / HTTP/1.1\r\nHost: a\r\nA\u{0}: b\r\n\r\n", .controlByte),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\u{7F}\r\n\r\n", .controlByte),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: \u{B}b\r\n\r\n", .controlByte),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\u{1B}\r\n\r\n", .controlByte),
        ("GET /\u{0} HTTP/1.1\r\n\r\n", .controlByte),
        ("GET /\u{7F} HTTP/1.1\r\n\r\n", .controlByte),
    ])
    func `for bytes that may or may not end a line`(text: String, error: ParseError) {
        expectRefusal(text, error)
    }

    @Test(arguments: [
        ("A : b", ParseError.spaceBeforeColon), ("A\t: b", .spaceBeforeColon),
        ("A b: c", .spaceBeforeColon),
        (" A: b", .fieldFolded), ("\tA: b", .fieldFolded), (" ", .fieldFolded),
        (": b", .fieldNameInvalid),
        (":", .fieldNameInvalid), ("A", .fieldNameInvalid), ("A\u{E9}: b", .fieldNameInvalid),
        ("A(b): c", .fieldNameInvalid), ("A=b", .fieldNameInvalid), ("A@b: c", .fieldNameInvalid),
        ("A/b: c", .fieldNameInvalid), ("\"A\": c", .fieldNameInvalid),
        ("\u{FF}: c", .fieldNameInvalid),
        ("X: 1\r\n Transfer-Encoding: chunked", .fieldFolded),
        ("Transfer-Encoding : chunked", .spaceBeforeColon),
        ("Content-Length\t: 5", .spaceBeforeColon), ("GET / HTTP/1.1", .spaceBeforeColon),
    ])
    func `for a field line`(line: String, error: ParseError) {
        expectRefusal("GET / HTTP/1.1\r\nHost: a\r\n\(line)\r\n\r\n", error)
    }

    @Test(arguments: [
        ("", ParseError.hostMissing), ("Host: a\r\nHost: a\r\n", .hostRepeated),
        ("Host: a\r\nhost: b\r\n", .hostRepeated),
        ("Host:\r\n", .hostInvalid), ("Host: a,b\r\n", .hostInvalid),
        ("Host: a b\r\n", .hostInvalid),
        ("Host: a/b\r\n", .hostInvalid),
        ("Host: u@a\r\n", .hostInvalid), ("Host: a:b\r\n", .hostInvalid),
        ("Host: a:80:80\r\n", .hostInvalid),
        ("Host: a:70000\r\n", .hostInvalid), ("Host: :80\r\n", .hostInvalid),
        ("Host: [::1\r\n", .hostInvalid),
        ("Host: ::1\r\n", .hostInvalid), ("Host: [::1]80\r\n", .hostInvalid),
        ("Host: a\u{E9}\r\n", .hostInvalid),
        ("Host: a%\r\n", .hostInvalid), ("Host: http://a\r\n", .hostInvalid),
        ("Host: a?b\r\n", .hostInvalid),
        ("Host: a#b\r\n", .hostInvalid), ("Host: a\\b\r\n", .hostInvalid),
        ("Host: a\tb\r\n", .hostInvalid),
        ("Host: [fe80::1%25eth0]\r\n", .hostInvalid), ("Host: a:+80\r\n", .hostInvalid),
    ])
    func `for its Host`(fields: String, error: ParseError) {
        expectRefusal("GET / HTTP/1.1\r\n\(fields)\r\n", error)
        expectRefusal("GET http://b/ HTTP/1.1\r\n\(fields)\r\n", error)
        if error != .hostMissing { expectRefusal("GET / HTTP/1.0\r\n\(fields)\r\n", error) }
    }

    @Test(arguments: [
        "", "+5", "-5", "-0", "5,5", "5, 5", "5 5", "5;", "0x5", "5_0", "5.0", "5e1", "a", "5a",
        "\"5\"", ",5",
        "5,", "9223372036854775808", "18446744073709551616", "18446744073709551621",
        "99999999999999999999",
        "00000000000000000005", "\u{B2}", "5\u{A0}",
    ])
    func `for a Content-Length that is no number`(value: String) {
        expectRefusal(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(value)\r\n\r\nabcde",
            .contentLengthInvalid)
    }

    @Test(arguments: [
        ("Content-Length: 5\r\nContent-Length: 5", ParseError.contentLengthRepeated),
        ("Content-Length: 5\r\ncontent-length: 6", .contentLengthRepeated),
        ("Content-Length: 0\r\nContent-Length: 0", .contentLengthRepeated),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", .contentLengthBesideTransferEncoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0", .contentLengthBesideTransferEncoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: x", .contentLengthInvalid),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .transferEncodingInvalid),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", .transferEncodingInvalid),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", .transferEncodingInvalid),
        ("Transfer-Encoding:", .transferEncodingInvalid),
        ("Transfer-Encoding: identity", .transferEncodingInvalid),
        ("Transfer-Encoding: gzip", .transferEncodingInvalid),
        ("Transfer-Encoding: xchunked", .transferEncodingInvalid),
        ("Transfer-Encoding: chunkedx", .transferEncodingInvalid),
        ("Transfer-Encoding: chunked, gzip", .transferEncodingInvalid),
        ("Transfer-Encoding: chunked, chunked", .transferEncodingInvalid),
        ("Transfer-Encoding: chunked,", .transferEncodingInvalid),
        ("Transfer-Encoding: ,chunked", .transferEncodingInvalid),
        ("Transfer-Encoding: chunked;q=1", .transferEncodingInvalid),
        ("Transfer-Encoding: \"chunked\"", .transferEncodingInvalid),
        ("Transfer-Encoding: chun ked", .transferEncodingInvalid),
        ("Transfer-Encoding: \u{B}chunked", .controlByte),
        ("Transfer-Encoding: chunked\u{A0}", .transferEncodingInvalid),
        ("Transfer-Encoding: gzip, chunked", .transferCodingUnknown),
        ("Transfer-Encoding: identity, chunked", .transferCodingUnknown),
        ("Transfer-Encoding: gzip,chunked,chunked", .transferEncodingInvalid),
    ])
    func `for framing in two ways`(fields: String, error: ParseError) {
        expectRefusal("POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n0\r\n\r\n", error)
    }

    @Test(arguments: [
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked", ParseError.transferEncodingBeforeHTTP11),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
            .contentLengthBesideTransferEncoding
        ),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5", .contentForbidden),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nTransfer-Encoding: chunked", .contentForbidden),
        ("TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5", .contentForbidden),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok", .expectationUnknown),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x", .expectationUnknown),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: host", .connectionOptionForbidden),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Content-Length",
            .connectionOptionForbidden
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Transfer-Encoding", .connectionOptionForbidden),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Forwarded-For", .connectionOptionForbidden),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-forwarded-proto", .connectionOptionForbidden),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Authorization", .connectionOptionForbidden),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Cookie", .connectionOptionForbidden),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: content-type", .connectionOptionForbidden),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: a b", .connectionOptionInvalid),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: \"close\"", .connectionOptionInvalid),
    ])
    func `for what its fields say together`(head: String, error: ParseError) {
        expectRefusal(head + "\r\n\r\n", error)
    }

    @Test(arguments: [
        ("x\r\n", ParseError.chunkSizeInvalid), ("\r\n", .chunkSizeInvalid),
        ("\n", .chunkSizeInvalid),
        ("0x5\r\nabcde", .chunkSizeInvalid), ("+5\r\nabcde", .chunkSizeInvalid),
        ("-5\r\nabcde", .chunkSizeInvalid),
        ("5_0\r\n", .chunkSizeInvalid), (" 5\r\nabcde", .chunkSizeInvalid),
        ("5 \r\nabcde", .chunkExtensionInvalid),
        ("5 5\r\n", .chunkExtensionInvalid), ("5\t\r\n", .chunkExtensionInvalid),
        ("5.\r\n", .chunkSizeInvalid),
        ("5,\r\n", .chunkSizeInvalid), ("5h\r\n", .chunkSizeInvalid), (";a\r\n", .chunkSizeInvalid),
        ("8000000000000000\r\n", .chunkSizeTooLarge), ("10000000000000005\r\n", .chunkSizeTooLarge),
        ("fffffffffffffffff\r\n", .chunkSizeTooLarge), ("5\nabcde", .bareLineFeed),
        ("5\rabcde", .bareCarriageReturn),
        ("5;a\nabcde", .bareLineFeed), ("5;a\r\r\n", .bareCarriageReturn),
        ("5;\r\n", .chunkExtensionInvalid),
        ("5;a=\r\n", .chunkExtensionInvalid), ("5;=b\r\n", .chunkExtensionInvalid),
        ("5;;a\r\n", .chunkExtensionInvalid),
        ("5;a=\"b\r\n", .chunkExtensionInvalid), ("5;a=\"b\n\"\r\n", .chunkExtensionInvalid),
        ("5;a=\"b\"c\r\n", .chunkExtensionInvalid),
        ("5;a=\"\\\r\n\"", .chunkExtensionInvalid), ("5;a b\r\n", .chunkExtensionInvalid),
        ("5;a\u{0}\r\n", .chunkExtensionInvalid),
        ("5;a=b \r\n", .chunkExtensionInvalid), ("5;a=b=c\r\n", .chunkExtensionInvalid),
        ("5;\u{E9}\r\n", .chunkExtensionInvalid),
        ("5\r\nabcdef\r\n", .chunkDataUnterminated), ("5\r\nabcde\n0\r\n", .chunkDataUnterminated),
        ("5\r\nabcde\r0\r\n", .chunkDataUnterminated),
        ("5\r\nabcde0\r\n\r\n", .chunkDataUnterminated),
        ("0\r\nA : b\r\n\r\n", .spaceBeforeColon), ("0\r\n A: b\r\n\r\n", .fieldFolded),
        ("0\r\nA: b\n\r\n", .bareLineFeed),
        ("0\r\n\n", .bareLineFeed), ("0\r\nA: \u{0}\r\n\r\n", .controlByte),
        ("0\r\n\r\r\n", .bareCarriageReturn),
        ("0\r\nContent-Length: 5\r\n\r\n", .trailerForbidden),
        ("0\r\nTransfer-Encoding: chunked\r\n\r\n", .trailerForbidden),
        ("0\r\nHost: a\r\n\r\n", .trailerForbidden),
        ("0\r\nConnection: close\r\n\r\n", .trailerForbidden),
        ("0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .spaceBeforeColon),
    ])
    func `for its chunks or trailers`(body: String, error: ParseError) {
        expectRefusal(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body, error)
    }
}

@Suite struct `A request is bounded` {
    private static let small = Limits(
        headBytes: 64, fieldCount: 3, requestLineBytes: 20, chunkLineBytes: 8,
        chunkExtensionBytes: 10, trailerBytes: 16)
    private static let chunked = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    private static let cases: [(String, ParseError?)] = [
        ("GET /34567 HTTP/1.1\r\nHost: a\r\n\r\n", nil),
        ("GET /345678901 HTTP/1.1\r\n", ParseError.requestLineTooLong),
        ("GET /34567890 HTTP/1.1\r\n", .requestLineTooLong),
        ("GETTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT", .requestLineTooLong),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 32))\r\n\r\n", nil),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 33))\r\n\r\n",
            .headTooLarge
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 60))", .headTooLarge),
        ("GET / HTTP/1.1\r\nA:\r\nB:\r\nHost: a\r\n\r\n", nil),
        ("GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\nHost: a\r\n\r\n", .fieldsTooMany),
        (chunked + "1;abcdef\r\nx\r\n0\r\n\r\n", nil),
        (chunked + "1;abcdefg\r\nx\r\n0\r\n\r\n", .chunkLineTooLong),
        (chunked + "00000001\r\nx\r\n0\r\n\r\n", nil),
        (chunked + "000000001\r\nx\r\n0\r\n\r\n", .chunkLineTooLong),
        (chunked + "1;abcd\r\nx\r\n1;abcd\r\nx\r\n0\r\n\r\n", nil),
        (chunked + "1;abcd\r\nx\r\n1;abcd\r\nx\r\n0;a\r\n\r\n", .chunkExtensionsTooLarge),
        (chunked + "0\r\nABCDEFG: 012\r\n\r\n", nil),
        (chunked + "0\r\nABCDEFG: 0123\r\n\r\n", .trailersTooLarge),
        (chunked + "0\r\nA:\r\nB:\r\nC:\r\nD:\r\n", .fieldsTooMany),
        (chunked + "0\r\nABCDEFGHIJKLMNOP", .trailersTooLarge),
    ]

    @Test(arguments: cases)
    func `at its limits and not before`(text: String, error: ParseError?) {
        for cutting in allCuttings {
            let transcript = transcribe(requests: latin1(text), cutting, limits: Self.small)
            #expect(transcript.error == error, "\(cutting): \(transcript)")
        }
    }

    @Test func `by default as the house says`() {
        let fields = (0..<99).map { "f\($0): x\r\n" }.joined()
        let start = "GET / HTTP/1.1\r\nHost: a\r\n"
        let long = String(repeating: "x", count: 8 * 1024)
        let longest = "GET /\(long.dropLast(14)) HTTP/1.1"
        for cutting in allCuttings {
            #expect(transcribe(requests: latin1(start + fields + "\r\n"), cutting).error == nil)
            #expect(
                transcribe(requests: latin1(start + fields + "x: y\r\n\r\n"), cutting).error
                    == .fieldsTooMany)
            #expect(
                transcribe(requests: latin1(longest + "\r\nHost: a\r\n\r\n"), cutting).error == nil)
            #expect(
                transcribe(requests: latin1("x" + longest + "\r\nHost: a\r\n\r\n"), cutting).error
                    == .requestLineTooLong)
            let four = (0..<4).map { "f\($0): \(long)\r\n" }.joined()
            #expect(
                transcribe(requests: latin1(start + four + "\r\n"), cutting).error == .headTooLarge)
        }
        let options = String(repeating: "a,", count: 33)
        expectRefusal(start + "Connection: \(options)\r\n\r\n", .connectionOptionsTooMany)
    }
}
