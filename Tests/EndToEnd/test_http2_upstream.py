"""HTTP/1.1 clients, HTTP/2 upstreams: mapping, multiplexing, backpressure, broken peers."""

import http.client
import random
import socket
import struct
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import h2.errors
import h2.settings
import pytest

from harness import bootstrap, identities
from harness.h2server import H2Server, echo, frame
from harness.programs import Sidecar, fetch, free_port, until
from harness.timing import samples, until_still

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
            request.answered = True
            echo(request)
        threading.Timer(0.02, later).start()
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

        def are_answered():
            while held:
                echo(held.pop())
            return all(answer.done() for answer in answers)
        until(are_answered, what="the last answer")
    # One, and those that may wait: one of them no more once the second connection is there.
    assert [answer.result()[0] for answer in answers].count(200) in (4, 5)
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


# Backpressure.

def test_a_slow_client_holds_back_its_own_stream_alone(start, tmp_path, serve):
    size = 8_000_000
    server = serve(lambda request: request.respond(
        [("content-length", str(size if request[":path"] == "/big" else 3))],
        b"x" * size if request[":path"] == "/big" else b"abc"))
    sidecar = relay(start, tmp_path, server)
    fetch(sidecar.port, "/small")
    before = sidecar.resident_bytes()
    slow = []
    for _ in range(10):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.connect(("127.0.0.1", sidecar.port))
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n")
        slow.append(connection)

    until_still(lambda: sum(
        len(entry[0]) for peer in server.peers for entry in peer.pending.values()), 0.2)
    for _ in range(50):
        assert fetch(sidecar.port, "/small")[1] == b"abc"
    assert len(server.peers) == 1
    assert sidecar.resident_bytes() - before < 8 << 20
    for connection in slow:
        received = 0
        while received < size:
            part = connection.recv(1 << 20)
            assert part
            received += len(part)
        connection.close()


def test_an_upload_waits_for_the_window(start, tmp_path, serve):
    server = serve(reads=False)
    sidecar = relay(start, tmp_path, server)
    fetch(sidecar.port, "/")
    before = sidecar.resident_bytes()
    size = 8_000_000
    with socket.create_connection(("127.0.0.1", sidecar.port), 20) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size)
        content = random.randbytes(size)
        sent = []
        sender = threading.Thread(target=lambda: sent.append(connection.sendall(content)))
        sender.start()
        until(lambda: len(server.requests) == 2 and len(server.requests[1].body) == 65_535,
              what="a full window")
        sender.join(0.5)
        assert not sent
        assert sidecar.resident_bytes() - before < 2 << 20
        # Others have streams of their own, but the connection's window is full as well.
        assert fetch(sidecar.port, "/other")[1] == b"/other"
        server.reads = True
        peer = server.peers[0]
        with peer.lock:
            peer.h2.acknowledge_received_data(65_535, server.requests[1].stream)
            peer.flush()
        sender.join(20)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.read() == content


# Ends that are not clean.

def test_a_client_that_leaves_cancels_its_stream_alone(start, tmp_path, serve):
    held = []
    server = serve(held.append)
    sidecar = relay(start, tmp_path, server)
    with ThreadPoolExecutor(1) as other:
        with socket.create_connection(("127.0.0.1", sidecar.port)) as connection:
            connection.sendall(b"GET /left HTTP/1.1\r\nHost: h\r\n\r\n")
            until(lambda: held, what="the request")
            stays = other.submit(fetch, sidecar.port, "/stays")
            until(lambda: len(held) == 2, what="the other request")
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        until(lambda: held[0].reset == ERRORS.CANCEL, what="the cancellation")
        echo(held[1])
        assert stays.result()[1] == b"/stays"
    assert len(server.peers) == 1 and not server.closed


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_was_refused_is_sent_again(start, tmp_path, serve, method):
    refused = []

    def head(request):
        if len(refused) < 3:
            refused.append(request)
            request.abort(ERRORS.REFUSED_STREAM)

    def answer(request):
        if request not in refused:
            echo(request)
    server = serve(answer, on_head=head)
    sidecar = relay(start, tmp_path, server)
    body = b"abc" if method == "POST" else None
    assert fetch(sidecar.port, "/x", method, body)[:2] == (200, body or b"/x")
    assert len(server.requests) == 4 and len(server.peers) == 1


def test_what_is_refused_for_ever_ends(start, tmp_path, serve):
    server = serve(None, on_head=lambda request: request.abort(ERRORS.REFUSED_STREAM))
    sidecar = relay(start, tmp_path, server)
    assert fetch(sidecar.port, "/")[0] == 503
    assert len(server.requests) == 10


