"""Sidecars that get their certificates from the control plane, and speak by them with each other."""

import contextlib
import json
import time

import pytest

from harness.authority import SecureControl
from harness.control import reach
from harness.fast import FastUpstream
from harness.load import Load
from harness.member import Member
from harness.programs import FULL, until


class Mesh:
    """A control plane, and two sidecars that speak mutual TLS: `client` calls `reviews`."""

    def __init__(self, start, folder, lifetime, flags=()):
        self.start, self.folder = start, folder
        self.control = start(SecureControl, folder, lifetime=lifetime, flags=flags)
        self.program = start(FastUpstream, folder, "v1")
        self.server = start(Member, folder, self.control, "reviews", self.program.port, ready=False)
        self.control.done("PUT", "/v1/services/reviews", {
            "tls": "strict",
            "versions": {"v1": {"endpoints": [f"127.0.0.1:{self.server.inbound}"]}},
            "access": {"default": "deny", "rules": [{"allow": {"from": ["default/client"]}}]}})
        self.client = start(Member, folder, self.control, "client")
        until(lambda: reach(self.client.port, "reviews") == "v1", 20, "the first answer")

    @property
    def members(self):
        return self.client, self.server


@contextlib.contextmanager
def served(mesh, clients=8):
    with Load(mesh.client.port, clients=clients, host="reviews") as load:
        load.wait_for(100)
        yield load
        load.wait_for(100)
    assert load.result.failed == 0, (load.result.outcomes, load.result.lost)


def test_certificates_rotate_under_load(start, tmp_path):
    mesh = Mesh(start, tmp_path, lifetime=60 if FULL else 30)
    goal = 18 if FULL else 2
    begun = time.monotonic()
    with served(mesh):
        for member in mesh.members:
            until(lambda: member.renewals() > goal, 900, "the last renewal", every=0.5)
        until(lambda: not FULL or time.monotonic() > begun + 600, 600, "ten minutes", every=0.5)
    for member in mesh.members:
        assert member.expiry > time.time()
        for result in ("refused", "untrusted", "unusable", "limited"):
            assert member.renewals(result) == 0, member.output()[-2000:]
    assert mesh.server.metric("mesh_tls_failures_total") == 0
    listed = mesh.control.done("GET", "/v1/identity/certificates")["items"]
    assert {"default/client", "default/reviews"} <= {item["identity"] for item in listed}


def test_roots_rotate_under_load(start, tmp_path):
    mesh = Mesh(start, tmp_path, lifetime=30)
    begin = b"BEGIN CERTIFICATE"
    first = mesh.control.roots

    def trusted(member):
        return len(json.loads(member.get("/certs"))["certificates"][0]["ca_cert"])

    with served(mesh, clients=4):
        mesh.control.done("POST", "/v1/identity:rotate", {"authority": "root"})
        assert mesh.control.roots.count(begin) == 2
        for member in mesh.members:
            until(lambda: trusted(member) == 2, 30, "the new root", every=0.1)
        if FULL:
            # Everything hangs on the new root, and the old one is gone.
            until(lambda: mesh.control.roots.count(begin) == 1, 400, "the old root's end", every=0.5)
            assert mesh.control.roots not in first
            for member in mesh.members:
                until(lambda: trusted(member) == 1, 30, "the news", every=0.1)
    assert all(member.renewals("untrusted") == 0 for member in mesh.members)


def test_a_control_plane_that_was_away_is_taken_up_again(start, tmp_path):
    mesh = Mesh(start, tmp_path, lifetime=30)
    with served(mesh, clients=4):
        count = mesh.client.renewals()
        mesh.control.kill()
        until(lambda: mesh.client.renewals("unreachable") > 0, 30, "an attempt", every=0.1)
        mesh.control = start(mesh.control.again)
        until(lambda: mesh.client.renewals() > count, 30, "a renewal", every=0.1)


@pytest.mark.parametrize("away", [False, True])
def test_a_restart_needs_no_token(start, tmp_path, away):
    mesh = Mesh(start, tmp_path, lifetime=3600)
    if away:
        mesh.control.kill()
    mesh.client.stop()
    mesh.client = start(Member, tmp_path, mesh.control, "client", again=mesh.client)
    until(lambda: reach(mesh.client.port, "reviews") == "v1", 20, "an answer")
    assert mesh.client.renewals() == 0


def test_a_token_is_good_once(start, tmp_path):
    mesh = Mesh(start, tmp_path, lifetime=3600)
    mesh.client.stop()
    for file in (tmp_path / "client.state").iterdir():
        file.unlink()
    late = start(Member, tmp_path, mesh.control, "client", again=mesh.client, ready=False)
    late.wait_for(lambda: "used up" in late.output(), 20, "the refusal")
    assert late.renewals("refused") >= 1
