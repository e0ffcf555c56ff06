"""Requests that a client may send, and what has to come of each (RFC 9112 §2-§7, §11)."""

from harness.wire import Case



def head(first, *fields, body=b""):
    lines = [first.encode("latin-1") if isinstance(first, str) else first]
    lines += [line if isinstance(line, bytes) else line.encode("latin-1") for line in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def get(*fields, tail="", body=b"", method="GET"):
    return head(f"{method} /{{id}}{tail} HTTP/1.1", "Host: a", *fields, body=body)


def post(*fields, body=b"", tail=""):
    return get(*fields, body=body, method="POST", tail=tail)


def chunked(body, *fields):
    return post("Transfer-Encoding: chunked", *fields, body=body)


def ok(name, send, *forwarded, **more):
    forwarded = forwarded or ((b"GET", b"", b""),)
    return Case(name, send, (200,) * len(forwarded), forwarded, **more)


def bad(name, send, *, status=(400,), **more):
    return Case(name, send, (status[0],), refused=True, allowed=status, **more)


def body_of(name, send, body, method=b"POST", **more):
    return ok(name, send, (method, b"", body), **more)


def fields_at_upstream(present=(), absent=()):
    def check(seen, _):
        fields = seen[0].fields
        names = [name for name, _ in fields]
        missing = [item for item in present if item not in fields]
        left = [name for name in absent if name in names]
        return (missing or left) and f"fields missing {missing}, left {left}"
    return check


def host_is(value):
    return lambda seen, _: seen[0].values(b"host") != [value] and f"{seen[0].fields}"


HIDDEN = b"GET /smuggled HTTP/1.1\r\nHost: ab\r\n\r\n"
SMUGGLED = b"GET /{id}/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

PLAIN = [
    ok("a GET", get()),
    body_of("a GET with content", get("Content-Length: 5", body=b"hello"), b"hello", b"GET"),
    body_of("a POST without content", post("Content-Length: 0"), b""),
    body_of("a POST", post("Content-Length: 5", body=b"hello"), b"hello"),
    body_of("a DELETE with content", get("Content-Length: 2", body=b"hi", method="DELETE"),
            b"hi", b"DELETE"),
    ok("a method of another name", get(method="PURGE"), (b"PURGE", b"", b"")),
    ok("a method in lower case", get(method="get"), (b"get", b"", b"")),
    ok("a method of token characters", get(method="M-SEARCH!#$%&'*+.^_`|~"),
       (b"M-SEARCH!#$%&'*+.^_`|~", b"", b"")),
    ok("HEAD", get(method="HEAD"), (b"HEAD", b"", b""), heads=(0,)),
    ok("OPTIONS of a path", get(method="OPTIONS"), (b"OPTIONS", b"", b"")),
    ok("TRACE", get(method="TRACE"), (b"TRACE", b"", b""), either=True, allowed=(400, 405, 501)),
    ok("a query", get(tail="?a=b&c=%20d"), (b"GET", b"?a=b&c=%20d", b"")),
    ok("an escaped path", get(tail="/%41/x%20y"), (b"GET", b"/%41/x%20y", b"")),
    ok("an empty field value", get("X-Empty:"), check=fields_at_upstream([(b"x-empty", b"")])),
    ok("a value of octets above 127", get(b"X-High: \xc3\xa4\xff"),
       check=fields_at_upstream([(b"x-high", b"\xc3\xa4\xff")])),
    ok("white space around a value", get("X-Space: \t a b \t "),
       check=fields_at_upstream([(b"x-space", b"a b")])),
    ok("two fields of one name", get("X-Two: 1", "X-Two: 2"),
       check=fields_at_upstream([(b"x-two", b"1"), (b"x-two", b"2")])),
    ok("names in any case", head("GET /{id} HTTP/1.1", "hOST: a", "cOOKIE: b"),
       check=fields_at_upstream([(b"cookie", b"b")])),
    ok("an empty line before the request", b"\r\n" + get(), either=True),
    ok("a request target of 7 KiB", get(tail="/" + "x" * 7000),
       (b"GET", b"/" + b"x" * 7000, b""), step=101),
    ok("a head of 30 KiB", get(*(f"X-{n}: {'y' * 990}" for n in range(30))), step=211),
    ok("100 fields", get(*(f"X-{n}: y" for n in range(99))), step=7),
    ok("pipelined GETs", get() + get(tail="/2") + get(tail="/3"),
       (b"GET", b"", b""), (b"GET", b"/2", b""), (b"GET", b"/3", b"")),
    ok("20 pipelined GETs", b"".join(get(tail=f"/{n}") for n in range(20)),
       *((b"GET", b"/%d" % n, b"") for n in range(20)), step=3),
    ok("pipelined after a length", post("Content-Length: 3", body=b"abc") + get(tail="/2"),
       (b"POST", b"", b"abc"), (b"GET", b"/2", b"")),
    ok("pipelined after chunks", chunked(b"3\r\nabc\r\n0\r\n\r\n") + get(tail="/2"),
       (b"POST", b"", b"abc"), (b"GET", b"/2", b"")),
    ok("content that looks like a request", post("Content-Length: 36", body=HIDDEN),
       (b"POST", b"", HIDDEN)),
    ok("a GET whose content looks like a request", get("Content-Length: 36", body=HIDDEN),
       (b"GET", b"", HIDDEN)),
    ok("a HEAD whose content looks like a request",
       get("Content-Length: 36", method="HEAD", body=HIDDEN), (b"HEAD", b"", HIDDEN), heads=(0,)),
    ok("half-closed after the request", get(), half_close=True),
    body_of("half-closed after content", post("Content-Length: 5", body=b"hello"), b"hello",
            half_close=True),
    body_of("half-closed after chunks", chunked(b"5\r\nhello\r\n0\r\n\r\n"), b"hello",
            half_close=True),
]

CONNECTION = [
    ok("close", get("Connection: close"), keeps=False,
       check=lambda _, item: not item.closed and "the connection stays open"),
    ok("Close in capitals", get("Connection: CLOSE"), keeps=False,
       check=lambda _, item: not item.closed and "the connection stays open"),
    ok("close in a list", get("Connection: x-a, close"), keeps=False,
       check=lambda _, item: not item.closed and "the connection stays open"),
    ok("close in front of a pipelined request", get("Connection: close") + get(tail="/2"),
       keeps=False),
    ok("HTTP/1.0", head("GET /{id} HTTP/1.0", "Host: a"), keeps=False,
       check=lambda _, item: not item.closed and "the connection stays open"),
    # A proxy keeps no HTTP/1.0 client, which may have meant another proxy (RFC 9112 §9.3, §C.2.2).
    ok("HTTP/1.0 with keep-alive", head("GET /{id} HTTP/1.0", "Host: a", "Connection: keep-alive"),
       keeps=None),
    ok("HTTP/1.0 without Host", head("GET /{id} HTTP/1.0"), keeps=False, either=True,
       allowed=(400, 404, 426)),
    ok("HTTP/1.0 with content", head("POST /{id} HTTP/1.0", "Host: a", "Content-Length: 2",
                                     body=b"hi"), (b"POST", b"", b"hi"), keeps=False),
    bad("HTTP/1.0 with chunks", head("POST /{id} HTTP/1.0", "Host: a",
                                     "Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ok("a field named by Connection", get("Connection: x-drop", "X-Drop: 1", "X-Stay: 1"),
       check=fields_at_upstream([(b"x-stay", b"1")], [b"x-drop"])),
    ok("fields named by two Connections", get("Connection: x-a", "Connection: x-b, keep-alive",
                                              "X-A: 1", "X-B: 1"),
       check=fields_at_upstream((), [b"x-a", b"x-b"])),
    ok("hop-by-hop fields", get("Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
                                "TE: gzip", "X-Stay: 1"),
       check=fields_at_upstream([(b"x-stay", b"1")],
                                [b"keep-alive", b"proxy-connection", b"te"])),
    ok("an upgrade nobody asked for", get("Connection: upgrade", "Upgrade: h2c",
                                          "HTTP2-Settings: AAMAAABk"),
       either=True, allowed=(400, 403), check=fields_at_upstream((), [b"upgrade"])),
    ok("Connection names Host", get("Connection: host"), either=True, check=host_is(b"a")),
    body_of("Connection names Content-Length", post("Connection: content-length",
                                                    "Content-Length: 2", body=b"hi"), b"hi",
            either=True),
    body_of("Connection names Transfer-Encoding", chunked(b"2\r\nhi\r\n0\r\n\r\n",
                                                          "Connection: transfer-encoding"),
            b"hi", either=True),
    body_of("100-continue", post("Expect: 100-continue", "Content-Length: 5", body=b"hello"),
            b"hello"),
    body_of("100-continue in capitals", post("Expect: 100-Continue", "Content-Length: 2",
                                             body=b"hi"), b"hi"),
    body_of("another expectation", post("Expect: 200-ok", "Content-Length: 2", body=b"hi"), b"hi",
            either=True, allowed=(417, 400)),
]

CHUNKS = [
    body_of("one chunk", chunked(b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    body_of("no chunk", chunked(b"0\r\n\r\n"), b""),
    body_of("many chunks", chunked(b"1\r\na\r\n" * 60 + b"0\r\n\r\n"), b"a" * 60),
    body_of("a size in capitals", chunked(b"A\r\n0123456789\r\n0\r\n\r\n"), b"0123456789"),
    body_of("a size with leading zeros", chunked(b"0005\r\nhello\r\n0\r\n\r\n"), b"hello"),
    body_of("a last chunk of several zeros", chunked(b"2\r\nhi\r\n000\r\n\r\n"), b"hi"),
    body_of("an extension", chunked(b"5;a=b\r\nhello\r\n0;c\r\n\r\n"), b"hello"),
    body_of("a quoted extension", chunked(b'5;a="b;c"\r\nhello\r\n0\r\n\r\n'), b"hello"),
    body_of("white space before an extension", chunked(b"5 ;a=b\r\nhello\r\n0\r\n\r\n"), b"hello",
            either=True),
    body_of("coding in capitals", post("Transfer-Encoding: Chunked", body=b"0\r\n\r\n"), b""),
    body_of("a chunk of 16 KiB", chunked(b"4000\r\n" + b"z" * 16384 + b"\r\n0\r\n\r\n"),
            b"z" * 16384, step=97),
    body_of("CRLF inside a chunk", chunked(b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), b"\r\n0\r\n\r\n"),
    ok("trailers", chunked(b"2\r\nhi\r\n0\r\nX-Sum: 1\r\nX-End: 2\r\n\r\n"),
       (b"POST", b"", b"hi"),
       check=lambda seen, _: seen[0].trailers != [(b"x-sum", b"1"), (b"x-end", b"2")]
       and f"trailers {seen[0].trailers}"),
    ok("a trailer that would change the framing",
       chunked(b"2\r\nhi\r\n0\r\nContent-Length: 9\r\nHost: b\r\n\r\n"), (b"POST", b"", b"hi"),
       either=True, check=lambda seen, _: seen[0].trailers and f"trailers {seen[0].trailers}"),
]
CHUNKS += [bad(f"chunk size {size!r}", chunked(size + b"\r\nhello\r\n0\r\n\r\n"))
           for size in (b"0x5", b"+5", b"-5", b" 5", b"5_", b"", b"g", b"5\0", b"5\t6",
                        b"10000000000000005", b"fffffffffffffffff", b"5,", b"\xef\xbc\x95",
                        b"5;a\nb", b"5;a\rb", b"5;\0", b"5;" + b"e" * 5000)]
CHUNKS[-1].step = 53
CHUNKS += [
    bad("a bare LF after the size", chunked(b"5\nhello\r\n0\r\n\r\n")),
    bad("a bare CR after the size", chunked(b"5\rhello\r\n0\r\n\r\n")),
    bad("data that ends with LF", chunked(b"5\r\nhello\n0\r\n\r\n")),
    bad("data without an end", chunked(b"5\r\nhello0\r\n\r\n")),
    bad("data longer than its size", chunked(b"5\r\nhelloX\r\n0\r\n\r\n")),
    bad("data shorter than its size", chunked(b"5\r\nhell\r\n0\r\n\r\n")),
    bad("a bare LF after the last chunk", chunked(b"0\n\r\n")),
    bad("a bare LF at the end", chunked(b"0\r\n\n")),
    bad("a trailer with white space before the colon", chunked(b"0\r\nX : 1\r\n\r\n")),
    bad("a folded trailer", chunked(b"0\r\nX: 1\r\n 2\r\n\r\n")),
    bad("a trailer with NUL", chunked(b"0\r\nX: \0\r\n\r\n")),
    bad("trailers of 40 KiB", chunked(b"0\r\n" + b"X: " + b"y" * 40000 + b"\r\n\r\n"),
        status=(400, 431), step=997),
    Case("closed inside a chunk", chunked(b"5\r\nhel"), (), refused=True, half_close=True,
         allowed=(400, 408, None)),
    Case("closed before the last chunk", chunked(b"5\r\nhello\r\n"), (), refused=True,
         half_close=True, allowed=(400, 408, None)),
]

LENGTHS = [
    body_of("a length with leading zeros", post("Content-Length: 0005", body=b"hello"), b"hello",
            either=True),
    Case("closed inside the content", post("Content-Length: 5", body=b"hel"), (), refused=True,
         half_close=True, allowed=(400, 408, None)),
]
LENGTHS += [bad(f"Content-Length {value!r}", post(b"Content-Length: " + value, body=b"hello"))
            for value in (b"+5", b"-5", b"0x5", b"5 5", b"5, 5", b"5,6", b"5,", b",5", b"", b"5;",
                          b"5_0", b"5.0", b"1e1", b"18446744073709551621", b"9223372036854775808",
                          b"99999999999999999999999", b"\xd9\xa5", b"5\x0b", b'"5"')]
LENGTHS += [bad(name, post(*fields, body=b"hello")) for name, fields in (
    ("two lengths alike", ("Content-Length: 5", "Content-Length: 5")),
    ("two lengths that differ", ("Content-Length: 5", "Content-Length: 6")),
    ("a length and an empty one", ("Content-Length: 5", "Content-Length:")),
    ("white space before the colon of a length", ("Content-Length : 5",)),
    ("a folded length", (b"Content-Length:\r\n 5",)),
)]

EMPTY_CHUNKS = b"0\r\n\r\n"
CODINGS = [
    bad("CL.TE", post("Content-Length: 6", "Transfer-Encoding: chunked",
                      body=EMPTY_CHUNKS + b"X")),
    bad("TE.CL", post("Transfer-Encoding: chunked", "Content-Length: 4",
                      body=b"2e\r\n" + b"GET /{id}/smuggled HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n"
                      + EMPTY_CHUNKS)),
    bad("CL.TE with a smuggled request",
        post("Content-Length: 5", "Transfer-Encoding: chunked", body=EMPTY_CHUNKS) + SMUGGLED),
    bad("a length of zero beside chunks",
        post("Content-Length: 0", "Transfer-Encoding: chunked", body=EMPTY_CHUNKS)),
    bad("TE.TE", post("Transfer-Encoding: chunked", "Transfer-Encoding: identity",
                      body=EMPTY_CHUNKS)),
    bad("TE.TE the other way", post("Transfer-Encoding: identity", "Transfer-Encoding: chunked",
                                    body=EMPTY_CHUNKS)),
    bad("chunked in two fields", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
                                      body=EMPTY_CHUNKS)),
    bad("white space before the colon", post("Transfer-Encoding : chunked", body=EMPTY_CHUNKS)),
    bad("white space before the name", post(" Transfer-Encoding: chunked", body=EMPTY_CHUNKS)),
    bad("a folded coding", post(b"Transfer-Encoding:\r\n chunked", body=EMPTY_CHUNKS)),
    bad("a coding behind a bare LF", post(b"X: 1\nTransfer-Encoding: chunked", body=EMPTY_CHUNKS)),
    bad("a coding behind a bare CR", post(b"X: 1\rTransfer-Encoding: chunked", body=EMPTY_CHUNKS)),
]
CODINGS += [bad(f"Transfer-Encoding {value!r}",
                post(b"Transfer-Encoding: " + value, body=EMPTY_CHUNKS), status=(400, 501))
            for value in (b"identity", b"chunked, chunked", b"gzip, chunked", b"chunked, gzip",
                          b"xchunked", b"chunkedx", b"chunked;q=1", b"\x0bchunked", b'"chunked"',
                          b"chunked,", b",chunked", b"", b"chunk", b"gzip", b"chunked\0",
                          b"chunked\x0c", b"cow", b"chunked identity")]

REQUESTS = PLAIN + CONNECTION + CHUNKS + LENGTHS + CODINGS