@pytest.mark.parametrize("method, status, attempts", [("GET", 503, 2), ("POST", 503, 1)])
@pytest.mark.parametrize("code", [ERRORS.INTERNAL_ERROR, ERRORS.CANCEL, ERRORS.NO_ERROR])
def test_a_reset_stream(start, tmp_path, serve, method, status, attempts, code):
    server = serve(lambda request: request.abort(code))
    sidecar = relay(start, tmp_path, server)
    assert fetch(sidecar.port, "/", method, b"x" if method == "POST" else None)[0] == status
    assert len(server.requests) == attempts
    server.on_request = echo
    assert fetch(sidecar.port, "/")[0] == 200


def test_streams_that_are_reset_cost_no_connections(start, tmp_path, serve):
    server = serve(lambda request: (
        request.abort() if request[":path"] == "/reset" else echo(request)))
    sidecar = relay(start, tmp_path, server)
    assert fetch(sidecar.port, "/")[0] == 200
    for _ in range(10):
        assert fetch(sidecar.port, "/reset")[0] == 503
    assert fetch(sidecar.port, "/")[0] == 200
    assert len(server.peers) == 1


def test_streams_that_are_reset_eject_an_endpoint(start, tmp_path, serve):
    server = serve(lambda request: (
        request.abort() if request[":path"] == "/reset" else echo(request)))
    sidecar = relay(
        start, tmp_path, server, outlier_detection={
            "consecutive_5xx": 5, "max_ejection_percent": 100, "base_ejection_time": "60s"},
        common_lb_config={"healthy_panic_threshold": {"value": 0}})
    assert fetch(sidecar.port, "/")[0] == 200
    for _ in range(5):
        assert fetch(sidecar.port, "/reset", "POST", b"x")[0] == 503
    assert fetch(sidecar.port, "/")[0] == 503
    assert len(server.requests) == 6


