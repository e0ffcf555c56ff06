"""WebSocket over HTTP/2 by extended CONNECT (RFC 8441), in any mix with HTTP/1.1 and stock Envoy."""

import contextlib
import itertools
import os
import signal
import socket
import struct
import threading
import time

import pytest
from h2.settings import SettingCodes

from harness import bootstrap, tunnels
from harness.h2server import H2Server, echo
from harness.http2 import CANCEL, CONNECT_ERROR, PROTOCOL_ERROR, reset, window_update
from harness.programs import Sidecar, fetch, free_port, until
from test_upgrade import ASK, SWITCH, Peer as Switching, dial, head_of, receive

CONNECT = {"http2_protocol_options": {"allow_connect": True}}
VERSIONS = ["h1", "h2"]
WITH_KEY = ASK.replace(b"Upgrade: W", b"Sec-WebSocket-Key: %s\r\nUpgrade: W" % tunnels.KEY.encode())


def relay(start, folder, port, version="h1", program=None, name="sidecar", flags=(), route=None,
          **manager):
    """One that takes either version, in front of an upstream of `version`."""
    listening = free_port()
    routes = bootstrap.route_configuration([bootstrap.to_cluster("far", **(route or {}))])
    settings = {"upgrade_configs": [{"upgrade_type": "websocket"}], **CONNECT, **manager}
    cluster = bootstrap.cluster("far", [port])
    if version == "h2":
        cluster |= bootstrap.http_options(explicit_http_config=CONNECT)
    running = start(Sidecar, folder, bootstrap.static(
        free_port(), [bootstrap.listener(listening, bootstrap.manager(routes, **settings))],
        [cluster]), program=program, name=name, flags=flags)
    running.port = listening
    return running


@pytest.mark.parametrize("up", VERSIONS)
@pytest.mark.parametrize("down", VERSIONS)
def test_messages_go_both_ways(start, tmp_path, down, up):
    heads = []
    with tunnels.server(up, heads) as port:
        sidecar = relay(start, tmp_path, port, up)
        with tunnels.session(down, sidecar.port) as session:
            for size in (0, 1, 125, 70_000, 1 << 20):
                message = os.urandom(size)
                session.send(message)
                assert session.recv() == message
    head, = heads
    if up == "h2":
        assert (head[":method"], head[":protocol"]) == ("CONNECT", "websocket")
        assert not {"upgrade", "connection", "content-length"} & head.keys()


@pytest.mark.parametrize("order", [("pointsman", "envoy"), ("envoy", "pointsman")], ids="-".join)
@pytest.mark.parametrize("down,link,up", list(itertools.product(VERSIONS, repeat=3)))
def test_messages_go_through_envoy_too(start, tmp_path, order, down, link, up):
    """Envoy leaves keys and their answers to its clients and servers, over HTTP/2 as well."""
    with tunnels.server(up, answers=True) as port:
        last = relay(start, tmp_path, port, up, order[1], "last")
        first = relay(start, tmp_path, last.port, link, order[0], "first")
        key = tunnels.KEY if order[0] == "envoy" else None
        with tunnels.session(down, first.port, key) as session:
            for size in (0, 70_000, 1 << 20):
                message = os.urandom(size)
                session.send(message)
                assert session.recv() == message


# What is not taken


def refusing(status=b"403 Forbidden"):
    def talk(connection, rest):
        connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nno" % status)
        peer.behind.append(rest)
        while data := connection.recv(1 << 16):
            peer.behind.append(data)

    peer = Switching(talk)
    peer.behind = []
    return peer


