"""Secrets (SDS): where they come from, what waits for them, and how they change under load."""

import contextlib
import json
import socket
import ssl

import pytest
from cryptography import x509

from harness import bootstrap, sds
from harness.ads import ADS
from harness.identities import Authority, SecureUpstream, client_context, secure_request
from harness.load import Load
from harness.programs import FULL, Sidecar, fetch, free_port, responds, until

A, B = "spiffe://mesh/ns/default/sa/a", "spiffe://mesh/ns/default/sa/b"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"))


@pytest.fixture
def server():
    server = ADS()
    yield server
    server.close()


def listener(port, security=None, name="inbound"):
    hcm = bootstrap.manager(bootstrap.route_configuration([bootstrap.to_cluster("one")]))
    made = bootstrap.listener(port, hcm, name)
    if security:
        made["filter_chains"][0]["transport_socket"] = security
    return made


def cluster(port, security=None, **more):
    made = bootstrap.cluster("one", [port], **more)
    return {**made, "transport_socket": security} if security else made


class Sidecars:
    """Sidecars under one control plane, each with a listener in front of one cluster."""

    def __init__(self, start, folder, server):
        self.start, self.folder, self.server = start, folder, server

    def run(self, *, ready=True, name="sidecar", **more):
        return self.start(Sidecar, self.folder, bootstrap.ads(free_port(), self.server.port),
                          ready=ready, name=name, **more)

    def push(self, **kinds):
        return {kind: self.server.set(kind, *resources) for kind, resources in kinds.items()}

    def settle(self, **kinds):
        for kind, version in self.push(**kinds).items():
            self.server.wait_ack(kind, version)


@pytest.fixture
def mesh(start, tmp_path, server):
    return Sidecars(start, tmp_path, server)


