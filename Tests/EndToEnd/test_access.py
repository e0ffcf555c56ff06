"""Who may ask a service for what: from what its author writes to the sidecar beside it."""

import http.client
import json
import os
import socket
import subprocess
from collections import Counter

import pytest

from harness.control import Control, Envoy, Follower
from harness.fast import FastUpstream
from harness.programs import ROOT, fetch, free_port, program_path, until

READERS = {"allow": {"methods": ["GET", "HEAD"], "paths": ["/items", "/items/*"]}}
WRITERS = {"allow": {"methods": ["PUT"], "paths": ["/items/own/*"]}}
SECRETS = {"deny": {"paths": ["/items/secret", "/items/secret/*"]}}
# What the log says of each: nothing when it gets in, else the rule, or that there is none.
IN, NONE, RULE = None, "none", "rule-2"
REQUESTS = {
    ("GET", "/items"): IN, ("GET", "/items?q=/items/secret"): IN, ("GET", "/items/1"): IN,
    ("GET", "/"): NONE, ("GET", "/itemsx"): NONE, ("GET", "/ITEMS"): NONE, ("GET", "//items"): IN,
    ("GET", "/%69tems"): IN, ("PUT", "/items/1"): NONE, ("PUT", "/items/own/1"): IN,
    ("PUT", "/items/own/../1"): NONE, ("DELETE", "/items"): NONE,
    ("GET", "/items/secret"): RULE, ("GET", "/items/secret?x"): RULE,
    ("GET", "/items/secret/1"): RULE, ("GET", "/items/%73ecret"): RULE,
    ("GET", "/items//secret"): RULE, ("GET", "/items/x/../secret"): RULE,
    ("GET", "/./items/secret/"): RULE, ("GET", "/items/secrets"): IN,
}
COUNTS = Counter(REQUESTS.values())


