"""What a run is asked to do, and which core does which part of it."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from generators import PACED

PARTS = {
    "relay": "CPU per request and requests/s of HTTP/1.1, saturated",
    "latency": "added latency and CPU at fixed rates of HTTP/1.1",
    "h2c": "the same two of HTTP/2 without TLS",
    "bodies": "bytes per CPU second of 1 MiB bodies, both ways",
    "tunnel": "bytes per CPU second of TCP forwarded as it is, both ways",
    "secure": "CPU of mutual TLS per request and per handshake, and memory of idle connections",
    "churn": "CPU per connection of a connection per request",
    "memory": "resident, idle, under load and with idle connections",
    "pushes": "a new weight until it is in effect, and thousands of them under load",
    "restart": "the control plane killed and restarted under load",
    "instructions": "user-space instructions per request (callgrind)",
    "syscalls": "system calls per request (strace)",
    "micro": "single operations of the request path (callgrind)",
}
QUICK = ["relay", "latency", "bodies", "churn", "memory", "pushes"]
PROXIES = ["Pointsman", "HAProxy", "nginx", "nghttpx", "Envoy", "floor"]


@dataclass
class Settings:
    parts: list
    proxies: list
    rounds: int
    seconds: float
    rates: list
    connections: int
    pushes: int
    paced_by: str
    out: Path | None
    reference: bool
    quick: bool
    check: bool


def positive(kind):
    def parse(text):
        value = kind(text)
        if value <= 0:
            raise ValueError
        return value
    parse.__name__ = "positive number"
    return parse


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures the sidecar beside other proxies on this machine.",
        epilog="parts:\n" + "".join(f"  {key:13} {text}\n" for key, text in PARTS.items())
        + "\nWithout a part named all are run, about 30 minutes. Standing on its own,\n"
          "`Benchmarks/run micro WORD` runs the operations with that word in their name.")
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to measure (default: all)")
    parser.add_argument("--quick", action="store_true",
                        help="a first impression in under two minutes")
    parser.add_argument("--rounds", type=positive(int), metavar="N",
                        help="rounds that count, after one that does not (default 5)")
    parser.add_argument("--seconds", type=positive(float), metavar="S",
                        help="length of one measurement (default 3)")
    parser.add_argument("--rates", metavar="R,R", help="requests/s of the fixed rates "
                        "(default 4000,8000)")
    parser.add_argument("--connections", type=positive(int), metavar="N",
                        help="idle connections of the memory part (default 10000)")
    parser.add_argument("--pushes", type=positive(int), metavar="N",
                        help="weights pushed under load (default 10000)")
    parser.add_argument("--proxies", metavar="NAME,NAME", help="of " + ", ".join(PROXIES))
    parser.add_argument("--paced-by", choices=list(PACED), default="bench",
                        help="who makes the load of a fixed rate: `pointsman bench`, which counts "
                        "from when a request was due, or h2load (default bench)")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="keep report.md, report.html, the plots and results.json there")
    parser.add_argument("--reference", action="store_true",
                        help="write the result into Benchmarks/README.md as the reference")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    for part in given.parts:
        if part not in PARTS:
            parser.error(f"no part is called {part}; there are {', '.join(PARTS)}")
    proxies = given.proxies.split(",") if given.proxies else PROXIES
    by_name = {name.lower(): name for name in PROXIES}
    for name in proxies:
        if name.lower() not in by_name:
            parser.error(f"no proxy is called {name}; there are {', '.join(PROXIES)}")
    try:
        rates = [int(rate) for rate in (given.rates or ("4000" if given.quick else
                                                        "4000,8000")).split(",")]
    except ValueError:
        parser.error(f"--rates takes numbers with commas between them, not {given.rates}")
    if min(rates) < 100:
        parser.error("a rate below 100/s says nothing in a few seconds")
    quick = given.quick
    return Settings(
        parts=[part for part in PARTS if part in (given.parts or (QUICK if quick else PARTS))],
        proxies=[by_name[name.lower()] for name in proxies],
        rounds=given.rounds or (2 if quick else 5),
        seconds=given.seconds or (0.8 if quick else 3),
        rates=rates, connections=given.connections or (2000 if quick else 10000),
        pushes=given.pushes or (500 if quick else 10000),
        paced_by=given.paced_by, out=given.out, reference=given.reference, quick=quick, check=given.check)


class Cores:
    """Load and upstreams keep to one core and the proxy to another, as far as there are some."""

    def __init__(self):
        found = sorted(os.sched_getaffinity(0))
        self.count = len(found)
        self.load = found[0]
        self.proxy = found[1 % len(found)]
        self.upstream = found[2] if len(found) > 3 else self.load

    def description(self):
        if self.count == 1:
            return ("**one core only: everything shares it, and the times mean little;** "
                    "instructions and memory are right.")
        load = f"load on core {self.load}, "
        upstream = "upstreams too" if self.upstream == self.load else f"upstreams on {self.upstream}"
        return f"{load}{upstream}, the proxy on core {self.proxy}"
