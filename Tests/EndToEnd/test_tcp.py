"""Connections that are forwarded as they are: bytes, ends, resets, splits and drains."""

import contextlib
import errno
import hashlib
import json
import random
import socket
import struct
import threading
import time

import pytest

from harness import bootstrap
from harness.ads import ADS
from harness.control import Control, Envoy, Follower
from harness.identities import Authority, client_context, downstream
from harness.identities import upstream as endpoint_security
from harness.programs import FULL, Sidecar, free_port, until
from harness.timing import paced, samples, until_still
from mesh_world import eds_cluster

BLOCK = random.Random(4).randbytes(1 << 20)
BLOCKS = 1024 if FULL else 192
A, B = "spiffe://mesh/ns/default/sa/a", "spiffe://mesh/ns/default/sa/b"


class Peer:
    """Accepts connections and does with each, on a thread of its own, what a test says."""

    def __init__(self, serve, **options):
        self.serve, self.accepted, self.open = serve, 0, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        for option, value in options.items():
            self.listener.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.accepted += 1
                self.open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            self.serve(connection)
            connection.close()

    def close(self):
        # Closing alone would not wake a thread that accepts.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            connection.close()


@pytest.fixture
def peer():
    """Makes peers that are closed with the test."""
    peers = []

    def make(serve, **options):
        peers.append(Peer(serve, **options))
        return peers[-1]

    yield make
    for one in peers:
        one.close()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"))


@pytest.fixture
def sealed():
    """Whether there is a second sidecar before the upstream, and TLS between the two."""
    return False


both_ways = pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])


@pytest.fixture
def forward(start, tmp_path, root, sealed):
    """Starts a sidecar that forwards connections; its port is `sidecar.port`."""

    def seal(ports):
        port = free_port()
        listener = bootstrap.tcp_listener(port, "peer")
        listener["filter_chains"][0]["transport_socket"] = downstream(
            root.issue("server", B), root, [A])
        start(Sidecar, tmp_path, bootstrap.static(
            free_port(), [listener], [bootstrap.cluster("peer", ports)]), name="far")
        return bootstrap.cluster("peer", [port], transport_socket=endpoint_security(
            root.issue("client", A), root, [B]))

    def make(ports, weights=None, clusters=(), log=None, flags=(), limit_files=None,
             concurrency=1, **proxy):
        port = free_port()
        if log is not None:
            proxy["access_log"] = [{"name": "file", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3."
                         "FileAccessLog", "path": str(log)}}]
        target = {"weights": weights} if weights else {"cluster": "peer"}
        clusters = clusters or [seal(ports) if sealed else bootstrap.cluster("peer", ports)]
        sidecar = start(
            Sidecar, tmp_path, bootstrap.static(
                free_port(), [bootstrap.tcp_listener(port, **target, **proxy)], clusters),
            flags=flags, limit_files=limit_files, concurrency=concurrency)
        sidecar.port = port
        return sidecar

    return make


def connect(port, seconds=20, receive_buffer=None):
    client = socket.socket()
    client.settimeout(seconds)
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.connect(("127.0.0.1", port))
    return client


def digest_until_end(connection):
    digest, count, room = hashlib.sha256(), 0, bytearray(1 << 20)
    while taken := connection.recv_into(room):
        digest.update(memoryview(room)[:taken])
        count += taken
    return digest.hexdigest(), count


def digest_of(blocks):
    digest = hashlib.sha256()
    for _ in range(blocks):
        digest.update(BLOCK)
    return digest.hexdigest(), blocks << 20


def read_until_end(connection):
    content = b""
    while part := connection.recv(1 << 16):
        content += part
    return content


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def echo(connection):
    while part := connection.recv(1 << 16):
        connection.sendall(part)


def named(name):
    """A peer that says its name and waits for the end."""
    def serve(connection):
        connection.sendall(name.encode())
        read_until_end(connection)
    return serve


def log_lines(path, count):
    def read():
        lines = path.read_text().splitlines() if path.exists() else []
        return lines if len(lines) >= count else None
    return [json.loads(line) for line in until(read, what=f"{count} lines in the log")]


