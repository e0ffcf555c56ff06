"""An HTTP/2 server by script (prior knowledge), on the `h2` package; it can also break the rules."""

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings


@dataclass
class Request:
    """What arrived on one stream."""

    peer: "Peer"
    stream: int
    fields: list
    body: bytearray = field(default_factory=bytearray)
    trailers: list = field(default_factory=list)
    reset: int | None = None
    complete: bool = False

    def __getitem__(self, name):
        values = [value for key, value in self.fields if key == name]
        return values[0] if values else None

    def respond(self, fields=(), body=b"", status=200, trailers=None):
        """A whole answer: head, body as the windows allow, trailers."""
        ends = not body and trailers is None
        self.head(fields, status, ends=ends)
        if not ends:
            self.send(body, ends=trailers is None)
        if trailers is not None:
            self.finish(trailers)

    def head(self, fields=(), status=200, ends=False):
        with self.peer.lock:
            self.peer.h2.send_headers(
                self.stream, [(":status", str(status)), *fields], end_stream=ends)
            self.peer.flush()

    def inform(self, status=103, fields=()):
        with self.peer.lock:
            self.peer.h2.send_headers(self.stream, [(":status", str(status)), *fields])
            self.peer.flush()

    def send(self, data, ends=False):
        self.peer.queue(self.stream, data, ends)

    def finish(self, trailers):
        self.peer.queue(self.stream, b"", True, list(trailers))

    def abort(self, code=h2.errors.ErrorCodes.INTERNAL_ERROR):
        with self.peer.lock:
            self.peer.h2.reset_stream(self.stream, code)
            self.peer.flush()


class Peer:
    """One connection."""

    def __init__(self, server, connection, number):
        self.server = server
        self.socket = connection
        self.number = number
        self.lock = threading.RLock()
        self.pending = {}
        self.requests = {}
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False, **server.config))
        if server.settings:
            self.h2.local_settings = h2.settings.Settings(
                client=False, initial_values={
                    h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 100, **server.settings})
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        with self.lock, contextlib.suppress(OSError):
            data = self.h2.data_to_send()
            if data:
                self.socket.sendall(data)

    def raw(self, data):
        with self.lock, contextlib.suppress(OSError):
            self.socket.sendall(data)

    def cut(self, reset=False):
        with contextlib.suppress(OSError):
            if reset:
                self.socket.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.socket.close()
            self.socket.shutdown(socket.SHUT_RDWR)

    def go_away(self, last, code=0):
        with self.lock:
            self.raw(frame(7, 0, 0, struct.pack(">II", last, code)))

    def queue(self, stream, data, ends, trailers=None):
        with self.lock:
            entry = self.pending.setdefault(stream, [bytearray(), False, None])
            entry[0] += data
            entry[1] = entry[1] or ends
            entry[2] = trailers if trailers is not None else entry[2]
            self.pump()

    def pump(self):
        """Sends as much as the windows allow."""
        with self.lock:
            for stream, entry in list(self.pending.items()):
                data, ends, trailers = entry
                try:
                    while data:
                        room = min(self.h2.local_flow_control_window(stream),
                                   self.h2.max_outbound_frame_size, len(data))
                        if room <= 0:
                            break
                        last = ends and trailers is None and room == len(data)
                        self.h2.send_data(stream, bytes(data[:room]), end_stream=last)
                        del data[:room]
                        if last:
                            del self.pending[stream]
                    else:
                        if stream in self.pending and ends:
                            if trailers is not None:
                                self.h2.send_headers(stream, trailers, end_stream=True)
                            else:
                                self.h2.end_stream(stream)
                            del self.pending[stream]
                except h2.exceptions.ProtocolError:
                    self.pending.pop(stream, None)
            self.flush()

    def run(self):
        try:
            while True:
                data = self.socket.recv(65536)
                if not data:
                    return
                with self.lock:
                    events = self.h2.receive_data(data)
                    self.flush()
                for event in events:
                    self.take(event)
                self.flush()
        except (OSError, h2.exceptions.ProtocolError) as error:
            self.server.errors.append(error)
            self.flush()
        finally:
            self.server.closed.append(self.number)
            with contextlib.suppress(OSError):
                self.socket.close()

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            request = Request(self, event.stream_id, event.headers)
            self.requests[event.stream_id] = request
            self.server.requests.append(request)
            if self.server.on_head:
                self.server.on_head(request)
        elif isinstance(event, h2.events.DataReceived):
            if self.server.on_data:
                self.server.on_data(self.requests[event.stream_id], event.data)
            else:
                self.requests[event.stream_id].body += event.data
            if self.server.reads and event.flow_controlled_length:
                with self.lock:
                    self.h2.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id)
                    self.flush()
        elif isinstance(event, h2.events.TrailersReceived):
            self.requests[event.stream_id].trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            request = self.requests[event.stream_id]
            request.complete = True
            if self.server.on_request:
                self.server.on_request(request)
        elif isinstance(event, h2.events.StreamReset):
            if event.stream_id in self.requests:
                self.requests[event.stream_id].reset = int(event.error_code)
        elif isinstance(event, h2.events.WindowUpdated):
            self.pump()


class H2Server:
    """Each connection has a thread; `on_request` gets requests that are complete.

    Without `reads`, bodies that arrive leave the windows closed. With `context` it speaks TLS.
    """

    def __init__(self, on_request=None, on_head=None, settings=None, reads=True, context=None,
                 on_data=None, **config):
        self.context = context
        self.on_request = on_request
        self.on_head = on_head
        self.on_data = on_data
        self.settings = settings
        self.reads = reads
        self.config = config
        self.requests = []
        self.errors = []
        self.closed = []
        self.peers = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            peer = Peer(self, connection, len(self.peers))
            self.peers.append(peer)
            threading.Thread(target=peer.run, daemon=True).start()

    def close(self):
        self.listener.close()
        for peer in self.peers:
            peer.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + \
        struct.pack(">I", stream) + payload


def echo(request):
    """Answers with what was asked, as text, and the body behind it."""
    request.respond([("content-type", "text/plain"), ("x-peer", str(request.peer.number))],
                    bytes(request.body) or request[":path"].encode())
