"""gRPC through the sidecar: deadlines, statuses, retries, and errors in its own words."""

import http.client
import time

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
    sidecar = start(Sidecar, tmp_path, configuration)
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
