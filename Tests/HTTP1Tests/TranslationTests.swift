import HTTP
import HTTP1
import Testing

/// A head as HTTP/2 would bring it.
private func makeHead(
    _ method: String = "GET", path: String = "/", authority: String = "a",
    framing: BodyFraming = .none, expect: String? = nil
) -> RequestHead {
    var head = RequestHead()
    head.version = .http2
    head.methodRange = head.fields.store(method.utf8.span)
    head.method = Method(head.methodBytes)
    head.pathRange = head.fields.store(path.utf8.span)
    head.authorityRange = head.fields.store(authority.utf8.span)
    head.framing = framing
    if let expect { head.fields.append(name: "expect".utf8.span, value: expect.utf8.span) }
    return head
}

@Suite struct `A request of another version` {
    @Test(arguments: [
        ("GET", "/", "a"), ("GET", "/a?b=c", "a:80"), ("OPTIONS", "*", "[::1]:80"),
        ("M-SEARCH", "/%41", "a"), ("CONNECT", "", "a:443"),
    ])
    func `is taken as HTTP/1 would take it`(
        method: String, path: String, authority: String
    ) throws {
        try makeHead(method, path: path, authority: authority).checkTranslation()
    }

    @Test(arguments: ["", "G T", "GET\r\nx", "G/", "GET\0"])
    func `has a method that is a token`(method: String) {
        #expect(throws: ParseError.methodInvalid) { try makeHead(method).checkTranslation() }
    }

    @Test(arguments: ["", "a", "*", "http://a/", "/a b", "/a\r\nx: y", "/#", "/%4", "/\0", "/é"])
    func `has a path that ends where every reader ends it`(path: String) {
        #expect(throws: ParseError.targetInvalid) { try makeHead(path: path).checkTranslation() }
    }

    @Test(arguments: ["a b", "u@a", "a/b", "a:b", "a:65536", "a\r\nx: y", "[::1"])
    func `has an authority of host and port`(authority: String) {
        #expect(throws: ParseError.hostInvalid) {
            try makeHead(authority: authority).checkTranslation()
        }
    }

    @Test func `names its host`() {
        #expect(throws: ParseError.hostMissing) { try makeHead(authority: "").checkTranslation() }
    }

    @Test(arguments: ["TRACE", "CONNECT"])
    func `has no content where it would have no meaning`(method: String) {
        let path = method == "CONNECT" ? "" : "/"
        #expect(throws: ParseError.contentForbidden) {
            try makeHead(method, path: path, authority: "a:1", framing: .chunked)
                .checkTranslation()
        }
    }

    @Test func `expects nothing that is not known`() throws {
        try makeHead(framing: .chunked, expect: "100-Continue").checkTranslation()
        #expect(throws: ParseError.expectationUnknown) {
            try makeHead(expect: "the impossible").checkTranslation()
        }
    }
}
