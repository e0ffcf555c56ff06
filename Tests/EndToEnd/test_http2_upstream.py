"""HTTP/1.1 clients, HTTP/2 upstreams: mapping, multiplexing, backpressure, broken peers."""

import http.client
import random
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import h2.errors
import h2.settings
import pytest

from harness import bootstrap
from harness.h2server import H2Server, echo, frame
from harness.programs import Sidecar, fetch, free_port, until

ERRORS = h2.errors.ErrorCodes


def http2(**options):
    return bootstrap.http_options(explicit_http_config={"http2_protocol_options": options})


def relay(start, tmp_path, server, action=None, manager=None, prefix="/", **cluster):
    port = free_port()
    configuration = bootstrap.static(
        free_port(),
        [bootstrap.listener(port, bootstrap.manager(
            bootstrap.route_configuration([bootstrap.to_cluster("c", prefix, **(action or {}))]),
            **(manager or {})))],
        [bootstrap.cluster("c", [server.port], **{**http2(), **cluster})])
    sidecar = start(Sidecar, tmp_path, configuration)
    sidecar.port = port
    return sidecar


@pytest.fixture
def serve():
    running = []

    def begin(on_request=echo, **more):
        running.append(H2Server(on_request, **more))
        return running[-1]

    yield begin
    for server in running:
        server.close()


