"""What a client may not do by RFC 9113 and RFC 7541, and what it may, one connection each.

A case sends on a fresh connection whose settings are exchanged, and says what has to follow:
`Connection` is a GOAWAY with one of the codes and then the end, `Broken` a RST_STREAM of the
stream with one of the codes (or a GOAWAY with it) or, where it is still a request, status 400,
`Fine` means that all streams are answered and the connection goes on.
"""

import struct
from dataclasses import dataclass

from harness.http2 import (
    ACK, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW, MAX_FRAME_SIZE, PADDED, PING, PRIORITY,
    PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED,
    WINDOW_UPDATE, WITH_PRIORITY, block, frame, integer, literal, request, reset, settings,
    window_update)


@dataclass
class Connection:
    codes: tuple


@dataclass
class Broken:
    codes: tuple
    stream: int = 1


@dataclass
class Fine:
    streams: tuple = (1,)
    status: int = 200


def connection(*codes):
    return Connection(codes)


def broken(*codes, stream=1):
    return Broken(codes, stream)


GET = block(request())
POST = block(request("POST"))
OPEN = frame(HEADERS, END_HEADERS, 1, POST)
WHOLE = frame(HEADERS, END_HEADERS | END_STREAM, 1, GET)


def whole(stream=1, encoded=GET):
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, encoded)


def get(*more, **changes):
    return whole(1, block(request(more=more, **changes)))


def post(*more, body=(b"abc",), **changes):
    last = len(body) - 1
    return frame(HEADERS, END_HEADERS, 1, block(request("POST", more=more, **changes))) + b"".join(
        frame(DATA, END_STREAM if index == last else 0, 1, part)
        for index, part in enumerate(body))


