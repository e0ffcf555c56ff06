"""Who makes the load: small classes with one face, so that another can take the place of one.

`closed` sends the next request when the last is answered. `paced` keeps to a rate, and with
`beside` loads that port too and returns two runs. A run with a single failed request is an error,
since a figure over failures compares nothing, unless `tolerant` asks how many there were.
"""

import json
import re
import subprocess
from dataclasses import dataclass, field

from harness.programs import peer_path, program_path

CLIENTS = 32
FIELDS = ["Accept: */*", "Accept-Encoding: gzip, deflate, br", "Accept-Language: en",
          "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "Cookie: user=ada",
          "x-request-id: 2f1c6d0e-8f2b-4b61-9f0e-7a8d9c1b2a3f", "Cache-Control: no-cache",
          "Referer: http://reviews/product/1"]
SHARES = {"p50": 50, "p99": 99, "p999": 99.9}


class LoadFailed(Exception):
    """Requests failed; the message holds what the generator said."""


@dataclass
class Run:
    requests: int
    seconds: float
    sent: int = 0  # with those of the warm-up, which are not counted otherwise
    latency: dict = field(default_factory=dict)  # by the keys of SHARES, in microseconds
    doubts: list = field(default_factory=list)  # why the generator distrusts its own figures
    failed: int = 0


class Bench:
    """`pointsman bench`: latency counts from when a request was due, so that every one that a
    stall made late is seen."""

    name = "pointsman bench"

    def __init__(self, folder):
        self.folder = folder

    def paced(self, port, rate, seconds, protocol="http1", host="reviews", beside=None,
              tolerant=False):
        warm_up = min(0.5, seconds / 4)
        command = [
            program_path("pointsman"), "bench", f"http://127.0.0.1:{port}/", "--quiet",
            "--output", "json", "--rate", rate, "--duration", milliseconds(seconds),
            "--warm-up", milliseconds(warm_up),
            "--connections", CLIENTS if protocol == "http1" else 4,
            "--header", f"Host: {host}", *option("--header", FIELDS),
            *(["--http2", "--streams", 8] if protocol == "h2c" else []),
            *(["--compare", f"http://127.0.0.1:{beside}/"] if beside else [])]
        done = ended(command, 20 + 3 * seconds)
        try:
            found = json.loads(done.stdout)
        except ValueError:
            raise failure(command, done) from None
        runs = [self.read(document, round(rate * warm_up))
                for document in (found, found.get("Comparison")) if document]
        if any(not run.requests or run.failed and not tolerant for run in runs):
            raise failure(command, done)
        return runs if beside else runs[0]

    def read(self, document, before):
        own, times = document["Pointsman"], document["DurationHistogram"]
        count, failed = times["Count"], own["Errors"]["Total"]
        if not count:
            return Run(0, 0, failed=failed)
        values = {entry["Percentile"]: entry["Value"] for entry in times["Percentiles"]}
        latency = {key: values[share] * 1e6 for key, share in SHARES.items()}
        return Run(count, count / document["ActualQPS"] if document["ActualQPS"] else 0,
                   count + before, latency, own["Doubts"], failed)


class H2load:
    """nghttp2's. Its latency counts from when a request was sent and not from when it was due,
    so that a stall shortens the list of those who waited in it ("coordinated omission"), and its
    clients send all at once."""

    name = "h2load"

    def __init__(self, folder):
        self.log = folder / "latencies"

    def closed(self, port, seconds, protocol="http1", clients=None, upload=None):
        more = ["-d", upload] if upload else []
        return self.run(port, protocol, clients, ["-D", milliseconds(seconds), *more], seconds)

    def counted(self, port, count, protocol="http1", clients=8):
        """Exactly `count` requests, for what is divided by their number."""
        return self.run(port, protocol, clients, ["-n", count], 60)

    def paced(self, port, rate, seconds, protocol="http1", host="reviews", beside=None,
              tolerant=False):
        # More clients make larger bursts.
        clients = max(4, rate // 500) if protocol == "http1" else 4
        self.log.unlink(missing_ok=True)
        run = self.run(port, protocol, clients, [
            "-D", milliseconds(seconds), f"--rps={rate / clients}", f"--log-file={self.log}",
            f"-H:authority: {host}"], seconds, tolerant)
        times = sorted(int(line.split("\t")[2]) for line in self.log.read_text().splitlines())
        run.latency = {key: times[min(len(times) - 1, int(len(times) * share / 100))]
                       for key, share in SHARES.items()}
        if beside:
            return [run, self.paced(beside, rate, seconds, protocol, host, tolerant=tolerant)]
        return run

    def run(self, port, protocol, clients, flags, seconds, tolerant=False):
        shape = ["--h1", "-c", clients or CLIENTS] if protocol == "http1" else [
            "-c", clients or 8, "-m", "32"]
        command = [peer_path("h2load"), "-t1", *shape, *flags, *option("-H", FIELDS),
                   f"http://127.0.0.1:{port}/"]
        # With a rate, h2load never ends when its requests fail.
        done = ended(command, 20 + 3 * seconds)
        counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout",
                           done.stdout)
        succeeded, *lost = map(int, counts.groups()) if counts else (0,)
        if not succeeded or any(lost) and not tolerant:
            raise failure(command, done)
        return Run(succeeded, seconds, succeeded, failed=sum(lost))


class Wrk:
    """A connection per request, which the others cannot do."""

    name = "wrk"

    def churn(self, port, seconds, clients=16):
        command = [peer_path("wrk"), "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s",
                   "-H", "Connection: close", f"http://127.0.0.1:{port}/"]
        done = ended(command, 20 + 3 * seconds)
        counts = re.search(r"(\d+) requests in ([\d.]+)(m?s)", done.stdout)
        if not counts or "Socket errors" in done.stdout or "Non-2xx" in done.stdout:
            raise failure(command, done)
        return Run(int(counts[1]), float(counts[2]) / (1000 if counts[3] == "ms" else 1))


PACED = {"bench": Bench, "h2load": H2load}


def option(name, values):
    return [text for value in values for text in (name, value)]


def ended(command, patience):
    command = [str(word) for word in command]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=patience)
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"{' '.join(command)}\ndid not end in {patience:.0f} s") from None


def failure(command, done):
    return LoadFailed(f"{' '.join(map(str, command))}\n{done.stdout[:4000]}{done.stderr}")


def milliseconds(seconds):
    return f"{round(seconds * 1000)}ms"