def test_a_peer_that_takes_no_more_connections_is_not_asked_for_ever(start, tmp_path, serve):
    held = []
    server = serve(held.append, settings={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    sidecar = relay(start, tmp_path, server)
    with ThreadPoolExecutor(4) as clients:
        first = clients.submit(fetch, sidecar.port, "/first")
        until(lambda: held, what="the first request")
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        others = [clients.submit(fetch, sidecar.port, "/other") for _ in range(3)]
        assert [other.result()[0] for other in others] == [503] * 3
        assert sidecar.metric("mesh_upstream_connect_failures_total") <= 9
        echo(held[0])
        assert first.result()[0] == 200


def test_a_peer_that_never_greets_is_given_up_whatever_it_carries(start, tmp_path):
    options = http2()
    options["typed_extension_protocol_options"][bootstrap.HTTP_OPTIONS][
        "common_http_protocol_options"] = {"max_requests_per_connection": 1}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = SimpleNamespace(port=silent.getsockname()[1])
        sidecar = relay(start, tmp_path, server, action={"timeout": "0s"}, **options)
        assert fetch(sidecar.port, "/", "POST", b"x")[0] == 503


@pytest.mark.parametrize("length", [None, 100])
def test_a_stream_that_is_reset_in_the_body_is_no_whole_response(
        start, tmp_path, serve, length):
    def answer(request):
        request.head([("content-length", str(length))] if length else [])
        request.send(b"x" * 50)
        request.abort()
    server = serve(answer)
    sidecar = relay(start, tmp_path, server)
    with pytest.raises(http.client.IncompleteRead):
        fetch(sidecar.port, "/")
    server.on_request = echo
    assert fetch(sidecar.port, "/")[0] == 200
    assert len(server.peers) == 1


def test_an_early_answer_ends_the_upload(start, tmp_path, serve):
    def head(request):
        request.respond([("content-length", "4")], b"full", 413)
        request.abort(ERRORS.NO_ERROR)
    server = serve(None, on_head=head)
    sidecar = relay(start, tmp_path, server)
    with socket.create_connection(("127.0.0.1", sidecar.port), 10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.read()) == (413, b"full")
    server.on_head, server.on_request = None, echo
    assert fetch(sidecar.port, "/")[0] == 200
    assert len(server.peers) == 1


def test_a_connection_that_goes_away_loses_nothing(start, tmp_path, serve):
    """Every connection says after ten requests that it has not looked at the latest ones."""
    lock = threading.Lock()
    gone = set()

    def answer(request):
        peer = request.peer
        with lock:
            count = len(peer.requests)
            if count >= 10 and peer.number not in gone:
                gone.add(peer.number)
                # Requests end in any order, and the latest to begin may have been answered.
                peer.last = max(peer.requests)
                peer.go_away(peer.last)
        if peer.number in gone and request.stream > peer.last:
            return
        threading.Timer(0.002, echo, (request,)).start()
    server = serve(answer)
    sidecar = relay(start, tmp_path, server)
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(
            lambda n: fetch(sidecar.port, f"/{n}", "POST", b"%d" % n)[:2], range(600)))
    assert answers == [(200, b"%d" % n) for n in range(600)]
    assert len(server.peers) >= 20
    until(lambda: sidecar.metric("mesh_upstream_active_connections", cluster="c") <= 1,
          what="the end of the connections")


def test_a_connection_that_goes_away_finishes_what_it_has(start, tmp_path, serve):
    held = []
    server = serve(held.append)
    sidecar = relay(start, tmp_path, server)
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(fetch, sidecar.port, "/first")
        until(lambda: held, what="the first request")
        held[0].peer.go_away(held[0].stream)
        server.on_request = echo
        assert fetch(sidecar.port, "/second")[2]["x-peer"] == "1"
        echo(held[0])
        assert first.result()[1] == b"/first"
    until(lambda: server.closed == [0], what="the end of the connection")


@pytest.mark.parametrize("method, expected", [("GET", 200), ("POST", 503)])
@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_is_lost_between_requests(
        start, tmp_path, serve, method, expected, reset):
    """What must not be sent twice is not; the rest goes over a fresh connection."""
    server = serve(lambda request: request.peer.cut(reset) if request.peer.number == 0
                   and len(request.peer.requests) > 1 else echo(request))
    sidecar = relay(start, tmp_path, server)
    assert fetch(sidecar.port, "/")[0] == 200
    body = b"x" if method == "POST" else None
    assert fetch(sidecar.port, "/", method, body)[0] == expected
    assert fetch(sidecar.port, "/", method, body)[0] == 200
    assert len(server.peers) == 2


def test_a_connection_that_closed_while_idle_costs_nothing(start, tmp_path, serve):
    server = serve()
    sidecar = relay(start, tmp_path, server)
    for number in range(20):
        assert fetch(sidecar.port, "/", "POST", b"x")[2]["x-peer"] == str(number)
        server.peers[-1].cut()
        until(lambda: len(server.closed) == number + 1, what="the end of the connection")


MALFORMED = {
    "no status": [("x", "y")],
    "no number": [(":status", "2x0")],
    "a small status": [(":status", "099")],
    "a large status": [(":status", "600")],
    "101": [(":status", "101")],
    "a status again": [(":status", "200"), (":status", "200")],
    "a status too late": [("x", "y"), (":status", "200")],
    "another pseudo field": [(":status", "200"), (":path", "/")],
    "an upper case name": [(":status", "200"), ("X-Y", "z")],
    "a line in a value": [(":status", "200"), ("x", "y\r\nset-cookie: z")],
    "a zero in a value": [(":status", "200"), ("x", "y\0z")],
    "a space in a name": [(":status", "200"), ("x y", "z")],
    "a connection's field": [(":status", "200"), ("connection", "close")],
    "a coding": [(":status", "200"), ("transfer-encoding", "chunked")],
    "two lengths": [(":status", "200"), ("content-length", "3"), ("content-length", "4")],
    "no length": [(":status", "200"), ("content-length", "x")],
    "another length": [(":status", "200"), ("content-length", "5")],
    "too long a length": [(":status", "200"), ("content-length", "99999999999999999999999")],
    "many fields": [(":status", "200"), *(("x", "y") for _ in range(2000))],
    "a large field": [(":status", "200"), ("x", "y" * 100_000)],
}


@pytest.mark.parametrize("fields", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_response_is_no_answer(start, tmp_path, serve, fields):
    def answer(request):
        peer = request.peer
        with peer.lock:
            block = peer.h2.encoder.encode(fields, huffman=False)
            kinds = [1] + [9] * (len(block) // 16_384)
            for place, kind in enumerate(kinds):
                last = 4 if place == len(kinds) - 1 else 0
                peer.raw(frame(
                    kind, last, request.stream, block[place * 16_384:(place + 1) * 16_384]))
            peer.raw(frame(0, 1, request.stream, b"abc"))
    server = serve(answer)
    sidecar = relay(start, tmp_path, server)
    got = fetch(sidecar.port, "/") if fields != MALFORMED["another length"] else None
    if got is None:
        # It shows only at the end, when the head has gone on.
        with pytest.raises(http.client.IncompleteRead):
            fetch(sidecar.port, "/")
    else:
        assert got[0] == 502, got
        assert b"not HTTP" in got[1]
    server.on_request = echo
    assert fetch(sidecar.port, "/")[0] == 200


@pytest.mark.parametrize("greeting", [
    b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", b"\0" * 100, b"SSH-2.0-x\r\n",
    frame(4, 0, 0) + frame(0, 0, 0, b"x"), frame(4, 0, 0) + frame(1, 4, 2, b"\x88"),
    frame(4, 0, 0) + frame(5, 4, 1, b"\0\0\0\2\x88"), frame(4, 0, 0, b"\0\5\0\0\0\0"),
    frame(4, 0, 0) + struct.pack(">I", 1 << 30) + b"x" * 100, b""])
def test_what_is_no_http2_is_an_answer_of_its_own(start, tmp_path, greeting):
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(4096)
            connection.sendall(greeting)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(4096)
            connection.close()
    threading.Thread(target=accept, daemon=True).start()
    sidecar = relay(start, tmp_path, SimpleNamespace(port=listener.getsockname()[1]))
    for _ in range(3):
        assert fetch(sidecar.port, "/")[0] in (502, 503)
    listener.close()


def test_connections_cut_at_any_place(start, tmp_path, serve):
    """The bytes of a whole answer, cut at every place; never is a part of it taken for the whole.
    """
    server = serve(None)
    sidecar = relay(start, tmp_path, server)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)

    def script(place, reset):
        def answer(request):
            peer = request.peer
            with peer.lock:
                block = peer.h2.encoder.encode([(":status", "200"), ("x", "y")])
                whole = frame(1, 4, request.stream, block) + frame(0, 0, request.stream, b"abc") \
                    + frame(0, 1, request.stream, b"def")
                peer.raw(whole[:place])
                if place < len(whole):
                    peer.cut(reset)
        return answer
    outcomes = set()
    for place in range(48):
        server.on_request = script(place, dice.random() < 0.3)
        try:
            status, body, _ = fetch(sidecar.port, "/", "POST", b"x")
        except (http.client.IncompleteRead, ConnectionResetError):
            status, body = None, b""
        outcomes.add(status)
        assert status in (None, 502, 503) or (status, body) == (200, b"abcdef"), (place, status)
    assert outcomes >= {None, 503}
    server.on_request = echo
    assert fetch(sidecar.port, "/")[0] == 200


def test_a_peer_that_says_nothing_is_asked(start, tmp_path, serve):
    held = []
    server = serve(held.append)
    options = http2(connection_keepalive={"interval": "0.2s", "timeout": "0.3s"})
    sidecar = relay(start, tmp_path, server, **options)
    with ThreadPoolExecutor(1) as clients:
        answer = clients.submit(fetch, sidecar.port, "/", "POST", b"x")
        until(lambda: held, what="the request")
        assert not any(samples(lambda: answer.done() or server.closed, 1))
        # From now on nothing is read, so that no PING is answered.
        held[0].peer.lock.acquire()
        assert answer.result(10)[0] == 503
        held[0].peer.lock.release()


# Which protocol.

def test_the_protocol_of_the_request(start, tmp_path, serve):
    server = serve()
    sidecar = relay(start, tmp_path, server, **bootstrap.http_options(
        use_downstream_protocol_config={"http2_protocol_options": {}}))
    with pytest.raises((http.client.BadStatusLine, AssertionError)):
        assert fetch(sidecar.port, "/")[0] == 200
    answer = subprocess.run(
        ["curl", "-s", "--http2-prior-knowledge", f"http://127.0.0.1:{sidecar.port}/two"],
        capture_output=True, timeout=20, check=True)
    assert answer.stdout == b"/two"


@pytest.mark.parametrize("offered, speaks", [(["h2", "http/1.1"], 2), (["h2"], 2),
                                             (["http/1.1"], 1), (None, 1)])
def test_the_handshake_settles_the_protocol(start, tmp_path, serve, offered, speaks):
    root = identities.Authority(tmp_path / "root")
    identity = root.issue("server", "spiffe://mesh/server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.chain, identity.key)
    if offered:
        context.set_alpn_protocols(offered)
    options = {**bootstrap.http_options(auto_config={"http2_protocol_options": {}}),
               "transport_socket": identities.upstream(None, root, ["spiffe://mesh/server"])}
    with identities.SecureUpstream(identity) as plain:
        server = serve(context=context) if speaks == 2 else plain
        sidecar = relay(start, tmp_path, server, **options)
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(
                lambda _: fetch(sidecar.port, "/", "POST", b"body")[:2], range(40)))
    assert answers == [(200, b"body")] * 40
    if speaks == 2:
        assert len(server.requests) == 40 and len(server.peers) == 1