@pytest.mark.parametrize("fields", [
    tunnels.ask(method="GET"), tunnels.ask(method="POST"), tunnels.ask(protocol=""),
    tunnels.ask(path=None), tunnels.ask(authority=None), tunnels.ask(path=""),
    tunnels.ask(more=[("content-length", "0")]), tunnels.ask(more=[("content-length", "5")]),
    tunnels.ask(more=[("upgrade", "websocket")]), tunnels.ask(more=[("connection", "upgrade")]),
    tunnels.ask(more=[("transfer-encoding", "chunked")]), tunnels.ask(more=[(":protocol", "x")]),
    tunnels.ask(protocol="websocket\r\nx: y"), tunnels.ask(path="/ HTTP/1.1\r\nx: y"),
    tunnels.ask(more=[("host", "other")]),
    [field for field in tunnels.ask() if field[0] != ":scheme"],
    [*tunnels.ask(), (":protocol", "websocket")],
], ids=repr)
def test_a_request_that_is_none(start, tmp_path, fields):
    with refusing() as peer:
        with tunnels.Tunnel(relay(start, tmp_path, peer.port).port, fields, wait=False) as tunnel:
            tunnel.peer.wait(lambda: tunnel.stream.over or tunnel.peer.closed, "refusal")
            assert tunnel.stream.status in (None, 400)
            assert tunnel.stream.status or tunnel.stream.reset == PROTOCOL_ERROR
        assert not peer.heads


@pytest.mark.parametrize("fields,status", [
    (tunnels.ask(protocol="chat"), 501), (tunnels.ask(protocol="websocket, chat"), 501),
    (tunnels.ask(protocol="websocket x"), 501), ([(":method", "CONNECT"), (":authority", "a:1")], 400)], ids=repr)
def test_a_tunnel_that_is_not_offered(start, tmp_path, fields, status):
    with refusing() as peer:
        with tunnels.Tunnel(relay(start, tmp_path, peer.port).port, fields) as tunnel:
            assert tunnel.stream.status == status
        assert not peer.heads


def test_nobody_may_ask_where_it_is_not_said(start, tmp_path):
    with refusing() as peer:
        sidecar = relay(start, tmp_path, peer.port, http2_protocol_options={})
        with tunnels.Tunnel(sidecar.port, wait=False) as tunnel:
            assert tunnels.ENABLE_CONNECT not in tunnel.peer.settings
            tunnel.peer.wait(lambda: tunnel.stream.over, "refusal")
            assert tunnel.stream.reset == PROTOCOL_ERROR
        with tunnels.Tunnel(relay(start, tmp_path, peer.port).port) as tunnel:
            assert tunnel.peer.settings[tunnels.ENABLE_CONNECT] == 1
        assert len(peer.heads) == 1


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("status,told", [
    (b"403 Forbidden", 403), (b"200 OK", 502), (b"204 No Content", 502), (b"301 Moved", 301)])
def test_what_was_sent_too_early_goes_nowhere(start, tmp_path, status, told):
    """Not even when the upstream would take it for the next request."""
    with refusing(status.replace(b"204 No Content", b"204 No\r\nx: y")) as peer:
        sidecar = relay(start, tmp_path, peer.port)
        with tunnels.Tunnel(sidecar.port, wait=False) as tunnel:
            tunnel.send(SMUGGLED)
            tunnel.peer.wait(lambda: tunnel.stream.over, "answer")
            assert tunnel.stream.status == told
            tunnel.send(SMUGGLED, end=True)
            tunnel.peer.ping()
        until(lambda: sidecar.metric("mesh_downstream_active_connections") == 0)
        assert b"".join(peer.behind) == b"" and len(peer.heads) == 1


def test_a_wrong_answer_to_the_key(start, tmp_path):
    def talk(connection, rest):
        connection.sendall(SWITCH.replace(b"X-Far: yes", b"Sec-WebSocket-Accept: AAAA"))
        connection.recv(1)

    with Switching(talk) as peer:
        with tunnels.Tunnel(relay(start, tmp_path, peer.port).port) as tunnel:
            assert tunnel.stream.status == 502
        assert "\r\nsec-websocket-key: " in peer.heads[0]
        assert "\r\nconnection: upgrade" in peer.heads[0] and ":protocol" not in peer.heads[0]


