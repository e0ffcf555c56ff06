"""The sidecar's own certificate: how it is got, kept and renewed, and who is not believed."""

import datetime
import json
import os
import stat
import subprocess

import pytest

from harness import bootstrap
from harness.fast import FastUpstream
from harness.identities import Authority, client_context, secure_request, upstream
from harness.load import Load
from harness.programs import Sidecar, fetch, free_port, program_path, until
from harness.python_control import CONTROL, PythonControl

CLIENT = "spiffe://cluster.local/ns/default/sa/client"
SHORT = datetime.timedelta(seconds=12)


@pytest.fixture
def control(tmp_path):
    control = PythonControl(tmp_path)
    yield control
    control.stop()


class Member:
    """A sidecar that gets its certificate from `control`."""

    def __init__(self, start, folder, control, token="secret", roots=None, state=True):
        self.start, self.folder, self.control = start, folder, control
        self.port, self.state = free_port(), folder / "state"
        self.admin = free_port()
        self.flags = [
            "--control", f"127.0.0.1:{control.port}", "--service", "client",
            "--admin", f"127.0.0.1:{self.admin}",
            "--control-roots", roots or control.root.path]
        if token:
            self.token = control.token(token, CLIENT)
            self.flags += ["--identity-token-file", self.token]
        if state:
            self.flags += ["--state-dir", self.state]
        self.push()
        self.sidecar = None

    def push(self):
        ads = self.control.ads
        ads.set("cds", bootstrap.cluster("one", [free_port()]))
        ads.set("lds", bootstrap.listener(self.port, bootstrap.manager(
            bootstrap.route_configuration([bootstrap.to_cluster("one")]))))

    def run(self, ready=True):
        self.sidecar = self.start(
            Sidecar, self.folder, admin=self.admin, flags=self.flags, ready=False)
        up = (lambda: self.ready()[0] == 200) if ready else (
            lambda: self.ready()[0])
        self.sidecar.wait_for(up, 20, "readiness" if ready else "the admin interface")
        return self.sidecar

    def ready(self):
        try:
            status, body, _ = fetch(self.admin, "/ready")
        except OSError:
            return 0, ""
        return status, body.decode()

    def count(self, result):
        return self.sidecar.metric("mesh_identity_renewals_total", result=result)

    def says(self, text, seconds=10):
        return self.sidecar.wait_for(
            lambda: text in self.sidecar.output(), seconds, f"a line with {text!r}")

    @property
    def file(self):
        return self.state / "identity.pem"


@pytest.fixture
def member(start, tmp_path, control):
    return Member(start, tmp_path, control)


def test_a_certificate_for_a_token(member, control):
    sidecar = member.run()
    assert control.issued == [("token", CLIENT)]
    assert stat.S_IMODE(os.stat(member.file).st_mode) == 0o600
    assert member.ready() == (200, "LIVE\n")
    assert member.count("success") == 1
    left = sidecar.metric("mesh_identity_expiry_seconds") - datetime.datetime.now().timestamp()
    assert 3500 < left < 3610
    shown = json.loads(sidecar.get("/certs"))["certificates"]
    assert shown[0]["cert_chain"][0]["subject_alt_names"] == [{"uri": CLIENT}]
    assert shown[0]["cert_chain"][0]["days_until_expiration"] == "0"
    assert len(shown[0]["ca_cert"]) == 1
    # The stream is that of the certificate's owner.
    assert CLIENT in control.callers.values()


@pytest.mark.parametrize("flags, reason", [
    (["--control-roots", "r.pem"], "needs --identity-token-file, or a --state-dir"),
    (["--identity-token-file", "t"], "go together, with --control"),
    (["--control-roots", "r.pem", "--state-dir", "s", "--trust-domain", "A_B"], "is not a DNS name"),
])
def test_flags_that_do_not_fit(flags, reason):
    ended = subprocess.run(
        [program_path("pointsman-proxy"), "--control", "127.0.0.1:1", "--service", "a", *flags],
        capture_output=True, text=True, timeout=20)
    assert ended.returncode == 64 and reason in ended.stderr, ended.stderr


def test_it_is_renewed_and_the_stream_stays(member, control):
    control.lifetime = SHORT
    sidecar = member.run()
    lost = sidecar.metric("mesh_xds_disconnects_total")
    keys = {member.file.read_text().split("# chain")[0]}
    for count in (2, 3):
        until(lambda: len(control.issued) >= count, 20, "a renewal")
        until(lambda: member.count("success") >= count, 5, "its arrival")
        keys.add(member.file.read_text().split("# chain")[0])
    assert control.issued[1:3] == [("certificate", CLIENT)] * 2
    assert len(keys) == 3, "a key was used again"
    assert len(control.ads.streams) == 1
    assert sidecar.metric("mesh_xds_disconnects_total") == lost
    assert member.ready()[0] == 200


