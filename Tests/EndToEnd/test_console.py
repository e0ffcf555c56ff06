"""The command line as people and scripts use it, and the canary example as a new user runs it."""

import json
import os
import subprocess

import pytest

from harness.control import Control, Follower
from harness.fast import FastUpstream
from harness.programs import PROGRAMS, ROOT, free_port, program_path

DOCUMENT = """\
services:
  reviews:
    protocol: http
    versions:
      v1: { endpoints: ["127.0.0.1:%d"] }
      v2: { endpoints: ["127.0.0.1:%d"] }
    routes:
      - match: { headers: { x-user-group: beta } }
        split: { v2: 100 }
        name: beta
      - split: { v1: 95, v2: 5 }
        name: all
"""


@pytest.fixture
def control(start, tmp_path):
    return start(Control, tmp_path)


@pytest.fixture
def console(control, tmp_path):
    def run(*arguments, code=0, text=None):
        done = subprocess.run(
            [program_path("pointsman"), *arguments], input=text, capture_output=True, text=True,
            timeout=30, cwd=tmp_path,
            env={**os.environ, "POINTSMAN_API": f"127.0.0.1:{control.api}",
                 "NO_COLOR": "", "SWIFT_BACKTRACE": "enable=no"})
        assert code is None or done.returncode == code, (arguments, done.stdout, done.stderr)
        return done
    return run


@pytest.fixture
def applied(console, tmp_path, start):
    upstreams = [start(FastUpstream, tmp_path, name) for name in ("v1", "v2")]
    (tmp_path / "mesh.yaml").write_text(DOCUMENT % tuple(u.port for u in upstreams))
    console("apply", "-f", "mesh.yaml")
    return upstreams


def test_apply_and_get(console, applied, control):
    services = console("get", "services").stdout
    assert "reviews" in services and "\x1b[" not in services, "colour without a terminal"
    assert json.loads(console("get", "services", "-o", "json").stdout)
    assert "reviews" in console("get", "services", "-o", "yaml").stdout
    assert "beta" in console("get", "routes").stdout
    revision = control.done("GET", "/v1/revisions/current")["number"]
    console("apply", "-f", "mesh.yaml")
    assert control.done("GET", "/v1/revisions/current")["number"] == revision, "nothing changed"


def test_split_wait_and_restore(console, applied, control, start, tmp_path):
    start(Follower, tmp_path, control)
    console("split", "reviews", "v1=50", "v2=50", "--route", "all", "--wait",
            "--reason", "half of it")
    revision = control.done("GET", "/v1/revisions/current")
    assert revision["why"] == "half of it"
    coverage = control.coverage(revision["number"])
    assert coverage["complete"] and coverage["applied"] == 1
    console("split", "reviews", "v1=1", "v2=1", "--route", "all", "--dry-run")
    assert control.done("GET", "/v1/revisions/current")["number"] == revision["number"]
    console("wait", "--revision", str(revision["number"]))
    console("restore", "1")
    assert "one" in console("proxies").stdout
    console("get", "revisions")
    console("check")


@pytest.mark.parametrize("arguments", [
    ("split", "nobody", "v1=1"), ("split", "reviews", "v9=1", "--route", "all"),
    ("split", "reviews", "v1=0", "v2=0", "--route", "all"), ("restore", "99999"),
    ("apply", "-f", "missing.yaml"), ("get", "nothings"), ("split", "reviews", "v1"),
    ("split", "reviews", "v1=-1"), ("wait", "--revision", "x")])
def test_errors_have_an_exit_code_and_a_hint(console, applied, arguments):
    done = console(*arguments, code=None)
    assert done.returncode not in (0, -4, -5, -6, -11), done
    assert done.stderr.strip() and not done.stdout.strip()
    assert "Fatal error" not in done.stderr


def test_a_wrong_file_names_the_place(console, tmp_path):
    (tmp_path / "wrong.yaml").write_text(DOCUMENT.replace("v1: 95", "v3: 95") % (9001, 9002))
    done = console("apply", "-f", "wrong.yaml", code=None)
    assert done.returncode != 0 and "v3" in done.stderr


def test_without_a_control_plane(tmp_path):
    done = subprocess.run(
        [program_path("pointsman"), "get", "services"], capture_output=True, text=True, timeout=30,
        env={**os.environ, "POINTSMAN_API": f"127.0.0.1:{free_port()}"})
    assert done.returncode not in (0, -4, -5, -6, -11)
    assert done.stderr.strip()


@pytest.mark.parametrize("program", ["pointsman", "pointsman-proxy", "pointsman-control"])
def test_help_and_version(program):
    for flag in ("--help", "--version"):
        done = subprocess.run([program_path(program), flag], capture_output=True, text=True,
                              timeout=10)
        assert done.returncode == 0 and done.stdout.strip(), (program, flag, done.stderr)
    done = subprocess.run([program_path(program), "--no-such-flag"], capture_output=True,
                          text=True, timeout=10)
    assert done.returncode not in (0, -4, -5, -6, -11)


def test_validate_mode(tmp_path):
    good = ROOT / "Examples/static/bootstrap.yaml"
    proxy = program_path("pointsman-proxy")
    done = subprocess.run([proxy, "-c", good, "--mode", "validate"], capture_output=True,
                          text=True, timeout=10)
    assert done.returncode == 0, done.stderr
    bad = tmp_path / "bad.yaml"
    bad.write_text(good.read_text().replace("static_resources:", "tracing: {}\nstatic_resources:"))
    done = subprocess.run([proxy, "-c", bad, "--mode", "validate"], capture_output=True, text=True,
                          timeout=10)
    assert done.returncode != 0 and "tracing" in done.stderr


def test_the_canary_example():
    """The first thing a new user runs: every share exact, no request failed."""
    done = subprocess.run(
        [ROOT / "Examples/canary/run", "--programs", PROGRAMS, "--requests", "1000"],
        capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
