"""The load generator over TLS, against the sidecar and stock Envoy."""

import json

import pytest

from harness import bootstrap
from harness.fast import FastUpstream
from harness.identities import Authority, downstream
from harness.programs import Sidecar, free_port, until
from test_bench import bench, measured

A, B = "spiffe://mesh/ns/default/sa/a", "spiffe://mesh/ns/default/sa/b"

pytestmark = pytest.mark.shipped


@pytest.fixture
def root(tmp_path):
    return Authority(tmp_path / "root")


@pytest.fixture
def served(start, tmp_path, root):
    """A listener with TLS of the sidecar, or of Envoy, in front of a server that is fast."""
    def begin(program="pointsman", authority=None, alpn=("h2", "http/1.1")):
        upstream = start(FastUpstream, tmp_path, "v1")
        port = free_port()
        listener = bootstrap.listener(port, bootstrap.manager(
            bootstrap.route_configuration([bootstrap.to_cluster("one")])), "in")
        listener["filter_chains"][0]["transport_socket"] = downstream(
            root.issue("server", B, "localhost", "127.0.0.1"), authority, alpn=list(alpn))
        sidecar = start(Sidecar, tmp_path, bootstrap.static(
            free_port(), [listener], [bootstrap.cluster("one", [upstream.port])]), program=program)
        sidecar.port = port
        return sidecar
    return begin


@pytest.mark.parametrize("program", ["pointsman", "envoy"])
@pytest.mark.parametrize("flags", [(), ("--http2", "--streams", 4)], ids=["1.1", "2"])
def test_requests_over_tls(served, root, program, flags):
    server = served(program)
    result = measured(f"https://localhost:{server.port}/", "-n", 500, "-c", 4, "--cacert",
                      root.path, *flags)
    assert result["RetCodes"] == {"200": 500}
    if program == "pointsman":
        assert server.metric("mesh_tls_handshakes_total", side="downstream") == 4


def test_who_the_server_has_to_be(served, root, tmp_path):
    server = served()
    url = f"https://127.0.0.1:{server.port}/"
    trusted = ["-n", 1, "--cacert", root.path]
    bench(url, *trusted)
    bench(url, *trusted, "--server-name", B)
    bench(url, *trusted, "--server-name", "localhost")
    assert "identity" in bench(url, *trusted, "--server-name", A, code=3).stderr
    assert "identity" in bench(url, *trusted, "--server-name", "other", code=3).stderr
    other = Authority(tmp_path / "other")
    failed = bench(url, "-n", 1, "--cacert", other.path, code=3).stderr
    assert "no TLS session with 127.0.0.1" in failed and "--cacert" in failed


def test_who_the_client_is(served, root):
    server = served(authority=root)
    url = f"https://127.0.0.1:{server.port}/"
    client = root.issue("client", A)
    bench(url, "-n", 10, "--cacert", root.path, "--cert", client.chain, "--key", client.key)
    # With TLS 1.3 a client learns only from the answer that it was not let in.
    bench(url, "-n", 10, "--cacert", root.path, code=3)
    failed = bench(url, "-n", 1, "--cacert", root.path, "--cert", root.path, "--key", client.key,
                   code=2)
    assert "cannot be used" in failed.stderr


def test_a_server_without_http2(served, root):
    server = served(alpn=["http/1.1"])
    failed = bench(f"https://127.0.0.1:{server.port}/", "-n", 1, "--http2", "--cacert", root.path,
                   code=3)
    assert "does not offer HTTP/2" in failed.stderr
    assert "200" in json.dumps(measured(f"https://127.0.0.1:{server.port}/", "-n", 1, "--cacert",
                                        root.path)["RetCodes"])


@pytest.mark.parametrize("flags, resumed", [((), 90), (("--full-handshakes",), 0)])
def test_a_connection_for_every_request(served, root, flags, resumed):
    server = served()
    result = measured(f"https://127.0.0.1:{server.port}/", "-n", 100, "-c", 2, "--reconnect",
                      "--cacert", root.path, *flags)
    assert result["RetCodes"] == {"200": 100}
    until(lambda: server.metric("mesh_tls_handshakes_total", side="downstream") >= 100)
    found = server.metric("mesh_tls_resumptions_total", side="downstream")
    assert found >= resumed if resumed else found == 0


def test_nobody_who_speaks_tls(start, tmp_path, root):
    upstream = start(FastUpstream, tmp_path, "v1")
    failed = bench(f"https://127.0.0.1:{upstream.port}/", "-n", 1, "--cacert", root.path,
                   "--timeout", "3s", code=3)
    assert "no TLS session" in failed.stderr
