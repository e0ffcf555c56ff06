"""Resident memory of a proxy: just started, under load, and with thousands of idle clients."""

import socket
import threading
from contextlib import ExitStack, closing

from harness.programs import until
from results import Figure, Table
from stage import say

# From one address only some 28,000 ports go to one destination, and tests may hold some.
ADDRESS_CONNECTIONS = 5000
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def measure(stage):
    # Each proxy reckons with two descriptors for a connection, and has some for itself.
    wanted, allowed = stage.settings.connections, (stage.files - 1000) // 2
    note = ("Idle: started, one request served, several times: how much of a program's file is "
            "resident changes from start to start, and only the rest is its own. Under load: the "
            "most seen, 32 clients.")
    if wanted > allowed:
        note += (f" **Only {allowed:,} connections, since no more than {stage.files:,} descriptors "
                 "are allowed (`ulimit -n`).**")
    table = Table("memory", f"Memory, with {min(wanted, allowed):,} idle connections", [
        Figure("idle", "idle MiB", scale=1 << 20, plotted=True),
        Figure("own", "of that its own", scale=1 << 20),
        Figure("load", "under load MiB", scale=1 << 20),
        Figure("full", "with the idle MiB", scale=1 << 20),
        Figure("fresh", "bytes a connection, fresh", digits=0),
        Figure("served", "after one request", digits=0, plotted=True)], note, compared="served")
    upstreams = stage.upstreams()
    for name in stage.settings.proxies:
        try:
            for _ in range(stage.settings.rounds):
                with stage.proxy(name, upstreams) as proxy:
                    table.add(name, idle=proxy.resident_bytes(),
                              own=proxy.resident_bytes("RssAnon"))
            with stage.proxy(name, upstreams) as proxy:
                table.add(name, **one(stage, proxy, min(wanted, allowed)))
        except (AssertionError, OSError) as error:
            table.skip(name, "failed")
            say(f"memory of {name}: {error}")
        say(f"  Memory: {name}")
    return [table]


def one(stage, proxy, count):
    open_before = proxy.descriptors()
    load = under_load(stage, proxy)
    with ExitStack() as stack:
        warm = proxy.resident_bytes()
        peers = [stack.enter_context(closing(connect(proxy.port, number)))
                 for number in range(count)]
        until(lambda: proxy.descriptors() >= open_before + count, 20,
              f"{count} connections accepted by {proxy.name}")
        fresh = (proxy.resident_bytes() - warm) / count
        for peer in peers:
            peer.sendall(REQUEST)
            assert peer.recv(4096).startswith(b"HTTP/1.1 200"), "a connection was not served"
        full = proxy.resident_bytes()
    return {"load": load, "full": full, "fresh": fresh,
            "served": (full - warm) / count}


def under_load(stage, proxy):
    most, ended = [0], threading.Event()

    def watch():
        while not ended.is_set():
            most[0] = max(most[0], proxy.resident_bytes())
            ended.wait(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        stage.generator.closed(proxy.port, stage.settings.seconds)
    finally:
        ended.set()
        watcher.join()
    return most[0]


def connect(port, number):
    peer = socket.socket()
    try:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.bind((f"127.0.0.{2 + number // ADDRESS_CONNECTIONS}", 0))
        peer.settimeout(10)
        peer.connect(("127.0.0.1", port))
    except BaseException:
        peer.close()
        raise
    return peer
