"""The load generator against real servers: what it says is held against what they have seen."""

import json
import os
import pty
import re
import signal
import subprocess
import time
from html.parser import HTMLParser

import pytest

from harness import bootstrap
from harness.allocations import Allocations
from harness.fast import FastUpstream
from harness.programs import (
    Program, Sidecar, free_port, peer_path, program_path, responds, until)

pytestmark = pytest.mark.shipped
ENVIRONMENT = {**os.environ, "SWIFT_BACKTRACE": "enable=no"}


def bench(*arguments, code=0, seconds=60, env=None):
    done = subprocess.run(
        [program_path("pointsman"), "bench", *map(str, arguments)], capture_output=True,
        text=True, timeout=seconds, env={**ENVIRONMENT, **(env or {})})
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def measured(*arguments, **more):
    return json.loads(bench(*arguments, "-o", "json", **more).stdout)


def percentile(histogram, percent):
    return next(
        p["Value"] for p in histogram["Percentiles"] if p["Percentile"] == percent)


def above(histogram, seconds):
    """How many latencies are longer, by the bars that lie above."""
    return sum(bar["Count"] for bar in histogram["Data"] if bar["Start"] >= seconds)


@pytest.fixture
def fast(start, tmp_path):
    def begin(name="v1", *flags):
        upstream = start(FastUpstream, tmp_path, name, *flags)
        upstream.url = f"http://127.0.0.1:{upstream.port}/"
        return upstream
    return begin


