"""What was acknowledged is there: kill -9 at any moment, full disks, lost updates."""

import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import threading
import time

import pytest

from harness.control import Control
from harness.programs import FULL, Program, fetch, free_port, program_path, until

VERSIONS = {"v1": 9001, "v2": 9002}


def test_kill_9_in_the_middle_of_writes(start, tmp_path):
    """F19: every acknowledged write is there, revisions only rise, a start takes at most 1 s."""
    control = start(Control, tmp_path)
    control.put_service("reviews", VERSIONS)
    acknowledged = {}
    for turn in range(1000 if FULL else 25):
        stop = threading.Event()
        writers = [threading.Thread(target=write, args=(control, acknowledged, stop, number))
                   for number in range(3)]
        for writer in writers:
            writer.start()
        goal = len(acknowledged) + random.randint(1, 12)
        until(lambda: len(acknowledged) >= goal, 10, "writes", every=0.0005)
        control.kill()
        stop.set()
        for writer in writers:
            writer.join()
        began = time.monotonic()
        control = start(control.again)
        took = time.monotonic() - began
        assert took <= 1, f"the start took {took:.2f} s"
        current = control.done("GET", "/v1/revisions/current")["number"]
        last = max(acknowledged)
        assert current >= last, f"revision {last} was acknowledged, {current} is there"
        for revision in sorted(acknowledged)[-20:]:
            assert control.done("GET", f"/v1/revisions/{revision}")["why"] == \
                acknowledged[revision], f"revision {revision} holds another change"
    control.stop()
    control.check_store()


def write(control, acknowledged, stop, number):
    count = 0
    while not stop.is_set():
        count += 1
        why = f"writer {number} change {time.monotonic_ns()}"
        try:
            status, document, _ = control.call("PUT", "/v1/services/reviews/split", {
                "weights": {"v1": random.randint(1, 10_000), "v2": random.randint(1, 10_000)},
                "reason": why})
        except (OSError, http.client.HTTPException, ValueError):
            return
        if status == 200 and document["changed"]:
            acknowledged[document["revision"]] = why


@contextlib.contextmanager
def small_disk(folder):
    folder.mkdir()
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*root, "mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs", folder],
                   check=True)
    try:
        yield lambda size: subprocess.run(
            [*root, "mount", "-o", f"remount,size={size}", folder], check=True)
    finally:
        subprocess.run([*root, "umount", "-l", folder], check=True)


def test_a_full_disk(start, tmp_path):
    """F18: writes are refused whole, reads go on, and room brings everything back."""
    with small_disk(tmp_path / "disk") as resize:
        control = start(Control, tmp_path, store=tmp_path / "disk/store.db")
        control.put_service("reviews", VERSIONS)
        filler = tmp_path / "disk/filler"
        filler.write_bytes(b"x" * (300 << 10))
        refused, names = None, []
        for number in range(3000):
            name = f"service-{number}"
            status, document, _ = control.call("PUT", f"/v1/services/{name}", {
                "versions": {f"v{n}": {"endpoints": [f"127.0.0.1:{9000 + n}"]}
                             for n in range(20)},
                "routes": [{"split": {"v1": 100}}]})
            if status not in (200, 201):
                refused = (status, document)
                break
            names.append(name)
        assert refused and refused[0] in (503, 507), refused
        assert control.running
        assert control.weights("reviews") == {"v1": 100, "v2": 0}
        assert control.call("GET", f"/v1/services/{name}")[0] == 404, "half a change is there"
        until(lambda: fetch(control.api, "/readyz")[0] in (200, 503), 2)
        resize("32m")
        filler.unlink()
        until(lambda: control.call("PUT", "/v1/services/later", {
            "versions": {"v1": {"endpoints": ["127.0.0.1:9001"]}},
            "routes": [{"split": {"v1": 100}}]})[0] in (200, 201), 5, "writes that work again")
        for kept in names[-5:]:
            assert control.call("GET", f"/v1/services/{kept}")[0] == 200
        assert control.stop() == 0
        control = start(control.again)
        assert control.call("GET", "/v1/services/later")[0] == 200
        control.stop()
        control.check_store()


