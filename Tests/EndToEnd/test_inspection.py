"""Clients that say nothing, or too little, where a listener waits for what they begin with."""

import contextlib
import socket
import threading
import time

import pytest

from harness import bootstrap
from harness.identities import Authority, client_context, downstream
from harness.programs import Sidecar, free_port, until

HELLO = b"220 I speak first\r\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module")
def greeter():
    """Says hello to whoever connects, and then what it was told."""
    def serve(connection):
        with connection, contextlib.suppress(OSError):
            connection.sendall(HELLO)
            while data := connection.recv(1 << 16):
                connection.sendall(data)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]


def relay(start, folder, root, port, program=None, transports=("tls", "raw_buffer"), **more):
    """Connections with TLS and without, to one server; without conditions when there is one kind."""
    made = bootstrap.tcp_listener(free_port(), "far")
    filters = made["filter_chains"][0]["filters"]
    security = downstream(root.issue("server", "localhost"))
    made["filter_chains"] = [{
        "filters": filters, **({"transport_socket": security} if kind == "tls" else {}),
        **({"filter_chain_match": {"transport_protocol": kind}} if len(transports) > 1 else {})}
        for kind in transports if kind]
    if len(transports) > 1:
        made["listener_filters"] = [{"name": "envoy.filters.listener.tls_inspector", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}]
    running = start(Sidecar, folder, bootstrap.static(
        free_port(), [{**made, **more}], [bootstrap.cluster("far", [port])]), program=program)
    running.port = made["address"]["socket_address"]["port_value"]
    return running


def dial(relay):
    client = socket.create_connection(("127.0.0.1", relay.port), 10)
    client.settimeout(10)
    return client


def receive(client, count):
    data = b""
    while len(data) < count:
        part = client.recv(count - len(data))
        assert part, data
        data += part
    return data


@pytest.mark.parametrize("program", ["pointsman", "envoy"])
@pytest.mark.parametrize("begun", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"], ids=repr)
def test_a_silent_client_gets_through_when_the_time_is_up(
        start, tmp_path, root, greeter, program, begun):
    sidecar = relay(start, tmp_path, root, greeter, program, listener_filters_timeout="0.4s",
                    continue_on_listener_filters_timeout=True)
    began = time.monotonic()
    with dial(sidecar) as client:
        client.sendall(begun)
        assert receive(client, len(HELLO)) == HELLO
        assert 0.35 <= time.monotonic() - began <= 5
        client.sendall(b" and more")
        assert receive(client, len(begun) + 9) == begun + b" and more"
    # Who speaks waits for nothing.
    began = time.monotonic()
    with dial(sidecar) as client:
        client.sendall(b"hi")
        assert receive(client, len(HELLO) + 2) == HELLO + b"hi"
    with client_context(root).wrap_socket(dial(sidecar)) as client:
        assert receive(client, len(HELLO)) == HELLO
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("program", ["pointsman", "envoy"])
@pytest.mark.parametrize("begun", [b"", b"\x16\x03"], ids=repr)
def test_a_silent_client_is_given_up_otherwise(start, tmp_path, root, greeter, program, begun):
    sidecar = relay(start, tmp_path, root, greeter, program, listener_filters_timeout="0.4s")
    began = time.monotonic()
    with dial(sidecar) as client:
        client.sendall(begun)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
        assert 0.35 <= time.monotonic() - began <= 5
    if program == "pointsman":
        assert sidecar.metric("mesh_tls_failures_total", reason="timed_out") == 1
        until(lambda: sidecar.metric("mesh_downstream_active_connections") == 0)


def test_a_silent_client_needs_a_chain_that_takes_it(start, tmp_path, root, greeter):
    sidecar = relay(start, tmp_path, root, greeter, transports=("tls", ""),
                    listener_filters_timeout="0.2s", continue_on_listener_filters_timeout=True)
    with dial(sidecar) as client, contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""
    assert sidecar.metric("mesh_tls_failures_total", reason="no_filter_chain") == 1


def test_nothing_waits_where_there_is_one_chain(start, tmp_path, root, greeter):
    """The shortest of times is not waited for either."""
    sidecar = relay(start, tmp_path, root, greeter, transports=["raw_buffer"],
                    listener_filters_timeout="0.001s")
    with dial(sidecar) as client:
        assert receive(client, len(HELLO)) == HELLO
    (tmp_path / "tls").mkdir()
    sidecar = relay(start, tmp_path / "tls", root, greeter, transports=["tls"],
                    listener_filters_timeout="0.001s")
    with client_context(root).wrap_socket(dial(sidecar)) as client:
        assert receive(client, len(HELLO)) == HELLO
