"""Who gets in while a service goes from the clear to TLS alone, and between whom TLS is spoken."""

import http.client

import pytest

from harness.http2 import NO_ERROR, Peer
from harness.identities import Authority, client_context, downstream, secure_request
from harness.programs import until
from mesh_world import World

A, B = "spiffe://mesh/ns/default/sa/a", "spiffe://mesh/ns/default/sa/b"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"))


def test_connections_in_the_clear_end_once_only_tls_is_taken(start, tmp_path, root):
    world = World(start, tmp_path)
    world.settle(v1=100)
    security = downstream(root.issue("server", B), root, require_client_certificate=True)

    def push(*chains):
        listener = world.listener()
        filters = listener["filter_chains"][0]["filters"]
        listener["filter_chains"] = [{"filters": filters, **chain} for chain in chains]
        world.server.wait_ack("lds", world.server.set("lds", listener))

    def ask():
        kept.request("GET", "/", headers={"Host": "a"})
        answer = kept.getresponse()
        answer.read()
        return answer.status, answer.headers["connection"]

    def secure():
        answer, *_ = secure_request(world.port, client_context(root, root.issue("client", A)))
        return int(answer.split()[1])

    kept = http.client.HTTPConnection("127.0.0.1", world.port, timeout=10)
    with Peer(world.port) as streams:
        assert ask() == (200, None)
        streams.headers(1)
        assert streams.answer(1).status == 200
        both = [{"filter_chain_match": {"transport_protocol": "tls"}, "transport_socket": security},
                {"filter_chain_match": {"transport_protocol": "raw_buffer"}}]
        push(*both)
        assert (ask(), secure()) == ((200, None), 200)
        streams.headers(3)
        assert streams.answer(3).status == 200
        push({"transport_socket": security})
        # What was asked for before it was known gets its answer, and that is all.
        assert ask() == (200, "close")
        streams.headers(5)
        assert streams.answer(5).status == 200
        assert streams.end() == NO_ERROR
        kept.close()
        with pytest.raises((http.client.HTTPException, OSError)):
            ask()
        assert secure() == 200
    world.close()
