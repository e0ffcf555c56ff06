"""Clients that speak HTTP/2 with prior knowledge, in front of HTTP/1.1 upstreams."""

import json
import subprocess
import time

import pytest

from harness import bootstrap
from harness.h2server import H2Server
from harness.http2 import (
    CANCEL, NO_ERROR, PREFACE, INITIAL_WINDOW, Peer, block, frame, request, reset, settings,
    window_update, HEADERS, END_HEADERS, END_STREAM)
from harness.programs import Sidecar, fetch, free_port, until
from harness.upstream import Script, Upstream

FILE_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"


def sidecar(start, folder, ports, flags=(), routes=None, clusters=None, name="sidecar", **hcm):
    port = free_port()
    routes = bootstrap.route_configuration(routes or [bootstrap.to_cluster("one", timeout="0s")])
    log = folder / f"{name}-access.log"
    log.touch()
    manager = bootstrap.manager(routes, access_log=[{
        "name": "file", "typed_config": {"@type": FILE_LOG, "path": str(log)}}], **hcm)
    program = start(Sidecar, folder, bootstrap.static(
        free_port(), [bootstrap.listener(port, manager)],
        clusters or [bootstrap.cluster("one", ports)]), flags=flags, name=name)
    program.port = port
    program.lines = lambda: [json.loads(line) for line in log.read_text().splitlines()]
    return program


@pytest.fixture(scope="module")
def shared(tmp_path_factory, upstream):
    """A sidecar that every test may use that does not stop it."""
    programs = []

    def start(kind, *arguments, **more):
        programs.append(kind(*arguments, **more))
        return programs[-1]

    yield sidecar(start, tmp_path_factory.mktemp("shared"), [upstream.port])
    crashed = programs[0].crashed
    programs[0].kill()
    assert not crashed, programs[0].obituary()


def chunked(*parts, trailers=b""):
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


def lengthy(body, head=b""):
    return b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(body) + body


# Messages


def test_a_get(shared, upstream):
    with Peer(shared.port) as peer:
        peer.headers(1, request(path="/k1a?q=1", authority="host:80", more=[("x-a", "1")]))
        answer = peer.answer(1)
    assert (answer.status, answer.reset) == (200, None)
    assert answer.body == b"upstream GET /k1a?q=1 0\n"
    assert answer.value("content-type") == "text/plain"
    assert answer.value("content-length") == str(len(answer.body))
    seen, = upstream.seen("k1a")
    assert seen.values(b"host") == [b"host:80"]
    assert seen.values(b"x-a") == [b"1"]


@pytest.mark.parametrize("length", [None, "12"])
def test_a_post(shared, upstream, length):
    token = "k2a" if length else "k2b"
    with Peer(shared.port) as peer:
        more = [("content-length", length)] if length else []
        peer.headers(1, request("POST", f"/{token}", more=more), end=False)
        peer.data(1, b"hello ", end=False)
        peer.data(1, b"world!")
        assert peer.answer(1).status == 200
    seen, = upstream.seen(token)
    assert seen.body == b"hello world!"
    assert seen.values(b"content-length") == ([length.encode()] if length else [])


@pytest.mark.parametrize(("method", "told", "length"), [
    ("POST", None, b"0"), ("PUT", None, b"0"), ("PATCH", None, b"0"), ("POST", "0", b"0"),
    ("DELETE", "0", b"0"), ("DELETE", None, None), ("GET", None, None)])
def test_a_length_says_that_there_is_no_body(shared, upstream, method, told, length):
    """HTTP/1.1 has no other way to say so where a method is one with a body (RFC 9110 §8.6)."""
    token = f"k2c{method.lower()}{'t' if told else 'u'}"
    with Peer(shared.port) as peer:
        peer.headers(1, request(
            method, f"/{token}", more=[("content-length", told)] if told else []))
        assert peer.answer(1).status == 200
    seen, = upstream.seen(token)
    assert seen.body == b""
    assert seen.values(b"content-length") == ([length] if length else [])


def test_request_trailers_become_those_of_chunks(shared, upstream):
    with Peer(shared.port) as peer:
        peer.headers(1, request("POST", "/k3a", more=[("te", "trailers")]), end=False)
        peer.data(1, b"body", end=False)
        peer.headers(1, [("x-sum", "9")])
        assert peer.answer(1).status == 200
    seen, = upstream.seen("k3a")
    assert seen.body == b"body"
    assert seen.values(b"te") == []
    assert (b"x-sum", b"9") in seen.trailers


def test_cookie_crumbs_become_one_field(shared, upstream):
    with Peer(shared.port) as peer:
        peer.headers(1, request(path="/k4a", more=[
            ("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3; d=4")]))
        assert peer.answer(1).status == 200
    seen, = upstream.seen("k4a")
    assert seen.values(b"cookie") == [b"a=1; b=2; c=3; d=4"]


