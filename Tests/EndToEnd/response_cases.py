"""Answers that an upstream may give, and what a client has to see (RFC 9112 §6, RFC 9110 §15)."""

from harness.upstream import Script
from harness.wire import Case

GET = b"GET /{id} HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD /{id} HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
FORWARDED = ((b"GET", b"", b""),)


def answer(first, *fields, body=b""):
    return b"\r\n".join([first, *fields]) + b"\r\n\r\n" + body


def good(name, raw, body=b"", status=200, then="keep", send=GET, check=None, surplus=False,
         **more):
    """The client gets the whole answer, and the connection serves the next request."""
    def whole(seen, item):
        final = item.finals[0]
        if final.body != body:
            return f"the client got the body {final.body[:80]!r}"
        return check(item) if check else None
    method = send.split()[0]
    return Case(name, send, (status,), ((method, b"", b""),), check=whole,
                script=Script(raw, then, surplus=surplus), heads=(0,) if method == b"HEAD" else (), **more)


def broken(name, raw, then="keep", allowed=(502,)):
    """The upstream's answer is refused before anything of it reached the client."""
    # What got no byte of an answer may be sent once more, so those repeats are not judged here.
    forwarded = None if "without a byte" in name else FORWARDED
    return Case(name, GET, (allowed,), forwarded, script=Script(raw, then))


def cut(name, raw, then="keep"):
    """The answer began and cannot be finished: it must never look complete to the client."""
    def check(seen, item):
        whole = [m.status for m in item.finals if m.complete and m.status < 500]
        if whole:
            return "an answer that was cut looks complete"
        if not item.closed:
            return "the connection stays open after a cut answer"
        return None
    return Case(name, GET, check=check, script=Script(raw, then), cut=True)


def has(name, value):
    def check(item):
        values = item.finals[0].values(name)
        return value not in values and f"{name!r} is {values!r}"
    return check


def lacks(*names):
    def check(item):
        left = [name for name, _ in item.finals[0].fields if name in names]
        return left and f"hop-by-hop fields reached the client: {left}"
    return check


def interim(*statuses):
    def check(item):
        got = tuple(m.status for m in item.reader.messages if m.status < 200)
        return got != statuses and f"interim answers {got}, expected {statuses}"
    return check


LENGTH_5 = b"Content-Length: 5"
TE = b"Transfer-Encoding: chunked"

