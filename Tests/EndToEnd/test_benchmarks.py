"""That the benchmarks run, and say what they found; what they found is not judged here."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.programs import PROGRAMS, ROOT, until

SUITE = ROOT / "Benchmarks/suite.py"


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "Tests/EndToEnd"),
               "POINTSMAN_PROGRAMS": str(PROGRAMS)}


def run(*arguments):
    return subprocess.run([sys.executable, SUITE, *map(str, arguments)], capture_output=True,
                          text=True, env=ENVIRONMENT, timeout=120)


def test_a_short_run_reports_what_it_measured(tmp_path):
    done = run("relay", "latency", "memory", "--rounds", 1, "--seconds", 0.2, "--rates", 1000,
               "--connections", 50, "--proxies", "pointsman,floor", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (tmp_path / "out/report.md").read_text()
    tables = json.loads((tmp_path / "out/results.json").read_text())["tables"]
    assert set(tables) == {"relay", "latency-http1-1000", "memory"}
    for table in tables.values():
        assert not table["absent"] and {"Pointsman", "floor"} <= set(table["rows"])
    assert tables["relay"]["rows"]["Pointsman"]["cpu"][0] > 0
    page = (tmp_path / "out/report.html").read_text()
    assert page.count("<svg") == len(list((tmp_path / "out").glob("*.svg"))) == 4
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "| CPU of an HTTP/1.1 request | ≤ 1.10 × floor |" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind(tmp_path, number):
    suite = subprocess.Popen(
        [sys.executable, SUITE, "relay", "--seconds", "30", "--proxies", "pointsman,floor"],
        env={**ENVIRONMENT, "TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Whoever runs the tests in the background has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def children():
        with open(f"/proc/{suite.pid}/task/{suite.pid}/children") as found:
            return found.read().split()

    started = until(lambda: len(children()) >= 5 and children(), 20, "upstreams, proxies and load")
    suite.send_signal(number)
    assert suite.wait(20) != 0
    assert not [child for child in started if Path(f"/proc/{child}").exists()]


@pytest.mark.parametrize("arguments, complaint", [
    (["relays"], "no part is called relays"), (["--proxies", "squid"], "no proxy is called squid"),
    (["--rates", "many"], "numbers with commas"), (["--rounds", "0"], "positive number")])
def test_what_cannot_be_asked_for_is_refused(arguments, complaint):
    done = run(*arguments)
    assert done.returncode == 2 and complaint in done.stderr


@pytest.mark.parametrize("lost, during, word", [
    (0, 400, "met"), (0, 900, "missed"), (1, 400, "missed")])
def test_a_lost_request_is_told(monkeypatch, lost, during, word):
    monkeypatch.syspath_prepend(str(ROOT / "Benchmarks"))
    from goals import Goals
    from results import Figure, Table

    table = Table("pushes", "", [Figure("p99", "p99")], totals={"lost": lost})
    for phase, value in (("before", 500), ("during", during), ("after", 300)):
        table.add(phase, p99=value)
    verdict = Goals([table]).pushes()
    assert verdict.word == word and verdict.found.startswith(f"{lost} lost")


def test_ranges_and_ratios(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "Benchmarks"))
    from goals import judge
    from results import Cell, Figure, Table, shown

    table = Table("relay", "", [Figure("cpu", "CPU")], compared="cpu")
    for mine, theirs in ((10, 20), (30, 40), (20, 20)):
        table.add("Pointsman", cpu=mine)
        table.add("HAProxy", cpu=theirs)
    assert shown(table.cell("Pointsman", "cpu"), table.figures[0]) == "20.0 [10.0–30.0]"
    assert table.ratio("Pointsman", "HAProxy").samples == [0.5, 0.75, 1.0]
    assert judge(Cell([0.5, 0.6]), 0.7) == "met" and judge(Cell([0.8]), 0.7) == "missed"
    assert judge(Cell([0.5, 0.8]), 0.7) == "too close to call"
