"""Plays a table of byte strings against a proxy, each whole and byte by byte."""

import re
import selectors
import socket
import time
from dataclasses import dataclass, field

from .reader import Reader, Violation
from .upstream import Script, receive_queues


@dataclass
class Case:
    """Bytes that a client sends, and what has to come of them.

    `answers` lists status codes in order. With `forwarded` the upstream must have got just these
    (method, target tail, body); `refused` closes the connection after its answer and lets nothing
    complete through. `either` allows a refusal in place of the forwarding, the same in both modes.
    """

    name: str
    send: bytes
    answers: tuple = (200,)
    forwarded: tuple = ()
    refused: bool = False
    either: bool = False
    keeps: bool | None = True  # the connection serves one more request; None: it may
    half_close: bool = False
    heads: tuple = ()  # positions of answers without a body
    step: int = 1  # bytes a segment when sent in pieces
    script: Script | None = None
    check: object = None  # called with (messages at the upstream, answers at the client)
    cut: bool = False  # the check alone judges: the answer must not look complete
    allowed: tuple = ()  # statuses a refusal may have; empty: 400


@dataclass
class Play:
    """One case on one connection."""

    case: Case
    token: str
    pieces: list = field(default_factory=list)
    peer: socket.socket | None = None
    reader: Reader = field(default_factory=lambda: Reader(requests=False))
    wanted: int = 0
    closed: bool = False
    reset: bool = False
    violation: str = ""
    received: int = 0
    sent: bool = False

    @property
    def finals(self):
        return [m for m in self.reader.messages if m.status >= 200]

    @property
    def done(self):
        if self.closed or self.violation:
            return True
        complete = sum(message.complete for message in self.finals)
        if self.case.refused or self.case.keeps is False:
            return False  # these end with the connection
        return self.sent and complete >= self.wanted

    def verdict(self):
        """What the outside saw: statuses, whether each was whole, how it ended."""
        statuses = tuple((m.status, m.complete) for m in self.finals)
        return statuses, self.closed


def play(port, upstream, cases, bytewise, first=0, patience=5):
    """Runs every case at once, each on a connection of its own.

    It ends when all are done, or when for `patience` seconds nothing has moved at all.
    """
    plays = []
    for number, case in enumerate(cases, first):
        token = f"k{number}{'b' if bytewise else 'w'}"
        data = case.send.replace(b"{id}", token.encode())
        if case.script:
            script = case.script
            upstream.scripts[token] = Script(
                script.answer, script.then, script.at,
                bytewise and not script.surplus and len(script.answer) < 4096)
        if not case.half_close:
            data += b"GET /%s/end HTTP/1.1\r\nHost: a\r\n\r\n" % token.encode()
        step = case.step if bytewise else len(data)
        pieces = [data[at:at + step] for at in range(0, len(data), max(step, 1))]
        item = Play(case, token, pieces, wanted=len(case.answers) + (
            1 if case.keeps is not False and not case.half_close else 0))
        item.reader.expected = [
            index in case.heads for index in range(len(case.answers))] + [False]
        plays.append(item)
    _run(port, plays, patience, upstream)
    return plays


def _run(port, plays, patience, upstream):
    selector = selectors.DefaultSelector()
    for item in plays:
        item.peer = socket.create_connection(("127.0.0.1", port))
        item.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        item.peer.setblocking(False)
        selector.register(item.peer, selectors.EVENT_READ, item)
    ports = {item.peer.getsockname()[1] for item in plays}
    moved, state = time.monotonic(), None
    while not all(item.done for item in plays) and time.monotonic() - moved < patience:
        for item in plays:
            _send(item)
        _settle(port, ports)
        before, state = state, (upstream.sent, [
            (len(item.pieces), item.received, item.closed) for item in plays])
        if state != before:
            moved = time.monotonic()
        for key, _ in selector.select(0.02 if all(item.sent for item in plays) else 0):
            _receive(key.data, selector)
    for item in plays:
        item.peer.close()
    selector.close()