def test_a_restart_needs_no_token(member, control):
    member.run().stop()
    member.token.unlink()
    member.run()
    assert len(control.issued) == 1
    assert member.ready() == (200, "LIVE\n")
    member.says("loaded the identity kept in")


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "foreign"])
def test_a_damaged_state_file_is_as_good_as_none(member, control, damage):
    member.run().stop()
    content = member.file.read_bytes()
    member.file.write_bytes({
        "cut": content[:-40], "flip": content.replace(b"A", b"B", 1), "empty": b"",
        "foreign": content}[damage])
    if damage == "foreign":
        member.flags[member.flags.index("client")] = "other"
    member.run()
    assert control.issued == [("token", CLIENT)] * 2
    member.says("belongs to a sidecar" if damage == "foreign" else "is damaged")


def test_an_authority_below_another_root_is_not_believed(start, tmp_path, control):
    stranger = Authority(tmp_path, "stranger")
    member = Member(start, tmp_path, control, roots=stranger.path)
    member.run(ready=False)
    until(lambda: member.count("untrusted") >= 2, 10, "two attempts")
    member.says("certificate_untrusted, the peer is " + CONTROL)
    status, text = member.ready()
    assert status == 503 and "there is no certificate yet" in text
    assert not control.issued and not control.refused


def test_a_workload_is_not_the_control_plane(start, tmp_path):
    control = PythonControl(tmp_path, name="spiffe://cluster.local/ns/default/sa/evil")
    try:
        member = Member(start, tmp_path, control)
        member.run(ready=False)
        until(lambda: member.count("untrusted") >= 2, 10, "two attempts")
        member.says("identity_unexpected, the peer is spiffe://cluster.local/ns/default/sa/evil")
        assert not control.issued and not control.refused
    finally:
        control.stop()


def test_a_token_that_is_not_good_and_then_one_that_is(member, control):
    control.tokens.clear()
    member.run(ready=False)
    until(lambda: member.count("refused") >= 2, 10, "two attempts")
    member.says("unauthenticated: the token is not good")
    assert "the token is not good" in member.ready()[1]
    control.token("another", CLIENT)
    member.sidecar.wait_for(lambda: member.ready()[0] == 200, 20)


def test_the_control_plane_is_away_when_a_renewal_is_due(member, control):
    control.lifetime = SHORT
    member.run()
    control.close()
    until(lambda: member.count("unreachable") >= 2, 20, "two attempts")
    control.open()
    until(lambda: len(control.issued) == 2, 10, "the renewal")
    assert control.issued[1] == ("certificate", CLIENT)
    assert member.ready()[0] == 200


def test_an_outage_beyond_the_end_is_said_and_mended(member, control):
    control.lifetime = datetime.timedelta(seconds=6)
    member.run()
    control.close()
    until(lambda: "warning: the certificate of" in member.ready()[1], 15, "the warning")
    assert member.ready()[0] == 200
    until(lambda: member.ready()[0] == 503, 15, "the end")
    assert "was good until" in member.ready()[1]
    control.lifetime = datetime.timedelta(hours=1)
    control.open()
    until(lambda: member.ready() == (200, "LIVE\n"), 40, "a new certificate")
    assert control.issued[-1] == ("token", CLIENT)


def test_a_clock_that_is_fast(member, control):
    control.ahead = datetime.timedelta(minutes=-30)
    member.run()
    assert member.ready() == (200, "LIVE\n")


def test_a_clock_that_is_slow(member, control):
    control.ahead = datetime.timedelta(minutes=1)
    member.run(ready=False)
    member.says("the clock here is at least")
    assert "LIVE" not in member.ready()[1], "a control plane takes no certificate before its time"
    assert len(control.issued) == 1, "asked in a hurry"


def test_clocks_that_differ_too_much(start, tmp_path, control):
    control.lifetime = datetime.timedelta(minutes=10)
    control.ahead = datetime.timedelta(minutes=-20)
    member = Member(start, tmp_path, control)
    member.run(ready=False)
    until(lambda: member.count("success") == 1, 10, "the certificate")
    status, text = member.ready()
    assert status == 503 and "was good until" in text
    assert len(control.issued) == 1, "asked in a hurry"