@pytest.fixture
def http2(start, tmp_path):
    """nghttpd, which speaks HTTP/2 with prior knowledge and nothing else."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "index.html").write_text("ok")
    (root / "large").write_bytes(bytes(1 << 20))
    port = free_port()
    server = start(
        Program, [peer_path("nghttpd"), "--no-tls", "-d", root, port], tmp_path / "nghttpd.log")
    server.wait_for(lambda: answers_http2(port), 5)
    server.url = f"http://127.0.0.1:{port}/"
    return server


def answers_http2(port):
    done = subprocess.run(
        [peer_path("nghttp"), "-nv", f"http://127.0.0.1:{port}/"], capture_output=True, text=True,
        timeout=5)
    return ":status: 200" in done.stdout


@pytest.mark.parametrize("threads", [1, 3])
def test_every_request_that_it_counts_has_reached_the_server(fast, threads):
    upstream = fast()
    result = measured(upstream.url, "-n", 20001, "--threads", threads)
    assert result["RetCodes"] == {"200": 20001}
    assert result["DurationHistogram"]["Count"] == 20001
    assert upstream.count() == 20001


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_the_rate_asked_for_is_the_rate_achieved(fast, arrivals):
    result = measured(fast().url, "--rate", 2000, "--arrivals", arrivals, "-d", "3s")
    # Chance moves the number of Poisson arrivals by its root.
    tolerance = 10 if arrivals == "constant" else 5 * 6000 ** 0.5
    count = result["DurationHistogram"]["Count"] + result["Pointsman"]["Dropped"]
    assert abs(count - 6000) <= tolerance
    assert abs(result["ActualQPS"] - 2000) <= tolerance / 3 + 40
    assert result["RequestedQPS"] == "2000" and result["Pointsman"]["Arrivals"] == arrivals


def test_a_stall_shows_in_every_request_that_was_due_meanwhile(fast):
    """The server stops for 0.6 s: 120 of 800 requests are due then, and only 4 are on the wire."""
    upstream = fast()
    running = subprocess.Popen(
        [program_path("pointsman"), "bench", upstream.url, "--rate", "200", "-d", "4s", "-c", "4",
         "-o", "json"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        until(lambda: upstream.count() > 20, 5)
        begun = time.monotonic()
        upstream.signal(signal.SIGSTOP)
        until(lambda: time.monotonic() - begun > 0.6)
        upstream.signal(signal.SIGCONT)
        stall = time.monotonic() - begun
        result = json.loads(running.communicate(timeout=30)[0])
    finally:
        running.kill()
    latency, service = result["DurationHistogram"], result["Pointsman"]["ServiceHistogram"]
    assert latency["Count"] == 800
    # Of those that are due in the stall, all but the last sixth wait for 0.1 s and longer.
    expected = 200 * (stall - 0.1)
    assert abs(above(latency, 0.1) - expected) < 25, (above(latency, 0.1), expected)
    assert above(service, 0.1) <= 8, "measured from sending, a stall hides"
    assert percentile(latency, 99) > stall * 0.75
    assert latency["Max"] == pytest.approx(stall, abs=0.1)
    assert percentile(service, 95) < 0.1 < percentile(latency, 95)
    assert result["Pointsman"]["Saturated"]
    assert any("waited for a free connection" in text for text in result["Pointsman"]["Doubts"])


def test_a_known_latency_is_measured(fast):
    result = measured(fast("v1", "--delay-ms", 30).url, "--rate", 400, "-d", "2s", "-c", 64)
    for percent in (50, 75, 90):
        # The upstream's clock counts whole milliseconds.
        assert 0.029 <= percentile(result["DurationHistogram"], percent) < 0.045
    assert 0.029 <= result["DurationHistogram"]["Min"]


def test_more_than_the_connections_can_carry_is_said(fast):
    """Two connections with 50 ms an answer carry 40 a second."""
    done = bench(fast("v1", "--delay-ms", 50).url, "--rate", 200, "-d", "2s", "-c", 2)
    assert "dropped: " in done.stdout and "waited for a free connection" in done.stdout
    assert re.search(r"\n(3\d|4\d)\.\d+ requests/s of 200", done.stdout), done.stdout


@pytest.mark.parametrize("streams", [1, 8])
def test_http2_with_prior_knowledge(http2, streams):
    result = measured(http2.url, "--http2", "--streams", streams, "-c", 4, "-n", 10000)
    assert result["RetCodes"] == {"200": 10000} and result["H2"] is True
    assert result["NumThreads"] == 4 * streams
    result = measured(http2.url, "--http2", "--rate", 500, "-d", "1s")
    assert abs(result["DurationHistogram"]["Count"] - 500) <= 1
    large = measured(http2.url + "large", "--http2", "--streams", 4, "-c", 2, "-n", 50)
    assert large["RetCodes"] == {"200": 50} and large["BytesReceived"] > 50 << 20


def test_http2_where_there_is_none_is_unreachable(fast):
    done = bench(fast().url, "--http2", "--timeout", "1s", "-d", "1s", code=3)
    assert "cannot connect" in done.stderr


@pytest.fixture
def split(start, tmp_path, fast):
    """A sidecar that splits 95 to 5, and whose upstreams tell their names."""
    weights = {"v1": 95, "v2": 5}
    upstreams = {name: fast(name) for name in weights}
    port = free_port()
    sidecar = start(Sidecar, tmp_path, bootstrap.static(
        free_port(),
        [bootstrap.listener(port, bootstrap.manager(
            bootstrap.route_configuration([bootstrap.to_split(weights)])))],
        [bootstrap.cluster(name, [upstream.port]) for name, upstream in upstreams.items()]))
    sidecar.url, sidecar.upstreams = f"http://127.0.0.1:{port}/", upstreams
    return sidecar


def test_versions_are_told_apart_and_held_against_what_was_meant(split):
    result = measured(
        split.url, "-n", 4000, "--version-header", "x-upstream", "--expect", "v1=95,v2=5")
    versions = {version["Version"]: version for version in result["Pointsman"]["Versions"]}
    assert abs(versions["v2"]["Count"] - 200) <= 1
    assert versions["v1"]["Count"] + versions["v2"]["Count"] == 4000
    assert versions["v2"]["Low95"] < 0.05 < versions["v2"]["High95"]
    assert not versions["v1"]["Off"]
    done = bench(
        split.url, "-n", 4000, "--version-header", "X-Upstream", "--expect", "v1=90,v2=10",
        code=7)
    assert "version v2 answered 5.0" in done.stderr and ", off" in done.stdout


def test_two_targets_in_one_run(split):
    direct = split.upstreams["v1"].url
    for load in (["--rate", 500], []):
        result = measured(split.url, "--compare", direct, "-d", "2s", *load)
        comparison = result["Comparison"]
        assert result["URL"] == split.url and comparison["URL"] == direct
        assert comparison["Ratios"]["p50"] > 1, "a detour is no short cut"
        if load:
            assert abs(result["DurationHistogram"]["Count"] - 1000) <= 1
            assert abs(comparison["DurationHistogram"]["Count"] - 1000) <= 1
        else:
            both = result["ActualDuration"] + comparison["ActualDuration"]
            assert 1.8e9 < both < 2.2e9, "they take turns"
    done = bench(
        split.url, "--compare", direct, "-n", 2000, "--fail-if", "p50>1.01x", "--fail-if",
        "p50>1000x", code=7)
    assert "failed: p50>1.01x" in done.stderr and "1000x" not in done.stderr
    assert "A ÷ B" in done.stdout


def test_conditions_decide_how_it_ends(fast):
    url = fast("v1", "--delay-ms", 20).url
    kept = ["p99>5s", "errors>0.1%", "errors>0", "rate<1", "dropped>0", "requests<100"]
    flags = [part for condition in kept for part in ("--fail-if", condition)]
    assert "failed" not in bench(url, "-n", 100, *flags).stderr
    done = bench(url, "-n", 100, *flags, "--fail-if", "p50 > 10ms", code=7)
    assert "failed: p50 > 10ms: p50 is 2" in done.stderr


@pytest.mark.parametrize("arguments, word", [
    (["ftp://a/"], "neither an http:// nor"), ([], "url"),
    (["http://127.0.0.1:1/", "--cacert", "x"], "https:// URL"),
    (["http://127.0.0.1:1/", "--full-handshakes"], "https:// URL"),
    (["https://127.0.0.1:1/", "--cacert", "/nonexistent"], "/nonexistent"),
    (["https://127.0.0.1:1/", "--key", "x"], "--cert"),
    (["http://127.0.0.1:1/", "--reconnect", "--http2"], "exclude each other"),
    (["http://127.0.0.1:1/", "--rate", "0"], "--rate"),
    (["http://127.0.0.1:1/", "--rate", "nan"], "--rate"),
    (["http://127.0.0.1:1/", "-c", "0"], "--connections"),
    (["http://127.0.0.1:1/", "-c", "9", "--threads", "10"], "--threads"),
    (["http://127.0.0.1:1/", "-d", "1s", "-n", "5"], "exclude each other"),
    (["http://127.0.0.1:1/", "-d", "x"], "duration"),
    (["http://127.0.0.1:1/", "--streams", "5"], "--http2"),
    (["http://127.0.0.1:1/", "--fail-if", "p99>5"], "a time such as 5ms"),
    (["http://127.0.0.1:1/", "--fail-if", "p99>2x"], "--compare"),
    (["http://127.0.0.1:1/", "-H", "nonsense"], "'Name: value'"),
    (["http://127.0.0.1:1/", "-H", "Content-Length: 5"], "other than"),
    (["http://127.0.0.1:1/", "--body-file", "/nonexistent"], "/nonexistent"),
    (["http://127.0.0.1:1/", "--body", "a", "--body-file", "b"], "exclude each other"),
    (["http://127.0.0.1:1/", "--html", "/nonexistent/page"], "/nonexistent"),
    (["http://127.0.0.1:1/", "--expect", "v1=1"], "--version-header"),
    (["http://127.0.0.1:1/", "--version-header", "x", "--expect", "v1"], "VERSION=WEIGHT"),
    (["http://127.0.0.1:1/", "--arrivals", "poisson"], "--rate"),
    (["http://127.0.0.1:1/", "-o", "yaml"], "json"),
])
def test_wrong_usage_is_explained(arguments, word):
    done = bench(*arguments, code=2)
    assert word in done.stderr and not done.stdout


def test_a_target_that_is_not_there(fast):
    assert "Connection refused" in bench(f"http://127.0.0.1:{free_port()}/", code=3).stderr
    assert "no address is known" in bench("http://nowhere.invalid/", code=3).stderr


def test_a_server_that_dies_is_told_by_kinds_of_error(fast):
    upstream = fast()
    running = subprocess.Popen(
        [program_path("pointsman"), "bench", upstream.url, "-d", "2s", "--rate", "500", "-o",
         "json"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    until(lambda: upstream.count() > 20, 5)
    upstream.kill()
    result = json.loads(running.communicate(timeout=30)[0])
    errors = result["Pointsman"]["Errors"]
    assert running.returncode == 0
    assert errors["connect"] > 0 and errors["Total"] >= errors["connect"]
    assert result["Pointsman"]["Dropped"] > 0


def test_an_interrupt_ends_it_early_with_a_result(fast):
    upstream = fast()
    running = subprocess.Popen(
        [program_path("pointsman"), "bench", upstream.url, "-d", "60s", "--rate", "500"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    until(lambda: upstream.count() > 20, 5)
    running.send_signal(signal.SIGINT)
    output, messages = running.communicate(timeout=10)
    assert running.returncode == 0 and not messages
    assert "ended early" in output and "p99.99" in output and "no errors" in output


def test_progress_is_for_people_who_watch(fast):
    url = fast().url
    assert bench(url, "-d", "1s").stderr == ""
    for flags, is_shown in (([], True), (["--quiet"], False)):
        parent, child = pty.openpty()
        running = subprocess.Popen(
            [program_path("pointsman"), "bench", url, "-d", "1s", *flags],
            stdout=subprocess.DEVNULL, stderr=child, env={**ENVIRONMENT, "TERM": "xterm"})
        os.close(child)
        shown = b""
        try:
            while piece := os.read(parent, 4096):
                shown += piece
        except OSError:
            pass  # the other end is closed
        os.close(parent)
        assert running.wait(10) == 0
        assert (b"answers/s" in shown) is is_shown
        if is_shown:
            assert shown.endswith(b"\r\x1b[K"), "the line is taken away"


class Page(HTMLParser):
    """What a page is made of, and what it would fetch."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.fetched = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "href")]


