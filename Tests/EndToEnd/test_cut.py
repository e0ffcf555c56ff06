"""F1: an answer that the upstream breaks off never looks complete, however it was framed."""

import contextlib
import os
import random
import socket

from harness.programs import FULL
from harness.reader import Reader, Violation
from harness.upstream import Script

BODY = b"0123456789" * 200
FRAMED = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + BODY,
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              + b"".join(b"64\r\n" + BODY[at:at + 100] + b"\r\n" for at in range(0, 2000, 100))
              + b"0\r\nX-Sum: 1\r\n\r\n",
    "until close": b"HTTP/1.1 200 OK\r\n\r\n" + BODY}


def answer(port, token):
    """What a client gets, and whether it looks complete."""
    reader = Reader(requests=False)
    reader.expected = [False]
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as peer:
        peer.sendall(b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % token.encode())
        try:
            while not reader.messages or not reader.messages[-1].complete:
                data = peer.recv(1 << 16)
                if not data:
                    reader.end()
                    break
                reader.feed(data)
        except (ConnectionError, Violation):
            pass
    return reader.messages[-1] if reader.messages else None


def test_a_broken_answer_never_looks_complete(relay, upstream):
    seed = int(os.environ.get("PEERS_SEED", random.randrange(1 << 30)))
    print("seed", seed)
    generator = random.Random(seed)
    for number in range(10_000 if FULL else 600):
        framing = generator.choice(list(FRAMED))
        then = "rst" if framing == "until close" else generator.choice(["fin", "rst"])
        whole = FRAMED[framing]
        length = generator.randrange(whole.index(b"\r\n\r\n") + 4, len(whole))
        token = f"k{number}cut"
        upstream.scripts[token] = Script(whole[:length], then)
        message = answer(relay.port, token)
        whole_enough = message and message.complete and message.status == 200
        assert not whole_enough, f"{framing} cut at {length} by {then} looks complete"
        upstream.scripts.pop(token)
    assert relay.running
    upstream.scripts["k0good"] = Script(FRAMED["chunks"], "keep")
    assert answer(relay.port, "k0good").body == BODY