def test_roots_rotate(member, control):
    control.lifetime = SHORT
    member.run()
    # The new root is told before anything is issued from it.
    old, new = control.root, Authority(control.folder, "new")
    control.roots = [old, new]
    until(lambda: len(control.issued) >= 2, 20, "a renewal")
    until(lambda: member.count("success") >= 2, 5, "its arrival")
    assert len(json.loads(member.sidecar.get("/certs"))["certificates"][0]["ca_cert"]) == 2
    control.root = new
    control.close()
    control.open()
    until(lambda: len(control.issued) >= 3, 20, "a renewal from the new root")
    until(lambda: member.count("success") >= 3, 5, "its arrival")
    assert member.count("untrusted") == 0
    member.sidecar.stop()
    # The file of roots is older than what was learnt.
    member.token.unlink()
    member.run()


def named_secrets(kind, names=(), **more):
    """A transport socket whose certificate and roots are the sidecar's own."""
    source = {"ads": {}, "resource_api_version": "V3"}
    tls = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
    return {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": f"{tls}{kind}TlsContext", **more,
        "common_tls_context": {
            "tls_certificate_sds_secret_configs": [{"name": "identity", "sds_config": source}],
            "combined_validation_context": {
                "default_validation_context": {"match_typed_subject_alt_names": [
                    {"san_type": "URI", "matcher": {"exact": name}} for name in names]},
                "validation_context_sds_secret_config": {
                    "name": "roots", "sds_config": source}}}}}


def test_connections_between_sidecars_outlive_certificates(start, tmp_path, control):
    """One sidecar plays both ends: its outbound side speaks mutual TLS with its inbound side."""
    control.lifetime = SHORT
    member = Member(start, tmp_path, control)
    program, inbound = start(FastUpstream, tmp_path, "app"), free_port()
    routes = [bootstrap.route_configuration([bootstrap.to_cluster(name)]) for name in ("peer", "app")]
    outer = bootstrap.listener(member.port, bootstrap.manager(routes[0]))
    inner = bootstrap.listener(inbound, bootstrap.manager(routes[1]), "inbound")
    inner["filter_chains"][0]["transport_socket"] = named_secrets(
        "Downstream", require_client_certificate=True)
    control.ads.set(
        "cds", bootstrap.cluster("app", [program.port]),
        # Each connection carries few requests, so that every certificate is shown.
        bootstrap.cluster("peer", [inbound], max_requests_per_connection=50,
                          transport_socket=named_secrets("Upstream", [CLIENT])))
    control.ads.set("lds", outer, inner)
    sidecar = member.run()
    with Load(member.port, clients=8) as load:
        for count in (2, 3):
            until(lambda: member.count("success") >= count, 20, "a renewal")
            load.wait_for(500)
    assert load.result.failed == 0, load.result.lost
    assert sidecar.metric("mesh_tls_handshakes_total", listener="inbound") >= 20
    assert sidecar.metric("mesh_tls_failures_total") == 0
    # Whoever shows nothing gets nowhere.
    try:
        answer, *_ = secure_request(inbound, client_context(control.root))
    except OSError:
        answer = b""
    assert answer == b""
    assert not [item for item in control.ads.requests if item.type_url.endswith(".Secret")]


def secure_bootstrap(control, identity, names):
    made = bootstrap.ads(free_port(), control.port)
    made["static_resources"]["clusters"][0]["transport_socket"] = upstream(
        identity, control.root, names, alpn=["h2"], sni="control.mesh")
    return made


@pytest.mark.parametrize("program", ["pointsman", "envoy"])
def test_a_file_names_a_control_plane_over_tls(start, tmp_path, control, program):
    control.requires_certificate = True
    control.close()
    control.open()
    member = Member(start, tmp_path, control, state=False)
    own = control.root.issue("client", CLIENT)
    sidecar = start(
        Sidecar, tmp_path, secure_bootstrap(control, own, [CONTROL]), program=program)
    assert control.callers and not control.issued
    assert f"127.0.0.1:{member.port}" in sidecar.get("/listeners")


def test_a_file_expects_another_control_plane(start, tmp_path, control):
    own = control.root.issue("client", CLIENT)
    sidecar = start(
        Sidecar, tmp_path, secure_bootstrap(control, own, ["spiffe://mesh/other"]), ready=False)
    sidecar.wait_for(
        lambda: f"identity_unexpected, the peer is {CONTROL}" in sidecar.output(), 10, "the refusal")
    assert not control.ads.streams