@both_ways
def test_large_transfers_both_ways_at_once(peer, forward):
    received = {}

    def serve(connection):
        def receive():
            received["upstream"] = digest_until_end(connection)
        reader = threading.Thread(target=receive)
        reader.start()
        for _ in range(BLOCKS):
            connection.sendall(BLOCK)
        connection.shutdown(socket.SHUT_WR)
        reader.join()

    sidecar = forward([peer(serve).port])
    client = connect(sidecar.port)

    def send():
        for _ in range(BLOCKS):
            client.sendall(BLOCK)
        client.shutdown(socket.SHUT_WR)

    writer = threading.Thread(target=send)
    writer.start()
    assert digest_until_end(client) == digest_of(BLOCKS)
    writer.join()
    until(lambda: "upstream" in received)
    assert received["upstream"] == digest_of(BLOCKS)
    until(lambda: sidecar.metric("mesh_upstream_active_connections", cluster="peer") == 0)
    assert sidecar.metric("mesh_request_bytes_total", cluster="peer") == BLOCKS << 20
    assert sidecar.metric("mesh_response_bytes_total", cluster="peer") == BLOCKS << 20
    assert sidecar.metric("mesh_upstream_connections_total", cluster="peer") == 1


@both_ways
def test_small_messages_back_and_forth(peer, forward):
    sidecar = forward([peer(echo).port])
    random_source = random.Random(7)
    with connect(sidecar.port) as client:
        for _ in range(500):
            message = random_source.randbytes(random_source.randint(1, 3000))
            client.sendall(message)
            answer = b""
            while len(answer) < len(message):
                answer += client.recv(1 << 16)
            assert answer == message
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


@both_ways
def test_the_client_ends_first_and_still_gets_an_answer(peer, forward):
    def serve(connection):
        question = read_until_end(connection)
        connection.sendall(b"answer to " + question)

    sidecar = forward([peer(serve).port])
    with connect(sidecar.port) as client:
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        assert read_until_end(client) == b"answer to question"


@both_ways
def test_the_upstream_ends_first_and_still_gets_what_the_client_sends(peer, forward):
    received = []

    def serve(connection):
        connection.sendall(b"greeting")
        connection.shutdown(socket.SHUT_WR)
        received.append(read_until_end(connection))

    sidecar = forward([peer(serve).port])
    with connect(sidecar.port) as client:
        assert read_until_end(client) == b"greeting"
        client.sendall(b"late ")
        client.sendall(b"words")
        client.shutdown(socket.SHUT_WR)
        until(lambda: received)
    assert received == [b"late words"]


@both_ways
def test_a_reset_by_the_upstream_reaches_the_client(peer, forward, tmp_path):
    def serve(connection):
        connection.recv(1)
        reset(connection)

    log = tmp_path / "access.log"
    sidecar = forward([peer(serve).port], log=log)
    with connect(sidecar.port) as client:
        client.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert log_lines(log, 1)[0]["response_flags"] == "UR"


@both_ways
def test_a_reset_by_the_client_reaches_the_upstream(peer, forward, tmp_path):
    errors = []

    def serve(connection):
        try:
            read_until_end(connection)
        except OSError as error:
            errors.append(error.errno)

    log = tmp_path / "access.log"
    server = peer(serve)
    sidecar = forward([server.port], log=log)
    client = connect(sidecar.port)
    client.sendall(b"x")
    until(lambda: server.accepted == 1)
    reset(client)
    until(lambda: errors)
    assert errors == [errno.ECONNRESET]
    assert log_lines(log, 1)[0]["response_flags"] == "DC"


@both_ways
def test_a_reset_after_an_end_is_noticed(peer, forward):
    """A side that has ended is not read from any more, so only the poller tells of its reset."""
    held = threading.Event()

    def serve(connection):
        connection.shutdown(socket.SHUT_WR)
        held.wait(20)
        reset(connection)

    sidecar = forward([peer(serve).port])
    with connect(sidecar.port) as client:
        assert client.recv(1) == b""
        held.set()
        until(lambda: sidecar.metric("mesh_downstream_active_connections") == 0)


def test_urgent_data_does_not_stop_what_follows(peer, forward):
    """splice(2) does not step over the urgent mark; recv(2) does, and drops the one byte."""
    received = []

    def serve(connection):
        received.append(read_until_end(connection))

    sidecar = forward([peer(serve).port])
    with connect(sidecar.port) as client:
        client.sendall(b"before")
        client.send(b"!", socket.MSG_OOB)
        client.sendall(b"after")
        client.shutdown(socket.SHUT_WR)
        until(lambda: received)
    assert received == [b"beforeafter"]


