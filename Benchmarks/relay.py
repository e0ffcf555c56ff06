"""CPU per request and requests/s when the clients ask as fast as they are answered."""

from results import Figure, Table
from stage import NO_HTTP2

FIGURES = [Figure("cpu", "CPU µs per request", plotted=True),
           Figure("rate", "requests/s", digits=0, more_is_better=True),
           Figure("share", "v2's share %", digits=2)]


def measure(stage):
    return [saturated(stage, "http1", "relay", "HTTP/1.1, saturated",
                      "32 keep-alive connections, one request in flight on each.")]


def saturated(stage, protocol, key, title, note):
    table = Table(key, title, FIGURES, note, compared="cpu")
    upstreams = stage.upstreams()
    running = stage.all_proxies(upstreams, table)
    if protocol == "h2c":
        running = speakers(running, table)

    def once(name, proxy):
        port = proxy.port if protocol == "http1" else proxy.h2c_port
        counts, before = [upstream.count() for upstream in upstreams], proxy.cpu_nanoseconds()
        run = stage.generator.closed(port, stage.settings.seconds, protocol)
        used = proxy.cpu_nanoseconds() - before
        first, second = (upstream.count() - count for upstream, count in zip(upstreams, counts))
        return {"cpu": used / run.requests / 1000, "rate": run.requests / run.seconds,
                "share": second / (first + second) * 100}

    stage.rounds(running, table, once)
    return table


def speakers(running, table):
    """The proxies that have an HTTP/2 port; the others are named with the reason."""
    found = {}
    for name, proxy in running.items():
        if proxy.h2c_port is None:
            table.skip(name, NO_HTTP2)
        else:
            found[name] = proxy
    return found
