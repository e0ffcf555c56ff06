"""The admin interface, the access log and the life cycle, as an operator meets them."""

import json
import os
import re
import socket

import pytest

from harness import bootstrap
from harness.load import Load
from harness.programs import Sidecar, fetch, free_port, responds, until
from harness.upstream import Script, Upstream

FILE_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"


@pytest.fixture
def logged(start, tmp_path):
    """A sidecar that writes an access log, in front of a recording upstream."""
    with Upstream() as upstream:
        port = free_port()
        log = tmp_path / "access.log"
        routes = bootstrap.route_configuration([bootstrap.to_cluster("one")])
        manager = bootstrap.manager(routes, access_log=[{
            "name": "file", "typed_config": {"@type": FILE_LOG, "path": str(log)}}])
        sidecar = start(Sidecar, tmp_path, bootstrap.static(
            free_port(), [bootstrap.listener(port, manager)],
            [bootstrap.cluster("one", [upstream.port])]))
        sidecar.port, sidecar.log_file, sidecar.upstream = port, log, upstream
        yield sidecar


@pytest.fixture
def plain(start, tmp_path):
    with Upstream() as upstream:
        port = free_port()
        routes = bootstrap.route_configuration([bootstrap.to_cluster("one")])
        sidecar = start(Sidecar, tmp_path, bootstrap.static(
            free_port(), [bootstrap.listener(port, bootstrap.manager(routes))],
            [bootstrap.cluster("one", [upstream.port])]))
        sidecar.port = port
        yield sidecar


@pytest.mark.shipped
def test_idle_memory(plain):
    """At most 12 MiB resident."""
    assert plain.resident_bytes() <= 12 << 20, f"{plain.resident_bytes() / (1 << 20):.1f} MiB"


def test_what_can_be_read(plain):
    json.loads(plain.get("/server_info"))
    dump = json.loads(plain.get("/config_dump"))
    assert "one" in json.dumps(dump)
    assert "one::127.0.0.1:" in plain.get("/clusters")
    assert str(plain.port) in plain.get("/listeners")
    assert plain.get("/stats")
    assert plain.get("/stats/prometheus") and plain.get("/metrics")
    assert fetch(plain.admin, "/nothing")[0] == 404


def test_prometheus_can_parse_it(plain):
    with Load(plain.port, clients=2) as load:
        load.wait_for(50)
    sample = re.compile(
        r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="(\\.|[^"\\])*"(,|(?=\})))*\})?'
        r" (\+Inf|-?[0-9.e+-]+|NaN)\Z")
    typed, seen = {}, set()
    for line in plain.get("/stats/prometheus").splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in typed, f"{name} has two types"
            typed[name] = kind
        elif line and not line.startswith("#"):
            assert sample.match(line), line
            key = line.rsplit(" ", 1)[0]
            assert key not in seen, f"{key} twice"
            seen.add(key)
    assert "histogram" in typed.values() and "counter" in typed.values()
    for name, kind in typed.items():
        if kind == "histogram":
            assert any(key.startswith(f"{name}_bucket") and 'le="+Inf"' in key for key in seen)


@pytest.mark.parametrize("path", ["/quitquitquit", "/healthcheck/fail", "/drain_listeners",
                                  "/logging?level=debug"])
def test_what_changes_something_is_a_post(plain, path):
    assert fetch(plain.admin, path)[0] == 405
    assert plain.running and responds(plain.port, "/")


def test_health_can_be_failed_and_restored(plain):
    assert fetch(plain.admin, "/healthcheck/fail", "POST")[0] == 200
    assert fetch(plain.admin, "/ready")[0] == 503
    assert responds(plain.port, "/"), "an unready sidecar goes on serving"
    assert fetch(plain.admin, "/healthcheck/ok", "POST")[0] == 200
    assert fetch(plain.admin, "/ready")[0] == 200


def test_quitquitquit(plain):
    assert fetch(plain.admin, "/quitquitquit", "POST")[0] == 200
    assert plain.wait(5) == 0


def test_admin_survives_what_is_not_http(plain):
    for junk in (b"\0" * 1000, b"GET / HTTP/1.1\r\n\r\n", b"GET /ready HTTP/1.1\r\nHost: a\r\n" +
                 b"X: " + b"y" * 100_000, b"POST /quitquitquit HTTP/1.1\r\nHost: a\r\n"
                 b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", plain.admin)) as peer:
            try:
                peer.sendall(junk)
                peer.shutdown(socket.SHUT_WR)
                peer.settimeout(5)
                while peer.recv(4096):
                    pass
            except ConnectionError:
                pass
    assert plain.running and responds(plain.admin, "/ready")


def test_the_access_log_is_one_json_line_a_request(logged):
    with Load(logged.port, clients=4) as load:
        load.wait_for(200)
    # What is not a request is logged too, and nothing of it can break the line.
    assert fetch(logged.port, '/a"b\\%0A<script>')[0] == 400
    assert fetch(logged.port, "/a%22b%0Ac'~", headers={"Host": "a"})[0] == 200
    logged.upstream.scripts["k1"] = Script(b"", then="rst")
    assert fetch(logged.port, "/k1", "POST", b"x")[0] in (502, 503)
    expected = load.result.requests + 3
    lines = until(lambda: len(found := logged.log_file.read_text().splitlines()) >= expected
                  and found, 5, "every line")
    assert len(lines) == expected
    entries = [json.loads(line) for line in lines]
    statuses = [entry["status"] for entry in entries]
    assert statuses[:-3] == [200] * load.result.requests and statuses[-3:-1] == [400, 200]
    assert entries[-2]["path"] == "/a%22b%0Ac'~"
    assert re.fullmatch(r"U[A-Z]", entries[-1]["response_flags"]), entries[-1]
    assert entries[-1]["method"] == "POST" and entries[-1]["cluster"] == "one"


def test_a_log_that_nobody_reads_blocks_nothing(start, tmp_path):
    """Standard output is a pipe that is never read: requests go on."""
    with Upstream() as upstream:
        port = free_port()
        routes = bootstrap.route_configuration([bootstrap.to_cluster("one")])
        fifo = tmp_path / "pipe"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        manager = bootstrap.manager(routes, access_log=[{
            "name": "file", "typed_config": {"@type": FILE_LOG, "path": str(fifo)}}])
        sidecar = start(Sidecar, tmp_path, bootstrap.static(
            free_port(), [bootstrap.listener(port, manager)],
            [bootstrap.cluster("one", [upstream.port])]))
        with Load(port, clients=8) as load:
            load.wait_for(3000)
        os.close(reader)
        assert load.result.failed == 0 and load.result.percentile(0.99) < 1
        assert sidecar.running
