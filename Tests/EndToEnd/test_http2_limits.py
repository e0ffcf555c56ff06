"""What one client over HTTP/2 may cost: floods, bombs, and readers and writers that are slow."""

import contextlib
import itertools
import socket
import time

import pytest

from harness import bootstrap
from harness.http2 import (
    CONTINUATION, DATA, ENHANCE_YOUR_CALM, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW,
    PREFACE, PRIORITY, PROTOCOL_ERROR, SETTINGS, Peer, PING, block, frame, integer, literal, request, reset,
    settings, window_update)
from harness.programs import until
from harness.timing import samples
from harness.upstream import Script, Upstream
from test_http2_downstream import lengthy, shared, sidecar  # noqa: F401

GET = block(request())
POST = block(request("POST"))


def get(number):
    return frame(HEADERS, END_HEADERS | END_STREAM, number, GET)


def begin(number):
    return frame(HEADERS, END_HEADERS, number, POST)


def numbers():
    return itertools.count(1, 2)


def rapid_resets():
    for number in numbers():
        yield get(number) + reset(number)


def provoked_resets():
    """MadeYouReset (CVE-2025-8671): what makes the server reset a request that it has begun."""
    for number in numbers():
        yield begin(number) + window_update(number, 0x7FFFFFFF)


def bodies_that_are_too_long():
    for number in numbers():
        yield frame(HEADERS, END_HEADERS, number, block(request(
            "POST", more=[("content-length", "1")]))) + frame(DATA, END_STREAM, number, b"ab")


def heads_without_an_end():
    yield frame(HEADERS, END_STREAM, 1, GET)
    while True:
        yield frame(CONTINUATION, 0, 1, b"")


def heads_that_never_end():
    yield frame(HEADERS, END_STREAM, 1, GET)
    while True:
        yield frame(CONTINUATION, 0, 1, literal(b"a", b"b" * 4000))


def bombs():
    """A field of 4 KiB in the table, and then a byte for each copy of it."""
    for number in numbers():
        yield frame(HEADERS, END_HEADERS | END_STREAM, number, GET + (
            literal(b"a", b"b" * 4000, prefix=b"\x40") if number == 1 else b"")
            + integer(62, 7, 0x80) * 8000)


def cookie_bombs():
    for number in numbers():
        yield frame(HEADERS, END_HEADERS | END_STREAM, number, GET + b"\x60\x01a" * 4000)


def empty_fields():
    for number in numbers():
        yield frame(HEADERS, END_HEADERS | END_STREAM, number,
                    GET + literal(b"a", b"") * 3000)


def each(*frames):
    yield begin(1)
    while True:
        yield b"".join(frames)


FLOODS = [
    ("rapid reset", rapid_resets, "reset_received"),
    ("MadeYouReset by a window", provoked_resets, ("reset_sent", "invalid_frame")),
    ("MadeYouReset by a length", bodies_that_are_too_long, "reset_sent"),
    ("CONTINUATION without fields", heads_without_an_end, "continuation"),
    ("CONTINUATION with fields", heads_that_never_end, ("oversized_head", "continuation")),
    ("PING", lambda: each(frame(PING, 0, 0, bytes(8))), "ping"),
    ("SETTINGS", lambda: each(frame(SETTINGS)), "settings"),
    ("SETTINGS with many entries", lambda: each(settings(*[(0xF0, 1)] * 2000)), "settings"),
    ("PRIORITY", lambda: each(frame(PRIORITY, 0, 3, bytes(5))), "priority"),
    ("empty DATA", lambda: each(frame(DATA, 0, 1)), "empty_data"),
    ("padded DATA", lambda: each(frame(DATA, 8, 1, b"\x05" + bytes(5))), "empty_data"),
    ("windows", lambda: each(window_update(0, 1)), "window_update"),
    ("unknown frames", lambda: each(frame(0x42)), "unknown_frame"),
    ("HPACK bombs", bombs, "oversized_head"),
    ("cookie crumbs", cookie_bombs, "oversized_head"),
    ("empty fields", empty_fields, "oversized_head"),
]


@pytest.mark.parametrize(("name", "flood", "kinds"), FLOODS, ids=[name for name, _, _ in FLOODS])
def test_a_flood_ends_its_connection_alone(shared, name, flood, kinds):  # noqa: F811
    kinds = (kinds,) if isinstance(kinds, str) else kinds

    def count():
        return sum(shared.metric("mesh_downstream_http2_floods_total", kind=kind)
                   for kind in kinds)

    before, cpu = count(), shared.cpu_seconds()
    with Peer(shared.port, window=False) as good, Peer(shared.port) as bad:
        sent = 0
        bad.wait(lambda: bad.settings and bad.acknowledged, "settings")
        for part in flood():
            bad.send(part)
            sent += len(part)
            if bad.closed or sent > 20_000_000:
                break
            if sent % 64 < len(part):
                bad.read(0)
        assert bad.end() == ENHANCE_YOUR_CALM, name
        good.headers(1)
        assert good.answer(1).status == 200
    until(lambda: count() == before + 1, what=f"a count of {kinds}")
    assert shared.cpu_seconds() - cpu < 2
    assert shared.running