@both_ways
def test_random_lives(peer, forward):
    """Both sides send, pause, read, end and reset by chance; nothing is lost, added or mixed up."""
    seed = random.randrange(1 << 32)
    count = 200 if FULL else 40
    plans = {number: Plan(random.Random(seed + number)) for number in range(count)}
    upstream = {}

    def serve(connection):
        number = struct.unpack("!I", connection.recv(4, socket.MSG_WAITALL))[0]
        upstream[number] = live(connection, plans[number].upstream)

    sidecar = forward([peer(serve).port], concurrency=2)
    client = {}

    def call(number):
        connection = connect(sidecar.port, 60)
        connection.sendall(struct.pack("!I", number))
        client[number] = live(connection, plans[number].client)

    threads = [threading.Thread(target=call, args=(number,)) for number in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    # A client may be gone before the upstream knows which one it was.
    certain = {number for number, plan in plans.items() if not plan.client.resets}
    until(lambda: len(client) == count and certain <= set(upstream), 30, f"all ends, seed {seed}")
    for number, plan in plans.items():
        told = f"seed {seed}, connection {number}"
        for got, sent in ((upstream.get(number), plan.client), (client[number], plan.upstream)):
            content, was_reset = got or (b"", True)
            if plan.client.resets or plan.upstream.resets:
                assert sent.content.startswith(content), told
            else:
                assert not was_reset, told
                assert content == sent.content, told
    until(lambda: sidecar.metric("mesh_downstream_active_connections") == 0)
    assert sidecar.open_files() < 64


class Side:
    """What one side of a connection does."""

    def __init__(self, source, resets):
        self.resets = resets
        self.content = source.randbytes(source.choice([0, 1, 5000, 300_000, 2_000_000]))
        self.part = source.choice([700, 20_000, 1_000_000])
        self.pause = source.choice([0, 0, 0.001])
        self.buffer = source.choice([None, 16384])
        self.reads_late = source.random() < 0.2


class Plan:
    def __init__(self, source):
        resets = source.choice([None, None, None, "client", "upstream"])
        self.client = Side(source, resets == "client")
        self.upstream = Side(source, resets == "upstream")


def live(connection, side):
    """Sends and receives as `side` says; returns what was received and whether a reset ended it."""
    if side.buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, side.buffer)

    def send():
        with contextlib.suppress(OSError):
            starts = range(0, len(side.content), side.part)
            pause = side.pause if len(side.content) < 1_000_000 else 0
            for start in paced(starts, pause):
                connection.sendall(side.content[start:start + side.part])
            if side.resets:
                return
            connection.shutdown(socket.SHUT_WR)

    writer = threading.Thread(target=send)
    writer.start()
    content, was_reset = bytearray(), False
    if side.resets:
        writer.join()
        reset(connection)
        return content, True
    if side.reads_late:
        writer.join(0.2)
    try:
        while part := connection.recv(1 << 16):
            content += part
    except OSError:
        was_reset = True
    writer.join()
    connection.close()
    return bytes(content), was_reset


@both_ways
@pytest.mark.shipped
def test_a_slow_reader_costs_no_memory(peer, forward, sealed):
    taken = [0]

    def serve(connection):
        with contextlib.suppress(OSError):
            while True:
                taken[0] += connection.send(BLOCK)

    sidecar = forward([peer(serve).port])
    resident = sidecar.resident_bytes()
    clients = [connect(sidecar.port, receive_buffer=4096) for _ in range(50)]

    until_still(lambda: taken[0], 0.5)
    # What is sealed goes through the process: one receive on either side of the seal.
    assert sidecar.resident_bytes() - resident < (16 if sealed else 4) << 20
    cpu = samples(sidecar.cpu_seconds, 1)
    assert cpu[-1] - cpu[0] < 0.05
    # Each of them goes on where it stood.
    room = bytearray(1 << 20)
    for client in clients[:3]:
        count = 0
        while count < 4 << 20:
            count += client.recv_into(room)
    for client in clients:
        client.close()
    until(lambda: sidecar.metric("mesh_downstream_active_connections") == 0)


