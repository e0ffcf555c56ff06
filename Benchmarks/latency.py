"""Latency that a proxy adds, and the CPU it takes, at rates that it can well serve."""

from relay import speakers
from results import Figure, Table

SHARES = {"p50": 0.50, "p99": 0.99, "p999": 0.999}


class Direct:
    """The upstream itself, as if it were a proxy that costs nothing."""

    def __init__(self, port):
        self.port = port

    def cpu_nanoseconds(self):
        return 0


def measure(stage):
    return [at_rate(stage, "http1", rate) for rate in stage.settings.rates]


def at_rate(stage, protocol, rate):
    added = protocol == "http1"
    word = "added " if added else ""
    table = Table(
        f"latency-{protocol}-{rate}",
        f"{'HTTP/1.1' if added else 'HTTP/2 without TLS'} at {rate:,}/s",
        [Figure("cpu", "CPU µs per request"),
         Figure("p50", f"{word}p50 µs", digits=0),
         Figure("p99", f"{word}p99 µs", digits=0, plotted=True),
         Figure("p999", f"{word}p99.9 µs", digits=0)],
        ("Added: the percentile through the proxy minus the one straight to the upstream in the "
         "same round; the row `direct` is that one itself."
         if added else "Absolute: the upstream speaks HTTP/1.1, so nothing direct compares."),
        compared="cpu")
    upstreams = stage.upstreams()
    running = stage.all_proxies(upstreams, table)
    if not added:
        running = speakers(running, table)
    base = {}

    def once(name, proxy):
        port = proxy.port if added else proxy.h2c_port
        before = proxy.cpu_nanoseconds()
        run = stage.generator.paced(port, rate, stage.settings.seconds, protocol)
        used = proxy.cpu_nanoseconds() - before
        found = {key: run.percentile(share) for key, share in SHARES.items()}
        if name == "direct":
            base.update(found)
            return found
        return {"cpu": used / run.requests / 1000,
                **{key: value - base.get(key, 0) for key, value in found.items()}}

    stage.rounds({"direct": Direct(upstreams[0].port), **running} if added else running,
                 table, once)
    return table
