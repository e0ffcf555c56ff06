"""The mesh's certificate authority: certificates as OpenSSL and Python's own verifier judge them,
tokens, rotation, and configuration for those who show who they are."""

import concurrent.futures
import datetime
import os
import signal
import subprocess

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.verification import PolicyBuilder, Store
from envoy.extensions.transport_sockets.tls.v3 import secret_pb2
from harness.authority import SECRET, SecureControl, SecureEnvoy, signing_request
from harness.control import reach
from harness.fast import FastUpstream
from harness.programs import Program, fetch, free_port, program_path, until

SPIFFE = "spiffe://cluster.local/ns/default/sa/"


@pytest.fixture
def control(start, tmp_path):
    return start(SecureControl, tmp_path)


def openssl(folder, workload, roots, purpose):
    for name, text in (("leaf", workload.chain[0]), ("chain", workload.chain[1]), ("roots", roots)):
        (folder / f"{name}.pem").write_text(text)
    return subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", folder / "roots.pem",
         "-untrusted", folder / "chain.pem", folder / "leaf.pem"],
        capture_output=True, text=True)


@pytest.mark.parametrize("key", [
    ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()),
    rsa.generate_private_key(65537, 2048)], ids=["p256", "p384", "rsa"])
def test_a_token_gives_a_certificate_that_everybody_takes(control, tmp_path, key):
    workload = control.issue(control.token("reviews"), request=signing_request(key))
    for purpose in ("sslserver", "sslclient"):
        verdict = openssl(tmp_path, workload, workload.roots, purpose)
        assert verdict.returncode == 0, verdict.stderr
    leaf = workload.certificate
    roots = Store(x509.load_pem_x509_certificates(workload.roots.encode()))
    verified = PolicyBuilder().store(roots).build_client_verifier().verify(
        leaf, [workload.intermediate])
    assert [name.value for name in verified.subjects] == [SPIFFE + "reviews"]
    assert leaf.public_key() == key.public_key()
    found = {extension.oid._name: extension for extension in leaf.extensions}
    assert set(found) == {
        "basicConstraints", "keyUsage", "extendedKeyUsage", "subjectKeyIdentifier",
        "authorityKeyIdentifier", "subjectAltName"}
    assert found["basicConstraints"].critical and not found["basicConstraints"].value.ca
    assert found["subjectAltName"].critical and len(list(found["subjectAltName"].value)) == 1
    assert not leaf.subject.rdns
    usage = found["keyUsage"].value
    assert usage.digital_signature and not usage.key_cert_sign and not usage.key_encipherment
    assert {use._name for use in found["extendedKeyUsage"].value} == {"serverAuth", "clientAuth"}
    assert 120 < leaf.serial_number.bit_length() <= 127
    now = datetime.datetime.now(datetime.timezone.utc)
    assert leaf.not_valid_before_utc < now - datetime.timedelta(seconds=50)
    assert leaf.not_valid_after_utc <= now + datetime.timedelta(seconds=3600)
    constraints = workload.intermediate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical and constraints.value.ca and constraints.value.path_length == 0


def test_whoever_has_a_certificate_needs_no_token(control):
    workload = control.issue(control.token("reviews", namespace="shop"))
    for _ in range(3):
        workload = control.issue(workload=workload, lifetime=60)
    now = datetime.datetime.now(datetime.timezone.utc)
    lifetime = workload.certificate.not_valid_after_utc - now
    assert 50 < lifetime.total_seconds() <= 60
    name = workload.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert name.value[0].value == "spiffe://cluster.local/ns/shop/sa/reviews"
    items = control.done("GET", "/v1/identity/certificates")["items"]
    grounds = [item["ground"] for item in items if item["identity"] == "shop/reviews"]
    assert grounds == ["certificate"] * 3 + ["token"]
    assert f"{workload.certificate.serial_number:032x}" == items[0]["serial"]


def bad_signature():
    body = signing_request().splitlines()
    body[-2] = body[-2][:-5] + ("AAAAA" if body[-2][-5:] != "AAAAA" else "BBBBB")
    return "\n".join(body) + "\n"


@pytest.mark.parametrize("request_, reason", [
    ("", "PKCS#10"), ("nothing", "PKCS#10"), (bad_signature(), "the signing request"),
    ("A" * 20_000, "longer than 16384 bytes"),
    (signing_request(rsa.generate_private_key(65537, 1024)), "2048"),
    (signing_request(ed25519.Ed25519PrivateKey.generate(), None), "P-256"),
    (signing_request(ec.generate_private_key(ec.SECP521R1())), "P-256")],
    ids=["empty", "text", "signature", "huge", "rsa1024", "ed25519", "p521"])