GOOD = [
    good("a length", answer(b"HTTP/1.1 200 OK", LENGTH_5, body=b"hello"), b"hello"),
    good("a length of zero", answer(b"HTTP/1.1 200 OK", b"Content-Length: 0")),
    good("chunks", answer(b"HTTP/1.1 200 OK", TE, body=b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
         b"hello"),
    good("chunks with an extension", answer(b"HTTP/1.1 200 OK", TE,
                                            body=b"5;a=b\r\nhello\r\n0\r\n\r\n"), b"hello"),
    good("trailers", answer(b"HTTP/1.1 200 OK", TE, b"Trailer: X-Sum",
                            body=b"5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n"), b"hello",
         check=lambda item: item.finals[0].trailers != [(b"x-sum", b"7")]
         and f"trailers {item.finals[0].trailers}"),
    good("a body that ends with the connection", answer(b"HTTP/1.1 200 OK", body=b"hello"),
         b"hello", then="fin", keeps=None),
    good("HTTP/1.0 with a length", answer(b"HTTP/1.0 200 OK", LENGTH_5, body=b"hello"), b"hello",
         then="fin"),
    good("HTTP/1.0 until the connection ends", answer(b"HTTP/1.0 200 OK", body=b"hello"),
         b"hello", then="fin", keeps=None),
    good("204", answer(b"HTTP/1.1 204 No Content"), status=204),
    good("304 with a length", answer(b"HTTP/1.1 304 Not Modified", LENGTH_5), status=304),
    good("304 that names chunks", answer(b"HTTP/1.1 304 Not Modified", b"ETag: \"a\""),
         status=304),
    good("HEAD with a length", answer(b"HTTP/1.1 200 OK", LENGTH_5), send=HEAD,
         check=has(b"content-length", b"5")),
    good("HEAD that names chunks", answer(b"HTTP/1.1 200 OK", TE), send=HEAD),
    good("HEAD without framing", answer(b"HTTP/1.1 200 OK"), send=HEAD),
    good("an empty reason", answer(b"HTTP/1.1 200 ", LENGTH_5, body=b"hello"), b"hello"),
    good("a reason of octets above 127", answer(b"HTTP/1.1 200 \xc3\xa4", LENGTH_5,
                                                body=b"hello"), b"hello"),
    good("a status nobody knows", answer(b"HTTP/1.1 299 Odd", LENGTH_5, body=b"hello"), b"hello",
         status=299),
    good("404", answer(b"HTTP/1.1 404 Not Found", LENGTH_5, body=b"hello"), b"hello", status=404),
    good("503 from the upstream", answer(b"HTTP/1.1 503 Busy", LENGTH_5, body=b"hello"), b"hello",
         status=503),
    good("two cookies", answer(b"HTTP/1.1 200 OK", b"Set-Cookie: a=1", b"Set-Cookie: b=2",
                               b"Content-Length: 0"),
         check=lambda item: item.finals[0].values(b"set-cookie") != [b"a=1", b"b=2"]
         and f"{item.finals[0].fields}"),
    good("names in lower case", answer(b"HTTP/1.1 200 OK", b"content-length:5", body=b"hello"),
         b"hello"),
    good("white space around values", answer(b"HTTP/1.1 200 OK", b"Content-Length: \t5 ",
                                             b"X-A:\t b ", body=b"hello"), b"hello",
         check=has(b"x-a", b"b")),
    good("hop-by-hop fields", answer(b"HTTP/1.1 200 OK", b"Connection: x-drop, keep-alive",
                                     b"X-Drop: 1", b"Keep-Alive: timeout=5",
                                     b"Proxy-Connection: close", b"Content-Length: 0"),
         check=lacks(b"x-drop", b"keep-alive", b"proxy-connection")),
    good("close", answer(b"HTTP/1.1 200 OK", b"Connection: close", LENGTH_5, body=b"hello"),
         b"hello", then="fin"),
    good("100 and then the answer", answer(b"HTTP/1.1 100 Continue")
         + answer(b"HTTP/1.1 200 OK", LENGTH_5, body=b"hello"), b"hello"),
    good("103 and then the answer", answer(b"HTTP/1.1 103 Early Hints", b"Link: </a>")
         + answer(b"HTTP/1.1 200 OK", LENGTH_5, body=b"hello"), b"hello"),
    good("several interim answers", answer(b"HTTP/1.1 102 Processing") * 3
         + answer(b"HTTP/1.1 200 OK", LENGTH_5, body=b"hello"), b"hello"),
    good("a body of 200 KiB", answer(b"HTTP/1.1 200 OK", b"Content-Length: 204800",
                                     body=b"z" * 204800), b"z" * 204800),
    good("chunks of 200 KiB", answer(b"HTTP/1.1 200 OK", TE, body=b"8000\r\n" + b"z" * 32768
                                     + b"\r\n" + b"1\r\nz\r\n" * 500 + b"0\r\n\r\n"),
         b"z" * 33268),
    good("a head of 20 KiB", answer(b"HTTP/1.1 200 OK", *(b"X-%d: " % n + b"y" * 990
                                                          for n in range(20)), LENGTH_5,
                                    body=b"hello"), b"hello"),
    # Bytes after the answer belong to nothing: they must not answer the next request.
    good("a second answer nobody asked for", answer(b"HTTP/1.1 200 OK", LENGTH_5, body=b"hello")
         + answer(b"HTTP/1.1 418 Stolen", b"Content-Length: 0"), b"hello", surplus=True),
    good("content after 204", answer(b"HTTP/1.1 204 No Content", body=b"hello"), status=204,
         surplus=True),
    good("content after 304", answer(b"HTTP/1.1 304 Not Modified", LENGTH_5, body=b"hello"),
         status=304, surplus=True),
    good("content after the answer to HEAD", answer(b"HTTP/1.1 200 OK", LENGTH_5, body=b"hello"),
         send=HEAD, surplus=True),
    good("bytes after the last chunk", answer(
        b"HTTP/1.1 200 OK", TE, body=b"5\r\nhello\r\n0\r\n\r\nHTTP/1.1 418 X\r\n\r\n"),
         b"hello", surplus=True),
]

BROKEN = [broken(f"status line {line!r}", answer(line, LENGTH_5, body=b"hello")) for line in (
    b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/2 200 OK", b"ICY 200 OK", b"HTTP/1.1 099 Low",
    b"HTTP/1.1  200 OK", b"HTTP/1.1 2x0 OK", b"HTTP/1.1", b"http/1.1 200 OK", b"HTTP/1.1 +20 OK",
    b"HTTP/1.1 200 O\0K", b" HTTP/1.1 200 OK", b"HTTP/1.x 200 OK", b"HTTP/11 200 OK", b"200 OK")]
BROKEN += [broken(name, answer(b"HTTP/1.1 200 OK", *fields, body=b"hello")) for name, fields in (
    ("a length and chunks", (LENGTH_5, TE)),
    ("two lengths that differ", (LENGTH_5, b"Content-Length: 6")),
    ("a length with a sign", (b"Content-Length: +5",)),
    ("a negative length", (b"Content-Length: -5",)),
    ("a list of lengths", (b"Content-Length: 5, 6",)),
    ("a length beyond 64 bits", (b"Content-Length: 18446744073709551621",)),
    ("an empty length", (b"Content-Length:",)),
    ("NUL in a value", (LENGTH_5, b"X: a\0b")),
    ("a control octet in a value", (LENGTH_5, b"X: a\x01b")),
    ("a field without a colon", (LENGTH_5, b"X")),
    ("a field without a name", (LENGTH_5, b": X")),
    ("a name with white space", (LENGTH_5, b"X Y: 1")),
    ("a bare CR", (LENGTH_5, b"X: a\rb")),
    ("an unknown coding", (b"Transfer-Encoding: cow",)),
    ("chunked twice", (b"Transfer-Encoding: chunked, chunked",)),
    ("chunked in two fields", (TE, TE)),
    ("1,000 fields", tuple(b"X-%d: y" % n for n in range(1000))),
    ("a head of 100 KiB", (LENGTH_5, b"X: " + b"y" * 100000)),
)]
BROKEN += [
    broken("101 without an upgrade", answer(b"HTTP/1.1 101 Switching Protocols",
                                            b"Upgrade: x", b"Connection: upgrade")),
    broken("closed without a byte", b"", then="fin", allowed=(502, 503)),
    broken("reset without a byte", b"", then="rst", allowed=(502, 503)),
    broken("closed inside the status line", b"HTTP/1.1 2", then="fin", allowed=(502, 503)),
    broken("closed inside the head", OK + b"Content-Length: 5\r\n", then="fin",
           allowed=(502, 503)),
    broken("reset inside the head", OK + b"Content-Le", then="rst", allowed=(502, 503)),
    broken("closed after an interim answer", answer(b"HTTP/1.1 103 Early Hints"), then="fin",
           allowed=(502, 503)),
    broken("1,000 interim answers", answer(b"HTTP/1.1 103 Early Hints", b"X: " + b"y" * 100) * 1000
           + answer(b"HTTP/1.1 200 OK", b"Content-Length: 0"), allowed=(502, 200)),
]
CUT = [
    cut("a length, closed", answer(b"HTTP/1.1 200 OK", b"Content-Length: 10", body=b"hello"),
        "fin"),
    cut("a length, reset", answer(b"HTTP/1.1 200 OK", b"Content-Length: 10", body=b"hello"),
        "rst"),
    cut("a length, closed before its content", answer(b"HTTP/1.1 200 OK", LENGTH_5), "fin"),
    cut("chunks, closed inside one", answer(b"HTTP/1.1 200 OK", TE, body=b"a\r\nhello"), "fin"),
    cut("chunks, closed between two", answer(b"HTTP/1.1 200 OK", TE, body=b"5\r\nhello\r\n"),
        "fin"),
    cut("chunks, closed before the end", answer(b"HTTP/1.1 200 OK", TE,
                                                body=b"5\r\nhello\r\n0\r\n"), "fin"),
    cut("chunks, closed inside the trailers", answer(
        b"HTTP/1.1 200 OK", TE, body=b"5\r\nhello\r\n0\r\nX-Sum"), "fin"),
    cut("chunks, reset", answer(b"HTTP/1.1 200 OK", TE, body=b"5\r\nhello\r\n"), "rst"),
    cut("a body until the end, reset", answer(b"HTTP/1.1 200 OK", body=b"hello"), "rst"),
]
CUT += [cut(f"chunks, size {size!r}", answer(b"HTTP/1.1 200 OK", TE,
                                             body=b"5\r\nhello\r\n" + size + b"\r\nhello\r\n"))
        for size in (b"0x5", b"+5", b"-5", b" 5", b"g", b"", b"5_", b"fffffffffffffffff",
                     b"5\n0")]
CUT += [
    cut("chunks, data without an end", answer(b"HTTP/1.1 200 OK", TE,
                                              body=b"5\r\nhelloXX5\r\nhello\r\n0\r\n\r\n")),
    cut("chunks, a bare LF after a size", answer(b"HTTP/1.1 200 OK", TE,
                                                 body=b"5\r\nhello\r\n5\nhello\r\n0\r\n\r\n")),
]

RESPONSES = GOOD + BROKEN + CUT
