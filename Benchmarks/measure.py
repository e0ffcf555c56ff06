"""Runs the benchmarks and prints their tables; nothing is kept."""

import http.client
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

from harness.control import Control, Follower
from harness.fast import FastUpstream
from harness.load import Load
from harness.programs import Program, peer_path, responds, until
from proxies import COMMANDS, STARTERS

ROUNDS = int(os.environ.get("ROUNDS", 5))
SECONDS = int(os.environ.get("SECONDS_EACH", 3))
CLIENTS = 32
RATE = 8000
PUSHES = int(os.environ.get("PUSHES", 1000))
FIELDS = ["Accept: */*", "Accept-Encoding: gzip, deflate, br", "Accept-Language: en",
          "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "Cookie: user=ada",
          "x-request-id: 2f1c6d0e-8f2b-4b61-9f0e-7a8d9c1b2a3f", "Cache-Control: no-cache",
          "Referer: http://reviews/product/1"]


def pin_to_first():
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {0})


def load(port, rate=None, log=None):
    """One h2load run; returns how many requests succeeded."""
    command = [peer_path("h2load"), "--h1", "-t1", f"-c{CLIENTS}", "-D", str(SECONDS),
               *(f"-H{field}" for field in FIELDS), f"http://127.0.0.1:{port}/"]
    if rate:
        command += [f"--rps={rate / CLIENTS}"]
    if log:
        log.unlink(missing_ok=True)
        command += [f"--log-file={log}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", done.stdout)
    assert counts and counts[2] == counts[3] == counts[4] == "0", done.stdout
    return int(counts[1])


def percentiles(log):
    times = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def measure_relay(folder, upstreams):
    """Rounds alternate between the proxies, and the first is thrown away."""
    rows = {name: [] for name in STARTERS}
    with ExitStack() as stack:
        running = {}
        for name, start in STARTERS.items():
            running[name] = start(folder, upstreams)
            stack.callback(running[name].stop)
        log = folder / "latencies"
        for number in range(ROUNDS + 1):
            for name, proxy in running.items():
                before = proxy.cpu_nanoseconds()
                done = load(proxy.port)
                busy = (proxy.cpu_nanoseconds() - before) / done / 1000
                before = proxy.cpu_nanoseconds()
                paced = load(proxy.port, RATE, log)
                paced_busy = (proxy.cpu_nanoseconds() - before) / paced / 1000
                if number:
                    rows[name].append((busy, done / SECONDS, paced_busy, *percentiles(log)))
    print(f"\n### One request (keep-alive, {CLIENTS} clients, split 95/5, one worker)\n")
    print("| proxy | CPU µs a request, saturated | × HAProxy | requests/s "
          f"| CPU µs at {RATE}/s | p50 µs | p99 µs |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    middle = {name: [statistics.median(column) for column in zip(*found)]
              for name, found in rows.items()}
    for name, (busy, rate, paced, half, most) in middle.items():
        lowest, highest = min(row[0] for row in rows[name]), max(row[0] for row in rows[name])
        print(f"| {name} | {busy:.1f} [{lowest:.1f}–{highest:.1f}] "
              f"| {busy / middle['HAProxy'][0]:.2f} | {rate:,.0f} | {paced:.1f} "
              f"| {half:.0f} | {most:.0f} |")


def measure_memory(folder, upstreams):
    count = 5000
    print(f"\n### Memory (resident, one worker, {count} idle keep-alive connections)\n")
    print("| proxy | idle MiB | bytes a connection, fresh | after one request |")
    print("| --- | --- | --- | --- |")
    for name, start in STARTERS.items():
        proxy = start(folder, upstreams)
        idle = proxy.resident_bytes()
        for _ in range(3):
            load(proxy.port, 2000)
        warm = proxy.resident_bytes()
        with ExitStack() as stack:
            peers = [stack.enter_context(closing(connect(proxy.port))) for _ in range(count)]
            until(lambda: descriptors(proxy) > count, 10, "every connection accepted")
            fresh = (proxy.resident_bytes() - warm) / count
            for peer in peers:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert peer.recv(4096).startswith(b"HTTP/1.1 200")
            served = (proxy.resident_bytes() - warm) / count
        proxy.stop()
        print(f"| {name} | {idle / (1 << 20):.1f} | {fresh:.0f} | {served:.0f} |")


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port))
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def descriptors(proxy):
    return sum(len(os.listdir(f"/proc/{process}/fd")) for process in proxy.processes())


class Mesh:
    """A control plane and one sidecar that has its first revision in effect."""

    def __init__(self, folder, upstreams, stack):
        self.control = Control(folder)
        stack.callback(lambda: self.control.kill())
        revision = self.control.put_service(
            "reviews", {name: upstream.port for name, upstream in upstreams.items()}, v1=95, v2=5)
        self.sidecar = Follower(folder, self.control)
        stack.callback(self.sidecar.kill)
        self.control.wait_in_effect(revision)


