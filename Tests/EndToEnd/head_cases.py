"""Heads that two parsers could read differently, and limits (RFC 9112 §2.2, §3, §5, §11)."""

from request_cases import bad, get, head, host_is, ok

LINES = [bad(f"request line {line!r}", head(line, "Host: a"), status=status) for line, status in (
    (b"GET /{id}", (400, 505)), (b"GET  /{id} HTTP/1.1", (400,)),
    (b"GET /{id}  HTTP/1.1", (400,)), (b"GET\t/{id}\tHTTP/1.1", (400,)),
    (b" GET /{id} HTTP/1.1", (400,)), (b"GET /{id} HTTP/1.1 ", (400, 505)),
    (b"GET /{id} http/1.1", (400, 505)), (b"GET /{id} HTTP/1.", (400, 505)),
    (b"GET /{id} HTTP/1.1x", (400, 505)), (b"GET /{id} HTTP/11.1", (400, 505)),
    (b"GET /{id} HTTP/1.10", (400, 505)), (b"GET /{id} HTTP/2.0", (400, 505)),
    (b"GET /{id} HTTP/3", (400, 505)), (b"GET /{id} HTTP/0.9", (400, 426, 505)),
    (b"GET /{id} HTTP/1,1", (400, 505)), (b"GET /{id} HTTP /1.1", (400, 505)),
    (b"GET /{id} ICY/1.1", (400, 505)), (b"GET /{id} HTTP/ 1.1", (400, 505)),
    (b"/{id} HTTP/1.1", (400, 505)), (b"GET", (400, 505)), (b"GET HTTP/1.1", (400, 505)),
    (b"G(T /{id} HTTP/1.1", (400, 501)), (b"G\0T /{id} HTTP/1.1", (400, 501)),
    (b"GET, /{id} HTTP/1.1", (400, 501)), (b"G\xc3\x89T /{id} HTTP/1.1", (400, 501)),
    (b"GET /{id}/a b HTTP/1.1", (400, 505)), (b"GET /{id}/\0 HTTP/1.1", (400,)),
    (b"GET /{id}/\x01 HTTP/1.1", (400,)), (b"GET /{id}/\x7f HTTP/1.1", (400,)),
    (b"GET /{id}#frag HTTP/1.1", (400,)), (b"GET {id} HTTP/1.1", (400, 404)),
    (b"GET * HTTP/1.1", (400, 404)), (b"GET a:80 HTTP/1.1", (400, 404)),
    (b"GET \\{id} HTTP/1.1", (400, 404)), (b"GET http:///{id} HTTP/1.1", (400,)),
    (b"GET http://a b/{id} HTTP/1.1", (400, 505)), (b"GET http://u@a/{id} HTTP/1.1", (400,)),
    (b"GET ://a/{id} HTTP/1.1", (400, 404)), (b"CONNECT a:80 HTTP/1.1", (400, 403, 404, 405, 501)),
    (b"PRI * HTTP/2.0", (400, 505, None)), (b"G\rET /{id} HTTP/1.1", (400, 501)),
    (b"GET /{id}\r HTTP/1.1", (400,)),
)]
LINES += [
    ok("octets above 127 in the target", head(b"GET /{id}/\xff HTTP/1.1", "Host: a"),
       (b"GET", b"/\xff", b""), either=True),
    ok("a later minor version", head("GET /{id} HTTP/1.2", "Host: a"), either=True,
       allowed=(400, 505)),
    ok("absolute form", head("GET http://a/{id}/x HTTP/1.1", "Host: a"), (b"GET", b"/x", b"")),
    ok("absolute form with a query", head("GET http://a/{id}?q=http://b/ HTTP/1.1", "Host: a"),
       (b"GET", b"?q=http://b/", b"")),
    ok("absolute form with another Host", head("GET http://b/{id} HTTP/1.1", "Host: a"),
       check=host_is(b"b"), either=True),
    ok("absolute form in capitals", head("GET HTTP://a/{id} HTTP/1.1", "Host: a"), either=True),
]

NAMES = [bad(f"field line {line!r}", head("GET /{id} HTTP/1.1", "Host: a", line, "X: 1"))
         for line in (b"X-A : 1", b"X A: 1", b" X-A: 1", b"\tX-A: 1", b": 1", b"X-A", b"X(A: 1",
                      b"X@A: 1", b"X/A: 1", b"X[A]: 1", b"X-\xc3\xa4: 1", b"X\0A: 1", b"X\x01: 1",
                      b"X\"A: 1", b"X;A: 1", b"X=A: 1", b"X,A: 1", b"X{A: 1", b"X\x7fA: 1",
                      b"X\t: 1", b"=: 1 : 2 \0")]
