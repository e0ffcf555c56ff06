"""gRPC through the sidecar: deadlines, statuses, retries, and errors in its own words."""

import http.client
import threading
import time
from concurrent import futures
from contextlib import contextmanager

import grpc
import pytest

from harness import bootstrap
from harness.h2server import H2Server
from harness.programs import Sidecar, free_port, until

GRPC = {"content-type": "application/grpc", "te": "trailers"}


def relay(start, tmp_path, ports, action=None, prefix="/", **cluster):
    port = free_port()
    options = bootstrap.http_options(explicit_http_config={"http2_protocol_options": {}})
    configuration = bootstrap.static(
        free_port(),
        [bootstrap.listener(port, bootstrap.manager(
            bootstrap.route_configuration([bootstrap.to_cluster("c", prefix, **(action or {}))])))],
        [bootstrap.cluster("c", ports, **{**options, **cluster})])
    sidecar = start(Sidecar, tmp_path, configuration, name=f"sidecar-{port}")
    sidecar.port = port
    return sidecar


@pytest.fixture
def serve():
    running = []

    def begin(on_request, **more):
        running.append(H2Server(on_request, **more))
        return running[-1]

    yield begin
    for server in running:
        server.close()


def call(port, headers=(), body=b"\0\0\0\0\1x"):
    """One call over HTTP/1.1, where what matters here is the same."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/test.Test/Call", body, {**GRPC, **dict(headers)})
    answer = connection.getresponse()
    answer.content = answer.read()
    connection.close()
    return answer


def in_trailers(status, message="said so"):
    return lambda request: request.respond(
        [("content-type", "application/grpc")], b"\0\0\0\0\1y",
        trailers=[("grpc-status", str(status)), ("grpc-message", message)])


def trailers_only(status, message="said so"):
    return lambda request: request.respond(
        [("content-type", "application/grpc"), ("grpc-status", str(status)),
         ("grpc-message", message)])


def test_the_way_to_the_server_says_that_trailers_are_understood(start, tmp_path, serve):
    server = serve(in_trailers(0))
    sidecar = relay(start, tmp_path, [server.port])
    assert call(sidecar.port, {"Connection": "te"}).content == b"\0\0\0\0\1y"
    assert server.requests[0]["te"] == "trailers"
    assert server.requests[0].body == b"\0\0\0\0\1x"


def test_calls_are_counted_by_how_they_ended(start, tmp_path, serve):
    endings = iter([in_trailers(0), in_trailers(0), in_trailers(5), trailers_only(14),
                    lambda request: request.respond([], b"no status")])
    server = serve(lambda request: next(endings)(request))
    sidecar = relay(start, tmp_path, [server.port])
    for _ in range(5):
        call(sidecar.port)

    def count(**labels):
        return sidecar.metric("mesh_grpc_responses_total", cluster="c", **labels)
    until(lambda: count() == 5, what="five calls")
    assert count(grpc_status="0", classification="success") == 2
    assert count(grpc_status="5", classification="failure") == 1
    assert count(grpc_status="14") == count(grpc_status="missing") == 1


@pytest.mark.parametrize("condition, status, attempts", [
    ("unavailable", 14, 3), ("cancelled", 1, 3), ("deadline-exceeded", 4, 3), ("internal", 13, 3),
    ("resource-exhausted", 8, 3), ("unavailable", 13, 1), ("cancelled,internal", 13, 3),
    ("5xx", 14, 1)])
def test_a_failed_call_is_repeated_where_the_policy_says_so(
        start, tmp_path, serve, condition, status, attempts):
    server = serve(trailers_only(status))
    sidecar = relay(start, tmp_path, [server.port], {"retry_policy": {
        "retry_on": condition, "num_retries": 2,
        "retry_back_off": {"base_interval": "0.001s"}}})
    answer = call(sidecar.port)
    assert answer.headers["grpc-status"] == str(status)
    assert len(server.requests) == attempts


def test_a_call_that_failed_in_trailers_is_not_repeated(start, tmp_path, serve):
    server = serve(in_trailers(14))
    sidecar = relay(start, tmp_path, [server.port], {"retry_policy": {
        "retry_on": "unavailable", "num_retries": 2}})
    assert call(sidecar.port).content == b"\0\0\0\0\1y"
    assert len(server.requests) == 1


def test_failed_calls_eject_an_endpoint(start, tmp_path, serve):
    bad, good = serve(trailers_only(14)), serve(in_trailers(0))
    sidecar = relay(start, tmp_path, [bad.port, good.port], outlier_detection={
        "consecutive_5xx": 3, "base_ejection_time": "60s", "max_ejection_percent": 100})
    for _ in range(40):
        call(sidecar.port)
    assert len(bad.requests) == 3 and len(good.requests) == 37


# What the proxy says itself.

def expect_local(answer, status, message):
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/grpc"
    assert answer.headers["grpc-status"] == str(status)
    assert answer.headers["grpc-message"] == message
    assert answer.content == b""


@pytest.mark.parametrize("kind", ["application/grpc", "application/grpc+proto"])
def test_errors_are_told_in_grpcs_words(start, tmp_path, serve, kind):
    sidecar = relay(start, tmp_path, [free_port()])
    expect_local(call(sidecar.port, {"content-type": kind}), 14, "the upstream cannot be reached")
    plain = call(sidecar.port, {"content-type": "application/grpc-web"})
    assert plain.status == 503 and plain.headers["grpc-status"] is None


def test_no_endpoint(start, tmp_path, serve):
    sidecar = relay(start, tmp_path, [])
    expect_local(call(sidecar.port), 14, "no healthy upstream")


def test_no_route(start, tmp_path, serve):
    sidecar = relay(start, tmp_path, [1], prefix="/other")
    expect_local(call(sidecar.port), 12, "no route matches")


def test_a_broken_server(start, tmp_path, serve):
    sidecar = relay(start, tmp_path, [serve(lambda request: request.abort()).port])
    expect_local(
        call(sidecar.port), 14, "the upstream ended the connection before it answered")


# Deadlines.

@pytest.mark.parametrize("limits, header, seconds", [
    ({"max_stream_duration": {"grpc_timeout_header_max": "0s"}}, "200m", 0.2),
    ({"max_stream_duration": {"grpc_timeout_header_max": "0.1s"}}, "5S", 0.1),
    ({"max_stream_duration": {
        "grpc_timeout_header_max": "0s", "grpc_timeout_header_offset": "0.3s"}}, "500m", 0.2),
    ({"max_stream_duration": {"max_stream_duration": "0.2s"}}, "5S", 0.2),
    ({"max_stream_duration": {
        "max_stream_duration": "0.2s", "grpc_timeout_header_max": "5s"}}, None, 0.2),
    ({"max_grpc_timeout": "0s"}, "200m", 0.2),
    ({"max_grpc_timeout": "0.2s", "timeout": "0.05s"}, None, 0.2),
])
def test_a_call_ends_at_its_deadline(start, tmp_path, serve, limits, header, seconds):
    server = serve(lambda request: None)
    sidecar = relay(start, tmp_path, [server.port], limits)
    began = time.monotonic()
    answer = call(sidecar.port, {"grpc-timeout": header} if header else {})
    took = time.monotonic() - began
    expect_local(answer, 4, "the time for the request is up")
    assert seconds - 0.01 <= took < seconds + 1
    until(lambda: server.requests[0].reset == 8, what="the cancellation")
    assert sidecar.metric("mesh_response_flags_total", flag="UMSDR") == 1


def test_without_its_leave_a_deadline_is_only_passed_on(start, tmp_path, serve):
    server = serve(lambda request: None)
    sidecar = relay(start, tmp_path, [server.port], {"timeout": "0.3s"})
    answer = call(sidecar.port, {"grpc-timeout": "50m"})
    expect_local(answer, 14, "the upstream request timed out")
    assert server.requests[0]["grpc-timeout"] == "50m"


def test_a_deadline_cuts_a_response_that_has_begun(start, tmp_path, serve):
    def answer(request):
        request.head([("content-type", "application/grpc")])
        request.send(b"\0\0\0\0\1y")
    server = serve(answer)
    sidecar = relay(start, tmp_path, [server.port], {
        "max_stream_duration": {"grpc_timeout_header_max": "0s"}})
    with pytest.raises(http.client.IncompleteRead):
        call(sidecar.port, {"grpc-timeout": "200m"})
    until(lambda: server.requests[0].reset == 8, what="the cancellation")


# grpcio on both sides, through one sidecar and through two.

class Service(grpc.GenericRpcHandler):
    """Messages are bytes; the method says what becomes of them."""

    def __init__(self, name="v1"):
        self.name = name
        self.calls = 0
        self.cancelled = threading.Event()
        self.deadline = None
        self.failures = 0
        self.lock = threading.Lock()

    def service(self, details):
        with self.lock:
            self.calls += 1
        kinds = {
            "Echo": grpc.unary_unary_rpc_method_handler(self.echo),
            "Count": grpc.unary_stream_rpc_method_handler(self.count),
            "Sum": grpc.stream_unary_rpc_method_handler(self.sum),
            "Chat": grpc.stream_stream_rpc_method_handler(self.chat),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "FailLate": grpc.unary_stream_rpc_method_handler(self.fail_late),
            "Flaky": grpc.unary_unary_rpc_method_handler(self.flaky),
            "Wait": grpc.unary_unary_rpc_method_handler(self.wait),
        }
        return kinds.get(details.method.rsplit("/", 1)[1])

    def echo(self, message, context):
        context.send_initial_metadata((("x-version", self.name),))
        context.set_trailing_metadata((("x-trailer", "t"),))
        return message

    def count(self, message, _):
        for number in range(int(message)):
            yield b"%d" % number

    def sum(self, messages, _):
        return b"%d" % sum(len(message) for message in messages)

    def chat(self, messages, context):
        context.add_callback(self.cancelled.set)
        yield from messages

    def fail(self, message, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "déjà vu 100%")

    def fail_late(self, message, context):
        yield b"first"
        context.abort(grpc.StatusCode.DATA_LOSS, "late")

    def flaky(self, message, context):
        with self.lock:
            self.failures += 1
            fails = self.failures % 3 != 0
        if fails:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        return message

    def wait(self, message, context):
        self.deadline = context.time_remaining()
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(10)
        return message


OPTIONS = [("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20),
           ("grpc.enable_retries", 0)]


@contextmanager
def grpc_server(service, threads=16):
    server = grpc.server(
        futures.ThreadPoolExecutor(threads), handlers=(service,), options=OPTIONS)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(0).wait()


class Client:
    def __init__(self, port):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", OPTIONS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def unary(self, name):
        return self.channel.unary_unary("/test.Test/" + name)

    def server_stream(self, name):
        return self.channel.unary_stream("/test.Test/" + name)

    def client_stream(self, name):
        return self.channel.stream_unary("/test.Test/" + name)

    def both(self, name):
        return self.channel.stream_stream("/test.Test/" + name)


@pytest.fixture(params=[1, 2], ids=["one sidecar", "two sidecars"])
def chain(request, start, tmp_path):
    """Makes a client whose calls reach `service` through sidecars."""
    opened = []

    def begin(service, action=None, threads=16, **cluster):
        server = grpc_server(service, threads)
        port = server.__enter__()
        opened.append(server)
        honoured = {"max_stream_duration": {"grpc_timeout_header_max": "0s"}, "timeout": "0s"}
        for _ in range(request.param):
            port = relay(start, tmp_path, [port], {**honoured, **(action or {})}, **cluster).port
        client = Client(port)
        opened.append(client)
        return client.__enter__()

    yield begin
    for manager in reversed(opened):
        manager.__exit__(None, None, None)


SIZES = [0, 1, 1000, 16_384, 70_000, 3_000_000]


def test_the_four_kinds_of_calls(chain):
    client = chain(Service())
    for size in SIZES:
        message = bytes([size % 251]) * size
        answer, call = client.unary("Echo").with_call(message, timeout=20)
        assert answer == message
        assert ("x-version", "v1") in call.initial_metadata()
        assert ("x-trailer", "t") in call.trailing_metadata()
    assert list(client.server_stream("Count")(b"500", timeout=20)) == \
        [b"%d" % number for number in range(500)]
    assert client.client_stream("Sum")(iter([b"x" * size for size in SIZES]), timeout=20) == \
        b"%d" % sum(SIZES)
    messages = [b"y" * size for size in SIZES]
    assert list(client.both("Chat")(iter(messages), timeout=20)) == messages


def test_a_conversation_goes_back_and_forth(chain):
    client = chain(Service())
    turn = threading.Semaphore(1)

    def messages():
        for number in range(100):
            turn.acquire()
            yield b"%d" % number
    for number, answer in enumerate(client.both("Chat")(messages(), timeout=20)):
        assert answer == b"%d" % number
        turn.release()


@pytest.mark.parametrize("kind, name, code, details", [
    ("unary", "Fail", grpc.StatusCode.NOT_FOUND, "déjà vu 100%"),
    ("server_stream", "FailLate", grpc.StatusCode.DATA_LOSS, "late"),
    ("unary", "Unknown", grpc.StatusCode.UNIMPLEMENTED, "Method not found!")])
def test_a_status_comes_as_it_was_given(chain, kind, name, code, details):
    client = chain(Service())
    for _ in range(3):
        with pytest.raises(grpc.RpcError) as error:
            answer = getattr(client, kind)(name)(b"x", timeout=10)
            list(answer)
        assert (error.value.code(), error.value.details()) == (code, details)


def test_a_deadline_reaches_the_server_and_ends_the_call(chain):
    service = Service()
    client = chain(service)
    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as error:
        client.unary("Wait")(b"x", timeout=0.4)
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - began < 2
    assert service.cancelled.wait(5)
    assert 0 < service.deadline <= 0.4


def test_a_cancellation_reaches_the_server(chain):
    service = Service()
    client = chain(service)
    gate = threading.Event()

    def messages():
        yield b"x"
        gate.wait(10)
    call = client.both("Chat")(messages(), timeout=20)
    assert next(call) == b"x"
    call.cancel()
    assert service.cancelled.wait(5)
    gate.set()


def test_many_calls_at_once_share_connections(chain):
    client = chain(Service(), threads=64, circuit_breakers={"thresholds": [
        {"max_requests": 5000, "max_pending_requests": 5000}]})
    turns = [threading.Event() for _ in range(50)]

    def messages(turn):
        yield b"first"
        turn.wait(20)
        yield b"last"
    chats = [client.both("Chat")(messages(turn), timeout=30) for turn in turns]
    assert [next(chat) for chat in chats] == [b"first"] * 50
    calls = [client.unary("Echo").future(b"%d" % n, timeout=30) for n in range(1000)]
    assert [call.result() for call in calls] == [b"%d" % n for n in range(1000)]
    for turn in turns:
        turn.set()
    assert [list(chat) for chat in chats] == [[b"last"]] * 50


def test_a_call_is_repeated_by_its_status(chain):
    client = chain(Service(), {"retry_policy": {
        "retry_on": "unavailable", "num_retries": 2,
        "retry_back_off": {"base_interval": "0.001s"}}})
    assert [client.unary("Flaky")(b"x", timeout=10) for _ in range(20)] == [b"x"] * 20


def test_one_connection_is_split_exactly(start, tmp_path):
    services = {"v1": Service("v1"), "v2": Service("v2")}
    with grpc_server(services["v1"]) as one, grpc_server(services["v2"]) as two:
        options = bootstrap.http_options(explicit_http_config={"http2_protocol_options": {}})
        port = free_port()
        start(Sidecar, tmp_path, bootstrap.static(
            free_port(),
            [bootstrap.listener(port, bootstrap.manager(bootstrap.route_configuration(
                [bootstrap.to_split({"v1": 95, "v2": 5})])))],
            [bootstrap.cluster("v1", [one], **options), bootstrap.cluster("v2", [two], **options)]))
        with Client(port) as client:
            for sent in range(1, 601):
                client.unary("Echo")(b"x", timeout=10)
                assert abs(services["v2"].calls - sent * 0.05) <= 1, sent
            assert services["v1"].calls + services["v2"].calls == 600


def test_local_errors_are_statuses(start, tmp_path):
    sidecar = relay(start, tmp_path, [free_port()])
    with Client(sidecar.port) as client:
        for _ in range(3):
            with pytest.raises(grpc.RpcError) as error:
                client.unary("Echo")(b"x", timeout=10)
            assert error.value.code() == grpc.StatusCode.UNAVAILABLE
            assert error.value.details() == "the upstream cannot be reached"
