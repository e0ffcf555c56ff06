"""The sidecar under load with a static configuration: exact shares, dying upstreams, drains."""

import re
import signal
import subprocess

import pytest

from harness import bootstrap
from harness.fast import FastUpstream
from harness.load import Load
from harness.programs import FULL, Sidecar, fetch, free_port, peer_path, responds, until


def relay(start, tmp_path, routes, clusters, name="sidecar", port=None, manager=None, **more):
    port = port or free_port()
    configuration = bootstrap.static(
        free_port(),
        [bootstrap.listener(port, bootstrap.manager(
            bootstrap.route_configuration(routes), **(manager or {})))], clusters)
    sidecar = start(Sidecar, tmp_path, configuration, name=name, **more)
    sidecar.port = port
    return sidecar


def split_relay(start, tmp_path, weights, **more):
    upstreams = {name: start(FastUpstream, tmp_path, name) for name in weights}
    clusters = [bootstrap.cluster(name, [upstream.port]) for name, upstream in upstreams.items()]
    sidecar = relay(start, tmp_path, [bootstrap.to_split(weights)], clusters, **more)
    return sidecar, upstreams


@pytest.mark.parametrize("weights", [
    {"v1": 95, "v2": 5}, {"v1": 50, "v2": 50}, {"v1": 99, "v2": 1}, {"v1": 999, "v2": 1}])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_split_is_exact_for_any_number_of_requests(start, tmp_path, weights, workers):
    sidecar, upstreams = split_relay(start, tmp_path, weights, concurrency=workers)
    total = sum(weights.values())
    sent = 0
    for count in (1, 19, 80, 300, 1600):
        with Load(sidecar.port, clients=1 if count < 20 else 8) as load:
            load.wait_for(count)
        assert load.result.failed == 0, load.result.lost
        sent += load.result.requests
        for name, weight in weights.items():
            difference = abs(upstreams[name].count() - sent * weight / total)
            assert difference <= 1, f"{name} is off by {difference} after {sent} requests"


def test_a_split_of_three_is_off_by_two_at_most(start, tmp_path):
    weights = {"v1": 90, "v2": 7, "v3": 3}
    sidecar, upstreams = split_relay(start, tmp_path, weights, concurrency=2)
    with Load(sidecar.port, clients=16) as load:
        load.wait_for(3000)
    sent = load.result.requests
    assert load.result.failed == 0
    for name, weight in weights.items():
        assert abs(upstreams[name].count() - sent * weight / 100) <= 2


def test_killing_one_of_two_upstreams(start, tmp_path):
    """F2: no idempotent request fails, no POST is sent twice, traffic comes back."""
    first = start(FastUpstream, tmp_path, "one")
    second = start(FastUpstream, tmp_path, "two")
    sidecar = relay(start, tmp_path, [bootstrap.to_cluster("both")],
                    [bootstrap.cluster("both", [first.port, second.port])], concurrency=2)
    with Load(sidecar.port, clients=40) as gets, Load(sidecar.port, clients=10, posts=1) as posts:
        gets.wait_for(2000)
        second.kill()
        gets.wait_for(4000)
        second = start(second.again)
        before = second.count()
        until(lambda: second.count() > before + 20, 5, "traffic to the upstream that came back")
        gets.wait_for(1000)
    assert gets.result.failed == 0, (gets.result.outcomes, gets.result.lost)
    assert gets.result.outcomes["reset-idle"] == 0, gets.result.lost
    lost = posts.result.requests - posts.result.outcomes["ok"]
    assert lost <= 10, (posts.result.outcomes, posts.result.lost)
    assert not set(posts.result.outcomes) - {"ok", "502", "503"}, posts.result.lost


def test_the_keep_alive_race_is_invisible(start, tmp_path):
    """F24: the upstream closes idle connections 0-50 ms after an answer."""
    upstream = start(FastUpstream, tmp_path, "racy", "--close-after-ms", "50")
    sidecar = relay(start, tmp_path, [bootstrap.to_cluster("racy")],
                    [bootstrap.cluster("racy", [upstream.port])])
    with Load(sidecar.port, clients=20) as gets, Load(sidecar.port, clients=5, posts=1) as posts:
        gets.wait_for(100_000 if FULL else 8000, seconds=300)
    assert gets.result.failed == 0, (gets.result.outcomes, gets.result.lost)
    assert gets.result.outcomes["reset-idle"] == 0
    allowed = 1 + posts.result.requests // 100_000
    assert posts.result.failed <= allowed, (posts.result.outcomes, posts.result.lost)


def test_a_post_is_never_repeated_once_a_byte_was_written(start, tmp_path):
    upstream = start(FastUpstream, tmp_path, "racy", "--close-after-ms", "3")
    sidecar = relay(start, tmp_path, [bootstrap.to_cluster("racy")],
                    [bootstrap.cluster("racy", [upstream.port])])
    with Load(sidecar.port, clients=10, posts=1) as posts:
        posts.wait_for(3000)
    assert upstream.repeats() == 0
    assert not set(posts.result.outcomes) - {"ok", "502", "503"}, posts.result.lost


def test_an_empty_cluster_is_answered_at_once(start, tmp_path):
    """F26: 503 within 5 ms, and a reason."""
    sidecar = relay(start, tmp_path, [bootstrap.to_cluster("none")],
                    [bootstrap.cluster("none", [])])
    with Load(sidecar.port, clients=1) as load:
        load.wait_for(200)
    assert set(load.result.outcomes) == {"503"}, load.result.outcomes
    assert load.result.percentile(0.5) < 0.005
    status, body, _ = fetch(sidecar.port, "/")
    assert status == 503 and 0 < len(body) < 200