def is_open(port):
    with contextlib.closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def presented(port, context):
    """The number of the certificate that a server presents now; `None` without a session."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            with context.wrap_socket(plain) as peer:
                return x509.load_der_x509_certificate(peer.getpeercert(True)).serial_number
    except (ssl.SSLError, OSError):
        return None


def is_served(port, context):
    try:
        return secure_request(port, context)[0].startswith(b"HTTP/1.1 200")
    except (ssl.SSLError, OSError):
        return False


@pytest.mark.parametrize("program", ["pointsman", "envoy"])
def test_one_file_for_both(start, tmp_path, root, program):
    """Secrets of files and of the bootstrap file itself, and a new one in a file."""
    first, second = root.issue("first", B), root.issue("second", B)
    sds.write(tmp_path / "identity.json", sds.certificate("identity", first))
    (tmp_path / "roots.yaml").write_text(
        f"resources:\n- '@type': {sds.TLS}.Secret\n  name: roots\n  validation_context:\n"
        f"    trusted_ca: {{filename: {root.path}}}\n")
    ports = free_port(), free_port()
    with SecureUpstream(root.issue("server", B), root) as endpoint:
        security = sds.downstream("identity", "roots", [A])
        common = security["typed_config"]["common_tls_context"]
        common["tls_certificate_sds_secret_configs"][0]["sds_config"] = sds.file(
            tmp_path / "identity.json")
        common["combined_validation_context"]["validation_context_sds_secret_config"][
            "sds_config"] = sds.file(tmp_path / "roots.yaml")
        config = bootstrap.static(
            free_port(),
            [listener(port, security, f"inbound{port}") for port in ports],
            [cluster(endpoint.port, sds.upstream("identity", "roots", [B], source=None))])
        config["static_resources"]["secrets"] = [
            sds.certificate("identity", root.issue("a", A)), sds.roots("roots", root)]
        relay = start(Sidecar, tmp_path, config, program=program)
        context = client_context(root, root.issue("client", A))
        answer, _, _ = secure_request(ports[0], context)
        assert answer.startswith(b"HTTP/1.1 200") and A.encode() in answer
        for port in ports:
            assert presented(port, context) == first.certificate.serial_number
            assert not is_served(port, client_context(root, root.issue("other", B)))
        sds.write(tmp_path / "identity.json", sds.certificate("identity", second))
        for port in ports:
            until(lambda: presented(port, context) == second.certificate.serial_number, 10)
            assert is_served(port, context)
        if program == "pointsman":
            sds.write(tmp_path / "identity.json", sds.certificate("other", first))
            until(lambda: 'is "other", and "identity" is wanted' in relay.output())
            assert presented(ports[0], context) == second.certificate.serial_number


@pytest.mark.parametrize("text,reason", [
    ("{}", "resources: must be one secret"), ("[", ""), (None, "cannot read"),
    ("{resources: [{'@type': %s.Secret, name: other, validation_context: {}}]}" % sds.TLS,
     'is "other", and "roots" is wanted')])
def test_a_file_that_holds_no_such_secret(start, tmp_path, root, text, reason):
    if text:
        (tmp_path / "roots.yaml").write_text(text)
    config = bootstrap.static(free_port(), [listener(free_port())], [cluster(
        9, sds.upstream("identity", "roots", [B], source=sds.file(tmp_path / "roots.yaml")))])
    config["static_resources"]["clusters"][0]["transport_socket"]["typed_config"][
        "common_tls_context"].pop("tls_certificate_sds_secret_configs")
    relay = start(Sidecar, tmp_path, config, ready=False)
    assert relay.wait() == 1
    assert 'cluster "one": transport_socket' in relay.output() and reason in relay.output()


@pytest.mark.parametrize("program", ["pointsman", "envoy"])
@pytest.mark.parametrize("early", [True, False])
def test_secrets_come_from_the_control_plane(mesh, root, program, early):
    """Whether they come before or after what uses them, the port is open only with them."""
    identity, port = root.issue("server", B), free_port()
    secrets = [sds.certificate("identity", identity), sds.certificate("own", root.issue("a", A)),
               sds.roots("roots", root)]
    with SecureUpstream(root.issue("endpoint", B), root) as endpoint:
        if early:
            mesh.push(sds=secrets)
        mesh.push(cds=[cluster(endpoint.port, sds.upstream("own", "roots", [B]))],
                  lds=[listener(port, sds.downstream("identity", "roots", [A]))])
        relay = mesh.run(ready=early, program=program)
        until(lambda: mesh.server.of("sds"), 10, "a subscription")
        if not early:
            # Envoy asks for those of listeners only after those of clusters.
            until(lambda: {name for request in mesh.server.of("sds")
                           for name in request.resource_names} >= {"own", "roots"})
            assert not is_open(port)
            assert not responds(relay.admin, "/ready")
            mesh.push(sds=secrets)
        context = client_context(root, root.issue("client", A))
        until(lambda: is_served(port, context))
        assert presented(port, context) == identity.certificate.serial_number
        answer, _, _ = secure_request(port, context)
        assert A.encode() in answer
        assert not is_served(port, client_context(root, root.issue("other", B)))
        dump = relay.get("/config_dump")
        assert "dynamic_active_secrets" in dump and "PRIVATE KEY" not in dump
        # Who is trusted changes, too.
        stranger = Authority(root.folder, "stranger")
        mesh.push(sds=[*secrets[:2], sds.roots("roots", root, stranger)])
        until(lambda: is_served(port, client_context(root, stranger.issue("client", A))))


def test_secrets_are_renewed_under_load(mesh, root, upstream):
    """Two sidecars with mutual TLS, both of which get new secrets again and again."""
    inner_port, outer_port = free_port(), free_port()
    inner, outer = Sidecars(mesh.start, mesh.folder, mesh.server), ADS()
    try:
        names = sds.downstream("identity", "roots", [A])
        inner.push(cds=[cluster(upstream.port)], lds=[listener(inner_port, names)],
                   sds=[sds.certificate("identity", root.issue("b", B)), sds.roots("roots", root)])
        inner_sidecar = inner.run(name="inner", concurrency=2)
        second = Sidecars(mesh.start, mesh.folder, outer)
        second.push(
            cds=[cluster(inner_port, sds.upstream("identity", "roots", [B]),
                         max_requests_per_connection=20)],
            lds=[listener(outer_port)],
            sds=[sds.certificate("identity", root.issue("a", A)), sds.roots("roots", root)])
        second.run(name="outer", concurrency=2)
        context = client_context(root, root.issue("client", A))
        with Load(outer_port, clients=8) as load, socket.create_connection(
                ("127.0.0.1", inner_port), timeout=10) as plain, context.wrap_socket(plain) as kept:
            old = root
            for turn in range(8 if not FULL else 100):
                # A new root is trusted before it issues, and the old one for a while after.
                new = Authority(root.folder, f"root{turn}")
                for side in (inner, second):
                    side.settle(sds=[*side.server.content["sds"][:1], sds.roots("roots", old, new)])
                for side, name, uri in ((inner, "b", B), (second, "a", A)):
                    fresh = new.issue(name, uri)
                    side.settle(sds=[sds.certificate("identity", fresh),
                                     sds.roots("roots", old, new)])
                    if side is inner:
                        looking = client_context(new, old.issue("client", A))
                        assert presented(inner_port, looking) == fresh.certificate.serial_number
                load.wait_for(200)
                kept.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                assert kept.recv(1 << 16).startswith(b"HTTP/1.1 200")
                old = new
        result = load.stop()
        assert set(result.outcomes) == {"ok"}, result.lost
        assert inner_sidecar.metric("mesh_tls_failures_total") == 0
        assert inner_sidecar.metric("mesh_tls_handshakes_total", side="downstream") > 20
    finally:
        outer.close()


def wrong_secrets(root):
    good, other = root.issue("good", B), root.issue("other", B)
    garbage = {"inline_string": "-----BEGIN CERTIFICATE-----\nnonsense\n"}
    keyless = sds.certificate("identity", good)
    del keyless["tls_certificate"]["private_key"]
    return {
        "no key": (keyless, "private_key: is missing"),
        "the key of another": (
            sds.certificate("identity", good, key=other.key), "private_key is not the key"),
        "garbage": ({"name": "identity", "tls_certificate": {
            "certificate_chain": garbage, "private_key": {"filename": str(good.key)}}},
            "certificate_chain holds no certificate"),
        "a file that is not there": ({"name": "identity", "tls_certificate": {
            "certificate_chain": {"filename": "/nowhere"},
            "private_key": {"filename": str(good.key)}}}, "cannot read /nowhere"),
        "no tls_certificate": (sds.roots("identity", root), "is not a tls_certificate"),
        "tickets": ({"name": "identity", "session_ticket_keys": {}}, "session_ticket_keys"),
        "nothing": ({"name": "identity"}, "neither"),
    }


@pytest.mark.parametrize("kind", [
    "no key", "the key of another", "garbage", "a file that is not there", "no tls_certificate",
    "tickets", "nothing"])
def test_a_wrong_secret_changes_nothing(mesh, root, upstream, kind):
    wrong, reason = wrong_secrets(root)[kind]
    identity, port = root.issue("server", B), free_port()
    mesh.push(cds=[cluster(upstream.port)], lds=[listener(port, sds.downstream("identity"))],
              sds=[sds.certificate("identity", identity)])
    relay = mesh.run()
    context = client_context(root)
    before = relay.metric("mesh_tls_handshakes_total")
    _, session, _ = secure_request(port, context)
    version = mesh.server.set("sds", wrong)
    refusal = mesh.server.wait_nack("sds", version)
    assert 'Secret "identity"' in refusal.error_detail.message
    assert reason in refusal.error_detail.message, refusal.error_detail.message
    assert refusal.version_info == "1"
    assert presented(port, context) == identity.certificate.serial_number
    # Other resources are taken meanwhile, and the sessions of clients go on.
    mesh.settle(cds=[cluster(upstream.port, connect_timeout="2s")])
    assert secure_request(port, context, session=session)[2]
    assert reason in relay.output()
    assert "xds.sds.update_rejected: 1" in relay.get("/stats")
    renewed = root.issue("renewed", B)
    mesh.settle(sds=[sds.certificate("identity", renewed)])
    assert presented(port, context) == renewed.certificate.serial_number
    assert relay.metric("mesh_tls_handshakes_total") > before
    assert "xds.sds.update_success: 2" in relay.get("/stats")


def test_what_works_stays_until_the_secret_comes(mesh, root, upstream):
    identity, port = root.issue("server", B), free_port()
    mesh.push(cds=[cluster(upstream.port)], lds=[listener(port)])
    mesh.run()
    mesh.settle(lds=[listener(port, sds.downstream("identity"))])
    until(lambda: [list(request.resource_names) for request in mesh.server.of("sds")][-1:]
          == [["identity"]])
    assert fetch(port, "/")[0] == 200
    mesh.settle(sds=[sds.certificate("identity", identity)])
    assert presented(port, client_context(root)) == identity.certificate.serial_number
    # Nobody asks for what nobody uses.
    mesh.settle(lds=[listener(port)])
    until(lambda: list(mesh.server.of("sds")[-1].resource_names) == [])
    assert fetch(port, "/")[0] == 200


def test_a_secret_that_does_not_come(mesh, root, upstream):
    """After a while its listener is open and its cluster there, and neither has a peer."""
    plain, port = free_port(), free_port()
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        mesh.push(cds=[cluster(endpoint.getsockname()[1], sds.upstream("own", "roots", [B]))],
                  lds=[listener(plain), listener(port, sds.downstream("identity"), "secured")])
        relay = mesh.run(ready=False)
        until(lambda: mesh.server.of("sds"))
        assert not is_open(port)
        until(lambda: is_open(port), 30, "the end of patience")
        for name in ("identity", "own", "roots"):
            until(lambda: f'Secret "{name}" has not come' in relay.output())
        until(lambda: responds(relay.admin, "/ready"))
        assert presented(port, client_context(root)) is None
        assert fetch(plain, "/")[0] == 503
        assert relay.metric("mesh_tls_failures_total", reason="secret_missing", listener="secured") >= 1
        assert relay.metric("mesh_tls_failures_total", reason="secret_missing", cluster="one") >= 1
        # Nothing has gone to the endpoint, let alone in the clear.
        endpoint.settimeout(5)
        for _ in range(int(relay.metric("mesh_tls_failures_total", cluster="one"))):
            connection, _ = endpoint.accept()
            with connection:
                assert connection.recv(1) == b""
    identity = root.issue("server", B)
    with SecureUpstream(root.issue("endpoint", B), root) as endpoint:
        mesh.settle(sds=[sds.certificate("identity", identity), sds.roots("roots", root),
                         sds.certificate("own", root.issue("a", A))])
        mesh.settle(cds=[cluster(endpoint.port, sds.upstream("own", "roots", [B]))])
        assert presented(port, client_context(root)) == identity.certificate.serial_number
        assert fetch(plain, "/")[0] == 200


def test_a_control_plane_that_is_gone_for_a_while(mesh, root, upstream):
    first, second, port = root.issue("first", B), root.issue("second", B), free_port()
    mesh.push(cds=[cluster(upstream.port)], lds=[listener(port, sds.downstream("identity"))],
              sds=[sds.certificate("identity", first)])
    mesh.run()
    context = client_context(root)
    mesh.server.wait_ack("sds", "1")
    mesh.server.close()
    assert presented(port, context) == first.certificate.serial_number
    with mesh.server.lock:
        mesh.server.requests.clear()
    mesh.push(sds=[sds.certificate("identity", second)])
    mesh.server.open()
    until(lambda: mesh.server.of("sds"), 40, "the sidecar's return")
    request = mesh.server.of("sds")[0]
    assert (list(request.resource_names), request.version_info) == (["identity"], "1")
    mesh.server.wait_ack("sds", "2")
    assert presented(port, context) == second.certificate.serial_number


def test_kept_secrets_serve_without_a_control_plane(mesh, root, upstream, tmp_path):
    identity, port = root.issue("server", B), free_port()
    folder = tmp_path / "state"
    mesh.push(cds=[cluster(upstream.port)],
              lds=[listener(port, sds.downstream("identity", "roots", [A]))],
              sds=[sds.certificate("identity", identity), sds.roots("roots", root)])
    relay = mesh.run(flags=["--state-dir", folder])
    context = client_context(root, root.issue("client", A))
    assert is_served(port, context)
    relay.stop()
    mesh.server.close()
    files = list(folder.iterdir())
    assert files and all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    relay = mesh.run(flags=["--state-dir", folder], name="again")
    assert is_served(port, context)
    assert presented(port, context) == identity.certificate.serial_number


def test_clusters_that_differ_in_whom_they_expect(mesh, root):
    """They share what is the same for all of them, and nothing of whom they let through."""
    port = free_port()
    names = {"b": B, "other": A, "none": "spiffe://mesh/ns/default/sa/none"}
    routes = [bootstrap.to_cluster(name, f"/{name}") for name in names]
    with SecureUpstream(root.issue("endpoint", B), root) as endpoint:
        mesh.push(
            cds=[{**bootstrap.cluster(name, [endpoint.port]),
                  "transport_socket": sds.upstream("own", "roots", [uri])}
                 for name, uri in names.items()],
            lds=[bootstrap.listener(port, bootstrap.manager(bootstrap.route_configuration(routes)))],
            sds=[sds.certificate("own", root.issue("a", A)), sds.roots("roots", root)])
        relay = mesh.run()
        for turn in range(3):
            for name in names:
                assert fetch(port, f"/{name}")[0] == (200 if name == "b" else 503)
            mesh.settle(sds=[sds.certificate("own", root.issue(f"a{turn}", A)),
                             sds.roots("roots", root)])
        for name in ("other", "none"):
            assert relay.metric("mesh_tls_failures_total", cluster=name,
                                reason="identity_unexpected") >= 3


def test_secrets_are_shown_without_keys(mesh, root, upstream):
    mesh.push(cds=[cluster(upstream.port)], lds=[listener(free_port(), sds.downstream("identity"))],
              sds=[sds.certificate("identity", root.issue("server", B))])
    relay = mesh.run()
    dump = json.loads(relay.get("/config_dump?resource=dynamic_active_secrets"))
    secret, = dump["configs"]
    assert secret["@type"].endswith("SecretsConfigDump.DynamicSecret")
    assert (secret["name"], secret["version_info"]) == ("identity", "1")
    shown = secret["secret"]["tls_certificate"]
    assert shown["private_key"] == {"inline_string": "[redacted]"}
    assert "BEGIN CERTIFICATE" in shown["certificate_chain"]["inline_string"]