VALUES = [bad(f"field value {value!r}", get(b"X-A: " + value))
          for value in (b"a\0b", b"a\x01b", b"a\x0bb", b"a\x0cb", b"a\x7fb", b"a\x1fb", b"a\rb",
                        b"a\r b", b"a\nb", b"a\nX-B: c", b"a\r\n b", b"a\r\n\tb", b"\x08")]

HOSTS = [bad(f"Host {value!r}", head("GET /{id} HTTP/1.1", b"Host: " + value))
         for value in (b"a b", b"a/b", b"u@a", b"a,b", b"a:b:c", b"a\\b", b"a?b", b"a#b",
                       b"a:80x", b"[::1", b"a\tb", b"<a>", b'"a"', b"a%zz\x7f")]
HOSTS += [
    bad("no Host", head("GET /{id} HTTP/1.1", "X: 1")),
    bad("two Hosts", head("GET /{id} HTTP/1.1", "Host: a", "Host: b")),
    bad("two Hosts alike", head("GET /{id} HTTP/1.1", "Host: a", "Host: a")),
    bad("Host and a Host with white space", head("GET /{id} HTTP/1.1", "Host: a", "Host : b")),
    ok("a Host with a port", head("GET /{id} HTTP/1.1", "Host: a:8080"), check=host_is(b"a:8080")),
    ok("a Host of an IPv6 address", head("GET /{id} HTTP/1.1", "Host: [::1]:80"),
       check=host_is(b"[::1]:80")),
    ok("a Host in capitals", head("GET /{id} HTTP/1.1", "Host: Reviews")),
    ok("an empty Host", head("GET /{id} HTTP/1.1", "Host:"), either=True, allowed=(400, 404)),
]

ENDS = [bad(name, data) for name, data in (
    ("lines that end with LF", b"GET /{id} HTTP/1.1\nHost: a\n\n"),
    ("a request line that ends with LF", b"GET /{id} HTTP/1.1\nHost: a\r\n\r\n"),
    ("a field line that ends with LF", b"GET /{id} HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n"),
    ("a head that ends with LF", b"GET /{id} HTTP/1.1\r\nHost: a\r\n\n"),
    ("a head that ends with CR LF LF", b"GET /{id} HTTP/1.1\r\nHost: a\r\nX: 1\n\r\n"),
    ("CR CR LF", b"GET /{id} HTTP/1.1\r\r\nHost: a\r\n\r\n"),
    ("CR CR LF after a field", b"GET /{id} HTTP/1.1\r\nHost: a\r\r\n\r\n"),
    ("CR for every end", b"GET /{id} HTTP/1.1\rHost: a\r\r"),
    ("a bare CR before the head's end", b"GET /{id} HTTP/1.1\r\nHost: a\r\n\r\r\n"),
    ("white space in the line before the fields", b"GET /{id} HTTP/1.1\r\n \r\nHost: a\r\n\r\n"),
    ("NUL in front", b"\0GET /{id} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("CR in front", b"\rGET /{id} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a TLS handshake",
     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 40 + b"\r\n\r\n"),
)]
ENDS += [
    bad("closed inside the head", b"GET /{id} HTTP/1.1\r\nHost: a\r\n", status=(None, 400, 408),
        half_close=True),
    bad("closed inside the request line", b"GET /{id} HT", status=(None, 400, 408),
        half_close=True),
]

LIMITS = [
    bad("a request line of 9 KiB", get(tail="/" + "x" * 9300), status=(414, 400), step=101),
    bad("a request line of 40 KiB", get(tail="/" + "x" * 40000), status=(414, 431), step=499),
    bad("101 fields", get(*(f"X-{n}: y" for n in range(100))), status=(431,), step=7),
    bad("1,000 fields", get(*(f"X-{n}: y" for n in range(1000))), status=(431,), step=31),
    bad("a head of 34 KiB", get(*(f"X-{n}: {'y' * 1000}" for n in range(34))), status=(431,),
        step=211),
    bad("a field of 40 KiB", get("X: " + "y" * 40000), status=(431,), step=499),
    bad("a field name of 40 KiB", get("x" * 40000 + ": y"), status=(431, 400), step=499),
    bad("200 cookies", get(*("Cookie: a=b" for _ in range(200))), status=(431,), step=19),
    bad("a method of 40 KiB", get(method="M" * 40000), status=(400, 414, 431, 501), step=499),
]

HEADS = LINES + NAMES + VALUES + HOSTS + ENDS + LIMITS
