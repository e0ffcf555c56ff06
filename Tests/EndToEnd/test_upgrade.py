"""Protocols switched over HTTP/1.1 (RFC 9110 §7.8): WebSocket through the sidecar."""

import contextlib
import hashlib
import os
import signal
import socket
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve

from harness import bootstrap
from harness.programs import FULL, Sidecar, fetch, free_port, until
from harness.timing import paced

ASK = (b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
       b"Upgrade: WebSocket\r\n\r\n")
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"X-Far: yes\r\n\r\n")


class Peer:
    """An upstream that hands each connection, with the head it got, to a function."""

    def __init__(self, talk):
        self.talk, self.heads = talk, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                part = connection.recv(1 << 16)
                if not part:
                    return
                data += part
            head, _, rest = data.partition(b"\r\n\r\n")
            self.heads.append(head.decode().lower())
            self.talk(connection, rest)


def echo(connection, rest):
    connection.sendall(SWITCH + rest)
    while data := connection.recv(1 << 16):
        connection.sendall(data)


def relay(start, tmp_path, ports, upgrades=("websocket",), route=None, **manager):
    port = free_port()
    routes = bootstrap.route_configuration([bootstrap.to_cluster("far", **(route or {}))])
    settings = {"upgrade_configs": [{"upgrade_type": name} for name in upgrades], **manager}
    sidecar = start(Sidecar, tmp_path, bootstrap.static(
        free_port(), [bootstrap.listener(port, bootstrap.manager(routes, **settings))],
        [bootstrap.cluster("far", ports)]))
    sidecar.port = port
    return sidecar


def dial(port):
    client = socket.create_connection(("127.0.0.1", port), 10)
    client.settimeout(10)
    return client


def receive(client, count):
    data = b""
    while len(data) < count:
        part = client.recv(count - len(data))
        assert part, f"the end after {len(data)} of {count} bytes: {data[-200:]!r}"
        data += part
    return data


def head_of(client):
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += receive(client, 1)
    return data.decode().lower()


def test_bytes_of_another_protocol_go_both_ways(start, tmp_path):
    with Peer(echo) as peer:
        sidecar = relay(start, tmp_path, [peer.port])
        client = dial(sidecar.port)
        client.sendall(ASK)
        head = head_of(client)
        assert head.startswith("http/1.1 101 ")
        assert "\r\nconnection: upgrade\r\n" in head and "\r\nupgrade: websocket\r\n" in head
        assert "\r\nx-far: yes\r\n" in head and "transfer-encoding" not in head
        assert "\r\nconnection: upgrade\r\n" in peer.heads[0] + "\r\n"
        assert "\r\nupgrade: websocket" in peer.heads[0]
        for data in (b"x", b"\0\r\n\r\nGET / HTTP/1.1\r\n\r\n", os.urandom(70_000)):
            client.sendall(data)
            assert receive(client, len(data)) == data


@pytest.mark.parametrize("step", [1, 1 << 16])
def test_bytes_behind_the_request_wait_for_the_switch(start, tmp_path, step):
    with Peer(echo) as peer:
        sidecar = relay(start, tmp_path, [peer.port])
        client = dial(sidecar.port)
        data = ASK + b"early"
        for at in range(0, len(data), step):
            client.sendall(data[at:at + step])
        assert head_of(client).startswith("http/1.1 101 ")
        client.sendall(b" and late")
        assert receive(client, 14) == b"early and late"


def test_the_upstream_may_speak_first(start, tmp_path):
    def talk(connection, rest):
        connection.sendall(SWITCH + b"hello")
        connection.recv(2)

    with Peer(talk) as peer:
        client = dial(relay(start, tmp_path, [peer.port]).port)
        client.sendall(ASK)
        head_of(client)
        assert receive(client, 5) == b"hello"
        client.sendall(b"ok")
        assert client.recv(1) == b""


def test_each_side_may_end_first(start, tmp_path):
    def talk(connection, rest):
        connection.sendall(SWITCH)
        data = b""
        while part := connection.recv(1 << 16):
            data += part
        connection.sendall(b"got " + str(len(data)).encode())

    with Peer(talk) as peer:
        client = dial(relay(start, tmp_path, [peer.port]).port)
        client.sendall(ASK)
        head_of(client)
        client.sendall(bytes(300_000))
        client.shutdown(socket.SHUT_WR)
        assert receive(client, 10) == b"got 300000"
        assert client.recv(1) == b""


