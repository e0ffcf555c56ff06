"""Who makes the load: one small interface, so that another generator can take its place.

`closed` sends the next request when the last is answered; `paced` keeps to a rate. Both return a
`Run`, and raise when a single request failed, since a figure over failures compares nothing.
h2load counts a latency from when a request was sent and not from when it was due, so that a
stall shortens the list of those who waited in it ("coordinated omission"): compare its
percentiles between proxies, and do not promise them to anyone.
"""

import re
import subprocess
from dataclasses import dataclass, field

from harness.programs import peer_path

CLIENTS = 32
FIELDS = ["Accept: */*", "Accept-Encoding: gzip, deflate, br", "Accept-Language: en",
          "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "Cookie: user=ada",
          "x-request-id: 2f1c6d0e-8f2b-4b61-9f0e-7a8d9c1b2a3f", "Cache-Control: no-cache",
          "Referer: http://reviews/product/1"]


class LoadFailed(Exception):
    """Requests failed; the message holds what the generator said."""


@dataclass
class Run:
    requests: int
    seconds: float
    latencies: list = field(default_factory=list, repr=False)  # sorted, in microseconds

    def percentile(self, share):
        if not self.latencies:
            return 0.0
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))]


class H2load:
    name = "h2load"

    def __init__(self, folder):
        self.log = folder / "latencies"

    def closed(self, port, seconds, protocol="http1", clients=None, upload=None):
        more = ["-d", str(upload)] if upload else []
        return self._run(port, protocol, clients, ["-D", milliseconds(seconds), *more], seconds)

    def counted(self, port, count, protocol="http1", clients=8):
        """Exactly `count` requests, for what is divided by their number."""
        return self._run(port, protocol, clients, ["-n", str(count)], 60)

    def paced(self, port, rate, seconds, protocol="http1", host=None):
        # All of h2load's clients send at once, so that more of them make larger bursts.
        clients = max(4, rate // 500) if protocol == "http1" else 4
        self.log.unlink(missing_ok=True)
        run = self._run(port, protocol, clients, [
            "-D", milliseconds(seconds), f"--rps={rate / clients}", f"--log-file={self.log}",
            *(["-H", f":authority: {host}"] if host else [])], seconds)
        run.latencies = sorted(int(line.split("\t")[2])
                               for line in self.log.read_text().splitlines())
        return run

    def _run(self, port, protocol, clients, flags, seconds):
        shape = ["--h1", "-c", str(clients or CLIENTS)] if protocol == "http1" else [
            "-c", str(clients or 8), "-m", "32"]
        command = [peer_path("h2load"), "-t1", *shape, *flags,
                   *(f"-H{field}" for field in FIELDS), f"http://127.0.0.1:{port}/"]
        # With a rate, h2load never ends when its requests fail.
        done = ended(command, 20 + 3 * seconds)
        counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout",
                           done.stdout)
        if not counts or int(counts[1]) == 0 or {counts[2], counts[3], counts[4]} != {"0"}:
            raise LoadFailed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return Run(int(counts[1]), seconds)


def ended(command, patience):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=patience)
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"{' '.join(map(str, command))}\ndid not end in {patience:.0f} s") \
            from None


def milliseconds(seconds):
    return f"{round(seconds * 1000)}ms"


class Wrk:
    """A connection per request, which h2load cannot do."""

    def churn(self, port, seconds, clients=16):
        command = [peer_path("wrk"), "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s",
                   "-H", "Connection: close", f"http://127.0.0.1:{port}/"]
        done = ended(command, 20 + 3 * seconds)
        counts = re.search(r"(\d+) requests in ([\d.]+)(m?s)", done.stdout)
        if not counts or "Socket errors" in done.stdout or "Non-2xx" in done.stdout:
            raise LoadFailed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return Run(int(counts[1]), float(counts[2]) / (1000 if counts[3] == "ms" else 1))