def test_the_page_needs_nothing_but_itself(split, tmp_path):
    path = tmp_path / "page.html"
    direct = split.upstreams["v1"].url
    bench(split.url, "--compare", direct, "-d", "1s", "--rate", 300, "--html", path,
          "--version-header", "x-upstream")
    text = path.read_text()
    page = Page(text)
    assert page.tags.count("svg") == 4 and page.tags.count("table") >= 3
    assert not page.fetched and "script" not in page.tags and "link" not in page.tags
    assert "url(" not in text and "@import" not in text and "prefers-color-scheme" in text
    assert "nan" not in text.lower().split() and "inf" not in text.lower().split()


def test_json_has_the_keys_that_fortio_has(fast):
    result = measured(fast().url, "--rate", 500, "-d", "1s")
    for key in ("RunType", "Labels", "StartTime", "RequestedQPS", "RequestedDuration",
                "ActualQPS", "ActualDuration", "NumThreads", "Version", "DurationHistogram",
                "ErrorsDurationHistogram", "RetCodes", "URL", "NumConnections", "SocketCount"):
        assert key in result, key
    histogram = result["DurationHistogram"]
    for key in ("Count", "Min", "Max", "Sum", "Avg", "StdDev", "Data", "Percentiles"):
        assert key in histogram, key
    assert sum(bar["Count"] for bar in histogram["Data"]) == histogram["Count"]
    assert histogram["Data"][-1]["Percent"] == 100
    assert histogram["Avg"] == pytest.approx(histogram["Sum"] / histogram["Count"])
    assert [p["Percentile"] for p in histogram["Percentiles"]] == [
        50, 75, 90, 95, 99, 99.9, 99.99]


def test_a_request_allocates_nothing(fast, tmp_path):
    """What a run allocates does not depend on how many requests it sends."""
    upstream = fast()

    def allocations(*flags):
        counts = Allocations(tmp_path)
        measured(upstream.url, *flags, "--version-header", "x-upstream", env=counts.environment)
        return sum(counts.calls().values())

    few, many = allocations("-n", 2000), allocations("-n", 42000)
    # A piece of the timeline now and then, and what its report has to say of it.
    assert many - few < 2000, f"{(many - few) / 40000} a request"
    few = allocations("-n", 1000, "--rate", 4000)
    many = allocations("-n", 9000, "--rate", 4000)
    assert many - few < 2000, f"{(many - few) / 8000} a request"