@pytest.mark.parametrize("down", VERSIONS)
def test_an_upstream_that_takes_no_tunnels(start, tmp_path, down):
    with H2Server(echo) as server:
        sidecar = relay(start, tmp_path, server.port, "h2")
        if down == "h1":
            client = dial(sidecar.port)
            client.sendall(WITH_KEY)
            assert head_of(client).startswith("http/1.1 501 ")
        else:
            with tunnels.Tunnel(sidecar.port) as tunnel:
                assert tunnel.stream.status == 501
        assert fetch(sidecar.port, "/other")[0] == 200
        assert [request[":path"] for request in server.requests] == ["/other"]


@pytest.mark.parametrize("keys", [[], [b"short"], [tunnels.KEY.encode()] * 2])
def test_a_request_without_a_key_that_can_be_answered(start, tmp_path, keys):
    heads = []
    with tunnels.server("h2", heads) as port:
        client = dial(relay(start, tmp_path, port, "h2").port)
        fields = b"".join(b"Sec-WebSocket-Key: %s\r\n" % key for key in keys)
        client.sendall(ASK.replace(b"Upgrade: W", fields + b"Upgrade: W"))
        assert head_of(client).startswith("http/1.1 400 ")
        assert not heads


# The life of a tunnel


@contextlib.contextmanager
def far(version, go=None, talk=None):
    """An upstream that opens tunnels when it may, and echoes until the other side ends."""
    def wait():
        assert go is None or go.wait(20)

    if version == "h1":
        def switched(connection, rest):
            wait()
            connection.sendall(SWITCH)
            echo_bytes(connection, rest)
        with Switching(switched) as peer:
            yield peer.port
        return

    def opened(request):
        # The server's thread goes on reading what comes early.
        threading.Thread(target=lambda: (wait(), request.head()), daemon=True).start()

    with H2Server(lambda request: request.send(b"", ends=True), opened,
                  on_data=lambda request, data: request.send(data),
                  settings={SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}) as server:
        yield server.port


def echo_bytes(connection, rest):
    connection.sendall(rest)
    while data := connection.recv(1 << 16):
        connection.sendall(data)


@pytest.mark.parametrize("up", VERSIONS)
def test_early_bytes_wait_for_the_tunnel(start, tmp_path, up):
    go = threading.Event()
    with far(up, go) as port:
        with tunnels.Tunnel(relay(start, tmp_path, port, up).port, wait=False) as tunnel:
            data = os.urandom(tunnel.room())
            tunnel.send(data)
            tunnel.peer.ping()
            assert tunnel.room() == 0 and tunnel.stream.status is None
            go.set()
            tunnel.peer.wait(lambda: tunnel.stream.status, "answer")
            assert tunnel.stream.status == 200
            tunnel.send(bytes(100_000), end=True)
            assert tunnel.receive(len(data) + 100_000) == data + bytes(100_000)
            tunnel.peer.wait(lambda: tunnel.stream.ended, "end")


@pytest.mark.parametrize("up", VERSIONS)
@pytest.mark.parametrize("down", VERSIONS)
def test_a_client_may_end_first(start, tmp_path, down, up):
    with far(up) as port:
        sidecar = relay(start, tmp_path, port, up)
        if down == "h2":
            with tunnels.Tunnel(sidecar.port) as tunnel:
                tunnel.send(b"last words", end=True)
                assert tunnel.receive(10) == b"last words"
                assert tunnel.peer.answer(1).ended
        else:
            client = dial(sidecar.port)
            client.sendall(WITH_KEY + b"last words")
            assert head_of(client).startswith("http/1.1 101 ")
            client.shutdown(socket.SHUT_WR)
            assert receive(client, 10) == b"last words"
            assert client.recv(1) == b""
        until(lambda: sidecar.metric("mesh_downstream_active_requests") == 0)


