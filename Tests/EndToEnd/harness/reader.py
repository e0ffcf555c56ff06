"""A strict reader of HTTP/1.1: it names every way in which bytes are not what the RFC allows.

It judges what reaches an upstream and what reaches a client, so it shares no code with the proxy.
"""

import re
from dataclasses import dataclass, field

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([!-~\x80-\xff]+) (HTTP/1\.1)\Z")
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) ([\t -~\x80-\xff]*)\Z")
VALUE = rb"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?"
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*(" + VALUE + rb")[ \t]*\Z")
CHUNK = re.compile(rb"([0-9a-fA-F]{1,16})(?:;[\t -~\x80-\xff]*)?\Z")


class Violation(Exception):
    """The bytes are not HTTP/1.1."""


@dataclass
class Message:
    first: tuple
    fields: list = field(default_factory=list)
    body: bytes = b""
    trailers: list = field(default_factory=list)
    complete: bool = False
    framing: str = "none"

    def values(self, name):
        return [value for key, value in self.fields if key == name]

    @property
    def method(self):
        return self.first[0]

    @property
    def target(self):
        return self.first[1]

    @property
    def status(self):
        return self.first[0]


class Reader:
    """Feed bytes; complete messages come out in order. `messages[-1]` may be incomplete."""

    def __init__(self, requests):
        self.requests = requests
        self.buffer = bytearray()
        self.messages = []
        self.expected = []  # for responses: True for each answer to HEAD
        self.stage = "head"
        self.left = 0
        self.ended = False

    def feed(self, data):
        self.buffer += data
        while self._step():
            pass

    def end(self):
        """The peer closed: what it left half done stays incomplete."""
        if self.stage == "until close":
            self._complete()
        self.ended = True
        if self.stage == "head" and self.buffer:
            raise Violation(f"closed inside a head: {bytes(self.buffer[:200])!r}")

    def _line(self):
        position = self.buffer.find(b"\n")
        if position < 0:
            return None
        line = bytes(self.buffer[:position])
        del self.buffer[:position + 1]
        if not line.endswith(b"\r"):
            raise Violation(f"a line ends with a bare LF: {line!r}")
        line = line[:-1]
        if b"\r" in line or b"\0" in line:
            raise Violation(f"a CR or NUL inside a line: {line!r}")
        return line

    def _step(self):
        if self.stage == "head":
            return self._head()
        if self.stage == "length":
            taken = bytes(self.buffer[:self.left])
            del self.buffer[:len(taken)]
            self.messages[-1].body += taken
            self.left -= len(taken)
            if self.left == 0:
                self._complete()
                return True
            return False
        if self.stage == "until close":
            self.messages[-1].body += bytes(self.buffer)
            self.buffer.clear()
            return False
        return self._chunked()

    def _head(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if b"\n\n" in self.buffer or b"\n\r\n" in self.buffer:
                raise Violation(f"a head ends with a bare LF: {bytes(self.buffer)!r}")
            return False
        line = self._line()
        pattern = REQUEST_LINE if self.requests else STATUS_LINE
        match = pattern.match(line)
        if not match:
            raise Violation(f"not a first line: {line!r}")
        first = match.groups() if self.requests else (int(match[1]), match[2])
        message = Message(first, self._fields())
        self.messages.append(message)
        if self.requests:
            self._request_framing(message)
        else:
            self._response_framing(message)
        return True

    def _fields(self):
        found = []
        while line := self._line():
            match = FIELD.match(line)
            if not match:
                raise Violation(f"not a field line: {line!r}")
            found.append((match[1].lower(), match[2]))
        return found

    def _length(self, message):
        coding, length = message.values(b"transfer-encoding"), message.values(b"content-length")
        if coding and length:
            raise Violation("both Transfer-Encoding and Content-Length")
        if coding:
            if [value.lower() for value in coding] != [b"chunked"]:
                raise Violation(f"Transfer-Encoding {coding!r}")
            return "chunked"
        if length:
            if len(length) > 1 or not re.fullmatch(rb"[0-9]{1,18}", length[0]):
                raise Violation(f"Content-Length {length!r}")
            return int(length[0])
        return None

    def _request_framing(self, message):
        if len(message.values(b"host")) != 1:
            raise Violation(f"Host {message.values(b'host')!r}")
        self._begin(message, self._length(message) or 0)

    def _response_framing(self, message):
        length = self._length(message)
        if 100 <= message.status < 200:
            self._complete()
            return
        to_head = self.expected.pop(0) if self.expected else False
        if to_head or message.status in (204, 304):
            message.framing = "none"
            self._complete()
        elif length is None:
            message.framing = "close"
            self.stage = "until close"
        else:
            self._begin(message, length)

    def _begin(self, message, length):
        if length == "chunked":
            message.framing, self.stage = "chunked", "size"
        elif length == 0:
            message.framing = "length"
            self._complete()
        else:
            message.framing, self.stage, self.left = "length", "length", length

    def _complete(self):
        self.messages[-1].complete = True
        self.stage = "head"

    def _chunked(self):
        if self.stage == "data":
            if len(self.buffer) < self.left + 2:
                return False
            self.messages[-1].body += bytes(self.buffer[:self.left])
            if self.buffer[self.left:self.left + 2] != b"\r\n":
                raise Violation("chunk data not followed by CRLF")
            del self.buffer[:self.left + 2]
            self.stage = "size"
            return True
        if self.stage == "size":
            line = self._line()
            if line is None:
                return False
            match = CHUNK.match(line)
            if not match:
                raise Violation(f"not a chunk size: {line!r}")
            self.left = int(match[1], 16)
            self.stage = "data" if self.left else "trailers"
            return True
        if not (self.buffer.startswith(b"\r\n") or b"\r\n\r\n" in self.buffer):
            return False
        self.messages[-1].trailers = self._fields()
        self._complete()
        return True