def test_too_many_streams_are_refused(shared, upstream):  # noqa: F811
    upstream.scripts["k71a"] = Script(b"", then="keep")
    with Peer(shared.port) as peer:
        peer.wait(lambda: peer.settings and peer.acknowledged, "settings")
        assert peer.settings[3] == 100
        for number in range(1, 203, 2):
            peer.headers(number, request(path="/k71a"))
        assert peer.end() == PROTOCOL_ERROR
        assert peer.goaways[-1][0] == 199


def test_the_limits_come_from_the_listener(start, tmp_path, upstream):
    few = sidecar(start, tmp_path, [upstream.port], http2_protocol_options={
        "max_concurrent_streams": 7, "initial_stream_window_size": 70000,
        "initial_connection_window_size": 90000}, max_request_headers_kb=1)
    with Peer(few.port) as peer:
        peer.wait(lambda: peer.settings and 0 in peer.updates, "settings")
        assert (peer.settings[3], peer.settings[4]) == (7, 70000)
        assert peer.updates[0] == 90000 - 65535
        peer.headers(1, request(more=[("a", "b" * 900)]))
        assert peer.answer(1).status is None


def test_large_heads_may_come_where_the_listener_takes_them(start, tmp_path, upstream):
    large = sidecar(start, tmp_path, [upstream.port], max_request_headers_kb=400)
    encoded = block(request(path="/k72a", more=[(f"x-{index}", "v" * 5000)
                                                for index in range(50)]))
    parts = [encoded[start:start + 16384] for start in range(0, len(encoded), 16384)]
    with Peer(large.port) as peer:
        peer.send(frame(HEADERS, END_STREAM, 1, parts[0]),
                  *(frame(CONTINUATION, 0, 1, part) for part in parts[1:-1]),
                  frame(CONTINUATION, END_HEADERS, 1, parts[-1]))
        assert peer.answer(1).status == 200


# Slow peers


BIG = 1_000_000


def test_a_reader_that_stops_does_not_stop_the_others(start, tmp_path):
    with Upstream() as upstream:
        upstream.scripts["k80a"] = Script(lengthy(b"x" * BIG))
        relay = sidecar(start, tmp_path, [upstream.port])
        with Peer(relay.port, preface=PREFACE + settings((INITIAL_WINDOW, 1000)),
                  window=False) as peer:
            peer.send(window_update(0, 1 << 24))
            peer.headers(1, request(path="/k80a"))
            peer.wait(lambda: len(peer.stream(1).body) == 1000, "the first bytes")
            before = relay.resident_bytes()
            for number in range(3, 103, 2):
                peer.headers(number, request(path=f"/fast{number}"))
                assert peer.answer(number).status == 200
            assert len(peer.stream(1).body) == 1000
            assert relay.resident_bytes() - before < 4 << 20
            peer.send(window_update(1, 1 << 24))
            assert len(peer.answer(1, 30).body) == BIG


def test_a_writer_is_slowed_by_its_upstream_alone(start, tmp_path):
    """An upstream that does not read closes the window of its stream, and of no other."""
    with contextlib.ExitStack() as stack:
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        good = stack.enter_context(Upstream())
        relay = sidecar(start, tmp_path, [], routes=[
            bootstrap.to_cluster("deaf", "/deaf", timeout="0s"),
            bootstrap.to_cluster("good", timeout="0s")],
            clusters=[bootstrap.cluster("deaf", [deaf.getsockname()[1]]),
                      bootstrap.cluster("good", [good.port])])
        peer = stack.enter_context(Peer(relay.port))
        peer.wait(lambda: peer.settings and 0 in peer.updates, "settings")
        window = peer.settings[INITIAL_WINDOW]
        peer.headers(1, request("POST", "/deaf"), end=False)
        peer.updates[1] = window
        sent = 0

        def push():
            nonlocal sent
            while peer.updates[1] - sent >= 16384:
                peer.data(1, b"x" * 16384, end=False)
                sent += 16384
            peer.ping()
            return peer.updates[1] - sent < 16384

        # The kernel takes some megabytes, and then nobody does.
        until(lambda: push() and not push_more(peer, sent), 20, "a closed window")
        for number in range(3, 43, 2):
            peer.headers(number, request("POST", "/good"), end=False)
            peer.data(number, b"y" * 16000)
            assert peer.answer(number).status == 200
        assert relay.resident_bytes() < 64 << 20