@pytest.mark.parametrize("up", VERSIONS)
def test_a_reset_goes_on_to_the_other_side(start, tmp_path, up):
    """From a client by RST_STREAM, and back from an upstream that is lost."""
    begun, ended = threading.Event(), threading.Event()

    def talk(connection, rest):
        connection.sendall(SWITCH)
        if receive(connection, 1) == b"!":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        begun.set()
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
        ended.set()

    def arrived(request, data):
        if data == b"!":
            request.abort()
        begun.set()

    h2 = H2Server(on_head=lambda request: request.head(), on_data=arrived,
                  settings={SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})
    with Switching(talk) as h1, h2:
        sidecar = relay(start, tmp_path, h1.port if up == "h1" else h2.port, up)
        with tunnels.Tunnel(sidecar.port) as tunnel:
            tunnel.send(b"x")
            assert begun.wait(10)
            tunnel.peer.send(reset(1, CANCEL))
            if up == "h1":
                assert ended.wait(10)
            else:
                until(lambda: h2.requests[0].reset == CANCEL)
            tunnel.peer.ping()
        with tunnels.Tunnel(sidecar.port) as tunnel:
            tunnel.send(b"!")
            assert tunnel.peer.answer(1).reset == CONNECT_ERROR
            assert not tunnel.peer.goaways
        until(lambda: sidecar.metric("mesh_downstream_active_requests") == 0)


@pytest.mark.parametrize("up", VERSIONS)
def test_idleness_ends_a_tunnel_and_nothing_else(start, tmp_path, up):
    with far(up) as port:
        sidecar = relay(start, tmp_path, port, up, route={"timeout": "0.1s"},
                        stream_idle_timeout="0.8s")
        with tunnels.Tunnel(sidecar.port) as tunnel:
            began = time.monotonic()
            while time.monotonic() - began < 1.2:
                tunnel.send(b"x")
                assert tunnel.receive(1) == b"x"
            quiet = time.monotonic()
            assert tunnel.peer.answer(1).reset == CONNECT_ERROR
            assert 0.6 <= time.monotonic() - quiet <= 3
            tunnel.peer.ping()


@pytest.mark.parametrize("up", VERSIONS)
def test_a_drain_lets_a_tunnel_live_for_its_time(start, tmp_path, up):
    with far(up) as port:
        sidecar = relay(start, tmp_path, port, up, flags=("--drain-time-s", "1"))
        with tunnels.Tunnel(sidecar.port) as tunnel:
            sidecar.signal(signal.SIGTERM)
            tunnel.peer.wait(lambda: tunnel.peer.goaways, "GOAWAY")
            tunnel.send(b"still there")
            assert tunnel.receive(11) == b"still there"
            tunnel.peer.end()
        assert sidecar.wait(5) == 0


@pytest.mark.parametrize("up", VERSIONS)
@pytest.mark.parametrize("down", VERSIONS)
def test_who_does_not_read_stops_the_other_side(start, tmp_path, down, up):
    """An echo that nobody takes: neither side is read any more, and nothing is lost."""
    with far(up) as port:
        sidecar = relay(start, tmp_path, port, up)
        before, total = sidecar.resident_bytes(), 8 << 20
        data = os.urandom(total)
        if down == "h1":
            client = dial(sidecar.port)
            client.sendall(WITH_KEY)
            head_of(client)
            sender = threading.Thread(target=client.sendall, args=(data,), daemon=True)
            sender.start()
            assert receive(client, total) == data
            sender.join(10)
        else:
            with tunnels.Tunnel(sidecar.port, window=False) as tunnel:
                for _ in range(16):
                    if tunnel.room() > 0:
                        tunnel.send(data[tunnel.sent:tunnel.sent + tunnel.room()])
                    tunnel.peer.ping()
                held = tunnel.sent
                assert len(tunnel.stream.body) <= 65535 and held < total // 2
                tunnel.peer.window = True
                tunnel.peer.send(window_update(0, 1 << 30), window_update(1, 1 << 30))
                tunnel.send(data[held:])
                assert tunnel.receive(total) == data
        assert sidecar.resident_bytes() - before < 12 << 20