RESPONSES = [
    ("length", lengthy(b"abc"), 200, b"abc", None),
    ("chunks", chunked(b"abc", b"def"), 200, b"abcdef", None),
    ("trailers", chunked(b"abc", trailers=b"x-sum: 9\r\n"), 200, b"abc", [("x-sum", "9")]),
    ("only trailers", chunked(trailers=b"x-sum: 9\r\n"), 200, b"", [("x-sum", "9")]),
    ("empty", b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, b"", None),
    ("no content", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", None),
    ("not modified", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b"", None),
]


@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize("case", RESPONSES, ids=[case[0] for case in RESPONSES])
def test_a_response(shared, upstream, case, bytewise):
    name, script, status, body, trailers = case
    token = f"k{5000 + 2 * RESPONSES.index(case) + bytewise}"
    upstream.scripts[token] = Script(script, bytewise=bytewise)
    with Peer(shared.port) as peer:
        peer.headers(1, request(path=f"/{token}"))
        answer = peer.answer(1)
    assert (answer.status, answer.body, answer.trailers) == (status, body, trailers), name
    assert answer.reset is None
    assert "transfer-encoding" not in dict(answer.fields)
    if status == 304:
        assert answer.value("content-length") == "9"


def test_a_response_to_head(shared, upstream):
    with Peer(shared.port) as peer:
        peer.headers(1, request("HEAD", "/k6a"))
        answer = peer.answer(1)
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.value("content-length")) > 0


def test_a_response_that_lasts_until_the_connection_ends(shared, upstream):
    upstream.scripts["k7a"] = Script(b"HTTP/1.1 200 OK\r\n\r\nall of it", then="fin")
    with Peer(shared.port) as peer:
        peer.headers(1, request(path="/k7a"))
        answer = peer.answer(1)
    assert (answer.status, answer.body, answer.ended) == (200, b"all of it", True)


def test_informational_heads_and_hop_by_hop_fields(shared, upstream):
    upstream.scripts["k8a"] = Script(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        + lengthy(b"ok", b"Connection: x-hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-Kept: 2\r\n"))
    with Peer(shared.port) as peer:
        peer.headers(1, request(path="/k8a"))
        answer = peer.answer(1)
    assert answer.informational == [(103, [("link", "</a>")])]
    assert answer.fields == [("x-kept", "2"), ("content-length", "2")]


@pytest.mark.parametrize("then", ["fin", "rst"])
@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"])
def test_a_cut_response_never_ends_cleanly(shared, upstream, answer, then):
    token = f"k9{'ab'[then == 'fin']}{'ab'[b'chunked' in answer]}"
    upstream.scripts[token] = Script(answer, then=then)
    with Peer(shared.port) as peer:
        peer.headers(1, request(path=f"/{token}"))
        answer = peer.answer(1)
        assert not answer.ended
        assert answer.reset not in (None, NO_ERROR)
        peer.headers(3, request(path="/after"))
        assert peer.answer(3).status == 200


def test_an_early_answer_stops_the_client(shared, upstream):
    upstream.scripts["k10a"] = Script(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n"
                                      b"Connection: close\r\n\r\n", at="head", then="fin")
    with Peer(shared.port) as peer:
        peer.headers(1, request("POST", "/k10a"), end=False)
        peer.data(1, b"begun", end=False)
        answer = peer.answer(1)
        assert (answer.status, answer.ended) == (413, True)
        peer.wait(lambda: answer.reset is not None, "RST_STREAM")
        assert answer.reset == NO_ERROR
        peer.headers(3, request(path="/after"))
        assert peer.answer(3).status == 200


def test_a_client_that_cancels_frees_the_upstream(shared, upstream):
    upstream.scripts["k11a"] = Script(b"", then="keep")
    with Peer(shared.port) as peer:
        peer.headers(1, request(path="/k11a"))
        until(lambda: upstream.seen("k11a"), what="the request")
        peer.send(reset(1))
        until(lambda: shared.metric("mesh_upstream_active_requests") == 0, what="an idle upstream")
        peer.headers(3, request(path="/after"))
        assert peer.answer(3).status == 200
    line = until(lambda: [line for line in shared.lines() if line.get("path") == "/k11a"],
                 what="a line in the log")[0]
    assert line["response_flags"] == "DR"
    assert line["protocol"] == "HTTP/2"


def test_a_client_that_vanishes_frees_the_upstream(shared, upstream):
    upstream.scripts["k12a"] = Script(b"", then="keep")
    with Peer(shared.port) as peer:
        peer.headers(1, request(path="/k12a"))
        until(lambda: upstream.seen("k12a"), what="the request")
    line = until(lambda: [line for line in shared.lines() if line.get("path") == "/k12a"],
                 what="a line in the log")[0]
    assert line["response_flags"] == "DC"
    assert shared.metric("mesh_upstream_active_requests") == 0


@pytest.mark.parametrize("limits", [
    {"timeout": "0.3s"}, {"timeout": "0s", "idle_timeout": "0.3s"}])
