"""System calls per request: most of what a proxy costs is in them."""

import re

from generators import LoadFailed
from harness.programs import Program, peer_path
from results import Figure, Table
from stage import say

REQUESTS = 4000


def measure(stage):
    table = Table(
        "syscalls", "System calls of a request, HTTP/1.1",
        [Figure("count", "system calls", digits=2, plotted=True)],
        f"strace, 8 connections, {REQUESTS:,} requests; the floor's four are the two receives "
        "and two sends of a request and its answer.", compared="count")
    upstreams, details = stage.upstreams(), []
    for name in stage.settings.proxies:
        with stage.proxy(name, upstreams) as proxy:
            try:
                calls = traced(stage, proxy)
            except (AssertionError, LoadFailed) as error:
                table.skip(name, "failed under strace")
                say(f"system calls of {name}: {error}")
                continue
        table.add(name, count=sum(calls.values()) / REQUESTS)
        often = sorted(calls.items(), key=lambda item: -item[1])
        details.append(f"{name}: " + ", ".join(
            f"{call} {count / REQUESTS:.2f}" for call, count in often if count > REQUESTS // 50))
        say(f"  {table.title}: {name}")
    table.note += "\n\n" + "\n".join(f"* {line}" for line in details)
    return [table]


def traced(stage, proxy):
    """How often the proxy made each system call while it served the requests."""
    out = stage.folder / f"{proxy.name}.strace"
    attached = [f"--attach={process}" for process in proxy.processes()]
    tracer = Program([peer_path("strace"), "-f", "-c", "-U", "name,calls", "-o", out, *attached],
                     stage.folder / "strace.log")
    try:
        tracer.wait_for(lambda: "attached" in tracer.output(), 10)
        stage.generator.counted(proxy.port, REQUESTS)
        tracer.signal(2)
        tracer.wait(10)
    finally:
        tracer.kill()
    found = re.findall(r"^\s*(\w+)\s+(\d+)\s*$", out.read_text(), re.M)
    return {name: int(count) for name, count in found if name != "total"}
