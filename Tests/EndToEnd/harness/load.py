"""A closed loop of keep-alive clients that classes every request it loses."""

import random
import selectors
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from .programs import until
from .reader import Reader, Violation


@dataclass(eq=False)
class Client:
    peer: socket.socket
    reader: Reader
    sent_at: float = 0.0
    method: str = "GET"
    served: int = 0
    answered: int = 0


@dataclass
class Result:
    outcomes: Counter = field(default_factory=Counter)
    by_upstream: Counter = field(default_factory=Counter)
    latencies: list = field(default_factory=list)
    lost: list = field(default_factory=list)

    @property
    def requests(self):
        return sum(self.outcomes.values())

    @property
    def failed(self):
        return self.requests - self.outcomes["ok"] - self.outcomes["reset-idle"]

    def percentile(self, share):
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class Load:
    """`clients` connections, each with one request in flight, until `stop`.

    A request that died on a connection that had served before and got no byte of an answer is
    `reset-idle` when the proxy had announced nothing, which a keep-alive client has to repeat
    (RFC 9112 §9.3.1); after an answer with `Connection: close` the client opens a new one.
    """

    def __init__(self, port, clients=40, host="a", path="/", posts=0.0, timeout=20.0):
        self.port, self.clients, self.host, self.path = port, clients, host, path
        self.posts, self.timeout = posts, timeout
        self.result = Result()
        self.identifier = 0
        self.stopping = False
        self.error = None
        self.selector = selectors.DefaultSelector()
        self.thread = threading.Thread(target=self._guarded, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping = True
        self.thread.join(self.timeout + 5)
        if self.error:
            raise self.error
        return self.result

    def wait_for(self, count, seconds=60):
        """Waits until `count` more requests have been answered."""
        goal = self.result.requests + count
        until(lambda: self.result.requests >= goal or self.error, seconds, f"{count} requests")

    def _guarded(self):
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001 - shown where the load is stopped
            self.error = error

    def _run(self):
        active = {self._open() for _ in range(self.clients)} - {None}
        while active:
            for key, _ in self.selector.select(0.2):
                client = key.data
                follower = self._readable(client)
                if follower is not client:
                    active.discard(client)
                    if follower:
                        active.add(follower)
            now = time.monotonic()
            for client in [c for c in active if now - c.sent_at > self.timeout]:
                self._note("timeout", client)
                self._close(client)
                active.discard(client)
            while not self.stopping and len(active) < self.clients:
                opened = self._open()
                if opened is None:
                    break
                active.add(opened)
        self.selector.close()

    def _open(self):
        try:
            peer = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout)
        except OSError as error:
            self._note("refused", None, error)
            return None
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(peer, Reader(requests=False))
        self.selector.register(peer, selectors.EVENT_READ, client)
        return client if self._send(client) else None

    def _close(self, client):
        self.selector.unregister(client.peer)
        client.peer.close()

    def _send(self, client):
        self.identifier += 1
        client.method = "POST" if random.random() < self.posts else "GET"
        body = "hello" if client.method == "POST" else ""
        head = (f"{client.method} {self.path} HTTP/1.1\r\nHost: {self.host}\r\n"
                f"x-id: {self.identifier}\r\nAccept: */*\r\nUser-Agent: load\r\n")
        if body:
            head += f"Content-Length: {len(body)}\r\n"
        client.sent_at = time.monotonic()
        client.reader.messages.clear()
        client.answered = 0
        try:
            client.peer.sendall((head + "\r\n" + body).encode())
        except OSError as error:
            self._lost(client, error)
            return False
        return True

    def _note(self, outcome, client, detail=None):
        self.result.outcomes[outcome] += 1
        if outcome != "ok" and len(self.result.lost) < 50:
            method = client.method if client else "-"
            self.result.lost.append((outcome, method, str(detail)))

    def _lost(self, client, detail):
        if client.answered:
            self._note("short", client, detail)
        elif client.served:
            self._note("reset-idle", client, detail)
        else:
            self._note("reset-inflight", client, detail)
        self._close(client)

    def _readable(self, client):
        """Returns who goes on in place of `client`: itself, or nobody."""
        try:
            data = client.peer.recv(1 << 16)
        except OSError as error:
            self._lost(client, error)
            return None
        if not data:
            self._lost(client, "closed")
            return None
        client.answered += len(data)
        try:
            client.reader.feed(data)
        except Violation as violation:
            self._note("wrong", client, violation)
            self._close(client)
            return None
        finals = [m for m in client.reader.messages if m.status >= 200]
        if not finals or not finals[-1].complete:
            return client
        message = finals[-1]
        self.result.latencies.append(time.monotonic() - client.sent_at)
        name = message.values(b"x-upstream")
        self.result.by_upstream[name[0].decode() if name else "-"] += 1
        self._note("ok" if message.status < 500 else str(message.status), client, message.body)
        client.served += 1
        if self.stopping or b"close" in [v.lower() for v in message.values(b"connection")]:
            self._close(client)
            return None
        return client if self._send(client) else None