FRAMES = [
    # RFC 9113 §4: frames
    ("a frame of an unknown type", frame(0x42, 0, 0, b"abc") + WHOLE, Fine()),
    ("a frame of an unknown type on a stream", OPEN + frame(0x42, 0, 1, b"abc")
     + frame(DATA, END_STREAM, 1), Fine()),
    ("flags that are not defined", frame(PING, 0xFE, 0, b"01234567") + WHOLE, Fine()),
    ("the reserved bit", frame(HEADERS, 5, 0x80000001, GET), Fine()),
    ("DATA of the largest size", OPEN + frame(DATA, END_STREAM, 1, b"x" * 16384), Fine()),
    ("DATA beyond the largest size", OPEN + frame(DATA, END_STREAM, 1, b"x" * 16385),
     broken(FRAME_SIZE_ERROR)),
    ("HEADERS beyond the largest size", whole(1, GET + literal(b"a", b"x" * 16385)),
     connection(FRAME_SIZE_ERROR)),
    ("a field section that is no HPACK", whole(1, b"\xff" * 20), connection(COMPRESSION_ERROR)),
    ("PRIORITY within a field section", frame(HEADERS, END_STREAM, 1, GET)
     + frame(PRIORITY, 0, 1, bytes(5)), connection(PROTOCOL_ERROR)),
    ("HEADERS of another stream within a field section", frame(HEADERS, END_STREAM, 1, GET)
     + whole(3), connection(PROTOCOL_ERROR)),
    ("an unknown frame within a field section", frame(HEADERS, END_STREAM, 1, GET)
     + frame(0x42, 0, 0, b"abc"), connection(PROTOCOL_ERROR)),
    ("DATA within a field section", frame(HEADERS, 0, 1, POST) + frame(DATA, END_STREAM, 1),
     connection(PROTOCOL_ERROR)),

    # RFC 9113 §5.1: states
    ("idle: DATA", frame(DATA, END_STREAM, 1, b"abc"), connection(PROTOCOL_ERROR)),
    ("idle: RST_STREAM", reset(1), connection(PROTOCOL_ERROR)),
    ("idle: WINDOW_UPDATE", window_update(1, 100), connection(PROTOCOL_ERROR)),
    ("idle: CONTINUATION", frame(CONTINUATION, END_HEADERS, 1, GET), connection(PROTOCOL_ERROR)),
    ("half-closed: DATA", WHOLE + frame(DATA, END_STREAM, 1, b"abc"), broken(STREAM_CLOSED)),
    ("half-closed: HEADERS", WHOLE + whole(1), broken(STREAM_CLOSED)),
    ("half-closed: CONTINUATION", WHOLE + frame(CONTINUATION, END_HEADERS, 1, GET),
     connection(PROTOCOL_ERROR, STREAM_CLOSED)),
    ("half-closed: WINDOW_UPDATE", WHOLE + window_update(1, 100), Fine()),
    ("half-closed: PRIORITY", WHOLE + frame(PRIORITY, 0, 1, bytes(5)), Fine()),
    ("reset: DATA", OPEN + reset(1) + frame(DATA, END_STREAM, 1, b"abc"),
     connection(STREAM_CLOSED)),
    ("reset: HEADERS", OPEN + reset(1) + whole(1), connection(STREAM_CLOSED)),
    ("reset: CONTINUATION", OPEN + reset(1) + frame(CONTINUATION, END_HEADERS, 1, GET),
     connection(PROTOCOL_ERROR, STREAM_CLOSED)),
    ("reset: WINDOW_UPDATE and RST_STREAM", OPEN + reset(1) + window_update(1, 1) + reset(1)
     + whole(3), Fine((3,))),
    ("an even number", whole(2), connection(PROTOCOL_ERROR)),
    ("a smaller number than before", whole(5) + whole(3),
     connection(PROTOCOL_ERROR, STREAM_CLOSED)),
    ("a frame on stream 0: HEADERS", whole(0), connection(PROTOCOL_ERROR)),
    ("a frame on stream 0: DATA", frame(DATA, END_STREAM, 0, b"abc"), connection(PROTOCOL_ERROR)),
    ("a frame on stream 0: PRIORITY", frame(PRIORITY, 0, 0, bytes(5)),
     connection(PROTOCOL_ERROR)),
    ("a frame on stream 0: RST_STREAM", reset(0), connection(PROTOCOL_ERROR)),
    ("a frame on stream 0: CONTINUATION", frame(HEADERS, END_STREAM, 1, GET)
     + frame(CONTINUATION, END_HEADERS, 0, b""), connection(PROTOCOL_ERROR)),
    ("a stream that depends on itself: HEADERS", frame(
        HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1,
        struct.pack("!IB", 1, 255) + GET), broken(PROTOCOL_ERROR)),
    ("a stream that depends on itself: PRIORITY", OPEN + frame(
        PRIORITY, 0, 1, struct.pack("!IB", 1, 255)), broken(PROTOCOL_ERROR)),

    # RFC 9113 §6: frame by frame
    ("DATA with padding", OPEN + frame(DATA, END_STREAM | PADDED, 1, b"\x05abc" + bytes(5)),
     Fine()),
    ("DATA with more padding than payload", OPEN + frame(
        DATA, END_STREAM | PADDED, 1, b"\x09abc"), connection(PROTOCOL_ERROR)),
    ("HEADERS with padding and priority", frame(
        HEADERS, END_HEADERS | END_STREAM | PADDED | WITH_PRIORITY, 1,
        b"\x03" + struct.pack("!IB", 0, 7) + GET + bytes(3)), Fine()),
    ("HEADERS with more padding than payload", frame(
        HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\xff" + GET),
     connection(PROTOCOL_ERROR)),
    ("PRIORITY of a wrong size", OPEN + frame(PRIORITY, 0, 1, bytes(4)),
     broken(FRAME_SIZE_ERROR)),
    ("RST_STREAM of a wrong size", OPEN + frame(RST_STREAM, 0, 1, bytes(3)),
     connection(FRAME_SIZE_ERROR)),
    ("SETTINGS with an acknowledgement and a payload", frame(SETTINGS, ACK, 0, bytes(6)),
     connection(FRAME_SIZE_ERROR)),
    ("SETTINGS on a stream", frame(SETTINGS, 0, 1, bytes(6)), connection(PROTOCOL_ERROR)),
    ("SETTINGS of a wrong size", frame(SETTINGS, 0, 0, bytes(5)), connection(FRAME_SIZE_ERROR)),
    ("ENABLE_PUSH of 2", settings((2, 2)), connection(PROTOCOL_ERROR)),
    ("a window of 2^31", settings((INITIAL_WINDOW, 1 << 31)), connection(FLOW_CONTROL_ERROR)),
    ("frames of 16383", settings((MAX_FRAME_SIZE, 16383)), connection(PROTOCOL_ERROR)),
    ("frames of 2^24", settings((MAX_FRAME_SIZE, 1 << 24)), connection(PROTOCOL_ERROR)),
    ("a setting that is not known", settings((0xF0, 9)) + WHOLE, Fine()),
    ("PUSH_PROMISE from a client", OPEN + frame(
        PUSH_PROMISE, END_HEADERS, 1, struct.pack("!I", 2) + GET), connection(PROTOCOL_ERROR)),
    ("PING on a stream", frame(PING, 0, 1, bytes(8)), connection(PROTOCOL_ERROR)),
    ("PING of a wrong size", frame(PING, 0, 0, bytes(6)), connection(FRAME_SIZE_ERROR)),
    ("PING that nobody asked for", frame(PING, ACK, 0, bytes(8)) + WHOLE, Fine()),
    ("GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), connection(PROTOCOL_ERROR)),
    ("GOAWAY of a wrong size", frame(GOAWAY, 0, 0, bytes(7)), connection(FRAME_SIZE_ERROR)),
    ("WINDOW_UPDATE of 0 on the connection", window_update(0, 0), connection(PROTOCOL_ERROR)),
    ("WINDOW_UPDATE of 0 on a stream", OPEN + window_update(1, 0), broken(PROTOCOL_ERROR)),
    ("WINDOW_UPDATE of a wrong size", frame(WINDOW_UPDATE, 0, 0, bytes(3)),
     connection(FRAME_SIZE_ERROR)),
    ("a connection's window that overflows", window_update(0, 0x7FFFFFFF),
     connection(FLOW_CONTROL_ERROR)),
    ("a stream's window that overflows", OPEN + window_update(1, 0x7FFFFFFF),
     broken(FLOW_CONTROL_ERROR)),
    ("a stream's window that overflows by settings", OPEN + window_update(1, 0x7FFF0000)
     + settings((INITIAL_WINDOW, 0x7FFFFFFF)), broken(FLOW_CONTROL_ERROR)),
    ("CONTINUATION in many parts", frame(HEADERS, END_STREAM, 1, GET[:1])
     + frame(CONTINUATION, 0, 1, GET[1:2]) + frame(CONTINUATION, END_HEADERS, 1, GET[2:]), Fine()),
    ("CONTINUATION after all of HEADERS", OPEN + frame(CONTINUATION, END_HEADERS, 1, b""),
     connection(PROTOCOL_ERROR)),
    ("CONTINUATION after the last one", frame(HEADERS, 0, 1, POST)
     + frame(CONTINUATION, END_HEADERS, 1, b"") + frame(CONTINUATION, END_HEADERS, 1, b""),
     connection(PROTOCOL_ERROR)),
    ("CONTINUATION after DATA", OPEN + frame(DATA, 0, 1, b"abc")
     + frame(CONTINUATION, END_HEADERS, 1, b""), connection(PROTOCOL_ERROR)),

    # RFC 7541
    ("the index 0", whole(1, GET + b"\x80"), connection(COMPRESSION_ERROR)),
    ("an index that is not there", whole(1, GET + integer(200, 7, 0x80)),
     connection(COMPRESSION_ERROR)),
    ("the name of an index that is not there", whole(1, GET + integer(200, 4) + b"\x01a"),
     connection(COMPRESSION_ERROR)),
    ("a table size behind a field", whole(1, GET + b"\x20"), connection(COMPRESSION_ERROR)),
    ("a table size beyond the limit", whole(1, integer(4097, 5, 0x20) + GET),
     connection(COMPRESSION_ERROR)),
    ("a table size within the limit", whole(1, b"\x20" + integer(4096, 5, 0x20) + GET), Fine()),
    ("a code with more than 7 bits of padding", whole(
        1, GET + b"\x00\x82\x1f\xff\x01a"), connection(COMPRESSION_ERROR)),
    ("a code padded by zeros", whole(1, GET + b"\x00\x81\x18\x01a"),
     connection(COMPRESSION_ERROR)),
    ("a code with an end of string", whole(1, GET + b"\x00\x84\xff\xff\xff\xff\x01a"),
     connection(COMPRESSION_ERROR)),
    ("a length beyond the field section", whole(1, GET + b"\x00\x01a\x7f\xff\x03"),
     connection(COMPRESSION_ERROR)),
    ("a number without an end", whole(1, GET + b"\x00\x7f" + b"\xff" * 12),
     connection(COMPRESSION_ERROR)),
]

FORBIDDEN = [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"]
METHOD, SCHEME, PATH, AUTHORITY = request()

MESSAGES = [
    # RFC 9113 §8.1: framing
    ("trailers without an end", OPEN + frame(HEADERS, END_HEADERS, 1, block([("a", "b")])),
     broken(PROTOCOL_ERROR)),
    ("trailers with a pseudo-field", OPEN + whole(1, block([(":path", "/")])),
     broken(PROTOCOL_ERROR)),
    ("trailers with a connection-specific field", OPEN + whole(1, block([("connection", "x")])),
     broken(PROTOCOL_ERROR)),
    # RFC 9113 §8.2: fields
    ("an upper-case name", get(("X-A", "b")), broken(PROTOCOL_ERROR)),
    ("an empty name", get((b"", b"b")), broken(PROTOCOL_ERROR)),
    *[(f"a name with {byte!r}", get((b"x" + byte + b"y", b"b")), broken(PROTOCOL_ERROR))
      for byte in (b" ", b":", b"\r", b"\n", b"\0", b"\t", b"\x7f", b"\xff", b"(", b"\"")],
    *[(f"a value with {byte!r}", get((b"x", b"b" + byte + b"c: d")), broken(PROTOCOL_ERROR))
      for byte in (b"\r", b"\n", b"\0", b"\r\n", b"\x01", b"\x7f")],
    ("a value that begins with a space", get((b"x", b" b")), broken(PROTOCOL_ERROR)),
    ("a value that ends with a tab", get((b"x", b"b\t")), broken(PROTOCOL_ERROR)),
    ("a value with a space, a tab and bytes beyond ASCII", get((b"x", b"a \t\xe4")), Fine()),
    ("an empty value", get((b"x", b"")), Fine()),
    *[(f"{name.decode()}", get((name, b"chunked")), broken(PROTOCOL_ERROR))
      for name in FORBIDDEN],
    ("te: gzip", get(("te", "gzip")), broken(PROTOCOL_ERROR)),
    ("te: trailers, gzip", get(("te", "trailers, gzip")), broken(PROTOCOL_ERROR)),
    ("te: trailers", get(("te", "trailers")), Fine()),
    # RFC 9113 §8.3: pseudo-fields
    *[(f"without {missing[0]}", whole(1, block(
        [field for field in request() if field is not missing])), broken(PROTOCOL_ERROR))
      for missing in (METHOD, SCHEME, PATH) for request in [lambda: [
          METHOD, SCHEME, PATH, AUTHORITY]]],
    ("without authority and host", whole(1, block([METHOD, SCHEME, PATH])),
     broken(PROTOCOL_ERROR)),
    ("with a host for the authority", whole(1, block([METHOD, SCHEME, PATH, ("host", "a")])),
     Fine()),
    ("with a host that agrees", get(("host", "a")), Fine()),
    ("with another host", get(("host", "b")), broken(PROTOCOL_ERROR)),
    ("with two hosts", get(("host", "a"), ("host", "a")), broken(PROTOCOL_ERROR)),
    *[(f"{twice[0]} twice", whole(1, block([METHOD, SCHEME, PATH, AUTHORITY, twice])),
       broken(PROTOCOL_ERROR)) for twice in (METHOD, SCHEME, PATH, AUTHORITY)],
    ("a pseudo-field that is not known", whole(1, block(
        [METHOD, SCHEME, PATH, AUTHORITY, (":x", "y")])), broken(PROTOCOL_ERROR)),
    ("a pseudo-field of responses", whole(1, block(
        [METHOD, SCHEME, PATH, AUTHORITY, (":status", "200")])), broken(PROTOCOL_ERROR)),
    ("a pseudo-field behind a field", whole(1, block(
        [METHOD, SCHEME, AUTHORITY, ("x", "y"), PATH])), broken(PROTOCOL_ERROR)),
    *[(f"the method {method!r}", get(method=method), broken(PROTOCOL_ERROR))
      for method in (b"", b"GE T", b"GET\r", b"GET / HTTP/1.1\r\nx:", b"G(T", b"G\0T")],
    *[(f"the path {path!r}", get(path=path), broken(PROTOCOL_ERROR))
      for path in (b"", b"a", b"*", b"http://a/", b"/a b", b"/a\tb", b"/a\r\nb: c", b"/\0",
                   b"/a#b", b"/%zz", b"/%4", b"/\xe4", b"/\"", b"/<", b"/\\", b"/^", b"/`", b"/{")],
    ("OPTIONS *", get(method="OPTIONS", path="*"), Fine(status=404)),
    *[(f"the authority {authority!r}", get(authority=authority), broken(PROTOCOL_ERROR))
      for authority in (b"", b"a b", b"user@a", b"a\r\nx: y", b"a/b", b"a:x", b"a:99999", b"[::1",
                        b"a?b", b"a#b", b"a,b", b"\xe4")
      if authority != b"a,b"],
    ("the authority [::1]:80", get(authority="[::1]:80"), Fine()),
    *[(f"the scheme {scheme!r}", get(scheme=scheme), broken(PROTOCOL_ERROR))
      for scheme in (b"", b"ftp", b"http://a", b"ht\r\ntp")],
    ("the scheme https", get(scheme="https"), Fine()),
    ("extended CONNECT that was not announced", whole(1, block(
        [(":method", "CONNECT"), (":protocol", "websocket"), SCHEME, PATH, AUTHORITY])),
     broken(PROTOCOL_ERROR)),
    ("CONNECT with a path", whole(1, block([(":method", "CONNECT"), PATH, AUTHORITY])),
     broken(PROTOCOL_ERROR)),
    # RFC 9113 §8.1.1: length
    ("a body that is shorter", post(("content-length", "4")), broken(PROTOCOL_ERROR)),
    ("a body that is longer", post(("content-length", "2")), broken(PROTOCOL_ERROR)),
    ("a body in parts that is longer", post(("content-length", "5"), body=(b"abc", b"def")),
     broken(PROTOCOL_ERROR)),
    ("a body in parts that is shorter", post(("content-length", "9"), body=(b"abc", b"def")),
     broken(PROTOCOL_ERROR)),
    ("a length without a body", get(("content-length", "1")), broken(PROTOCOL_ERROR)),
    ("a length of 0 without a body", get(("content-length", "0")), Fine()),
    ("a body as long as it says", post(("content-length", "6"), body=(b"abc", b"def")), Fine()),
    ("two lengths", post(("content-length", "3"), ("content-length", "3")),
     broken(PROTOCOL_ERROR)),
    *[(f"the length {length!r}", post(("content-length", length)), broken(PROTOCOL_ERROR))
      for length in (b"", b"+3", b"-3", b"3 ", b"0x3", b"3, 3", b"3,3", b"99999999999999999999",
                     b"3;")],
    ("DATA without bytes between others", post(body=(b"a", b"", b"b")), Fine()),
    ("TRACE with a body", frame(
        HEADERS, END_HEADERS, 1, block(request("TRACE"))) + frame(DATA, END_STREAM, 1, b"abc"),
     broken(PROTOCOL_ERROR)),
]

CASES = FRAMES + MESSAGES
