"""The control plane with sidecars, stock Envoy and proxyless gRPC under it."""

import json
import os
import subprocess
import sys
import time
from concurrent import futures
from pathlib import Path

import grpc
import pytest

from harness.control import Control, Envoy, Follower, reach
from harness.fast import FastUpstream
from harness.load import Load
from harness.programs import FULL, fetch, free_port, until


@pytest.fixture
def control(start, tmp_path):
    return start(Control, tmp_path)


@pytest.fixture
def upstreams(start, tmp_path):
    return {name: start(FastUpstream, tmp_path, name) for name in ("v1", "v2")}


def ports(upstreams):
    return {name: upstream.port for name, upstream in upstreams.items()}


def test_a_split_from_the_api_to_the_upstreams(start, tmp_path, control, upstreams):
    revision = control.put_service("reviews", ports(upstreams), v1=95, v2=5)
    sidecar = start(Follower, tmp_path, control, flags=("--concurrency", "2"))
    control.wait_in_effect(revision)
    with Load(sidecar.port, clients=8, host="reviews") as load:
        load.wait_for(2000)
    assert load.result.failed == 0, load.result.lost
    assert abs(upstreams["v2"].count() - load.result.requests * 0.05) <= 1
    for weights in ({"v1": 50, "v2": 50}, {"v1": 0, "v2": 100}, {"v1": 100, "v2": 0}):
        control.wait_in_effect(control.put_split("reviews", **weights))
        before = {name: upstream.count() for name, upstream in upstreams.items()}
        with Load(sidecar.port, clients=8, host="reviews") as load:
            load.wait_for(1000)
        for name, upstream in upstreams.items():
            share = load.result.requests * weights[name] / 100
            assert abs(upstream.count() - before[name] - share) <= 1, weights


@pytest.mark.parametrize("authority", [
    "reviews", "reviews:80", "Reviews", "reviews.default.svc.cluster.local",
    "reviews.default.svc.cluster.local:80"])
def test_a_service_is_called_by_its_name(start, tmp_path, control, upstreams, authority):
    revision = control.put_service("reviews", ports(upstreams))
    sidecar = start(Follower, tmp_path, control)
    control.wait_in_effect(revision)
    assert reach(sidecar.port, authority) == "v1"
    assert fetch(sidecar.port, "/", headers={"Host": "unknown"})[0] == 404


def test_routes_match_in_order(start, tmp_path, control, upstreams):
    revision = control.done("PUT", "/v1/services/reviews", {
        "protocol": "http",
        "versions": {name: {"endpoints": [f"127.0.0.1:{port}"]}
                     for name, port in ports(upstreams).items()},
        "routes": [{"match": {"headers": {"x-user-group": "beta"}}, "split": {"v2": 100}},
                   {"split": {"v1": 100}}]})["revision"]
    sidecar = start(Follower, tmp_path, control)
    control.wait_in_effect(revision)
    beta = {"Host": "reviews", "x-user-group": "beta"}
    assert fetch(sidecar.port, "/", headers=beta)[2]["x-upstream"] == "v2"
    assert reach(sidecar.port, "reviews") == "v1"


def test_stickiness_by_cookie(start, tmp_path, control, upstreams):
    revision = control.done("PUT", "/v1/services/reviews", {
        "protocol": "http",
        "versions": {name: {"endpoints": [f"127.0.0.1:{port}"]}
                     for name, port in ports(upstreams).items()},
        "routes": [{"split": {"v1": 50, "v2": 50}, "sticky": {"cookie": "user"}}]})["revision"]
    sidecar = start(Follower, tmp_path, control)
    control.wait_in_effect(revision)

    def arm(user):
        fields = {"Host": "reviews", "Cookie": f"user={user}"}
        return fetch(sidecar.port, "/", headers=fields)[2]["x-upstream"]

    before = {user: arm(user) for user in range(200)}
    assert {arm(user) == before[user] for user in before} == {True}
    assert 60 <= sum(name == "v2" for name in before.values()) <= 140
    # A raised weight moves users one way only.
    control.wait_in_effect(control.put_split("reviews", v1=25, v2=75))
    after = {user: arm(user) for user in before}
    assert not [user for user in before if before[user] == "v2" and after[user] == "v1"]
    moved = [user for user in before if before[user] != after[user]]
    assert 20 <= len(moved) <= 80
    # Rescaled weights move nobody.
    control.wait_in_effect(control.put_split("reviews", v1=1, v2=3))
    assert {user: arm(user) for user in before} == after
    # Who has no cookie yet gets one, and stays.
    _, _, headers = fetch(sidecar.port, "/", headers={"Host": "reviews"})
    cookie = headers["set-cookie"].split(";")[0]
    again = fetch(sidecar.port, "/", headers={"Host": "reviews", "Cookie": cookie})[2]
    assert again["x-upstream"] == headers["x-upstream"] and again["set-cookie"] is None


def test_1000_pushes_under_load(start, tmp_path, control, upstreams):
    """No request fails, and every push is in effect before it is reported so."""
    revision = control.put_service("reviews", ports(upstreams), v1=100, v2=0)
    sidecar = start(Follower, tmp_path, control)
    control.wait_in_effect(revision)
    pushes = 1000
    with Load(sidecar.port, clients=20, host="reviews") as load:
        load.wait_for(100)
        for turn in range(pushes):
            revision = control.put_split("reviews", v1=100 - turn % 100, v2=turn % 100)
        control.wait_in_effect(revision, seconds=20)
        load.wait_for(100)
    assert load.result.failed == 0, (load.result.outcomes, load.result.lost)
    assert load.result.outcomes["reset-idle"] == 0, load.result.lost
    assert control.coverage(revision)["applied"] == 1


