"""A client that speaks HTTP/2 frame by frame, and so can break every rule of it."""

import socket
import struct
import time
from dataclasses import dataclass, field

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, WITH_PRIORITY = 0x4, 0x8, 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, \
    FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, \
    ENHANCE_YOUR_CALM = range(12)

MAX_CONCURRENT, INITIAL_WINDOW, MAX_FRAME_SIZE = 0x3, 0x4, 0x5


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    length = len(payload) if length is None else length
    return struct.pack("!I", length)[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def settings(*entries):
    return frame(SETTINGS, payload=b"".join(struct.pack("!HI", *entry) for entry in entries))


def window_update(stream, count):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", count))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack("!I", code))


def literal(name, value, prefix=b"\x00"):
    """A field as HPACK writes it without any table, whatever it holds (RFC 7541 §6.2.2)."""
    return prefix + string(name) + string(value)


def string(text):
    return integer(len(text), 7) + text


def integer(number, bits, first=0):
    most = (1 << bits) - 1
    if number < most:
        return bytes([first | number])
    out, number = bytes([first | most]), number - most
    while number >= 128:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def request(method="GET", path="/", authority="a", scheme="http", more=()):
    fields = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    return [(name, value) for name, value in fields if value is not None] + list(more)


def block(fields):
    """A field section of literals, so that it stands for itself."""
    def raw(text):
        return text if isinstance(text, bytes) else text.encode()
    return b"".join(literal(raw(name), raw(value)) for name, value in fields)


@dataclass
class Stream:
    status: int | None = None
    fields: list = field(default_factory=list)
    informational: list = field(default_factory=list)
    body: bytes = field(default=b"", repr=False)
    trailers: list | None = None
    ended: bool = False
    reset: int | None = None

    @property
    def over(self):
        return self.ended or self.reset is not None

    def value(self, name):
        return next((value for key, value in self.fields if key == name), None)


class Peer:
    """One connection; `streams` has what came of each stream."""

    def __init__(self, port, preface=PREFACE + settings(), window=True, seconds=10,
                 answers=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.seconds = seconds
        self.window = window
        self.answers = answers
        self.streams = {}
        self.settings = {}
        self.pongs = []
        self.pings = 0
        self.silent = False
        self.owed = b""
        self.acknowledged = 0
        self.updates = {}
        self.goaways = []
        self.closed = False
        self._input = b""
        self._decoder = hpack.Decoder()
        self._block = None
        if preface:
            self.send(preface)

    def __enter__(self):
        return self

    def __repr__(self):
        last = dict(list(self.streams.items())[-3:])
        sizes = {number: len(stream.body) for number, stream in last.items()}
        return f"{len(self.streams)} streams, {last}, bodies {sizes}, {self.goaways}"

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *frames):
        try:
            self.socket.sendall(b"".join(frames))
        except OSError:
            self.closed = True

    def bytewise(self, data):
        for index in range(len(data)):
            self.send(data[index:index + 1])

    def headers(self, stream, fields=None, end=True, encoded=None):
        encoded = block(request() if fields is None else fields) if encoded is None else encoded
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, encoded))

    def data(self, stream, payload=b"", end=True):
        self.send(frame(DATA, END_STREAM if end else 0, stream, payload))

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    def wait(self, condition, what="what was waited for", seconds=None):
        """Reads until `condition` is true, or the connection is closed."""
        deadline = time.monotonic() + (seconds or self.seconds)
        while not condition():
            if self.closed:
                raise AssertionError(f"closed ({self.goaways}) before {what}: {self}")
            if time.monotonic() > deadline:
                raise AssertionError(f"no {what}: {self}")
            self.read(deadline - time.monotonic())
        return self

    def answer(self, number, seconds=None):
        self.wait(lambda: self.stream(number).over, f"answer on stream {number}", seconds)
        return self.stream(number)

    def end(self, seconds=None):
        """Reads until the proxy has closed the connection; returns the code of its GOAWAY."""
        deadline = time.monotonic() + (seconds or self.seconds)
        while not self.closed:
            assert time.monotonic() < deadline, f"still open: {self}"
            self.read(deadline - time.monotonic())
        return self.goaways[-1][1] if self.goaways else None

    def ping(self, payload=b"01234567"):
        """Makes sure that all that was sent has been dealt with."""
        count = len(self.pongs)
        self.send(frame(PING, payload=payload))
        self.wait(lambda: len(self.pongs) > count, "answer to PING")

    def pong(self):
        owed, self.owed = self.owed, b""
        self.send(owed)

    def read(self, seconds):
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(1 << 16)
        except TimeoutError:
            return
        except OSError:
            data = b""
        if not data:
            self.closed = True
        self._input += data
        while len(self._input) >= 9:
            length = int.from_bytes(self._input[:3], "big")
            if len(self._input) < 9 + length:
                break
            kind, flags, number = struct.unpack("!BBI", self._input[3:9])
            payload, self._input = self._input[9:9 + length], self._input[9 + length:]
            self._frame(kind, flags, number & 0x7FFFFFFF, payload)

    def _frame(self, kind, flags, number, payload):
        if kind == DATA:
            assert not flags & PADDED
            stream = self.stream(number)
            stream.body += payload
            stream.ended |= bool(flags & END_STREAM)
            if self.window and payload:
                self.send(window_update(0, len(payload)))
                if not stream.over:
                    self.send(window_update(number, len(payload)))
        elif kind in (HEADERS, CONTINUATION):
            assert not flags & (PADDED | WITH_PRIORITY)
            if kind == HEADERS:
                self._block = (number, flags & END_STREAM, b"")
            assert self._block and self._block[0] == number
            number, end, encoded = self._block
            self._block = (number, end, encoded + payload)
            if flags & END_HEADERS:
                self._head(number, end, self._decoder.decode(encoded + payload))
        elif kind == RST_STREAM:
            self.stream(number).reset = int.from_bytes(payload, "big")
        elif kind == SETTINGS and flags & ACK:
            self.acknowledged += 1
        elif kind == SETTINGS:
            for start in range(0, len(payload), 6):
                key, value = struct.unpack("!HI", payload[start:start + 6])
                self.settings[key] = value
            if self.answers:
                self.send(frame(SETTINGS, ACK))
        elif kind == PING and flags & ACK:
            self.pongs.append(payload)
        elif kind == PING:
            self.pings += 1
            self.owed += frame(PING, ACK, payload=payload)
            if not self.silent:
                self.pong()
        elif kind == GOAWAY:
            self.goaways.append(struct.unpack("!II", payload[:8]))
        elif kind == WINDOW_UPDATE:
            self.updates[number] = self.updates.get(number, 0) + int.from_bytes(payload, "big")

    def _head(self, number, end, fields):
        stream = self.stream(number)
        fields = [(name, value) for name, value in fields]
        if stream.status is not None:
            stream.trailers = fields
        else:
            assert fields[0][0] == ":status"
            if fields[0][1].startswith("1"):
                stream.informational.append((int(fields[0][1]), fields[1:]))
            else:
                stream.status, stream.fields = int(fields[0][1]), fields[1:]
        stream.ended |= bool(end)