def test_more_stalled_connections_than_pipes(peer, forward):
    """What finds no pipe is copied, a bounded part at a time, and arrives as it was sent."""
    count, size = 300, 8 << 20

    def serve(connection):
        for _ in range(size >> 20):
            connection.sendall(BLOCK)

    sidecar = forward([peer(serve, SO_SNDBUF=65536).port])
    clients = [connect(sidecar.port, 60, receive_buffer=65536) for _ in range(count)]
    until(lambda: sidecar.metric("mesh_upstream_active_connections", cluster="peer") == count)
    assert until_still(sidecar.open_files, 0.5) < 2 * count + 2 * 256 + 50
    expected = digest_of(size >> 20)
    for client in clients[::50]:
        assert digest_until_end(client) == expected
    for client in clients:
        client.close()


def test_an_upstream_that_refuses(peer, forward, tmp_path):
    log = tmp_path / "access.log"
    sidecar = forward([free_port()], log=log, max_connect_attempts=3)
    with contextlib.suppress(ConnectionResetError), connect(sidecar.port) as client:
        assert client.recv(1) == b""
    line = log_lines(log, 1)[0]
    assert line["response_flags"] == "UF"
    assert line["attempts"] == 3
    assert sidecar.metric("mesh_upstream_connect_failures_total", cluster="peer") == 3
    assert sidecar.metric("mesh_response_flags_total", flag="UF") == 1


def test_another_endpoint_is_tried(peer, forward):
    sidecar = forward([free_port(), peer(named("here")).port], max_connect_attempts=2)
    for _ in range(20):
        with connect(sidecar.port) as client:
            assert client.recv(4) == b"here"


def test_an_upstream_that_does_not_answer_in_time(start, tmp_path, forward):
    # The queue of a listener that does not accept is full after a few connections.
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(0)
    port = silent.getsockname()[1]
    fillers = []
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        fillers.append(filler)
    log = tmp_path / "access.log"
    sidecar = forward([], log=log, clusters=[
        bootstrap.cluster("peer", [port], connect_timeout="0.3s")])
    began = time.monotonic()
    with contextlib.suppress(ConnectionResetError), connect(sidecar.port) as client:
        assert client.recv(1) == b""
    assert 0.25 < time.monotonic() - began < 5
    assert log_lines(log, 1)[0]["response_flags"] == "UF"
    for filler in [silent, *fillers]:
        filler.close()


def test_a_breaker_refuses_further_connections(peer, forward):
    sidecar = forward([], clusters=[bootstrap.cluster(
        "peer", [peer(named("here")).port],
        circuit_breakers={"thresholds": [{"max_connections": 2}]})])
    first, second = connect(sidecar.port), connect(sidecar.port)
    assert first.recv(4) == second.recv(4) == b"here"
    with contextlib.suppress(ConnectionResetError), connect(sidecar.port) as third:
        assert third.recv(1) == b""
    assert sidecar.metric(
        "mesh_upstream_overflows_total", cluster="peer", resource="connections") == 1
    first.close()
    until(lambda: sidecar.metric("mesh_upstream_active_connections", cluster="peer") == 1)
    with connect(sidecar.port) as fourth:
        assert fourth.recv(4) == b"here"
    second.close()


def test_an_idle_connection_ends(peer, forward, tmp_path):
    log = tmp_path / "access.log"
    sidecar = forward([peer(echo).port], log=log, idle_timeout="0.5s")
    with connect(sidecar.port) as client:
        for _ in paced(range(4), 0.25):
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        began = time.monotonic()
        assert client.recv(1) == b""
        assert 0.4 < time.monotonic() - began < 3
    line = log_lines(log, 1)[0]
    assert line["response_flags"] == "SI"
    assert (line["bytes_received"], line["bytes_sent"]) == (4, 4)
    assert (line["protocol"], line["cluster"]) == ("TCP", "peer")


@pytest.mark.parametrize("workers", [1, 3])
def test_a_split_is_exact(peer, forward, workers):
    ports = {name: peer(named(name)).port for name in ("v1", "v2")}
    sidecar = forward([], weights={"v1": 95, "v2": 5}, concurrency=workers, clusters=[
        bootstrap.cluster(name, [port]) for name, port in ports.items()])
    counts = {b"v1": 0, b"v2": 0}
    for number in range(1, 1001):
        with connect(sidecar.port) as client:
            counts[client.recv(2)] += 1
        assert abs(counts[b"v2"] - number * 0.05) <= 1
    assert counts == {b"v1": 950, b"v2": 50}
    for name, count in counts.items():
        assert sidecar.metric("mesh_picks_total", cluster=name.decode()) == count