def _send(item):
    if item.sent or item.closed:
        return
    try:
        while item.pieces:
            count = item.peer.send(item.pieces[0])
            if count < len(item.pieces[0]):
                item.pieces[0] = item.pieces[0][count:]
                return
            del item.pieces[0]
            if item.case.step and item.pieces:
                return
    except BlockingIOError:
        return
    except OSError:
        item.sent = True  # the answer, if one came, is still to be read
        return
    item.sent = True
    if item.case.half_close:
        try:
            item.peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def _settle(port, ports):
    """Waits until the proxy has read what was sent, so that it really sees single bytes."""
    limit = time.monotonic() + 0.03
    while time.monotonic() < limit:
        queues = receive_queues()
        if not any(local == port and remote in ports for local, remote in queues):
            return


def _receive(item, selector):
    try:
        data = item.peer.recv(1 << 16)
    except BlockingIOError:
        return
    except ConnectionError:
        data, item.reset = b"", True
    item.received += len(data)
    try:
        if data:
            item.reader.feed(data)
        elif not item.closed:
            item.closed = True
            selector.unregister(item.peer)
            if not item.reset:
                item.reader.end()
    except Violation as violation:
        item.violation = str(violation)


def judge(item, upstream):
    """Every way in which one play differs from what its case demands."""
    case, wrong = item.case, []
    if case.cut:
        return [str(problem)] if (problem := case.check([], item)) else []
    seen = upstream.seen(item.token)
    arrived = [m for m in seen if m.complete and not m.target.endswith(b"/end")]
    if item.violation:
        wrong.append(f"the client got {item.violation}")
    got = tuple(message.status for message in item.finals)
    if not item.done:
        wrong.append(f"hangs after {got}")
    if case.refused or (case.either and was_refused(item)):
        wrong += _refusal(item, got, arrived, seen)
        return wrong
    expected = case.answers + ((200,) if case.keeps and not case.half_close else ())
    if not fits(got, expected) and not (case.keeps is None and fits(got[:-1], expected)):
        wrong.append(f"answered {got}, expected {expected}")
    wrong += _forwarding(case, arrived)
    incomplete = [m.status for m in item.finals[:-1] if not m.complete]
    if incomplete:
        wrong.append(f"answers left incomplete: {incomplete}")
    if case.check:
        problem = case.check(seen, item)
        if problem:
            wrong.append(str(problem))
    return wrong


def fits(got, expected):
    """An expected status is a number, or a tuple of the numbers that are as good."""
    return len(got) == len(expected) and all(
        status in allowed if isinstance(allowed, tuple) else status == allowed
        for status, allowed in zip(got, expected))


def was_refused(item):
    return bool(item.closed and (not item.finals or item.finals[-1].status >= 400))


def _refusal(item, got, arrived, seen):
    wrong = []
    allowed = item.case.allowed or (400,)
    expected = item.case.answers[:-1] if item.case.refused else ()
    before, last = got[:-1], got[-1:]
    if not got and None in allowed:
        before = expected
    elif last and last[0] not in allowed or not last:
        wrong.append(f"answered {got}, expected a refusal with {allowed}")
    if item.case.refused and before != expected:
        wrong.append(f"answered {got} before the refusal, expected {expected}")
    if not item.closed:
        wrong.append("the connection stays open after a refusal")
    if any(message.target.endswith(b"/end") for message in seen):
        wrong.append("what came after the refused request reached the upstream")
    if item.case.refused:
        wrong += _forwarding(item.case, arrived)
    elif arrived:
        wrong.append(f"refused and yet forwarded {[m.target for m in arrived]}")
    return wrong


def _forwarding(case, arrived):
    if case.forwarded is None:
        return []
    got = [(m.method, re.sub(rb"/k\d+[a-z]*", b"", m.target, count=1), m.body) for m in arrived]
    expected = [tuple(request) for request in case.forwarded]
    return [] if got == expected else [f"forwarded {got!r}, expected {expected!r}"]
