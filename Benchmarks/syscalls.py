"""System calls per request and per connection: most of what a proxy costs is in them."""

import re

from generators import LoadFailed, Wrk
from harness.programs import Program, peer_path
from results import Figure, Table
from stage import say

REQUESTS = 4000


def measure(stage):
    return [
        table(stage, "syscalls", "System calls of a request, HTTP/1.1",
              f"strace, 8 connections, {REQUESTS:,} requests; the floor's four are the two "
              "receives and two sends of a request and its answer.",
              lambda proxy: stage.generator.counted(proxy.port, REQUESTS)),
        table(stage, "syscalls-churn", "System calls of a connection with one request",
              "strace, 16 clients for a second. The floor opens a connection upstream for each.",
              lambda proxy: Wrk().churn(proxy.port, 1))]


def table(stage, key, title, note, load):
    found = Table(key, title, [Figure("count", "system calls", digits=2, plotted=True)], note,
                  compared="count")
    upstreams, details = stage.upstreams(), []
    for name in stage.settings.proxies:
        try:
            with stage.proxy(name, upstreams) as proxy:
                calls, requests = traced(stage, proxy, load)
        except (AssertionError, LoadFailed) as error:
            found.skip(name, "failed under strace")
            say(f"{title}: {name}: {error}")
            continue
        found.add(name, count=sum(calls.values()) / requests)
        often = sorted(calls.items(), key=lambda item: -item[1])
        details.append(f"* {name}: " + ", ".join(
            f"{call} {count / requests:.2f}" for call, count in often if count > requests // 50))
        say(f"  {title}: {name}")
    found.note += "\n\n" + "\n".join(details)
    return found


def traced(stage, proxy, load):
    """How often the proxy made each system call under the load, and for how many requests."""
    out = stage.folder / f"{proxy.name}.strace"
    attached = [f"--attach={process}" for process in proxy.processes()]
    tracer = Program([peer_path("strace"), "-f", "-c", "-U", "name,calls", "-o", out, *attached],
                     stage.folder / f"{proxy.name}-strace.log")
    try:
        tracer.wait_for(lambda: "attached" in tracer.output(), 10)
        requests = load(proxy).requests
        tracer.signal(2)
        tracer.wait(10)
    finally:
        tracer.kill()
    found = re.findall(r"^\s*(\w+)\s+(\d+)\s*$", out.read_text(), re.M)
    return {name: int(count) for name, count in found if name != "total"}, requests