def test_clients_that_are_not_let_in_reach_nobody(peer, forward, start, tmp_path, root):
    server, port = peer(echo), free_port()
    listener = bootstrap.tcp_listener(port, "peer")
    listener["filter_chains"][0]["transport_socket"] = downstream(
        root.issue("server", B), root, [A])
    sidecar = start(Sidecar, tmp_path, bootstrap.static(
        free_port(), [listener], [bootstrap.cluster("peer", [server.port])]))
    for identity, is_good in ((root.issue("client", A), True), (root.issue("other", B), False),
                              (None, False)):
        with connect(port) as plain, contextlib.suppress(OSError):
            with client_context(root, identity).wrap_socket(plain) as client:
                client.sendall(b"words")
                answer = client.recv(100)
                assert answer == (b"words" if is_good else b"")
    with connect(port) as client, contextlib.suppress(OSError):
        client.sendall(b"no TLS at all, but more than a few bytes of it")
        # An alert at the most.
        assert b"no TLS" not in client.recv(100)
    assert server.accepted == 1
    assert sidecar.metric("mesh_tls_handshakes_total", side="downstream") == 1


class TCPWorld:
    """Two upstreams under a split that a control plane changes."""

    def __init__(self, start, folder, peer):
        self.server, self.port = ADS(), free_port()
        self.ports = {name: peer(named(name)).port for name in ("v1", "v2")}
        self.server.set("cds", *(eds_cluster(name) for name in self.ports))
        self.server.set("eds", *(
            bootstrap.assignment(name, [port]) for name, port in self.ports.items()))
        self.split(v1=1)
        self.sidecar = start(Sidecar, folder, bootstrap.ads(free_port(), self.server.port))
        self.sidecar.port = self.port

    def listener(self, **weights):
        return bootstrap.tcp_listener(self.port, weights=weights)

    def split(self, **weights):
        return self.server.set("lds", self.listener(**weights))

    def ask(self):
        client = connect(self.port)
        return client, client.recv(2).decode()


@pytest.fixture
def world(start, tmp_path, peer):
    world = TCPWorld(start, tmp_path, peer)
    yield world
    world.server.close()


def test_new_weights_touch_only_new_connections(world):
    old, name = world.ask()
    assert name == "v1"
    world.server.wait_ack("lds", world.split(v2=1))
    fresh, name = world.ask()
    assert name == "v2"
    world.server.wait_ack("lds", world.split(v1=50, v2=50))
    names = []
    for _ in range(100):
        client, name = world.ask()
        names.append(name)
        client.close()
    assert names.count("v2") == 50
    # Both of the first two are as they were.
    assert world.sidecar.metric("mesh_upstream_active_connections") >= 2
    for client in (old, fresh):
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(20)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


def test_a_removed_listener_leaves_its_connections(world):
    client, _ = world.ask()
    world.server.wait_ack("lds", world.server.set("lds"))
    with pytest.raises(ConnectionRefusedError):
        connect(world.port)
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(20)
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""


@pytest.mark.parametrize("change, path", [
    ({"hash_policy": [{}]}, "hash_policy"),
    ({"max_connect_attempts": 0}, "max_connect_attempts"),
    ({"tunneling_config": {"hostname": "a"}}, "tunneling_config"),
    ({"max_downstream_connection_duration": "1s"}, "max_downstream_connection_duration"),
])
def test_what_cannot_be_done_is_refused(world, change, path):
    listener = bootstrap.tcp_listener(world.port, weights={"v1": 1}, **change)
    version = world.server.set("lds", listener)
    error = world.server.wait_nack("lds", version)
    assert f"filter_chains[0].filters[0].typed_config.{path}" in str(error)
    client, name = world.ask()
    assert name == "v1"
    client.close()


