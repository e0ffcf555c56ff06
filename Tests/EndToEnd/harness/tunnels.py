"""WebSocket over either version of HTTP, from both sides, on the frames of the `websockets` package."""

import contextlib
import threading

import h2.settings
from websockets.exceptions import ConnectionClosed
from websockets.protocol import Protocol, Side, State
from websockets.sync.client import connect
from websockets.sync.server import serve
from websockets.utils import accept_key

from .h2server import H2Server
from .http2 import DATA, END_STREAM, INITIAL_WINDOW, Peer, frame, request

ENABLE_CONNECT = 0x8
KEY, ANSWER = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def ask(path="/chat", protocol="websocket", method="CONNECT", authority="a", more=()):
    fields = [*request(method, path, authority), ("sec-websocket-version", "13"), *more]
    return fields[:1] + ([(":protocol", protocol)] if protocol is not None else []) + fields[1:]


class Tunnel:
    """A stream of an own connection that was asked to be a tunnel."""

    def __init__(self, port, fields=None, wait=True, **more):
        self.peer = Peer(port, **more)
        self.peer.wait(lambda: self.peer.settings, "settings")
        self.peer.headers(1, ask() if fields is None else fields, end=False)
        self.stream = self.peer.stream(1)
        self.sent = self.taken = 0
        if wait:
            self.peer.wait(lambda: self.stream.status or self.stream.over, "answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.socket.close()

    def room(self):
        first = self.peer.settings.get(INITIAL_WINDOW, 65535)
        return min(65535 + self.peer.updates.get(0, 0), first + self.peer.updates.get(1, 0)) - self.sent

    def send(self, data, end=False):
        """As much at a time as the windows allow."""
        while data:
            self.peer.wait(lambda: self.room() > 0 or self.stream.over, "window")
            if self.stream.over:
                return
            part, data = data[:min(self.room(), 16384)], data[min(self.room(), 16384):]
            self.sent += len(part)
            self.peer.data(1, part, end=False)
        if end:
            self.end()

    def end(self):
        self.peer.send(frame(DATA, END_STREAM, 1))

    def receive(self, count):
        self.peer.wait(lambda: len(self.stream.body) >= self.taken + count or self.stream.over,
                       f"{count} bytes", 20)
        self.taken += count
        data = self.stream.body[self.taken - count:self.taken]
        assert len(data) == count, (self.stream, data[-200:])
        return data


class Session:
    """WebSocket messages over a tunnel of HTTP/2."""

    def __init__(self, port, fields=None):
        self.tunnel = Tunnel(port, fields)
        assert self.tunnel.stream.status == 200, self.tunnel.stream
        self.protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tunnel.__exit__()

    def flush(self):
        for data in self.protocol.data_to_send():
            self.tunnel.send(data)

    def send(self, message):
        self.protocol.send_binary(message)
        self.flush()

    def recv(self):
        while True:
            for event in self.protocol.events_received():
                return event.data
            body = self.tunnel.stream.body
            have = len(body)
            if have > self.tunnel.taken:
                self.protocol.receive_data(body[self.tunnel.taken:])
                self.tunnel.taken = have
            else:
                self.tunnel.peer.wait(
                    lambda: len(self.tunnel.stream.body) > have or self.tunnel.stream.over, "bytes")
                assert not self.tunnel.stream.over or len(self.tunnel.stream.body) > have


@contextlib.contextmanager
def server(version, heads=None, answers=False):
    """An echo; gives the port. `heads` gets what clients asked.

    With `answers` one of HTTP/2 answers keys too, as Envoy wants it for clients of HTTP/1.1.
    """
    if version == "h1":
        def talk(session):
            if heads is not None:
                heads.append({name.lower(): value for name, value in session.request.headers.raw_items()})
            with contextlib.suppress(ConnectionClosed):
                for message in session:
                    session.send(message)

        with serve(talk, "127.0.0.1", 0, max_size=None, compression=None) as running:
            threading.Thread(target=running.serve_forever, daemon=True).start()
            yield running.socket.getsockname()[1]
        return

    def opened(request):
        if heads is not None:
            heads.append(dict(request.fields))
        request.protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=None)
        key = request["sec-websocket-key"]
        fields = [("sec-websocket-accept", accept_key(key))] if answers and key else []
        request.head(fields, 200 if request[":protocol"] == "websocket" else 400)

    def arrived(request, data):
        request.protocol.receive_data(data)
        for event in request.protocol.events_received():
            # The last one says that the client ends.
            if request.protocol.state is State.OPEN:
                request.protocol.send_binary(event.data)
        for answer in request.protocol.data_to_send():
            request.send(answer)

    settings = {h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
    with H2Server(on_head=opened, on_data=arrived, settings=settings) as running:
        yield running.port


def session(version, port, key=None):
    if version == "h1":
        return connect(f"ws://127.0.0.1:{port}/chat", max_size=None, compression=None)
    return Session(port, ask(more=[("sec-websocket-key", key)] if key else ()))