def measure_push(folder, upstreams):
    with ExitStack() as stack:
        mesh = Mesh(folder, upstreams, stack)
        times, answers = [], []
        api = http.client.HTTPConnection("127.0.0.1", mesh.control.api)
        with Load(mesh.sidecar.port, clients=20, host="reviews") as running:
            running.wait_for(200)
            for number in range(PUSHES):
                weights = {"weights": {"v1": 100 - number % 100, "v2": number % 100}}
                began = time.monotonic()
                revision = call(api, "PUT", "/v1/services/reviews/split", weights)["revision"]
                answers.append((time.monotonic() - began) * 1000)
                while not call(api, "GET", f"/v1/revisions/{revision}")["inEffect"]["complete"]:
                    pass
                times.append((time.monotonic() - began) * 1000)
        result = running.result
    times.sort()
    answers.sort()
    print(f"\n### PUT split → in effect on a connected sidecar ({PUSHES} pushes under load)\n")
    print("| what | median ms | p99 ms |\n| --- | --- | --- |")
    for name, found in (("durable and answered", answers), ("in effect", times)):
        print(f"| {name} | {found[len(found) // 2]:.1f} | {found[int(len(found) * 0.99)]:.1f} |")
    print(f"\nRequests meanwhile: {result.requests:,}; failed: {result.failed}; "
          f"connections closed while idle: {result.outcomes['reset-idle']}.")


def call(api, method, path, value=None):
    api.request(method, path, json.dumps(value) if value else None,
                {"Content-Type": "application/json"} if value else {})
    answer = api.getresponse()
    content = answer.read()
    assert answer.status in (200, 201), content
    return json.loads(content)


def measure_restart(folder, upstreams):
    with ExitStack() as stack:
        mesh = Mesh(folder, upstreams, stack)
        back = []
        with Load(mesh.sidecar.port, clients=20, host="reviews") as running:
            for number in range(10):
                running.wait_for(300)
                mesh.control.kill()
                running.wait_for(300)
                mesh.control = mesh.control.again()
                began = time.monotonic()
                revision = mesh.control.put_split("reviews", v1=90 - number, v2=10 + number)
                mesh.control.wait_in_effect(revision, seconds=60)
                back.append(time.monotonic() - began)
        result = running.result
    print("\n### The control plane killed and restarted 10 times under load\n")
    print(f"Requests: {result.requests:,}; lost: {result.failed}; connections closed while idle: "
          f"{result.outcomes['reset-idle']}; from its return to a new revision in effect: "
          f"median {statistics.median(back):.2f} s, longest {max(back):.2f} s.")


def measure_instructions(folder, upstreams):
    """User-space instructions a request, exact and repeatable where times are not."""
    print("\n### User-space instructions a request (callgrind, 8 clients)\n")
    print("| proxy | instructions |\n| --- | --- |")
    for name in COMMANDS:
        low, high = (counted(folder, upstreams, name, count) for count in (1000, 3000))
        print(f"| {name} | {(high - low) / 2000:,.0f} |")


def counted(folder, upstreams, name, count):
    """Instructions of one life with `count` requests, all its processes together."""
    for old in folder.glob("callgrind.*"):
        old.unlink()
    port, command = COMMANDS[name](folder, upstreams)
    # Valgrind 3.19 stumbles over newer debug information.
    bare = folder / "bare"
    subprocess.run(["strip", "--strip-debug", "-o", bare, command[0]], check=True)
    command[0] = bare
    program = Program([peer_path("valgrind"), "--tool=callgrind", "--trace-children=yes",
                       f"--callgrind-out-file={folder}/callgrind.%p", *command],
                      folder / "callgrind-log")
    program.wait_for(lambda: responds(port, "/"), 60)
    subprocess.run([peer_path("h2load"), "--h1", "-t1", "-c8", f"-n{count}",
                    *(f"-H{field}" for field in FIELDS), f"http://127.0.0.1:{port}/"],
                   capture_output=True, check=True)
    program.stop(60)
    found = [re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.M)
             for file in folder.glob("callgrind.*")]
    return sum(int(match[1]) for match in found if match)


PARTS = {"relay": measure_relay, "memory": measure_memory, "push": measure_push,
         "restart": measure_restart, "instructions": measure_instructions}
USUAL = ["relay", "memory", "push", "restart"]


def main():
    parts = sys.argv[1:] or USUAL
    wrong = [part for part in parts if part not in PARTS]
    if wrong:
        sys.exit(f"no part is called {wrong[0]}; there are {', '.join(PARTS)}")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    pin_to_first()
    for part in parts:
        with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
            folder = Path(name)
            upstreams = {}
            for version in ("v1", "v2"):
                upstreams[version] = FastUpstream(folder, version)
                stack.callback(upstreams[version].kill)
            PARTS[part](folder, upstreams)


main()
