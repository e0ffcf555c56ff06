"""F10: peers whose packets stop arriving are noticed and given up."""

import contextlib
import http.client
import os
import select
import socket
import subprocess
import threading
import time

import pytest

from harness import bootstrap
from harness.fast import build
from harness.programs import Program, Sidecar, free_port, until
from mesh_world import World


class Relay:
    """Forwards TCP to a port until told to swallow what the open connections carry."""

    def __init__(self, target):
        self.target, self.frozen, self.pairs = target, set(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self):
        self.frozen.update(self.pairs)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self.pairs.append((near, far))
                threading.Thread(target=self._relay, args=(near, far), daemon=True).start()

    def _relay(self, near, far):
        other = {near: far, far: near}
        with contextlib.suppress(OSError):
            while True:
                for source in select.select([near, far], [], [])[0]:
                    data = source.recv(1 << 16)
                    if (near, far) in self.frozen:
                        if not data:
                            return
                        continue
                    if not data:
                        return near.close(), far.close()
                    other[source].sendall(data)


def test_a_control_plane_that_went_silent(start, tmp_path):
    """A PING every 15 s, 5 s for its answer: a new stream within 20 s and a back-off."""
    world = World(start, tmp_path)
    try:
        relay = Relay(world.server.port)
        real, world.server.port = world.server.port, relay.port
        world.settle(v1=100)
        world.server.port = real
        known = len(world.server.streams)
        relay.freeze()
        began = time.monotonic()
        until(lambda: len(world.server.streams) > known, 25, "a new stream")
        assert time.monotonic() - began <= 22
        world.server.wait_ack("rds", world.server.set("rds", world.routes(v2=100)))
    finally:
        world.close()


@pytest.fixture
def far_host():
    """A network namespace with one address of its own, and a way to cut it off."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    name = f"far{os.getpid()}"
    outside, inside = f"o{os.getpid()}", f"i{os.getpid()}"

    def ip(*arguments):
        subprocess.run([*root, "ip", *arguments], check=True)

    ip("netns", "add", name)
    try:
        ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name)
        ip("addr", "add", "10.213.7.1/30", "dev", outside)
        ip("-n", name, "addr", "add", "10.213.7.2/30", "dev", inside)
        ip("link", "set", outside, "up")
        ip("-n", name, "link", "set", inside, "up")
        yield {"address": "10.213.7.2", "enter": [*root, "ip", "netns", "exec", name],
               "cut": lambda: ip("-n", name, "link", "set", inside, "down")}
    finally:
        ip("netns", "del", name)


class Paused:
    """An upstream that takes no more than a head's worth of an upload until it is told to go on."""

    SIZE = 16 << 20

    def __init__(self):
        self.goes_on = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        connection, _ = self.listener.accept()
        with connection:
            received = connection.recv(1024)
            self.goes_on.wait(60)
            while received.count(b"x") < self.SIZE:
                data = connection.recv(1 << 20)
                if not data:
                    return
                received += data
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def upload(port, answers):
    with socket.create_connection(("127.0.0.1", port)) as client, contextlib.suppress(OSError):
        client.sendall(b"POST /paused HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
                       % Paused.SIZE + b"x" * Paused.SIZE)
        answers.append(client.recv(4096))


def test_an_upstream_that_went_silent(start, tmp_path, far_host):
    """Requests without a time limit of their own end, and their descriptors come back.

    An upstream that is there and does not read, even for longer, keeps its request.
    """
    port, listening = free_port(), free_port()
    upstream = start(Program, [*far_host["enter"], build(), "far", port, "--delay-ms", "90000",
                               "--host", far_host["address"]], tmp_path / "far.log")

    def count():
        connection = http.client.HTTPConnection(far_host["address"], port, timeout=1)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/-/count")
            return connection.getresponse().read()

    until(lambda: count() == b"0\n", 5, "the far host")
    far = bootstrap.cluster("far", [])
    far["load_assignment"]["endpoints"] = [{"lb_endpoints": [
        {"endpoint": {"address": bootstrap.address(port, far_host["address"])}}]}]
    paused, answers = Paused(), []
    routes = bootstrap.route_configuration([
        bootstrap.to_cluster("paused", timeout="0s") | {"match": {"prefix": "/paused"}},
        bootstrap.to_cluster("far", timeout="0s")])
    sidecar = start(Sidecar, tmp_path, bootstrap.static(
        free_port(), [bootstrap.listener(listening, bootstrap.manager(routes))],
        [far, bootstrap.cluster("paused", [paused.port])]))
    idle = sidecar.open_files()
    uploading = threading.Thread(target=upload, args=(listening, answers), daemon=True)
    uploading.start()
    peers = [socket.create_connection(("127.0.0.1", listening)) for _ in range(10)]
    try:
        for peer in peers:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: count() == b"10\n", 5, "every request at the far host")
        far_host["cut"]()
        began = time.monotonic()
        for peer in peers:
            peer.settimeout(45)
            assert peer.recv(4096).split(b" ")[1] in (b"502", b"503", b"504")
        assert 18 <= time.monotonic() - began <= 40
        assert uploading.is_alive(), answers
        paused.goes_on.set()
        uploading.join(20)
        assert answers and answers[0].startswith(b"HTTP/1.1 200 "), answers
    finally:
        for peer in peers:
            peer.close()
    until(lambda: sidecar.open_files() <= idle + 2, 5, "every descriptor given back")
    assert upstream.running
