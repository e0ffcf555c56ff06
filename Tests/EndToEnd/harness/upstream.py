"""An upstream that records what reaches it and answers by script, byte by byte if asked."""

import re
import selectors
import socket
import struct
import threading
from dataclasses import dataclass, field

from .reader import Reader, Violation

TOKEN = re.compile(rb"/(k\d+[a-z]*)")


@dataclass
class Script:
    """What to send instead of the plain answer, and what to do after it."""

    answer: bytes = b""
    then: str = "keep"  # keep | fin | rst | fin-silent
    at: str = "complete"  # complete | head: when to answer
    bytewise: bool = False
    surplus: bool = False  # bytes follow that answer nothing: sent at once, or they answer the next


@dataclass
class Connection:
    socket: socket.socket
    reader: Reader = field(default_factory=lambda: Reader(requests=True))
    output: bytearray = field(default_factory=bytearray)
    answered: int = 0
    bytewise: bool = False
    then: str = "keep"
    raw: bytearray = field(default_factory=bytearray)


class Upstream:
    """Runs in a thread of its own. `seen` maps a case's token to the requests that arrived."""

    def __init__(self, name="upstream", delay=None):
        self.name = name.encode()
        self.lock = threading.Lock()
        self.requests = []
        self.violations = []
        self.scripts = {}
        self.connections = {}
        self.accepted = 0
        self.sent = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.wake, self._woken = socket.socketpair()
        self.selector.register(self._woken, selectors.EVENT_READ)
        self.stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self):
        self.stopping = True
        self.wake.send(b"x")
        self.thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def seen(self, token):
        """The requests of one case: complete ones, then whether one was left incomplete."""
        with self.lock:
            mine = [message for message in self.requests if self.token(message) == token]
        return mine

    @staticmethod
    def token(message):
        match = TOKEN.match(message.target) or TOKEN.search(message.target)
        return match[1].decode() if match else None

    def _run(self):
        while not self.stopping:
            for key, _ in self.selector.select(0.001 if self._bytewise() else None):
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj is self._woken:
                    self._woken.recv(100)
                else:
                    self._serve(key.data)
            if waiting := self._bytewise():
                queues = receive_queues()
                for connection in waiting:
                    self._write(connection, queues)
        for connection in list(self.connections.values()):
            connection.socket.close()
        self.listener.close()
        self.selector.close()

    def _bytewise(self):
        return [c for c in self.connections.values() if c.bytewise and c.output]

    def _accept(self):
        try:
            while True:
                peer, _ = self.listener.accept()
                peer.setblocking(False)
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection = Connection(peer)
                self.accepted += 1
                self.connections[peer.fileno()] = connection
                self.selector.register(peer, selectors.EVENT_READ, connection)
        except OSError:
            return

    def _drop(self, connection, reset=False):
        self.connections.pop(connection.socket.fileno(), None)
        self.selector.unregister(connection.socket)
        if reset:
            connection.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.socket.close()

    def _serve(self, connection):
        try:
            data = connection.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        before = len(connection.reader.messages)
        connection.raw += data
        try:
            if data:
                connection.reader.feed(data)
            else:
                connection.reader.end()
        except Violation as violation:
            with self.lock:
                self.violations.append((str(violation), bytes(connection.raw[-600:])))
            self._drop(connection)
            return
        with self.lock:
            self.requests += connection.reader.messages[before:]
        if not data:
            self._drop(connection)
            return
        self._answer(connection)

    def _answer(self, connection):
        messages = connection.reader.messages
        while connection.answered < len(messages):
            message = messages[connection.answered]
            script = self.scripts.get(self.token(message))
            plain = script is None or message.target.endswith(b"/end")
            if not message.complete and (plain or script.at != "head"):
                if message.values(b"expect") and not connection.output:
                    connection.output += b"HTTP/1.1 100 Continue\r\n\r\n"
                    message.fields = [f for f in message.fields if f[0] != b"expect"]
                break
            connection.answered += 1
            if plain:
                connection.output += self._plain(message)
            else:
                connection.output += script.answer
                connection.bytewise = script.bytewise
                connection.then = script.then
                if script.then != "keep":
                    break
        self._write(connection)

    def _plain(self, message):
        content = self.name + b" " + message.method + b" " + message.target
        content += b" %d\n" % len(message.body)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
        return head % len(content) + (b"" if message.method == b"HEAD" else content)

    def _write(self, connection, queues=None):
        """Sends what it can; byte by byte it waits until the proxy has read the last one."""
        try:
            while connection.output:
                if connection.bytewise:
                    if queues is None or is_unread(connection.socket, queues):
                        return
                    queues = None  # one byte a turn
                    self.sent += connection.socket.send(connection.output[:1])
                    del connection.output[:1]
                else:
                    del connection.output[:connection.socket.send(connection.output)]
        except BlockingIOError:
            connection.bytewise = True  # comes back on the next turn
            return
        except OSError:
            self._drop(connection)
            return
        if connection.then in ("fin", "rst"):
            self._drop(connection, reset=connection.then == "rst")


def receive_queues():
    """The connections in whose receive queues bytes wait, as (local port, remote port)."""
    queues = set()
    with open("/proc/net/tcp", "rb") as lines:
        next(lines)
        for line in lines:
            part = line.split(None, 5)
            if part[4][9:17] != b"00000000" and part[3] != b"0A":
                queues.add((int(part[1][9:13], 16), int(part[2][9:13], 16)))
    return queues


def is_unread(peer, queues):
    """Whether the other end of a loopback connection has bytes that it has not read yet."""
    return (peer.getpeername()[1], peer.getsockname()[1]) in queues