def test_lost_updates_are_refused(start, tmp_path):
    control = start(Control, tmp_path)
    control.put_service("reviews", VERSIONS)
    _, _, headers = control.call("GET", "/v1/services/reviews/split")
    tag = {"If-Match": headers["etag"]}
    change = {"weights": {"v1": 90, "v2": 10}}
    assert control.call("PUT", "/v1/services/reviews/split", change, tag)[0] == 200
    status, problem, answered = control.call(
        "PUT", "/v1/services/reviews/split", {"weights": {"v1": 1, "v2": 1}}, tag)
    assert status == 412 and problem["status"] == 412
    assert answered["content-type"].startswith("application/problem+json")
    assert control.weights("reviews") == {"v1": 90, "v2": 10}


def test_of_many_writers_with_one_tag_one_wins(start, tmp_path):
    control = start(Control, tmp_path)
    control.put_service("reviews", VERSIONS)
    _, _, headers = control.call("GET", "/v1/services/reviews/split")
    tag, statuses = {"If-Match": headers["etag"]}, []

    def attempt(number):
        change = {"weights": {"v1": 100 + number, "v2": 1}}
        statuses.append(control.call("PUT", "/v1/services/reviews/split", change, tag)[0])

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 7


@pytest.mark.parametrize(("change", "hint"), [
    ({"weights": {"v1": 0, "v2": 0}}, "weight"), ({"weights": {"v9": 1}}, "v9"),
    ({"weights": {}}, "weight"), ({"weights": {"v1": -1}}, "weight"),
    ({"weights": {"v1": "many"}}, "weight"), ({"wieghts": {"v1": 1}}, "wieghts"),
    ({"weights": {"v1": 1e300}}, ""), ([], ""), ("x", ""), (None, "")])
def test_a_wrong_split_changes_nothing(start, tmp_path, change, hint):
    control = start(Control, tmp_path)
    revision = control.put_service("reviews", VERSIONS)
    status, problem, headers = control.call("PUT", "/v1/services/reviews/split", change)
    assert status in (400, 415, 422), problem
    assert headers["content-type"].startswith("application/problem+json")
    assert hint in str(problem)
    assert control.done("GET", "/v1/revisions/current")["number"] == revision
    assert control.weights("reviews") == {"v1": 100, "v2": 0}


def test_a_dry_run_changes_nothing(start, tmp_path):
    control = start(Control, tmp_path)
    revision = control.put_service("reviews", VERSIONS)
    document = control.done("PUT", "/v1/services/reviews/split?dryRun=true",
                            {"weights": {"v1": 1, "v2": 1}})
    assert document["dryRun"] and document["changed"] and document["diff"]
    assert control.done("GET", "/v1/revisions/current")["number"] == revision
    assert control.weights("reviews") == {"v1": 100, "v2": 0}


def test_revisions_and_restore(start, tmp_path):
    control = start(Control, tmp_path)
    first = control.put_service("reviews", VERSIONS)
    status, second, _ = control.call(
        "PUT", "/v1/services/reviews/split", {"weights": {"v1": 50, "v2": 50}, "reason": "canary"},
        {"X-Pointsman-User": "ada"})
    assert status == 200
    document = control.done("GET", f"/v1/revisions/{second['revision']}")
    assert (document["who"], document["why"]) == ("ada", "canary")
    assert document["diff"]
    restored = control.done("POST", f"/v1/revisions/{first}:restore")
    assert restored["revision"] > second["revision"]
    assert control.weights("reviews") == {"v1": 100, "v2": 0}


def test_hostile_documents(start, tmp_path):
    """Deep nesting, control octets, huge names: refused, and the process stays."""
    control = start(Control, tmp_path)
    service = '{"versions":{"v1":{"endpoints":["127.0.0.1:9001"]}},"routes":[{"split":{"v1":1}}]}'
    bodies = ["[" * 10_000, "[" * 10_000 + "]" * 10_000, '{"a":' * 10_000, "{", "", "nul", "\0",
              '{"versions":' + "9" * 100_000 + "}", service.replace("v1", "v\\n1"),
              service.replace("v1", "v\\u0000"), service.replace("v1", "x" * 100_000),
              service.replace("9001", "99999999"), service.replace("127.0.0.1", "a\\r\\nb"),
              service.replace("1}", "1,}"), service * 2]
    for body in bodies:
        status, answer, _ = fetch(control.api, "/v1/services/bad", "PUT", body,
                                  {"Content-Type": "application/json"})
        assert 400 <= status < 500, (body[:80], status, answer[:200])
    for name in ("a%0Ab", "%00", "a" * 5000, "..", "%2e%2e", "a%2Fb", "<script>", "%ff"):
        status, _, _ = fetch(control.api, f"/v1/services/{name}", "PUT", service,
                             {"Content-Type": "application/json"})
        assert 400 <= status < 500, name
    assert control.running
    assert control.done("GET", "/v1/services")["items"] == []