def push_more(peer, sent):
    """Whether the window opens once more within a moment."""
    peer.read(0.2)
    return peer.updates[1] - sent >= 16384


def test_a_thousand_slow_readers_stay_within_their_memory(start, tmp_path):
    with Upstream() as upstream:
        relay = sidecar(start, tmp_path, [upstream.port], clusters=[{
            **bootstrap.cluster("one", [upstream.port]), "circuit_breakers": {"thresholds": [{
                "max_connections": 2000, "max_pending_requests": 2000, "max_requests": 2000}]}}])
        for index in range(1000):
            upstream.scripts[f"k{90000 + index}a"] = Script(lengthy(b"x" * 1_000_000))
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(Peer(relay.port, PREFACE + settings(
                (INITIAL_WINDOW, 0)), window=False)) for _ in range(10)]
            for index in range(1000):
                peers[index % 10].headers(
                    1 + index // 10 * 2, request(path=f"/k{90000 + index}a"))
            for peer in peers:
                peer.wait(lambda: sum(
                    stream.status is not None for stream in peer.streams.values()) == 100,
                    "the heads", 60)
            most = max(samples(relay.resident_bytes, 1))
            assert most < 64 << 20, f"{most >> 20} MiB"
            peers[0].send(window_update(0, 1 << 30), window_update(1, 1 << 30))
            assert len(peers[0].answer(1, 30).body) == 1_000_000


def test_a_connection_that_takes_nothing_is_given_up(start, tmp_path):
    with Upstream() as upstream:
        upstream.scripts["k85a"] = Script(lengthy(b"x" * BIG))
        relay = sidecar(start, tmp_path, [upstream.port], stream_idle_timeout="1s")
        with Peer(relay.port, preface=PREFACE + settings((INITIAL_WINDOW, 10)),
                  window=False) as peer:
            peer.headers(1, request(path="/k85a"))
            answer = peer.answer(1)
            assert not answer.ended
            assert answer.reset is not None
        until(lambda: relay.metric("mesh_upstream_active_connections") == 0, what="no connection")


@pytest.mark.parametrize("length", [30, 29])
def test_a_slow_reader_is_not_idle(start, tmp_path, upstream, length):
    upstream.scripts["k88a"] = Script(lengthy(b"x" * 30)[:length - 30 or None])
    relay = sidecar(start, tmp_path, [upstream.port], stream_idle_timeout="1s")
    with Peer(relay.port, preface=PREFACE + settings((INITIAL_WINDOW, 5)), window=False) as peer:
        peer.headers(1, request(path="/k88a"))
        for count in range(5, 26, 5):
            peer.wait(lambda: len(peer.stream(1).body) == count, f"{count} bytes")
            assert not peer.stream(1).over
            peer.read(0.6)
            peer.send(window_update(1, 5))
        # Where no more comes, that is idleness.
        answer = peer.answer(1)
        assert (len(answer.body), answer.ended) == (length, length == 30)


def test_a_writer_does_not_keep_a_response_that_it_does_not_take(start, tmp_path, upstream):
    upstream.scripts["k87a"] = Script(
        b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\nmuch more",
        at="head", then="fin")
    relay = sidecar(start, tmp_path, [upstream.port], stream_idle_timeout="1s")
    with Peer(relay.port, preface=PREFACE + settings((INITIAL_WINDOW, 0)), window=False) as peer:
        peer.headers(1, request("POST", "/k87a"), end=False)
        peer.wait(lambda: peer.stream(1).status == 413, "the head")
        end = time.monotonic() + 4
        while peer.stream(1).reset is None:
            assert time.monotonic() < end, "still open"
            peer.data(1, b"a", end=False)
            peer.read(0.2)


def test_heads_that_follow_each_other_have_a_time_each(start, tmp_path, upstream):
    relay = sidecar(start, tmp_path, [upstream.port], request_headers_timeout="1s")
    # Nothing else may be sent inside a head, so no windows are opened.
    with Peer(relay.port, window=False) as peer:
        peer.wait(lambda: peer.settings and peer.acknowledged, "settings")
        rest = b""
        for number in range(1, 17, 2):
            head = get(number)
            peer.send(rest + head[:15])
            rest = head[15:]
            if number > 1:
                assert peer.answer(number - 2).status == 200
            peer.read(0.3)
        peer.send(rest)
        assert peer.answer(15).status == 200


def test_a_slow_body_is_refused(start, tmp_path, upstream):
    relay = sidecar(start, tmp_path, [upstream.port], request_timeout="1s")
    with Peer(relay.port) as peer:
        peer.headers(1, request("POST", "/k86a"), end=False)
        peer.data(1, b"a", end=False)
        answer = peer.answer(1)
        assert answer.status == 408
        peer.headers(3)
        assert peer.answer(3).status == 200
