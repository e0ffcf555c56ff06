"""What a request allocates once everything is warm: nothing, where nothing is asked for."""

import http.client
import os
import socket
from collections import Counter
from dataclasses import dataclass

import pytest

from harness import bootstrap
from harness.allocations import Allocations
from harness.fast import FastUpstream
from harness.programs import Sidecar, fetch, free_port

pytestmark = pytest.mark.shipped

REQUESTS = 1000
FIELDS = {
    "Accept": "*/*", "Accept-Encoding": "gzip, deflate, br", "Cookie": "user=ada",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "x-group": "beta",
    "x-request-id": "2f1c6d0e-8f2b-4b61-9f0e-7a8d9c1b2a3f"}
FILE_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
SPLIT = bootstrap.to_split({"v1": 95, "v2": 5})


def sticky():
    route = bootstrap.to_split(
        {"v1": 95, "v2": 5}, hash_policy=[{"cookie": {"name": "user", "ttl": "0s"}}])
    route["route"]["weighted_clusters"]["use_hash_policy"] = True
    return route


def matched_late():
    no = {"prefix": "/", "headers": [{"name": "x-group", "string_match": {"exact": "alpha"}}]}
    return [SPLIT | {"match": no, "name": "alpha"},
            SPLIT | {"match": {"safe_regex": {"regex": "/product/\\d+"}}, "name": "products"}]


def directly():
    return {"match": {"prefix": "/"}, "name": "direct",
            "direct_response": {"status": 200, "body": {"inline_string": "hello"}}}


def guard(action, permission, principal):
    """One filter whose policy no request of these tests fulfils, or every one does."""
    return {"name": "rbac", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {"action": action, "policies": {"one": {
            "permissions": [permission], "principals": [principal]}}}}}


@dataclass
class Case:
    """One kind of request; `most` is what it may cost, and only ever goes down."""

    routes: list
    most: float = 0
    body: int = 0
    cookie: bool = True
    upstream: tuple = ()
    logged: bool = False
    status: int = 200
    guards: tuple = ()


CASES = {
    "GET": Case([SPLIT]),
    "POST of 5 bytes": Case([SPLIT], body=5),
    "answer in chunks": Case([SPLIT], upstream=("--chunked", 1)),
    "answer of 100 KiB": Case([SPLIT], upstream=("--body", 100 << 10)),
    "user with a cookie": Case([sticky()]),
    "user without a cookie": Case([sticky()], cookie=False),
    "field and expression matched": Case(matched_late()),
    "retries allowed": Case([bootstrap.to_split(
        {"v1": 95, "v2": 5}, retry_policy={"retry_on": "5xx,reset", "num_retries": 2})]),
    "POST of 100 KiB": Case([SPLIT], body=100 << 10, most=1),
    "answered directly": Case([directly()], most=1),
    "no route": Case([SPLIT | {"match": {"path": "/other"}}], status=404, most=1),
    "guarded": Case([SPLIT], guards=(
        guard("DENY", {"url_path": {"path": {"safe_regex": {"regex": "/admin/.*"}}}},
              {"authenticated": {"principal_name": {"exact": "spiffe://mesh/a"}}}),
        guard("ALLOW", {"header": {"name": "x-group", "string_match": {"prefix": "b"}}},
              {"direct_remote_ip": {"address_prefix": "127.0.0.0", "prefix_len": 8}}))),
    "refused": Case([SPLIT], status=403, most=1, guards=(
        guard("DENY", {"any": True}, {"any": True}),)),
    # What waits for the writer grows to the largest batch there was.
    "file access log": Case([SPLIT], logged=True, most=0.01),
}


def wire(case):
    fields = {key: value for key, value in FIELDS.items() if case.cookie or key != "Cookie"}
    if case.body:
        fields |= {"Content-Type": "text/plain", "Content-Length": case.body}
    lines = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
    method = "POST" if case.body else "GET"
    head = f"{method} /product/1 HTTP/1.1\r\nHost: reviews\r\n{lines}\r\n"
    return head.encode() + bytes(case.body)


class Conversation:
    """Keep-alive connections that send one request in turn, each after its last answer."""

    def __init__(self, port, case, connections=4):
        self.request, self.status = wire(case), case.status
        self.peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]

    def repeat(self, count):
        for number in range(count):
            peer = self.peers[number % len(self.peers)]
            peer.sendall(self.request)
            answer = http.client.HTTPResponse(peer)
            answer.begin()
            answer.read()
            assert answer.status == self.status and not answer.will_close

    def close(self):
        for peer in self.peers:
            peer.close()


@pytest.fixture
def counted(tmp_path):
    return Allocations(tmp_path)


def run(start, folder, counted, case):
    upstreams = {name: start(FastUpstream, folder, name, *case.upstream) for name in ("v1", "v2")}
    port = free_port()
    log = {"access_log": [{"name": "envoy.access_loggers.file", "typed_config": {
        "@type": FILE_LOG, "path": str(folder / "access.log")}}]} if case.logged else {}
    manager = bootstrap.manager(bootstrap.route_configuration(case.routes), **log)
    manager["http_filters"] = [*case.guards, *manager["http_filters"]]
    sidecar = start(Sidecar, folder, bootstrap.static(
        free_port(), [bootstrap.listener(port, manager)],
        [bootstrap.cluster(name, [upstream.port]) for name, upstream in upstreams.items()]),
        env=counted.environment)
    return sidecar, Conversation(port, case)


@pytest.mark.skipif(os.environ.get("PEERS_SUBJECT") == "envoy", reason="counts our allocations")
@pytest.mark.parametrize("kind", CASES)
def test_a_request_on_a_warm_connection(start, tmp_path, counted, kind):
    case = CASES[kind]
    sidecar, conversation = run(start, tmp_path, counted, case)
    conversation.repeat(REQUESTS)
    before = Counter(counted.calls())
    conversation.repeat(REQUESTS)
    calls = (Counter(counted.calls()) - before).total()
    print(f"{kind}: {calls / REQUESTS:.3f} allocations a request")
    # One more, since what ends a request, such as its log line, may come after its answer.
    if calls > case.most * (REQUESTS + 1):
        counted.trace()
        conversation.repeat(100)
        pytest.fail(f"{calls / REQUESTS} allocations, at most {case.most}:\n"
                    + counted.report(sidecar.pid))
    conversation.close()


def test_what_is_allocated_is_counted_and_named(start, tmp_path, counted):
    """Otherwise the zeros above would prove nothing."""
    sidecar, conversation = run(start, tmp_path, counted, CASES["GET"])
    before = Counter(counted.calls())
    counted.trace()
    conversation.repeat(4)
    fetch(sidecar.admin, "/stats")
    counted.trace(0)
    assert len(Counter(counted.calls()) - before) == 2, "the worker and the main thread"
    report = counted.report(sidecar.pid)
    assert "EventLoop.run" in report and "ServerConnection" in report
    conversation.close()