class Place:
    """A service `reviews` with a program, and a sidecar that takes what comes in for it."""

    def __init__(self, start, folder):
        self.start, self.folder = start, folder
        self.control = start(Control, folder)
        self.program = start(FastUpstream, folder, "v1")
        self.port, self.log = free_port(), folder / "requests.log"

    def put(self, access=None, tls="off"):
        """Returns when the sidecar, if there is one, has it in effect."""
        self.revision = self.control.done("PUT", "/v1/services/reviews", {
            "tls": tls, "versions": {"v1": {"endpoints": [f"127.0.0.1:{self.port}"]}},
            **({"access": access} if access else {})})["revision"]
        self.control.wait_in_effect(self.revision, proxies=len(self.control.proxies()))

    def sidecar(self, program="pointsman"):
        inbound, application = f"127.0.0.1:{self.port}", f"127.0.0.1:{self.program.port}"
        if program == "envoy":
            running = self.start(
                Envoy, self.folder, self.control, service="reviews", addresses={
                    "inbound_address": inbound, "application_address": application})
        else:
            running = self.start(
                Follower, self.folder, self.control, service="reviews", node="reviews",
                flags=("--inbound", inbound, "--application", application,
                       "--access-log", str(self.log)))
        self.control.wait_in_effect(self.revision, seconds=20)
        until(self.is_there)
        return running

    def is_there(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        except OSError:
            return False

    def ask(self, method, target):
        return fetch(self.port, target, method, headers={"Host": "reviews"})[0]

    def lines(self, count):
        def read():
            lines = self.log.read_text().splitlines() if self.log.exists() else []
            return len(lines) >= count and [json.loads(line) for line in lines]
        return until(read, 10, f"{count} lines")


@pytest.fixture
def place(start, tmp_path):
    return Place(start, tmp_path)


@pytest.mark.parametrize("program", ["pointsman", "envoy"])
def test_only_what_is_allowed_comes_in(place, program):
    place.put({"default": "deny", "rules": [READERS, SECRETS, WRITERS]})
    sidecar = place.sidecar(program)
    before = place.program.count()
    assert {request: place.ask(*request) for request in REQUESTS} == {
        request: 200 if policy is IN else 403 for request, policy in REQUESTS.items()}
    assert place.program.count() - before == COUNTS[IN]
    if program == "envoy":
        assert sidecar.stat("http.inbound.rbac.deny.denied") == COUNTS[RULE]
        assert sidecar.stat("http.inbound.rbac.allow.denied") == COUNTS[NONE]
        return
    assert sidecar.metric(
        "mesh_rbac_denied_total", listener="inbound", prefix="deny") == COUNTS[RULE]
    assert sidecar.metric("mesh_rbac_denied_total", prefix="allow") == COUNTS[NONE]
    assert sidecar.metric("mesh_rbac_allowed_total", prefix="allow") == COUNTS[IN]
    details = [line.get("response_code_details") for line in place.lines(len(REQUESTS))]
    assert details == [policy and f"rbac_access_denied_matched_policy[{policy}]"
                       for policy in REQUESTS.values()]


@pytest.mark.parametrize("program", ["pointsman", "envoy"])
def test_a_dry_run_only_counts(place, program):
    place.put({"default": "deny", "dryRun": True, "rules": [READERS, SECRETS, WRITERS]})
    sidecar = place.sidecar(program)
    assert {place.ask(*request) for request in REQUESTS} == {200}
    # The filters are asked each for itself; that which allows has a rule about what is denied here.
    for prefix, count in (("deny", COUNTS[RULE]), ("allow", COUNTS[NONE])):
        if program == "envoy":
            assert sidecar.stat(f"http.inbound.rbac.{prefix}.shadow_denied") == count
            assert sidecar.stat(f"http.inbound.rbac.{prefix}.denied") == 0
        else:
            assert sidecar.metric("mesh_rbac_shadow_denied_total", prefix=prefix) == count
            assert sidecar.metric("mesh_rbac_denied_total", prefix=prefix) == 0
    if program == "pointsman":
        tried = [line.get("rbac_shadow_denied") for line in place.lines(len(REQUESTS))]
        assert tried == list(REQUESTS.values())


def test_a_change_reaches_connections_there_are(place):
    place.put()
    sidecar = place.sidecar()
    kept = http.client.HTTPConnection("127.0.0.1", place.port, timeout=10)
    kept.connect()
    peer = kept.sock

    def ask(target):
        kept.request("GET", target, headers={"Host": "reviews"})
        answer = kept.getresponse()
        answer.read()
        assert kept.sock is peer, "the connection was closed"
        return answer.status

    assert [ask("/"), ask("/items")] == [200, 200]
    for access, expected in (
            ({"default": "deny"}, [403, 403]),
            ({"default": "deny", "rules": [READERS]}, [403, 200]),
            ({"default": "deny", "dryRun": True}, [200, 200]),
            ({"default": "allow", "rules": [{"deny": {"paths": ["/items"]}}]}, [200, 403]),
            ({"default": "allow"}, [200, 200]), (None, [200, 200])):
        place.put(access)
        assert [ask("/"), ask("/items")] == expected, access
    assert sidecar.metric("mesh_rbac_denied_total") == 4
    assert sidecar.metric("mesh_rbac_shadow_denied_total") == 2
    kept.close()


def test_who_shows_no_identity_is_nobody(place):
    place.put({"default": "deny", "rules": [
        {"allow": {"from": ["default/client", "prod/*"]}}, {"allow": {"paths": ["/health"]}}]},
        tls="permissive")
    sidecar = place.sidecar()
    claim = {"Host": "reviews", "x-forwarded-client-cert":
             "URI=spiffe://cluster.local/ns/default/sa/client"}
    assert fetch(place.port, "/", headers=claim)[0] == 403
    assert fetch(place.port, "/health", headers=claim)[0] == 200
    assert sidecar.metric("mesh_rbac_denied_total", prefix="allow") == 1


@pytest.mark.parametrize("program", ["pointsman", "envoy"])
def test_a_sidecar_without_an_identity_has_no_way_in_past_tls(place, program):
    place.put(tls="permissive")
    place.sidecar(program)
    assert place.ask("GET", "/") == 200
    place.put(tls="strict")
    until(lambda: not place.is_there(), 10, "the end of the way in")
    place.put(tls="off")
    until(place.is_there)
    assert place.ask("GET", "/") == 200


def test_a_caller_is_told_through_its_own_sidecar(place, start, tmp_path):
    place.put({"default": "deny", "rules": [READERS]})
    place.sidecar()
    caller = start(Follower, tmp_path, place.control)
    place.control.wait_in_effect(place.revision, proxies=2)
    for target, status in (("/items", 200), ("/", 403)):
        assert fetch(caller.port, target, headers={"Host": "reviews"})[0] == status


@pytest.fixture
def console(place, tmp_path):
    def run(*arguments, text=None):
        return subprocess.run(
            [program_path("pointsman"), *arguments], input=text, capture_output=True, text=True,
            timeout=30, cwd=tmp_path,
            env={**os.environ, "POINTSMAN_API": f"127.0.0.1:{place.control.api}"})
    return run


def test_rules_are_applied_and_shown_by_the_command_line(place, tmp_path, console):
    place.put()
    file = tmp_path / "mesh.yaml"
    file.write_text(f"""\
services:
  reviews:
    versions: {{ v1: {{ endpoints: ["127.0.0.1:{place.port}"] }} }}
    access:
      default: deny
      rules:
        - allow: {{ methods: [GET], paths: ["/items/*"] }}
""")
    applied = console("apply", "-f", str(file))
    assert "access.default: deny" in applied.stdout, applied
    assert "access.rules[0]: allow GET /items/*" in applied.stdout, applied
    assert "deny, 1 rule" in console("get", "services", "-o", "wide").stdout
    # What is shown can be put back as it is.
    shown = console("get", "services", "reviews", "-o", "yaml").stdout
    assert "unchanged" in console("apply", "-f", "-", text=shown).stdout
    file.write_text(file.read_text().replace("allow:", "deny:").replace("[GET]", "[]"))
    refused = console("apply", "-f", str(file))
    assert refused.returncode != 0
    assert "access.rules[0].deny.methods" in refused.stdout + refused.stderr, refused


def test_the_example_is_taken(place, console):
    """As a dry run would say, and then what it says holds."""
    example = str(ROOT / "Examples/access/services.yaml")
    tried = console("apply", "-f", example, "--dry-run")
    assert tried.returncode == 0 and "tls: strict" in tried.stdout, tried
    assert console("apply", "-f", example).returncode == 0
    rows = {line.split()[0]: line for line in
            console("get", "services", "-o", "wide").stdout.splitlines()}
    assert "strict       deny, 3 rules" in rows["orders"], rows
    assert "permissive   deny, 2 rules, dry run" in rows["stock"], rows
    assert "off          allow, 2 rules" in rows["reviews"], rows
    place.revision = place.control.done("GET", "/v1/revisions/current")["number"]
    place.sidecar()
    assert [place.ask(*request) for request in (
        ("GET", "/"), ("DELETE", "/"), ("GET", "/admin"), ("GET", "/administrator"))] == [
        200, 403, 403, 200]