@pytest.mark.parametrize("head, body, status", [
    (b"PUT /v1/services/a HTTP/1.1\r\nContent-Length: 2000000\r\n", b"", 413),
    (b"PUT /v1/services/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
     b"200000\r\n" + b" " * 0x200000, 413),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", b"", 414),
    (b"GET / HTTP/1.1\r\nA: " + b"a" * 40_000 + b"\r\n", b"", 431),
    (b"GET / HTTP/1.1\r\nA : b\r\n", b"", 400),
    (b"GET / HTTP/2.0\r\n", b"", 505),
])
def test_what_is_no_request_is_a_problem_too(start, tmp_path, head, body, status):
    control = start(Control, tmp_path)
    with socket.create_connection(("127.0.0.1", control.api), 5) as client:
        try:
            client.sendall(head + b"Host: a\r\n\r\n" + body)
        except ConnectionError:
            pass
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        problem = json.loads(answer.read())
        assert problem["status"] == status and problem["title"] and problem["detail"]


def test_the_description_is_true(start, tmp_path):
    """Every path of /openapi.json is served, with the methods that it names."""
    control = start(Control, tmp_path, flags=(
        "--ca-key-file", tmp_path / "ca.key", "--secure-xds", f"127.0.0.1:{free_port()}"))
    revision = control.put_service("reviews", VERSIONS)
    paths = control.done("GET", "/openapi.json")["paths"]
    assert "/v1/services/{name}/split" in paths
    for path, methods in paths.items():
        concrete = path.replace("{name}", "reviews").replace("{id}", "0a")
        for parameter in ("{number}", "{n}", "{revision}"):
            concrete = concrete.replace(parameter, str(revision))
        assert "{" not in concrete, path
        if "get" in methods and "events" not in path:
            assert fetch(control.api, concrete)[0] == 200, path
        status, _, headers = fetch(control.api, concrete, "PATCH")
        assert status == 405, path
        allowed = {method.strip().lower() for method in headers["allow"].split(",")}
        assert allowed - {"head"} == set(methods) - {"head", "parameters", "summary"}, path


def test_events_tell_of_changes(start, tmp_path):
    control = start(Control, tmp_path)
    connection = http.client.HTTPConnection("127.0.0.1", control.api, timeout=5)
    connection.request("GET", "/v1/events")
    answer = connection.getresponse()
    assert answer.headers["content-type"].startswith("text/event-stream")
    revision = control.put_service("reviews", VERSIONS)
    seen = ""
    while f"{revision}" not in seen or "\n\n" not in seen:
        seen += answer.readline().decode()
    assert "data:" in seen
    connection.close()


def test_an_address_for_others_needs_a_token(start, tmp_path):
    path = program_path("pointsman-control")
    store = f"sqlite:{tmp_path / 'other.db'}"
    open_to_all = Program([path, "--api", f"0.0.0.0:{free_port()}", "--store", store],
                          tmp_path / "refused.log")
    assert open_to_all.wait(5) != 0
    assert "token" in open_to_all.output()
    tokens = tmp_path / "tokens"
    without = Program([path, "--token-file", tokens, "--store", store], tmp_path / "missing.log")
    assert without.wait(5) == 1
    assert f"{tokens}: No such file" in without.output()
    tokens.write_text("ada:0123456789abcdef\n")
    control = start(Control, tmp_path, flags=("--token-file", tokens))
    assert control.call("GET", "/v1/services")[0] == 401
    assert control.call("GET", "/v1/services", headers={"Authorization": "Bearer no"})[0] == 401


def test_a_copied_store_is_a_backup(start, tmp_path):
    control = start(Control, tmp_path)
    control.put_service("reviews", VERSIONS)
    assert control.stop() == 0
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(control.store, copy / "store.db")
    assert start(Control, copy).weights("reviews") == {"v1": 100, "v2": 0}