def test_the_times_of_a_route_are_kept(start, tmp_path, upstream, limits):
    relay = sidecar(start, tmp_path, [upstream.port], routes=[
        bootstrap.to_cluster("one", **limits)])
    upstream.scripts["k13a"] = Script(b"", then="keep")
    with Peer(relay.port) as peer:
        begun = time.monotonic()
        peer.headers(1, request(path="/k13a"))
        assert peer.answer(1, 20).status == 504
        assert 0.3 <= time.monotonic() - begun < 3


def test_windows_of_any_size_go_together(start, tmp_path):
    """What an upstream may have on its way is kept for a client that takes nothing."""
    size = 4_000_000
    options = bootstrap.http_options(explicit_http_config={"http2_protocol_options": {
        "initial_stream_window_size": size // 2, "initial_connection_window_size": size}})
    with H2Server(lambda request: request.respond([], b"x" * size)) as server:
        relay = sidecar(start, tmp_path, [], clusters=[
            bootstrap.cluster("one", [server.port], **options)])
        with Peer(relay.port, window=False) as peer:
            peer.headers(1)
            until(lambda: server.peers and server.peers[0].pending.get(1)
                  and len(server.peers[0].pending[1][0]) <= size // 2, what="a closed window")
            peer.wait(lambda: len(peer.stream(1).body) == 65535, "what the client's window takes")
            peer.ping()
            peer.send(window_update(0, 1 << 30), window_update(1, 1 << 30))
            assert peer.answer(1).body == b"x" * size


# Detection


def test_the_preface_may_come_byte_by_byte(shared):
    with Peer(shared.port, preface=b"") as peer:
        peer.bytewise(PREFACE + settings() + frame(
            HEADERS, END_HEADERS | END_STREAM, 1, block(request(path="/bytes"))))
        assert peer.answer(1).status == 200


@pytest.mark.parametrize("count", range(1, 24))
def test_the_preface_may_come_in_two_parts(shared, count):
    with Peer(shared.port, preface=b"") as peer:
        peer.send(PREFACE[:count])
        peer.send(PREFACE[count:] + settings())
        peer.headers(1)
        assert peer.answer(1).status == 200


def test_http1_is_still_spoken(shared):
    for method in ("GET", "POST", "PUT", "PATCH", "PRIVATE", "P", "PRI"):
        status, _, _ = fetch(shared.port, "/h1", method)
        assert status == 200, method


def test_what_only_begins_like_the_preface_is_http1(shared):
    with Peer(shared.port, preface=b"") as peer:
        peer.send(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
        peer.wait(lambda: peer._input or peer.closed, "an answer of HTTP/1")
        assert peer._input.startswith(b"HTTP/1.1 505")


@pytest.mark.parametrize("beginning", [PREFACE[:3], PREFACE, PREFACE + settings() + frame(
    HEADERS, END_STREAM, 1, block(request())[:5], length=100)])
def test_a_beginning_without_an_end_has_a_deadline(start, tmp_path, upstream, beginning):
    slow = sidecar(start, tmp_path, [upstream.port], request_headers_timeout="0.5s")
    with Peer(slow.port, preface=beginning, answers=False) as peer:
        peer.end(seconds=5)


def test_a_codec_can_be_forced(start, tmp_path, upstream):
    first = sidecar(start, tmp_path, [upstream.port], name="first", codec_type="HTTP2")
    with Peer(first.port) as peer:
        peer.headers(1)
        assert peer.answer(1).status == 200
    with Peer(first.port, preface=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") as peer:
        peer.end()
    second = sidecar(start, tmp_path, [upstream.port], name="second", codec_type="HTTP1")
    with Peer(second.port) as peer:
        peer.wait(lambda: peer._input or peer.closed, "an answer of HTTP/1")
        assert peer._input.startswith(b"HTTP/1.1 505")


# Real clients


def test_curl_and_nghttp(shared, tmp_path):
    url = f"http://127.0.0.1:{shared.port}"
    answer = subprocess.run(
        ["curl", "-s", "--http2-prior-knowledge", "-d", "abc", "-w", "%{http_code} %{http_version}",
         f"{url}/curl"], capture_output=True, timeout=20, check=True)
    assert answer.stdout == b"upstream POST /curl 3\n200 2"
    answer = subprocess.run(
        ["nghttp", "-s", "-n", f"{url}/a", f"{url}/b", f"{url}/c"],
        capture_output=True, timeout=20, check=True, text=True)
    assert answer.stdout.count(" 200 ") == 3


def test_a_hundred_streams_at_once(shared):
    with Peer(shared.port) as peer:
        numbers = range(1, 201, 2)
        peer.send(*(frame(HEADERS, END_HEADERS | END_STREAM, number,
                          block(request(path=f"/many{number}"))) for number in numbers))
        for number in numbers:
            answer = peer.answer(number)
            assert answer.body == b"upstream GET /many%d 0\n" % number
