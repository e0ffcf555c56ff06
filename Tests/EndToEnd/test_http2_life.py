"""Connections over HTTP/2 from their first request to their last: drain, ages, splits, pushes."""

import re
import signal
import subprocess

import pytest

from harness import bootstrap
from harness.fast import FastUpstream
from harness.http2 import NO_ERROR, PREFACE, Peer, request, settings
from harness.programs import until
from harness.upstream import Script, Upstream
from mesh_world import World
from test_http2_downstream import lengthy, sidecar

EVERY = (1 << 31) - 1


def h2load(port, *arguments):
    run = subprocess.run(
        ["h2load", *map(str, arguments), f"http://127.0.0.1:{port}/"],
        capture_output=True, text=True, timeout=120)
    total, done, failed = map(int, re.search(
        r"requests: (\d+) total, .* (\d+) succeeded, (\d+) failed", run.stdout).groups())
    assert failed == 0, run.stdout
    assert done == total or "-D" in arguments, run.stdout
    return done


@pytest.mark.parametrize("weights", [{"v1": 95, "v2": 5}, {"v1": 999, "v2": 1}])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_split_is_exact_on_one_connection(start, tmp_path, weights, workers):
    upstreams = {name: start(FastUpstream, tmp_path, name) for name in weights}
    relay = sidecar(
        start, tmp_path, [], routes=[bootstrap.to_split(weights)],
        clusters=[bootstrap.cluster(name, [one.port]) for name, one in upstreams.items()])
    sent = 0
    for count in (1, 19, 80, 1900):
        sent += h2load(relay.port, "-n", count, "-c1", "-m100")
        for name, weight in weights.items():
            share = sent * weight / sum(weights.values())
            assert abs(upstreams[name].count() - share) <= 1, name


def test_pushes_lose_no_request_and_no_connection(start, tmp_path):
    world = World(start, tmp_path)
    try:
        world.settle(v1=50, v2=50)
        load = subprocess.Popen(
            ["h2load", "-c4", "-m10", "-D4", f"http://127.0.0.1:{world.port}/"],
            stdout=subprocess.PIPE, text=True)
        count = 0
        while load.poll() is None:
            count += 1
            share = count % 99 + 1
            version = world.server.set("rds", world.routes(v1=share, v2=100 - share))
            world.server.wait_ack("rds", version)
            if count % 10 == 0:
                version = world.server.set("cds", *world.clusters())
                world.server.wait_ack("cds", version)
        output = load.stdout.read()
        assert re.search(r" 0 failed, 0 errored, 0 timeout", output), output
        assert count > 5
        assert world.sidecar.metric("mesh_downstream_http2_connections_total") == 4
    finally:
        world.close()


def test_a_drain_ends_what_is_under_way(start, tmp_path):
    with Upstream() as upstream:
        for token in ("k1a", "k2a"):
            upstream.scripts[token] = Script(b"")
        relay = sidecar(start, tmp_path, [upstream.port], flags=["--drain-time-s", "20"])
        with Peer(relay.port) as peer, Peer(relay.port) as idle:
            idle.headers(1)
            assert idle.answer(1).status == 200
            peer.headers(1, request(path="/k1a"))
            until(lambda: upstream.seen("k1a"), what="the request")
            peer.silent = True
            relay.signal(signal.SIGTERM)
            peer.wait(lambda: peer.goaways, "GOAWAY")
            assert peer.goaways == [(EVERY, NO_ERROR)]
            # This one was on its way when the client heard of it.
            peer.headers(3, request(path="/after"))
            assert peer.answer(3).status == 200
            peer.pong()
            peer.wait(lambda: len(peer.goaways) > 1, "the second GOAWAY")
            assert peer.goaways[-1] == (3, NO_ERROR)
            assert idle.end() == NO_ERROR
            assert relay.running
            with upstream.lock:
                held, = [one for one in upstream.connections.values()
                         if any(b"/k1a" in message.target for message in one.reader.messages)]
            held.socket.sendall(lengthy(b"at last"))
            assert peer.answer(1).body == b"at last"
            assert peer.end() == NO_ERROR
        assert relay.wait(5) == 0


def test_an_idle_connection_is_told_and_closed(start, tmp_path, upstream):
    relay = sidecar(start, tmp_path, [upstream.port],
                    common_http_protocol_options={"idle_timeout": "0.5s"})
    with Peer(relay.port) as peer:
        peer.headers(1)
        assert peer.answer(1).status == 200
        assert peer.end(5) == NO_ERROR
        assert [last for last, _ in peer.goaways] == [EVERY, 1]


def test_a_connection_that_is_old_is_told_and_closed(start, tmp_path, upstream):
    upstream.scripts["k77a"] = Script(b"")
    relay = sidecar(start, tmp_path, [upstream.port],
                    common_http_protocol_options={"max_connection_duration": "0.5s"})
    with Peer(relay.port) as peer:
        peer.headers(1, request(path="/k77a"))
        peer.wait(lambda: len(peer.goaways) == 2, "two GOAWAYs", 5)
        assert not peer.stream(1).over
        peer.headers(3)
        peer.ping()
        assert peer.stream(3).status is None


def test_a_failing_health_check_ends_connections_with_their_next_response(
        start, tmp_path, upstream):
    relay = sidecar(start, tmp_path, [upstream.port])
    with Peer(relay.port) as peer:
        peer.headers(1)
        peer.answer(1)
        relay.get("/healthcheck/fail", "POST")
        peer.ping()
        assert not peer.goaways
        peer.headers(3)
        assert peer.answer(3).status == 200
        assert peer.end() == NO_ERROR


def test_a_client_that_is_gone_is_noticed(start, tmp_path, upstream):
    relay = sidecar(start, tmp_path, [upstream.port], http2_protocol_options={
        "connection_keepalive": {"interval": "0.3s", "timeout": "0.3s"}})
    with Peer(relay.port) as peer, Peer(relay.port, preface=PREFACE + settings(),
                                        answers=False) as other:
        peer.headers(1)
        peer.answer(1)
        for _ in range(4):
            peer.wait(lambda: peer.pings > 0, "PING", 5)
            peer.pings = 0
        other.headers(1)
        other.silent = True
        other.end(5)
        assert not peer.closed


def test_counters_tell_the_versions_apart(start, tmp_path, upstream):
    relay = sidecar(start, tmp_path, [upstream.port])
    with Peer(relay.port) as peer:
        for number in (1, 3, 5):
            peer.headers(number)
            peer.answer(number)
        assert relay.metric("mesh_downstream_http2_active_connections") == 1
    until(lambda: relay.metric("mesh_downstream_http2_active_connections") == 0,
          what="no connection")
    assert relay.metric("mesh_downstream_http2_connections_total") == 1
    assert relay.metric("mesh_downstream_http2_requests_total") == 3
    assert relay.metric("mesh_downstream_connections_total") == 1
    assert relay.metric("mesh_downstream_active_connections") == 0
    assert {line["protocol"] for line in relay.lines()} == {"HTTP/2"}