def test_a_refused_connection_is_503(start, tmp_path):
    sidecar = relay(start, tmp_path, [bootstrap.to_cluster("gone")],
                    [bootstrap.cluster("gone", [free_port()])])
    status, body, _ = fetch(sidecar.port, "/")
    assert status == 503 and 0 < len(body) < 200


def test_a_drain_loses_nothing(start, tmp_path):
    """F15: a second instance takes over on the same port, no request is lost, exit code 0."""
    upstream = start(FastUpstream, tmp_path, "slow", "--delay-ms", "50")
    clusters = [bootstrap.cluster("slow", [upstream.port])]
    routes = [bootstrap.to_cluster("slow")]
    first = relay(start, tmp_path, routes, clusters, flags=("--drain-time-s", "10"))
    with Load(first.port, clients=40) as load:
        load.wait_for(400)
        second = relay(start, tmp_path, routes, clusters, name="second", port=first.port)
        first.signal(signal.SIGTERM)
        assert first.wait(12) == 0
        load.wait_for(400)
    assert second.running
    assert load.result.failed == 0, (load.result.outcomes, load.result.lost)
    assert load.result.outcomes["reset-idle"] == 0, load.result.lost


def test_a_drain_ends_idle_connections_and_finishes_what_is_in_flight(start, tmp_path):
    upstream = start(FastUpstream, tmp_path, "slow", "--delay-ms", "300")
    sidecar = relay(start, tmp_path, [bootstrap.to_cluster("slow")],
                    [bootstrap.cluster("slow", [upstream.port])],
                    flags=("--drain-time-s", "10"))
    with Load(sidecar.port, clients=10) as load:
        load.wait_for(20)
        until(lambda: upstream.count() > 25, 5)
        sidecar.signal(signal.SIGTERM)
        until(lambda: not responds(sidecar.admin, "/ready") or not sidecar.running, 3, "unready")
        load.stopping = True
        load.thread.join(10)
        assert sidecar.wait(5) == 0
    lost = {key: value for key, value in load.result.outcomes.items()
            if key not in ("ok", "refused")}
    assert not lost, load.result.lost


def test_a_second_sigterm_ends_it_now(start, tmp_path):
    upstream = start(FastUpstream, tmp_path, "slow", "--delay-ms", "20000")
    sidecar = relay(start, tmp_path, [bootstrap.to_cluster("slow", timeout="60s")],
                    [bootstrap.cluster("slow", [upstream.port])],
                    flags=("--drain-time-s", "30"))
    with Load(sidecar.port, clients=1) as load:
        until(lambda: upstream.count() == 1, 5)
        load.stopping = True
        sidecar.signal(signal.SIGTERM)
        until(lambda: not responds(sidecar.admin, "/ready"), 3, "unready")
        if sidecar.running:
            sidecar.signal(signal.SIGTERM)
        sidecar.wait(3)


def test_the_route_timeout(start, tmp_path):
    upstream = start(FastUpstream, tmp_path, "slow", "--delay-ms", "5000")
    sidecar = relay(start, tmp_path, [bootstrap.to_cluster("slow", timeout="0.2s")],
                    [bootstrap.cluster("slow", [upstream.port])])
    status, body, _ = fetch(sidecar.port, "/")
    assert status == 504 and 0 < len(body) < 200


def test_curl(start, tmp_path):
    sidecar, _ = split_relay(start, tmp_path, {"v1": 50, "v2": 50})
    url = f"http://127.0.0.1:{sidecar.port}/"
    for flags in (["-sS"], ["-sS", "--http1.0"], ["-sSI"], ["-sS", "-d", "x=1"],
                  ["-sS", "-T", "-"], ["-sS", "-H", "Expect: 100-continue", "-d", "x" * 2000]):
        run = subprocess.run([peer_path("curl"), "-w", "%{http_code}", "--max-time", "5", *flags,
                              url, url], input=b"hello", capture_output=True)
        assert run.returncode == 0, (flags, run.stderr)
        assert run.stdout.count(b"200") >= 2, (flags, run.stdout)


def test_h2load(start, tmp_path):
    sidecar, upstreams = split_relay(start, tmp_path, {"v1": 95, "v2": 5}, concurrency=2)
    run = subprocess.run([peer_path("h2load"), "--h1", "-n", "20000", "-c", "32",
                          f"http://127.0.0.1:{sidecar.port}/"], capture_output=True, text=True)
    assert re.search(r"20000 succeeded, 0 failed, 0 errored, 0 timeout", run.stdout), run.stdout
    assert abs(upstreams["v2"].count() - 1000) <= 1


def test_wrk(start, tmp_path):
    sidecar, upstreams = split_relay(start, tmp_path, {"v1": 95, "v2": 5}, concurrency=2)
    run = subprocess.run([peer_path("wrk"), "-t1", "-c32", "-d2",
                          f"http://127.0.0.1:{sidecar.port}/"], capture_output=True, text=True)
    assert "Socket errors" not in run.stdout and "Non-2xx" not in run.stdout, run.stdout
    sent = sum(upstream.count() for upstream in upstreams.values())
    assert abs(upstreams["v2"].count() - sent * 0.05) <= 1


def test_the_sum_of_the_metrics_is_what_was_sent(start, tmp_path):
    sidecar, upstreams = split_relay(start, tmp_path, {"v1": 3, "v2": 1}, concurrency=2)
    with Load(sidecar.port, clients=4) as load:
        load.wait_for(400)
    text = sidecar.get("/stats/prometheus")
    for name, upstream in upstreams.items():
        samples = [line for line in text.splitlines() if f'"{name}"' in line]
        assert any(line.rsplit(" ", 1)[1] == str(upstream.count()) for line in samples), samples