def test_a_wrong_request_is_refused_and_costs_no_use(control, request_, reason):
    token = control.token("reviews")
    error = control.issue(token, request=request_ or " ")
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT and reason in error.details()
    assert control.issue(token).chain


def test_a_wrong_token_gives_nothing(control):
    good = control.token("reviews", lifetime_seconds=600)
    short = control.token("reviews", lifetime_seconds=1, uses=100)
    for token in (None, "x", good[:-1], good[:-1] + ("0" if good[-1] != "0" else "1"),
                  good.replace("pmt_", "pmt-"), "pmt_" + "0" * 16 + "_" + "0" * 64):
        error = control.issue(token)
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED, token

    def has_expired():
        answer = control.issue(short)
        return isinstance(answer, grpc.RpcError) and "expired" in answer.details()
    until(has_expired, 10, "the token's end", every=0.3)
    assert control.issue(good).chain
    assert "used up" in control.issue(good).details()
    assert good.split("_")[2] not in control.output()
    tokens = control.call("GET", "/v1/identity/tokens")[1]["items"]
    assert all("token" not in token for token in tokens)


def test_many_at_once_get_what_a_token_allows(control):
    token = control.token("reviews", uses=5)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: control.issue(token), range(20)))
    assert sum(isinstance(result, grpc.RpcError) for result in results) == 15


@pytest.mark.parametrize("body, status", [
    ({}, 422), ({"account": ""}, 422), ({"account": "a,URI:spiffe://x"}, 422),
    ({"account": "a", "namespace": "pointsman"}, 422), ({"account": "a", "uses": 0}, 422),
    ({"account": "a", "lifetime_seconds": 10**9}, 422), ({"account": "a", "more": 1}, 422),
    ({"account": 1}, 422), ({"account": "a", "uses": 1.5}, 400)])
def test_a_token_for_nobody_is_not_made(control, body, status):
    found, problem, _ = control.call("POST", "/v1/identity/tokens", body)
    assert found == status and problem["errors"], problem


def test_configuration_is_for_those_who_show_who_they_are(control):
    workload = control.issue(control.token("reviews"))
    anybody = grpc.ssl_channel_credentials(control.roots)
    with control.stream(anybody) as responses, pytest.raises(grpc.RpcError) as refused:
        next(responses)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    with control.stream(workload.credentials, "ratings") as responses, \
            pytest.raises(grpc.RpcError) as refused:
        next(responses)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert "default/reviews" in control.output() and "ratings" in control.output()
    # A proxy gets its listeners once it has its clusters, a client of none asks by name.
    kinds = ("envoy.config.cluster.v3.Cluster", "envoy.config.listener.v3.Listener")
    with control.stream(workload.credentials, types=kinds) as responses:
        assert next(responses).type_url.endswith("Cluster")
        proxies = [(proxy["id"], proxy["identity"]) for proxy in control.proxies()]
        assert proxies == [("python", "default/reviews")]


