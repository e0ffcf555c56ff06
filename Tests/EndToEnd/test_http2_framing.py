"""Every case of the table, whole and byte by byte: what breaks the rules is named and goes no
further, and what keeps them is served."""

import pytest

from harness.http2 import NO_ERROR, PING, STREAM_CLOSED, Peer, frame
from http2_cases import CASES, FRAMES, MESSAGES, Broken, Connection, Fine
from test_http2_downstream import shared, sidecar  # noqa: F401

NAMES = [name for name, _, _ in CASES]


def play(port, wire, bytewise):
    """Sends a case, and a request that shows whether the connection goes on."""
    peer = Peer(port)
    peer.wait(lambda: peer.settings and peer.acknowledged, "settings")
    if bytewise:
        peer.bytewise(wire)
    else:
        peer.send(wire)
    return peer


def judge(peer, expected, mode):
    match expected:
        case Connection(codes):
            code = peer.end()
            assert code in codes, f"GOAWAY {code}"
        case Broken(codes, number):
            peer.wait(lambda: peer.closed or peer.stream(number).over or peer.goaways,
                      "the end of the stream")
            stream = peer.stream(number)
            if stream.reset is None and stream.status is None:
                assert peer.end() in codes
                return
            if stream.status == 400:
                assert stream.reset in (None, NO_ERROR)
            elif stream.reset is None:
                # The answer may come before what must not follow the request.
                assert stream.status == 200 and codes == (STREAM_CLOSED,), stream
                peer.send(frame(PING, 0, 0, bytes(8)))
                peer.wait(lambda: peer.pongs or peer.closed, "an answer to PING")
                if peer.closed:
                    assert peer.goaways[-1][1] in codes
                    return
            elif stream.status == 200 and stream.reset == NO_ERROR:
                # All of its length had come and was answered before what is too much.
                assert mode == "byte by byte", stream
            else:
                assert stream.reset in codes, stream
            after = 1001
            peer.headers(after)
            assert peer.answer(after).status == 200
        case Fine(streams, status):
            for number in streams:
                assert peer.answer(number).status == status, peer.stream(number)
            peer.ping()
            assert not peer.goaways


@pytest.mark.parametrize("mode", ["whole", "byte by byte"])
@pytest.mark.parametrize(("name", "wire", "expected"), CASES, ids=NAMES)
def test_case(shared, upstream, name, wire, expected, mode):  # noqa: F811
    with play(shared.port, wire, mode != "whole") as peer:
        judge(peer, expected, mode)
    assert not upstream.violations


def test_names_are_unique():
    assert len(NAMES) == len(set(NAMES))


def test_malformed_requests_are_counted(shared):  # noqa: F811
    before = shared.metric("mesh_downstream_protocol_errors_total")
    wanted = [wire for _, wire, expected in MESSAGES if isinstance(expected, Broken)]
    for wire in wanted:
        with play(shared.port, wire, False) as peer:
            peer.wait(lambda: peer.closed or peer.stream(1).over, "an end")
    assert shared.metric("mesh_downstream_protocol_errors_total") - before >= len(wanted)


def test_the_proxy_is_still_there(shared):  # noqa: F811
    assert shared.running
    assert shared.get("/ready")
    assert len(FRAMES) > 60