def test_several_sidecars_and_who_lags(start, tmp_path, control, upstreams):
    control.put_service("reviews", ports(upstreams))
    sidecars = [start(Follower, tmp_path, control, node=f"n{number}") for number in range(3)]
    revision = control.put_split("reviews", v1=50, v2=50)
    coverage = control.wait_in_effect(revision, proxies=3)
    assert (coverage["applied"], coverage["of"]) == (3, 3)
    assert sorted(proxy["id"] for proxy in control.proxies()) == ["n0", "n1", "n2"]
    sidecars[2].kill()
    until(lambda: len([p for p in control.proxies() if p.get("connected", True)]) == 2, 10,
          "the lost sidecar noticed")


def test_stock_envoy(start, tmp_path, control, upstreams):
    revision = control.put_service("reviews", ports(upstreams), v1=90, v2=10)
    envoy = start(Envoy, tmp_path, control)
    control.wait_in_effect(revision, seconds=20)
    with Load(envoy.port, clients=8, host="reviews") as load:
        load.wait_for(1500)
        for turn in range(20):
            revision = control.put_split("reviews", v1=90 - turn, v2=10 + turn)
        control.wait_in_effect(revision)
        control.wait_in_effect(control.put_split("reviews", v1=0, v2=100))
        load.wait_for(50)
        before = upstreams["v1"].count()
        load.wait_for(300)
        assert upstreams["v1"].count() == before, "Envoy still sends to a weight of zero"
    assert load.result.failed == 0, load.result.lost
    # A service that comes and one that goes.
    control.wait_in_effect(control.put_service("ratings", ports(upstreams), v2=100))
    assert reach(envoy.port, "ratings") == "v2"
    assert control.call("DELETE", "/v1/services/ratings")[0] in (200, 204)
    until(lambda: reach(envoy.port, "ratings") is None, 5, "the end of the service")
    for manager in ("listener_manager.lds", "cluster_manager.cds",
                    "http.outbound.rds.outbound"):
        assert envoy.stat(f"{manager}.update_rejected") == 0, manager
    assert "rejected" not in envoy.output()
    assert envoy.stat("listener_manager.listener_modified") == 0, "a weight touched a listener"


@pytest.fixture
def echoes():
    """Two gRPC servers that answer with their names."""
    servers, found = [], {}
    for name in ("v1", "v2"):
        server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        answer = grpc.unary_unary_rpc_method_handler(lambda _, __, name=name: name.encode())
        server.add_generic_rpc_handlers([
            grpc.method_handlers_generic_handler("echo.Echo", {"Name": answer})])
        found[name] = free_port()
        server.add_insecure_port(f"127.0.0.1:{found[name]}")
        server.start()
        servers.append(server)
    yield found
    for server in servers:
        server.stop(0)


def test_proxyless_grpc(tmp_path, control, echoes):
    """A grpcio `xds:///` client takes its routes from the control plane alone."""
    control.done("PUT", "/v1/services/echo", {
        "protocol": "grpc",
        "versions": {name: {"endpoints": [f"127.0.0.1:{port}"]}
                     for name, port in echoes.items()},
        "routes": [{"split": {"v1": 100}}]})
    file = tmp_path / "bootstrap.json"
    file.write_text(json.dumps({
        "xds_servers": [{"server_uri": f"127.0.0.1:{control.xds}",
                         "channel_creds": [{"type": "insecure"}],
                         "server_features": ["xds_v3"]}],
        "node": {"id": "grpc", "cluster": "client"}}))
    script = Path(__file__).parent / "harness/grpc_client.py"
    client = subprocess.Popen(
        [sys.executable, script, "xds:///echo", "200"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env={**os.environ, "GRPC_XDS_BOOTSTRAP": str(file)})
    try:
        def round_of_calls():
            client.stdin.write("go\n")
            client.stdin.flush()
            return json.loads(client.stdout.readline())

        assert round_of_calls() == {"v1": 200}
        control.wait_in_effect(control.put_split("echo", v1=0, v2=100))
        until(lambda: round_of_calls() == {"v2": 200}, 10, "every call at v2")
        control.wait_in_effect(control.put_split("echo", v1=50, v2=50))
        counts = until(lambda: len(found := round_of_calls()) > 1 and found, 10, "both versions")
        assert set(counts) == {"v1", "v2"} and 50 <= counts["v2"] <= 150, counts
    finally:
        client.kill()
        client.wait()


def test_the_control_plane_restarts_under_load(start, tmp_path, control, upstreams):
    """0 requests lost while it is killed and started again, and the next change arrives."""
    revision = control.put_service("reviews", ports(upstreams), v1=95, v2=5)
    sidecar = start(Follower, tmp_path, control)
    control.wait_in_effect(revision)
    with Load(sidecar.port, clients=20, host="reviews") as load:
        for turn in range(10 if FULL else 3):
            load.wait_for(300)
            control.kill()
            load.wait_for(300)
            control = start(control.again)
            began = time.monotonic()
            revision = control.put_split("reviews", v1=90 - turn, v2=10 + turn)
            control.wait_in_effect(revision, seconds=40)
            assert time.monotonic() - began < 35
        load.wait_for(100)
    assert load.result.failed == 0 and load.result.outcomes["reset-idle"] == 0, load.result.lost