def test_another_mesh_is_nobody(control, start, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    other = start(SecureControl, folder)
    stranger = other.issue(other.token("reviews"))
    stranger.roots = control.roots.decode()
    error = control.issue(workload=stranger)
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    until(lambda: "certificate_untrusted" in control.output(), 5, "the refusal in the log")
    metrics = fetch(control.api, "/metrics")[1].decode()
    assert 'pointsman_control_tls_refusals_total{reason="certificate_untrusted"} 1' in metrics
    assert 'pointsman_control_certificates_issued_total{ground="token"} 0' in metrics


def secrets_of(response):
    found = {}
    for resource in response.resources:
        secret = secret_pb2.Secret()
        assert resource.Unpack(secret)
        found[secret.name] = secret
    return found


def content(source):
    return source.inline_string.encode() or source.inline_bytes


def test_secrets_for_clients_that_make_no_key(control):
    workload = control.issue(control.token("reviews"))
    with control.stream(workload.credentials, types=[SECRET], names=["identity", "roots"]) as found:
        secrets = secrets_of(next(found))
        chain = x509.load_pem_x509_certificates(
            content(secrets["identity"].tls_certificate.certificate_chain))
        key = serialization.load_pem_private_key(
            content(secrets["identity"].tls_certificate.private_key), None)
        assert key.public_key() == chain[0].public_key()
        roots = content(secrets["roots"].validation_context.trusted_ca)
        assert roots == control.roots
        verified = PolicyBuilder().store(Store(x509.load_pem_x509_certificates(roots))) \
            .build_client_verifier().verify(chain[0], chain[1:])
        assert verified.subjects[0].value == SPIFFE + "reviews"
        # A root that is announced is told to those who are there.
        control.done("POST", "/v1/identity:rotate", {"authority": "root"})
        secrets = secrets_of(next(found))
        roots = content(secrets["roots"].validation_context.trusted_ca)
        assert len(x509.load_pem_x509_certificates(roots)) == 2


def test_a_rotation_goes_on_after_the_end_of_the_process(control, start, tmp_path):
    before = control.issue(control.token("reviews"))
    control.done("POST", "/v1/identity:rotate", {"authority": "root"})
    control.done("POST", "/v1/identity:rotate", {"authority": "intermediate"})
    status, problem, _ = control.call("POST", "/v1/identity:rotate", {"authority": "root"})
    assert status == 409 and "announced" in problem["detail"]
    state = control.done("GET", "/v1/identity")
    assert [root["state"] for root in state["roots"]] == ["active", "announced"]
    assert [one["state"] for one in state["intermediates"]] == ["retiring", "active"]
    control.signal(signal.SIGKILL)
    control.wait()
    again = start(control.again)
    after = again.done("GET", "/v1/identity")
    for one in (state, after):
        one["intermediates"][1].pop("lastEnd", None)
        one["roots"][0].pop("lastEnd", None)
    assert after == state
    # A certificate of before is good, and shows the way to the next one.
    workload = again.issue(workload=before)
    assert workload.roots.count("BEGIN") == 2
    assert openssl(tmp_path, before, workload.roots, "sslclient").returncode == 0
    events = [event["what"] for event in again.done("GET", "/v1/identity/events")["items"]]
    assert any(event.startswith("announced root") for event in events)


def test_the_store_opens_with_its_own_key_file_alone(control, start, tmp_path):
    assert os.stat(control.key_file).st_mode & 0o777 == 0o600
    assert control.stop() == 0
    assert b"PRIVATE KEY" not in control.store.read_bytes()
    right = control.key_file.read_bytes()
    cases = {"is not the key file": b"x" * 32, "fewer than 32 bytes": b"x" * 31}
    for reason, content in cases.items():
        control.key_file.write_bytes(content)
        assert reason in ended(control, tmp_path)
    control.key_file.unlink()
    assert "No such file" in ended(control, tmp_path)
    control.key_file.write_bytes(right)
    assert "cannot change" in ended(control, tmp_path, "--trust-domain", "mesh.example")
    assert start(control.again).issue("x").code() == grpc.StatusCode.UNAUTHENTICATED


def ended(control, folder, *flags):
    program = Program([program_path("pointsman-control"), "--api", f"127.0.0.1:{free_port()}",
                       "--xds", "none", "--store", f"sqlite:{control.store}",
                       *control.authority_flags, *flags], folder / f"ended-{free_port()}.log")
    assert program.wait(10) == 1
    return program.output()


def test_stock_envoys_reach_each_other_with_identities_of_ours(control, start, tmp_path):
    """Both get certificates by SDS; whoever comes without one does not get in."""
    inbound, upstream = free_port(), start(FastUpstream, tmp_path, "v1")
    revision = control.done("PUT", "/v1/services/reviews", {
        "protocol": "http", "tls": "strict",
        "versions": {"v1": {"endpoints": [f"127.0.0.1:{inbound}"]}}})["revision"]
    callee = start(
        SecureEnvoy, tmp_path, control, control.issue(control.token("reviews")), "callee",
        "reviews", {"inbound_address": f"127.0.0.1:{inbound}",
                    "application_address": f"127.0.0.1:{upstream.port}"})
    caller = start(SecureEnvoy, tmp_path, control, control.issue(control.token("client")),
                   "caller", "client")
    control.wait_in_effect(revision, proxies=2)
    until(lambda: reach(caller.port, "reviews") == "v1", 10, "the answer over mutual TLS")
    assert caller.metric("envoy_cluster_ssl_handshake", envoy_cluster_name="reviews/v1") > 0
    assert reach(inbound, "reviews") is None
