"""Latency that a proxy adds, and the CPU it takes, at rates that it can well serve."""

import re
from collections import Counter

from relay import speakers
from results import Figure, Table


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
         Figure("p99", f"{word}p99 µs", digits=0),
         Figure("p999", f"{word}p99.9 µs", digits=0)],
        ("Added: the percentile through the proxy minus that of as many requests straight to the "
         "upstream in the same run; the row `direct` holds those."
         if added else "Absolute: the upstream speaks HTTP/1.1, so nothing direct compares."),
        compared="cpu")
    upstreams = stage.upstreams()
    running = stage.all_proxies(upstreams, table)
    if not added:
        running = speakers(running, table)
    doubts = Counter()

    def once(_, proxy):
        port = proxy.port if added else proxy.h2c_port
        beside = upstreams[0].port if added else None
        before = proxy.cpu_nanoseconds()
        found = stage.paced.paced(port, rate, stage.settings.seconds, protocol, beside=beside)
        used = proxy.cpu_nanoseconds() - before
        through, direct = found if added else (found, None)
        doubts.update({re.sub(r"\d[\d.,]*", "n", text) for text in through.doubts})
        figures = {"cpu": used / through.sent / 1000}
        if direct is None:
            return figures | through.latency
        return figures | {"direct": direct.latency} | {
            key: value - direct.latency[key] for key, value in through.latency.items()}

    stage.rounds(running, table, once)
    if doubts:
        table.note += " **The generator doubts some of its runs:** " + "; ".join(
            f"{text} ({count} ×)" for text, count in doubts.most_common(5)) + "."
    return table
