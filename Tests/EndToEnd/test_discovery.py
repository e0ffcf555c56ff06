"""Our sidecar under an ADS server that is not ours: what it accepts, refuses and keeps."""

import contextlib
import http.client
import json
import socket
import subprocess

import pytest

from google.protobuf import any_pb2

from harness import bootstrap
from harness.ads import URLS
from harness.fast import FastUpstream
from harness.load import Load
from harness.programs import fetch, free_port, program_path, responds, until
from mesh_world import World, eds_cluster


@pytest.fixture
def world(start, tmp_path):
    world = World(start, tmp_path)
    yield world
    world.close()


def served_by(connection):
    connection.request("GET", "/", headers={"Host": "a"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    return answer.headers["x-upstream"]


@contextlib.contextmanager
def keep_alive(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def test_a_whole_configuration(world):
    sidecar = world.run(ready=False)
    until(lambda: world.server.of("lds") and world.server.of("cds"), 10, "the first requests")
    assert not responds(sidecar.admin, "/ready"), "ready without a configuration"
    world.settle(v1=100)
    until(lambda: responds(sidecar.admin, "/ready"), 5, "readiness")
    with keep_alive(world.port) as connection:
        assert served_by(connection) == "v1"
    first = world.server.streams[0].first
    assert (first.node.id, first.node.cluster) == ("test", "client")
    assert list(world.server.of("rds")[-1].resource_names) == ["outbound"]
    assert sorted(world.server.of("eds")[-1].resource_names) == ["v1", "v2"]
    dump = sidecar.get("/config_dump")
    assert "outbound" in dump and "v1" in dump


def test_an_open_connection_follows_new_weights(world):
    world.settle(v1=100)
    with keep_alive(world.port) as connection:
        for turn in range(20):
            weights = {"v1": 100, "v2": 0} if turn % 2 else {"v1": 0, "v2": 100}
            version = world.server.set("rds", world.routes(**weights))
            world.server.wait_ack("rds", version)
            # Accepted means in effect: the very next request follows.
            assert served_by(connection) == ("v1" if turn % 2 else "v2")


def test_the_split_stays_exact_over_pushes_of_the_same_weights(world):
    world.settle(v1=95, v2=5)
    with Load(world.port, clients=8) as load:
        for _ in range(20):
            load.wait_for(50)
            world.server.wait_ack("rds", world.server.set("rds", world.routes(v1=95, v2=5)))
    sent = load.result.requests
    assert load.result.failed == 0, load.result.lost
    assert abs(world.upstreams["v2"].count() - sent * 0.05) <= 1, "the counter was reset"


def garbage(kind, value=b"\xff\xff\xff\xff\x0f garbage"):
    return any_pb2.Any(type_url=URLS[kind], value=value)


def listener_with(**manager):
    return bootstrap.listener(free_port(), bootstrap.manager(rds="outbound", **manager),
                              name="other")


def virtual_hosts(*hosts):
    return {"name": "outbound", "virtual_hosts": [
        {"name": f"host{number}", "domains": domains,
         "routes": [bootstrap.to_cluster("v1")]} for number, domains in enumerate(hosts)]}


def one_route(**route):
    return bootstrap.route_configuration(
        [{"match": {"prefix": "/"}, "route": {"cluster": "v1"}, **route}], name="outbound")


UNKNOWN = {"@type": "type.googleapis.com/google.protobuf.Empty"}
REFUSED = {
    "rds: garbage": ("rds", lambda w: [garbage("rds")]),
    "cds: garbage": ("cds", lambda w: [*w.clusters(), garbage("cds")]),
    "eds: garbage": ("eds", lambda w: [*w.assignments(), garbage("eds")]),
    "lds: garbage": ("lds", lambda w: [w.listener(), garbage("lds")]),
    "rds: weights of zero": ("rds", lambda w: [w.routes(v1=0, v2=0)]),
    "rds: weights beyond 32 bits": ("rds", lambda w: [w.routes(v1=1 << 31, v2=1 << 31)]),
    "rds: duplicate domains": ("rds", lambda w: [virtual_hosts(["a", "b"], ["b"])]),
    "rds: duplicate domains in one host": ("rds", lambda w: [virtual_hosts(["a", "a"])]),
    "rds: domains that differ in case only": ("rds", lambda w: [virtual_hosts(["a"], ["A"])]),
    "rds: no domain": ("rds", lambda w: [virtual_hosts([])]),
    "rds: a star in the middle": ("rds", lambda w: [virtual_hosts(["a*b"])]),
    "rds: bad regex": ("rds", lambda w: [one_route(match={"safe_regex": {"regex": "(a"}})]),
    "rds: bad header regex": ("rds", lambda w: [one_route(match={
        "prefix": "/", "headers": [
            {"name": "x", "string_match": {"safe_regex": {"regex": "[a"}}}]})]),
    "rds: no match": ("rds", lambda w: [one_route(match={})]),
    "rds: no action": ("rds", lambda w: [bootstrap.route_configuration(
        [{"match": {"prefix": "/"}}], name="outbound")]),
    "rds: a cluster without a name": ("rds", lambda w: [one_route(route={"cluster": ""})]),
    "rds: no cluster": ("rds", lambda w: [one_route(route={})]),
    "rds: a bad header to add": ("rds", lambda w: [one_route(request_headers_to_add=[
        {"header": {"key": "a b", "value": "c"}}])]),
    "rds: a header value with a line break": ("rds", lambda w: [one_route(
        request_headers_to_add=[{"header": {"key": "a", "value": "b\r\nc: d"}}])]),
    "rds: two resources of one name": ("rds", lambda w: [w.routes(v1=1), w.routes(v2=1)]),
    "cds: two resources of one name": ("cds", lambda w: w.clusters("v1", "v2", "v1")),
    "cds: no name": ("cds", lambda w: [*w.clusters(), eds_cluster("")]),
    "cds: a ring that is too large": ("cds", lambda w: [*w.clusters(), eds_cluster(
        "ring", lb_policy="RING_HASH", ring_hash_lb_config={
            "minimum_ring_size": 10, "maximum_ring_size": 1})]),
    "cds: an unknown transport socket": ("cds", lambda w: [*w.clusters(), eds_cluster(
        "tls", transport_socket={"name": "x", "typed_config": UNKNOWN})]),
    "cds: a negative timeout": ("cds", lambda w: [*w.clusters(), {
        **eds_cluster("slow"), "connect_timeout": "-1s"}]),
    "eds: port 70000": ("eds", lambda w: [{"cluster_name": "v1", "endpoints": [{"lb_endpoints": [
        {"endpoint": {"address": bootstrap.address(70000)}}]}]}, *w.assignments("v2")]),
    "eds: not an address": ("eds", lambda w: [{"cluster_name": "v1", "endpoints": [{
        "lb_endpoints": [{"endpoint": {"address": bootstrap.address(80, "no address")}}]}]}]),
    "eds: a weight of zero": ("eds", lambda w: [{"cluster_name": "v1", "endpoints": [{
        "lb_endpoints": [{"load_balancing_weight": 0,
                          "endpoint": {"address": bootstrap.address(80)}}]}]}]),
    "lds: an unknown network filter": ("lds", lambda w: [w.listener(), {
        "name": "other", "address": bootstrap.address(free_port()), "filter_chains": [
            {"filters": [{"name": "x", "typed_config": UNKNOWN}]}]}]),
    "lds: an unknown HTTP filter": ("lds", lambda w: [w.listener(), listener_with(
        http_filters=[{"name": "x", "typed_config": UNKNOWN},
                      {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}])]),
    "lds: no router": ("lds", lambda w: [w.listener(), listener_with(http_filters=[])]),
    "lds: no filter chain": ("lds", lambda w: [w.listener(), {
        "name": "other", "address": bootstrap.address(free_port())}]),
    "lds: no address": ("lds", lambda w: [w.listener(), {
        "name": "other", "filter_chains": w.listener()["filter_chains"]}]),
    "lds: two resources of one name": ("lds", lambda w: [w.listener(), w.listener()]),
}


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """One world for all the refusals: each leaves the last good configuration behind."""
    programs = []

    def start(kind, *arguments, **more):
        programs.append(kind(*arguments, **more))
        return programs[-1]

    world = World(start, tmp_path_factory.mktemp("refusals"))
    world.settle(v1=100)
    yield world
    world.close()
    for program in reversed(programs):
        program.kill()


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_resource_is_refused_and_the_last_good_one_stays(settled, name):
    """F7: NACK with a reason and the version before; no request lost."""
    world = settled
    kind, make = REFUSED[name]
    good = {"cds": world.clusters(), "eds": world.assignments(), "lds": [world.listener()],
            "rds": [world.routes(v1=100)]}[kind]
    with Load(world.port, clients=4) as load:
        load.wait_for(20)
        accepted = next(item.version_info for item in reversed(world.server.of(kind))
                        if not item.HasField("error_detail"))
        version = world.server.set(kind, *make(world))
        try:
            refusal = world.server.wait_nack(kind, version)
            load.wait_for(50)
        finally:
            world.server.wait_ack(kind, world.server.set(kind, *good))
        load.wait_for(20)
    assert refusal.error_detail.message, "a refusal without a reason"
    assert refusal.version_info == accepted
    assert load.result.failed == 0, load.result.lost
    assert set(load.result.by_upstream) == {"v1"}
    assert world.sidecar.running


def test_a_response_of_the_wrong_type(settled):
    """Resources of another type than the response says are refused, not guessed at."""
    world = settled
    version = world.server.set("rds", any_pb2.Any(type_url=URLS["cds"], value=b""))
    world.server.wait_nack("rds", version)
    world.server.wait_ack("rds", world.server.set("rds", world.routes(v1=100)))


def test_refusals_are_counted_and_shown(settled):
    text = settled.sidecar.get("/stats/prometheus")
    counted = [line for line in text.splitlines() if "reject" in line.lower() or "nack" in line]
    assert any(float(line.rsplit(" ", 1)[1]) > 0 for line in counted
               if not line.startswith("#")), counted


def test_a_resource_nobody_asked_for_is_ignored(settled):
    world = settled
    other = {**world.routes(v2=100), "name": "unasked"}
    stream = world.server.streams[0]
    with world.server.lock:
        stream.names["rds"] = ("outbound", "unasked")
    version = world.server.set("rds", world.routes(v1=100), other)
    world.server.wait_ack("rds", version)
    assert fetch(world.port, "/")[2]["x-upstream"] == "v1"


def test_a_route_waits_for_its_cluster(world, start, tmp_path):
    """A route to a cluster that is not yet known is held, and goes live with the cluster."""
    world.settle(v1=100)
    world.upstreams["v3"] = start(FastUpstream, tmp_path, "v3")
    with Load(world.port, clients=8) as load:
        version = world.server.set("rds", world.routes(v3=100))
        load.wait_for(500)
        assert not world.server.acknowledged("rds", version)
        assert not world.server.refusals("rds", version)
        world.server.set("cds", *world.clusters())
        world.server.set("eds", *world.assignments())
        world.server.wait_ack("rds", version)
        load.wait_for(50)
    assert load.result.failed == 0, load.result.lost
    with keep_alive(world.port) as connection:
        assert served_by(connection) == "v3"


def test_a_route_to_a_cluster_that_never_comes_is_refused(world):
    world.settle(v1=100)
    with Load(world.port, clients=2) as load:
        version = world.server.set("rds", world.routes(nowhere=100))
        refusal = world.server.wait_nack("rds", version, 20)
    assert "nowhere" in refusal.error_detail.message
    assert load.result.failed == 0, load.result.lost


def test_a_removed_cluster_lives_while_a_route_uses_it(world):
    world.settle(v1=100)
    with Load(world.port, clients=8) as load:
        load.wait_for(100)
        version = world.server.set("cds", *world.clusters("v2"))
        world.server.wait_ack("cds", version)
        load.wait_for(500)
        world.server.wait_ack("rds", world.server.set("rds", world.routes(v2=100)))
        load.wait_for(100)
    assert load.result.failed == 0, load.result.lost
    assert set(load.result.by_upstream) == {"v1", "v2"}


def test_endpoints_move(world):
    world.settle(v1=100)
    first, second = world.upstreams.values()
    with Load(world.port, clients=8) as load:
        for turn in range(10):
            port = (second if turn % 2 == 0 else first).port
            version = world.server.set("eds", bootstrap.assignment("v1", [port]),
                                       *world.assignments("v2"))
            world.server.wait_ack("eds", version)
            load.wait_for(50)
    assert load.result.failed == 0, load.result.lost
    version = world.server.set("eds", bootstrap.assignment("v1", []), *world.assignments("v2"))
    world.server.wait_ack("eds", version)
    assert fetch(world.port, "/")[0] == 503


def test_listeners_come_and_go(world):
    world.settle(v1=100)
    other = free_port()
    second = bootstrap.listener(other, bootstrap.manager(rds="second"), name="second")
    world.server.set("rds", world.routes(v1=100), {**world.routes(v2=100), "name": "second"},
                     push=False)
    version = world.server.set("lds", world.listener(), second)
    world.server.wait_ack("lds", version)
    until(lambda: responds(other, "/"), 5, "the second listener")
    assert sorted(world.server.of("rds")[-1].resource_names) == ["outbound", "second"]
    assert fetch(other, "/")[2]["x-upstream"] == "v2"
    with Load(world.port, clients=4) as load:
        load.wait_for(50)
        world.server.wait_ack("lds", world.server.set("lds", world.listener()))
        until(lambda: not responds(other, "/"), 5, "the second listener's end")
        load.wait_for(50)
    assert load.result.failed == 0 and load.result.outcomes["reset-idle"] == 0, load.result.lost
    assert list(world.server.of("rds")[-1].resource_names) == ["outbound"]


def test_a_listener_whose_address_is_taken(settled):
    """Refused at once, opened when the address is free, and accepted then."""
    world = settled
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        late = bootstrap.listener(port, bootstrap.manager(rds="outbound"), name="late")
        version = world.server.set("lds", world.listener(), late)
        refusal = world.server.wait_nack("lds", version)
        assert "Address already in use" in refusal.error_detail.message
        assert fetch(world.port, "/")[0] == 200
    until(lambda: responds(port, "/"), 5, "the listener")
    until(lambda: world.server.acknowledged("lds", version), 5, "the ACK")


def test_a_listener_of_a_file_whose_address_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        file = tmp_path / "static.json"
        file.write_text(json.dumps(bootstrap.static(
            free_port(), [bootstrap.listener(
                holder.getsockname()[1], bootstrap.manager(
                    bootstrap.route_configuration([bootstrap.to_cluster("c")])))],
            [bootstrap.cluster("c", [1])])))
        done = subprocess.run([program_path("pointsman-proxy"), "-c", file], timeout=10,
                              capture_output=True, text=True)
    assert done.returncode == 1
    assert "Address already in use" in done.stdout + done.stderr


def test_ten_thousand_routes(world):
    world.settle(v1=100)
    routes = [{"match": {"path": f"/r/{number}"}, "route": {"cluster": "v1"}}
              for number in range(10_000)]
    routes.append(bootstrap.to_cluster("v2"))
    version = world.server.set("rds", bootstrap.route_configuration(routes, name="outbound"))
    world.server.wait_ack("rds", version, 30)
    assert fetch(world.port, "/r/9999")[2]["x-upstream"] == "v1"
    assert fetch(world.port, "/r/10000")[2]["x-upstream"] == "v2"


def test_a_message_of_100_megabytes(world):
    """It is beyond the limit: the stream may go, the traffic and the process may not."""
    world.settle(v1=100)
    with Load(world.port, clients=4) as load:
        load.wait_for(50)
        world.server.set("rds", garbage("rds", b"\0" * (100 << 20)))
        load.wait_for(200)
        world.server.set("rds", world.routes(v2=100))
        until(lambda: world.server.acknowledged("rds", str(world.server.version["rds"])), 40,
              "the good version after it")
        load.wait_for(50)
    assert load.result.failed == 0, load.result.lost
    assert world.sidecar.resident_bytes() < 128 << 20