def test_an_upstream_that_dies_resets_the_client(start, tmp_path):
    def talk(connection, rest):
        connection.sendall(SWITCH + b"x")
        receive(connection, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with Peer(talk) as peer:
        client = dial(relay(start, tmp_path, [peer.port]).port)
        client.sendall(ASK)
        head_of(client)
        receive(client, 1)
        client.sendall(b"!")
        with pytest.raises(ConnectionResetError):
            receive(client, 1)


def test_an_upstream_may_answer_as_if_it_was_not_asked(start, tmp_path):
    def talk(connection, rest):
        connection.sendall(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
        while connection.recv(1 << 16):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")

    with Peer(talk) as peer:
        client = dial(relay(start, tmp_path, [peer.port]).port)
        client.sendall(ASK)
        assert head_of(client).startswith("http/1.1 426 ")
        assert receive(client, 2) == b"no"
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert head_of(client).startswith("http/1.1 200 ")
        assert receive(client, 3) == b"yes"


@pytest.mark.parametrize("name, request_bytes", [
    ("another protocol", ASK.replace(b"WebSocket", b"chat/7")),
    ("not named by Connection", ASK.replace(b", Upgrade", b"")),
    ("HTTP/1.0", ASK.replace(b"HTTP/1.1", b"HTTP/1.0")),
    ("a method with content", ASK.replace(b"GET", b"POST")
     .replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\nx")),
])
def test_what_is_not_forwarded(start, tmp_path, name, request_bytes):
    def talk(connection, rest):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with Peer(talk) as peer:
        client = dial(relay(start, tmp_path, [peer.port]).port)
        client.sendall(request_bytes)
        assert head_of(client).startswith("http/1.1 200 ")
        assert "upgrade" not in peer.heads[0]


def test_a_switch_that_nobody_asked_for(start, tmp_path):
    with Peer(echo) as peer:
        client = dial(relay(start, tmp_path, [peer.port], upgrades=()).port)
        client.sendall(ASK)
        assert head_of(client).startswith("http/1.1 502 ")


def test_only_idleness_ends_a_tunnel(start, tmp_path):
    """The route's timeout does not, once the protocols are switched."""
    with Peer(echo) as peer:
        sidecar = relay(start, tmp_path, [peer.port], route={"timeout": "0.2s"},
                        stream_idle_timeout="1s")
        client = dial(sidecar.port)
        client.sendall(ASK)
        head_of(client)
        for _ in paced(range(15), 0.1):
            client.sendall(b"x")
            assert receive(client, 1) == b"x"
        quiet = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
        assert 0.8 <= time.monotonic() - quiet <= 3


def test_who_does_not_read_costs_no_memory(start, tmp_path):
    sent = []

    def talk(connection, rest):
        connection.sendall(SWITCH)
        connection.settimeout(1)
        with contextlib.suppress(TimeoutError):
            while True:
                sent.append(connection.send(bytes(1 << 20)))
        sent.append(None)
        connection.settimeout(None)
        connection.recv(1)

    with Peer(talk) as peer:
        sidecar = relay(start, tmp_path, [peer.port])
        client = dial(sidecar.port)
        client.sendall(ASK)
        head_of(client)
        before = sidecar.resident_bytes()
        until(lambda: sent and sent[-1] is None, 30)
        assert sidecar.resident_bytes() - before < 2 << 20
        total = sum(sent[:-1])
        assert receive(client, total) == bytes(total)


def test_websockets_of_a_real_client_and_server(start, tmp_path):
    def talk(session):
        with contextlib.suppress(ConnectionClosed):
            for message in session:
                session.send(message)

    with serve(talk, "127.0.0.1", 0, max_size=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sidecar = relay(start, tmp_path, [server.socket.getsockname()[1]])
        count = 1024 if FULL else 48
        with connect(f"ws://127.0.0.1:{sidecar.port}/", max_size=None) as client:
            sent, got = hashlib.sha256(), hashlib.sha256()
            for _ in range(count):
                message = os.urandom(1 << 20)
                client.send(message)
                answer = client.recv()
                assert len(answer) == len(message)
                sent.update(message)
                got.update(answer)
            assert sent.digest() == got.digest()
            client.send("as text")
            assert client.recv() == "as text"
            assert client.ping().wait(5)
        assert client.close_code == 1000
        status, _, _ = fetch(sidecar.port, "/")
        assert status == 426, "the server speaks nothing else"
        assert sidecar.metric("mesh_requests_total", code="101") == 1


def test_a_drain_ends_tunnels_when_its_time_is_up(start, tmp_path):
    with Peer(echo) as peer:
        port = free_port()
        routes = bootstrap.route_configuration([bootstrap.to_cluster("far")])
        sidecar = start(Sidecar, tmp_path, bootstrap.static(
            free_port(), [bootstrap.listener(port, bootstrap.manager(
                routes, upgrade_configs=[{"upgrade_type": "websocket"}]))],
            [bootstrap.cluster("far", [peer.port])]), flags=("--drain-time-s", "1"))
        client = dial(port)
        client.sendall(ASK)
        head_of(client)
        sidecar.signal(signal.SIGTERM)
        client.sendall(b"still there")
        assert receive(client, 11) == b"still there"
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
        assert sidecar.wait(5) == 0