def request(port, text, until_closed=False):
    """Sends raw bytes and reads one response."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(text)
        answer = http.client.HTTPResponse(
            connection, method=text.split(b" ", 1)[0].decode())
        answer.begin()
        return answer.status, answer.read(), answer.headers


# What is what, on the way there and back.

def test_a_request_becomes_one_of_http2(start, tmp_path, serve):
    server = serve()
    sidecar = relay(start, tmp_path, server)
    status, body, headers = fetch(sidecar.port, "/path?q=1", headers={
        "X-Mixed-Case": "Value", "Connection": "x-hop, te", "X-Hop": "1", "TE": "trailers",
        "Keep-Alive": "5", "Cookie": "a=1; b=2"})
    assert (status, body) == (200, b"/path?q=1")
    assert headers["content-length"] is None and headers["transfer-encoding"] == "chunked"
    seen = server.requests[0]
    assert seen[":method"] == "GET" and seen[":path"] == "/path?q=1"
    assert seen[":scheme"] == "http" and seen[":authority"] == f"127.0.0.1:{sidecar.port}"
    assert seen["x-mixed-case"] == "Value" and seen["te"] == "trailers"
    assert seen["cookie"] == "a=1; b=2"
    names = {name for name, _ in seen.fields}
    assert not names & {"host", "connection", "keep-alive", "x-hop", "transfer-encoding"}


@pytest.mark.parametrize("size", [0, 1, 1000, 65_535, 65_536, 300_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_go_both_ways(start, tmp_path, serve, size, chunked):
    server = serve(lambda request: request.respond(
        [("content-length", str(len(request.body)))], bytes(request.body)))
    sidecar = relay(start, tmp_path, server)
    content = random.randbytes(size)
    connection = http.client.HTTPConnection("127.0.0.1", sidecar.port, timeout=20)
    for _ in range(3):
        connection.request(
            "POST", "/", iter([content[:size // 2], content[size // 2:]]) if chunked else content,
            encode_chunked=chunked)
        answer = connection.getresponse()
        assert answer.read() == content
        assert answer.headers["content-length"] == str(size)
    length = None if chunked else str(size)
    assert {request["content-length"] for request in server.requests} == {length}
    assert len(server.peers) == 1


def test_trailers_go_both_ways(start, tmp_path, serve):
    server = serve(lambda request: request.respond(
        [("trailer", "x-sum")], b"body", trailers=[("x-sum", "7"), ("x-more", "8")]))
    sidecar = relay(start, tmp_path, server)
    with socket.create_connection(("127.0.0.1", sidecar.port), 10) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n")
        answer = b""
        while not answer.endswith(b"0\r\nx-sum: 7\r\nx-more: 8\r\n\r\n"):
            part = connection.recv(4096)
            assert part, answer
            answer += part
    assert server.requests[0].body == b"abc"
    assert server.requests[0].trailers == [("x-sum", "3")]


def test_informational_responses_come_first(start, tmp_path, serve):
    def answer(request):
        request.inform(103, [("link", "</style.css>")])
        request.respond([], b"ok")
    sidecar = relay(start, tmp_path, serve(answer))
    with socket.create_connection(("127.0.0.1", sidecar.port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        text = b""
        while part := connection.recv(4096):
            text += part
    assert text.startswith(b"HTTP/1.1 103 \r\nlink: </style.css>\r\n\r\nHTTP/1.1 200 ")
    assert text.endswith(b"2\r\nok\r\n0\r\n\r\n")


def test_an_expectation_is_met_by_the_upstream(start, tmp_path, serve):
    server = serve(on_head=lambda request: request.inform(100))
    sidecar = relay(start, tmp_path, server)
    with socket.create_connection(("127.0.0.1", sidecar.port), 10) as connection:
        connection.sendall(
            b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"data")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.read() == b"data"


@pytest.mark.parametrize("method, status, fields, sent, length", [
    ("HEAD", 200, [("content-length", "5")], b"", "5"),
    ("HEAD", 200, [], b"", None),
    ("GET", 204, [], b"", None),
    ("GET", 304, [("content-length", "5")], b"", "5"),
    ("GET", 304, [], b"", None),
    ("GET", 200, [], b"", "0"),
    ("GET", 200, [("content-length", "0")], b"", "0"),
    ("GET", 404, [("content-length", "4")], b"gone", "4"),
])
@pytest.mark.parametrize("late", [False, True])
def test_responses_without_a_body(start, tmp_path, serve, method, status, fields, sent, length,
                                  late):
    def answer(request):
        request.head(fields, status, ends=not late and not sent)
        if sent or late:
            request.send(sent, ends=True)
    sidecar = relay(start, tmp_path, serve(answer))
    connection = http.client.HTTPConnection("127.0.0.1", sidecar.port, timeout=10)
    for _ in range(2):
        connection.request(method, "/")
        got = connection.getresponse()
        assert (got.status, got.read()) == (status, sent)
        if not late or length:
            assert got.headers["content-length"] == length or late


def test_options_for_the_whole_server(start, tmp_path, serve):
    server = serve()
    sidecar = relay(start, tmp_path, server, prefix="")
    assert request(sidecar.port, b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")[0] == 200
    assert server.requests[0][":path"] == "*"


# Many over few.

def test_requests_share_one_connection(start, tmp_path, serve):
    gate = threading.Barrier(20, timeout=10)

    def answer(request):
        threading.Thread(target=lambda: (gate.wait(), echo(request))).start()
    server = serve(answer)
    sidecar = relay(start, tmp_path, server)
    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda n: fetch(sidecar.port, f"/{n}"), range(60)))
    assert [body for _, body, _ in answers] == [f"/{n}".encode() for n in range(60)]
    assert len(server.peers) == 1


@pytest.mark.parametrize("limit", [1, 3])
def test_a_peer_says_how_many_streams_it_takes(start, tmp_path, serve, limit):
    lock = threading.Lock()
    most = {}

    def head(request):
        with lock:
            live = [r for r in request.peer.requests.values() if r.reset is None
                    and not getattr(r, "answered", False)]
            most[request.peer.number] = max(most.get(request.peer.number, 0), len(live))

    def answer(request):
        def later():
            time.sleep(0.02)
            request.answered = True
            echo(request)
        threading.Thread(target=later).start()
    server = serve(answer, on_head=head, settings={
        h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: limit})
    sidecar = relay(start, tmp_path, server)
    assert fetch(sidecar.port, "/first")[0] == 200
    most.clear()
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(lambda n: fetch(sidecar.port, f"/{n}"), range(100)))
    assert [(status, body) for status, body, _ in answers] == \
        [(200, f"/{n}".encode()) for n in range(100)]
    assert max(most.values()) <= limit
    assert not server.errors


def test_breakers_bound_connections_and_who_waits(start, tmp_path, serve):
    held = []
    server = serve(held.append, settings={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    sidecar = relay(start, tmp_path, server, circuit_breakers={"thresholds": [
        {"max_connections": 2, "max_pending_requests": 3}]})
    with ThreadPoolExecutor(20) as clients:
        first = clients.submit(fetch, sidecar.port, "/first")
        until(lambda: held, what="the first request")
        echo(held.pop())
        assert first.result()[0] == 200
        answers = [clients.submit(fetch, sidecar.port, f"/{n}") for n in range(12)]
        until(lambda: sum(answer.done() for answer in answers) >= 7, what="refusals")
        assert all(answer.result()[0] == 503 for answer in answers if answer.done())
        while not all(answer.done() for answer in answers):
            while held:
                echo(held.pop())
            time.sleep(0.005)
    assert [answer.result()[0] for answer in answers].count(200) == 5
    assert len(server.peers) == 2


def test_a_connection_ends_after_so_many_requests(start, tmp_path, serve):
    server = serve()
    options = http2()
    options["typed_extension_protocol_options"][bootstrap.HTTP_OPTIONS][
        "common_http_protocol_options"] = {"max_requests_per_connection": 10}
    sidecar = relay(start, tmp_path, server, **options)
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda n: fetch(sidecar.port, "/", "POST", b"x")[0], range(100)))
    assert answers == [200] * 100
    assert {sum(r.peer is peer for r in server.requests) for peer in server.peers} == {10}
    until(lambda: len(server.closed) == 10, what="the end of the connections")


def test_an_idle_connection_is_closed(start, tmp_path, serve):
    server = serve()
    options = http2()
    options["typed_extension_protocol_options"][bootstrap.HTTP_OPTIONS][
        "common_http_protocol_options"] = {"idle_timeout": "0.3s"}
    sidecar = relay(start, tmp_path, server, **options)
    assert fetch(sidecar.port, "/")[0] == 200
    until(lambda: server.closed, what="the end of the connection")
    assert fetch(sidecar.port, "/")[0] == 200
    assert len(server.peers) == 2