def test_a_service_of_the_control_plane(start, tmp_path, peer):
    control = start(Control, tmp_path)
    ports = {name: peer(named(name)).port for name in ("v1", "v2")}
    port = free_port()
    sidecar = start(Follower, tmp_path, control)
    control.wait_in_effect(control.put_tcp_service("db", port, ports, v1=95, v2=5))
    names = []
    for _ in range(100):
        with connect(port) as client:
            names.append(client.recv(2))
    assert names.count(b"v2") == 5
    open_one = connect(port)
    assert open_one.recv(2)
    control.wait_in_effect(control.put_split("db", v1=0, v2=100))
    for _ in range(10):
        with connect(port) as client:
            assert client.recv(2) == b"v2"
    assert sidecar.metric("mesh_route_weight", route="db/default", cluster="db/v2") == 1
    open_one.shutdown(socket.SHUT_WR)
    assert open_one.recv(1) == b""
    control.done("DELETE", "/v1/services/db")
    until(lambda: refused(port))


def test_stock_envoy_takes_the_same_service(start, tmp_path, peer):
    control = start(Control, tmp_path)
    ports = {name: peer(named(name)).port for name in ("v1", "v2")}
    port = free_port()
    envoy = start(Envoy, tmp_path, control)
    control.wait_in_effect(control.put_tcp_service("db", port, ports, v1=100, v2=0))
    until(lambda: not refused(port))
    with connect(port) as client:
        assert client.recv(2) == b"v1"
    control.wait_in_effect(control.put_split("db", v1=0, v2=100))

    def moved():
        with connect(port) as client:
            return client.recv(2) == b"v2"

    until(moved)
    assert envoy.stat("listener_manager.lds.update_rejected") == 0


def test_a_sidecar_beside_a_tcp_service(start, tmp_path, peer):
    control = start(Control, tmp_path)
    inbound, application = free_port(), peer(echo).port
    control.put_tcp_service("db", free_port(), {"v1": inbound})
    sidecar = start(
        Follower, tmp_path, control, service="db", node="db",
        flags=["--inbound", f"127.0.0.1:{inbound}", "--application", f"127.0.0.1:{application}"])
    until(lambda: not refused(inbound))
    with connect(inbound) as client:
        client.sendall(b"\0\1 no HTTP")
        assert client.recv(100) == b"\0\1 no HTTP"
    assert sidecar.metric("mesh_upstream_connections_total", cluster="inbound") >= 1


def test_draining_waits_for_connections(peer, forward):
    sidecar = forward([peer(echo).port])
    client = connect(sidecar.port)
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    sidecar.signal(15)
    until(lambda: refused(sidecar.port))
    assert samples(lambda: client.sendall(b"y") or client.recv(1), 0.3)[-1] == b"y"
    client.close()
    assert sidecar.wait(5) == 0


def test_draining_ends_with_its_time(peer, forward, tmp_path):
    log = tmp_path / "access.log"
    sidecar = forward([peer(echo).port], log=log, flags=["--drain-time-s", "1"])
    client = connect(sidecar.port)
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    sidecar.signal(15)
    began = time.monotonic()
    with contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""
    assert 0.8 < time.monotonic() - began < 5
    assert sidecar.wait(5) == 0
    assert log_lines(log, 1)[0]["response_flags"] == "LR"


def refused(port):
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.shipped
def test_idle_connections_are_small(peer, forward):
    count = 5000 if FULL else 2000
    server = peer(read_until_end)
    sidecar = forward([], clusters=[bootstrap.cluster(
        "peer", [server.port],
        circuit_breakers={"thresholds": [{"max_connections": 100_000}]})])
    warm = [connect(sidecar.port) for _ in range(100)]
    until(lambda: server.accepted == 100)
    resident = sidecar.resident_bytes()
    clients = [connect(sidecar.port) for _ in range(count)]
    until(lambda: server.accepted == count + 100, 30)
    assert (sidecar.resident_bytes() - resident) / count < 4096
    for client in warm + clients:
        client.close()
    until(lambda: sidecar.metric("mesh_upstream_active_connections", cluster="peer") == 0)


def test_running_out_of_descriptors(peer, forward):
    """Connections wait in the kernel, and none is lost, once others have gone."""
    sidecar = forward([peer(named("here")).port], limit_files=160)
    clients = [connect(sidecar.port) for _ in range(200)]
    # Two descriptors for each, and some for other things.
    served = [client for client in clients[:48] if client.recv(4) == b"here"]
    assert len(served) == 48
    clients[48].settimeout(0.3)
    with pytest.raises(TimeoutError):
        clients[48].recv(4)
    clients[48].settimeout(20)
    for client in served:
        client.close()
    for client in clients[48:]:
        assert client.recv(4) == b"here"
        client.close()
