"""TLS on both sides, against real peers: who is let in, who is not, and what is said about it."""

import random
import socket
import ssl
import struct
import subprocess
import threading

import pytest

from harness import bootstrap
from harness.identities import (
    HOUR, Authority, SecureUpstream, client_context, downstream, secure_request)
from harness.identities import upstream as endpoint_security
from harness.load import Load
from harness.programs import FULL, Sidecar, fetch, free_port, peer_path, until
from harness.rekeying import rekey

A, B = "spiffe://mesh/ns/default/sa/a", "spiffe://mesh/ns/default/sa/b"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"))


def listener(port, *chains, name="inbound"):
    """Chains are transport sockets, or pairs of a match and one."""
    hcm = bootstrap.manager(bootstrap.route_configuration([bootstrap.to_cluster("one")]))
    made = bootstrap.listener(port, hcm, name)
    filters = made["filter_chains"][0]["filters"]
    made["filter_chains"] = []
    for chain in chains:
        match, security = chain if isinstance(chain, tuple) else (None, chain)
        made["filter_chains"].append({
            "filters": filters, **({"transport_socket": security} if security else {}),
            **({"filter_chain_match": match} if match else {})})
    return made


def sidecar(start, tmp_path, *chains, ports, security=None, name="sidecar", **more):
    port = free_port()
    cluster = bootstrap.cluster("one", ports)
    if security:
        cluster["transport_socket"] = security
    running = start(Sidecar, tmp_path, bootstrap.static(
        free_port(), [listener(port, *chains or [None])], [cluster]), name=name, **more)
    running.port = port
    return running


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_speaks_with_a_listener(start, tmp_path, root, upstream, version):
    relay = sidecar(start, tmp_path, downstream(root.issue("server", "localhost"), alpn=["http/1.1"]),
                    ports=[upstream.port])
    answer = subprocess.run(
        [peer_path("curl"), "-sS", "--cacert", root.path, f"--tlsv{version}", "--tls-max", version,
         "-w", "%{http_code} %{http_version}", "-o", tmp_path / "body",
         f"https://localhost:{relay.port}/"], capture_output=True, text=True, timeout=20)
    assert answer.stdout == "200 1.1", answer
    assert relay.metric("mesh_tls_handshakes_total", listener="inbound") == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_taken_up_again(start, tmp_path, root, upstream, version):
    relay = sidecar(
        start, tmp_path, downstream(root.issue("server", B), root), ports=[upstream.port])
    context = client_context(root, root.issue("client", A), version)
    session = None
    for reused in (False, True, True):
        answer, session, was_reused = secure_request(relay.port, context, session=session)
        assert answer.startswith(b"HTTP/1.1 200")
        assert was_reused == reused
    assert relay.metric("mesh_tls_resumptions_total", side="downstream") == 2


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind,reason", [
    ("good", None), ("none", "certificate_missing"), ("stranger", "certificate_untrusted"),
    ("other", "identity_unexpected"), ("expired", "certificate_expired"),
    ("early", "certificate_not_yet_valid")])
def test_a_client_is_let_in_or_refused_by_name(
        start, tmp_path, root, stranger, upstream, version, kind, reason):
    relay = sidecar(start, tmp_path, downstream(root.issue("server", B), root, [A]),
                    ports=[upstream.port])
    identity = {
        "good": lambda: root.issue("client", A), "none": lambda: None,
        "stranger": lambda: stranger.issue("client", A), "other": lambda: root.issue("client", B),
        "expired": lambda: root.issue("client", A, starts=-2 * HOUR, ends=-HOUR),
        "early": lambda: root.issue("client", A, starts=HOUR, ends=2 * HOUR)}[kind]()
    context = client_context(root, identity, version)
    if reason is None:
        assert secure_request(relay.port, context)[0].startswith(b"HTTP/1.1 200")
        return
    with pytest.raises((ssl.SSLError, ConnectionError)):
        answer = secure_request(relay.port, context)[0]
        # With TLS 1.3 the client learns of it only when it reads.
        assert answer == b""
        raise ConnectionResetError
    until(lambda: relay.metric("mesh_tls_failures_total", side="downstream", reason=reason) == 1)
    until(lambda: f"listener inbound: TLS with client 127.0.0.1" in relay.output())
    assert f"failed: {reason}" in relay.output()
    if kind == "other":
        assert f"who is {B}" in relay.output()
    assert relay.metric("mesh_tls_handshakes_total", side="downstream") == 0
    assert relay.metric("mesh_downstream_active_connections") == 0


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind,reason", [
    ("good", None), ("stranger", "certificate_untrusted"), ("other", "identity_unexpected"),
    ("expired", "certificate_expired"), ("early", "certificate_not_yet_valid"),
    ("plain", "not_tls")])
def test_an_endpoint_is_spoken_with_or_refused_by_name(
        start, tmp_path, root, stranger, version, kind, reason):
    identity = {
        "good": lambda: root.issue("server", B), "stranger": lambda: stranger.issue("server", B),
        "other": lambda: root.issue("server", A), "plain": lambda: None,
        "expired": lambda: root.issue("server", B, starts=-2 * HOUR, ends=-HOUR),
        "early": lambda: root.issue("server", B, starts=HOUR, ends=2 * HOUR)}[kind]()
    with SecureUpstream(identity, root, version) if identity else Talkative() as peer:
        relay = sidecar(
            start, tmp_path, ports=[peer.port],
            security=endpoint_security(root.issue("client", A), root, [B]))
        status, body, _ = fetch(relay.port, "/")
        if reason is None:
            assert status == 200
            assert A in body.decode()
            assert relay.metric("mesh_tls_handshakes_total", cluster="one") == 1
            return
        assert status == 503
        assert relay.metric("mesh_tls_failures_total", side="upstream", reason=reason) >= 1
        until(lambda: f"cluster one: TLS with endpoint 127.0.0.1" in relay.output())
        assert f"failed: {reason}" in relay.output()


class Talkative:
    """Says something of its own before it could have understood anything."""

    def __enter__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self):
        peers = []
        while True:
            try:
                peers.append(self.listening.accept()[0])
            except OSError:
                return
            peers[-1].sendall(b"220 mail.example ready\r\n")

    def __exit__(self, *_):
        self.listening.close()


def test_an_endpoint_that_refuses_is_heard(start, tmp_path, root, stranger):
    with SecureUpstream(root.issue("server", B), stranger) as secure:
        relay = sidecar(start, tmp_path, ports=[secure.port],
                        security=endpoint_security(root.issue("client", A), root, [B]))
        assert fetch(relay.port, "/")[0] == 503
        until(lambda: relay.metric(
            "mesh_tls_failures_total", side="upstream", reason="alert_received") >= 1)


def test_connections_to_endpoints_are_used_again_and_resumed(start, tmp_path, root):
    with SecureUpstream(root.issue("server", B), root) as secure:
        relay = sidecar(start, tmp_path, ports=[secure.port],
                        security=endpoint_security(root.issue("client", A), root, [B]))
        for _ in range(20):
            assert fetch(relay.port, "/")[0] == 200
        # The tickets that a server sends after the handshake are no reason to close.
        assert len(secure.sessions) == 1
        for _ in range(3):
            assert fetch(relay.port, "/", "POST", b"x" * 100)[1] == b"x" * 100


def test_large_bodies_pass_both_ways(start, tmp_path, root):
    with SecureUpstream(root.issue("server", B), root) as secure:
        relay = sidecar(
            start, tmp_path, downstream(root.issue("server2", B), root, [A]), ports=[secure.port],
            security=endpoint_security(root.issue("client", A), root, [B]))
        body = bytes(range(256)) * (4 << 12)
        context = client_context(root, root.issue("client2", A))
        answer = secure_request(relay.port, context, body=body)[0]
        assert answer.split(b"\r\n\r\n", 1)[1] == body


def test_a_response_that_is_cut_is_no_end(start, tmp_path, root):
    """Without `close_notify`, anybody may have ended the connection."""
    identity = root.issue("server", B)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.chain, identity.key)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        for says_so in (True, False):
            plain, _ = listening.accept()
            peer = context.wrap_socket(plain, server_side=True)
            peer.recv(1 << 16)
            peer.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
            if says_so:
                try:
                    peer.unwrap()
                except (ssl.SSLError, OSError):
                    pass
            peer.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    relay = sidecar(start, tmp_path, ports=[listening.getsockname()[1]],
                    security=endpoint_security(None, root, [B]))
    assert fetch(relay.port, "/")[1] == b"half of it"
    with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        received = b""
        with pytest.raises(ConnectionResetError):
            while data := client.recv(1 << 16):
                received += data
            # A chunked body without its last chunk is as good as a reset.
            assert b"\r\n0\r\n" not in received
            raise ConnectionResetError
    thread.join(5)
    listening.close()


def test_chains_are_chosen_by_name_and_by_transport(start, tmp_path, root, upstream):
    one, two = root.issue("one", "one.mesh"), root.issue("two", "two.mesh")
    relay = sidecar(
        start, tmp_path, ({"server_names": ["one.mesh"]}, downstream(one)),
        ({"server_names": ["*.mesh"]}, downstream(two)),
        ({"transport_protocol": "raw_buffer"}, None), ports=[upstream.port])
    context = client_context(root)
    for name, identity in (("one.mesh", one), ("two.mesh", two), ("a.b.mesh", two)):
        with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname=name) as peer:
                presented = peer.getpeercert()["subject"][0][0][1]
                assert presented == identity.chain.stem
    assert fetch(relay.port, "/")[0] == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secure_request(relay.port, context, name="other.example")
    assert relay.metric("mesh_tls_failures_total", reason="no_filter_chain") == 1
    # One byte at a time, too.
    with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as slow:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_hostname="one.mesh")
        slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    slow.send(bytes([byte]))
                incoming.write(slow.recv(1 << 16))
        assert session.version() == "TLSv1.3"


def test_a_handshake_has_its_time(start, tmp_path, root, upstream):
    made = listener(port := free_port(), downstream(root.issue("server", B)))
    made["filter_chains"][0]["transport_socket_connect_timeout"] = "0.3s"
    relay = start(Sidecar, tmp_path, bootstrap.static(
        free_port(), [made], [bootstrap.cluster("one", [upstream.port])]))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as silent:
        assert silent.recv(1) == b""
    until(lambda: relay.metric("mesh_tls_failures_total", reason="timed_out") == 1)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        while plain.recv(1 << 16):
            pass
    until(lambda: relay.metric("mesh_tls_failures_total", reason="not_tls") == 1)


def test_a_look_whether_somebody_is_there_is_no_failure(start, tmp_path, root, upstream):
    relay = sidecar(start, tmp_path, downstream(root.issue("server", B)), ports=[upstream.port])
    for _ in range(20):
        socket.create_connection(("127.0.0.1", relay.port), timeout=10).close()
    assert secure_request(relay.port, client_context(root))[0].startswith(b"HTTP/1.1 200")
    until(lambda: relay.metric("mesh_downstream_active_connections") == 0)
    assert relay.metric("mesh_tls_failures_total") == 0
    assert "TLS with client" not in relay.output()


def test_new_files_are_taken_without_a_word(start, tmp_path, root, upstream):
    first = root.issue("rotating", B)
    relay = sidecar(start, tmp_path, downstream(first), ports=[upstream.port])
    context = client_context(root)

    def serial():
        with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as plain:
            with context.wrap_socket(plain) as peer:
                return int(peer.getpeercert()["serialNumber"], 16)

    kept = socket.create_connection(("127.0.0.1", relay.port), timeout=10)
    kept = context.wrap_socket(kept)
    assert serial() == first.certificate.serial_number
    second = root.issue("rotating", B)
    until(lambda: serial() == second.certificate.serial_number, 20)
    # Half of a change is none.
    first.key.write_text("nothing")
    kept.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    assert kept.recv(1 << 16).startswith(b"HTTP/1.1 200")
    kept.close()
    assert serial() == second.certificate.serial_number


def test_keys_are_not_shown(start, tmp_path, root, upstream):
    identity = root.issue("server", B)
    security = downstream(identity)
    key = identity.key.read_text()
    security["typed_config"]["common_tls_context"]["tls_certificates"][0]["private_key"] = {
        "inline_string": key}
    relay = sidecar(start, tmp_path, security, ports=[upstream.port])
    dump = relay.get("/config_dump")
    assert "[redacted]" in dump
    assert "PRIVATE KEY" not in dump
    assert "PRIVATE KEY" not in relay.output()


@pytest.mark.parametrize("change,path", [
    (lambda c: c["common_tls_context"].pop("validation_context"), "validation_context"),
    (lambda c: c["common_tls_context"]["validation_context"].pop("trusted_ca"), "trusted_ca"),
    (lambda c: c["common_tls_context"]["validation_context"].pop("match_typed_subject_alt_names"),
     "match_typed_subject_alt_names"),
    (lambda c: c["common_tls_context"]["validation_context"].update(
        trust_chain_verification="ACCEPT_UNTRUSTED"), "trust_chain_verification"),
    (lambda c: c["common_tls_context"]["validation_context"].update(
        verify_certificate_spki=["x"]), "verify_certificate_spki"),
    (lambda c: c["common_tls_context"].update(
        tls_certificate_sds_secret_configs=[{"name": "x"}]), "tls_certificate_sds_secret_configs"),
    (lambda c: c["common_tls_context"].update(
        tls_params={"tls_minimum_protocol_version": "TLSv1_0"}), "tls_minimum_protocol_version"),
    (lambda c: c.update(allow_renegotiation=True), "allow_renegotiation"),
    (lambda c: c["common_tls_context"]["validation_context"]["trusted_ca"].update(
        filename="/nowhere"), "/nowhere"),
])
def test_what_cannot_be_done_is_named(start, tmp_path, root, upstream, change, path):
    security = endpoint_security(root.issue("client", A), root, [B])
    change(security["typed_config"])
    relay = sidecar(start, tmp_path, ports=[upstream.port], security=security, ready=False)
    assert relay.wait(20) != 0
    assert path in relay.output(), relay.output()


@pytest.mark.parametrize("side", ["client", "server"])
def test_envoy_is_a_peer(start, tmp_path, root, upstream, side):
    """Two proxies with mutual TLS between them, of which one is stock Envoy."""
    programs = {"client": ("envoy", "pointsman"), "server": ("pointsman", "envoy")}[side]
    inner = sidecar(
        start, tmp_path, downstream(root.issue("b", B), root, [A]), ports=[upstream.port],
        name="inner", program=programs[1])
    outer = sidecar(
        start, tmp_path, ports=[inner.port], security=endpoint_security(root.issue("a", A), root, [B]),
        name="outer", program=programs[0])
    for _ in range(10):
        assert fetch(outer.port, "/")[0] == 200
    assert fetch(outer.port, "/", "POST", b"y" * 100_000)[0] == 200


@pytest.mark.shipped
@pytest.mark.parametrize("mutual,limit", [(False, 16 * 1024), (True, 26 * 1024)])
def test_an_idle_connection_is_small(start, tmp_path, root, upstream, mutual, limit):
    """OpenSSL keeps 14 KiB of a session at rest, and 5 KiB of each certificate that a client shows;
    this one shows its authority's too."""
    relay = sidecar(
        start, tmp_path, downstream(root.issue("server", B), root if mutual else None),
        ports=[upstream.port])
    context = client_context(root, root.issue("client", A) if mutual else None)
    count = 1000

    def connect():
        peer = context.wrap_socket(socket.create_connection(("127.0.0.1", relay.port), timeout=30))
        peer.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert peer.recv(1 << 16).startswith(b"HTTP/1.1 200")
        return peer

    warm = [connect() for _ in range(100)]
    before = relay.resident_bytes()
    peers = [connect() for _ in range(count)]
    each = (relay.resident_bytes() - before) / count
    print(f"{each:.0f} bytes for each idle TLS connection")
    for peer in warm + peers:
        peer.close()
    assert each <= limit
    until(lambda: relay.metric("mesh_downstream_active_connections") == 0)


def http2_options():
    return {"typed_extension_protocol_options": {bootstrap.HTTP_OPTIONS: {
        "@type": f"type.googleapis.com/{bootstrap.HTTP_OPTIONS}",
        "explicit_http_config": {"http2_protocol_options": {}}}}}


@pytest.mark.parametrize("outer_program,inner_program", [
    ("pointsman", "pointsman"), ("envoy", "pointsman"), ("pointsman", "envoy")])
def test_http2_is_agreed_upon(start, tmp_path, root, upstream, outer_program, inner_program):
    """curl speaks HTTP/2 with the first proxy, and that one with the second."""
    inner = sidecar(
        start, tmp_path, downstream(root.issue("b", B), root, [A], alpn=["h2", "http/1.1"]),
        ports=[upstream.port], name="inner", program=inner_program)
    port = free_port()
    outer = start(Sidecar, tmp_path, bootstrap.static(
        free_port(),
        [listener(port, downstream(root.issue("edge", "localhost"), alpn=["h2", "http/1.1"]))],
        [{**bootstrap.cluster("one", [inner.port]), **http2_options(),
          "transport_socket": endpoint_security(root.issue("a", A), root, [B], alpn=["h2"])}]),
        name="outer", program=outer_program)
    body = tmp_path / "body"
    body.write_bytes(bytes(range(256)) * 2048)
    answer = subprocess.run(
        [peer_path("curl"), "-sS", "--http2", "--cacert", root.path, "--data-binary", f"@{body}",
         "-w", "%{http_code} %{http_version}\n", "-o", tmp_path / "one",
         f"https://localhost:{port}/", "-o", tmp_path / "two", f"https://localhost:{port}/two"],
        capture_output=True, text=True, timeout=30)
    assert answer.stdout == "200 2\n200 2\n", answer
    if inner_program == "pointsman":
        assert inner.metric("mesh_tls_handshakes_total", listener="inbound") == 1
    if outer_program == "pointsman":
        assert outer.metric("mesh_tls_handshakes_total", cluster="one") == 1


def test_certificates_are_renewed_under_load(start, tmp_path, root, upstream):
    """Both sides of a mutual session get new files again and again; no request fails."""
    inner = sidecar(
        start, tmp_path, downstream(root.issue("turning-b", B), root, [A]), ports=[upstream.port],
        name="inner")
    port = free_port()
    outer = start(Sidecar, tmp_path, bootstrap.static(free_port(), [listener(port, None)], [{
        **bootstrap.cluster("one", [inner.port]), "max_requests_per_connection": 20,
        "transport_socket": endpoint_security(root.issue("turning-a", A), root, [B])}]),
        name="outer")
    with Load(port, clients=8) as load:
        for _ in range(4 if not FULL else 100):
            before = inner.output().count("in effect") + outer.output().count("in effect")
            root.issue("turning-a", A)
            root.issue("turning-b", B)
            until(lambda: inner.output().count("in effect") + outer.output().count("in effect")
                  >= before + 2, 20)
            load.wait_for(500)
    result = load.stop()
    assert set(result.outcomes) == {"ok"}, result.lost
    assert inner.metric("mesh_tls_handshakes_total") >= 50
    assert inner.metric("mesh_tls_failures_total") == 0


def test_connections_may_be_cut_anywhere(start, tmp_path, root, upstream):
    """Clients that vanish at any byte of the handshake, of a request or of what follows."""
    relay = sidecar(
        start, tmp_path, downstream(root.issue("server", B), root, [A]), ports=[upstream.port])
    contexts = [client_context(root, root.issue("client", A), version) for version in VERSIONS]
    files = relay.open_files()
    chance = random.Random(seed := random.randrange(1 << 32))
    print(f"seed {seed}")
    for turn in range(200 if not FULL else 20_000):
        cut_after, piece = chance.randrange(6000), chance.choice([1, 7, 100, 4096])
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = contexts[turn % 2].wrap_bio(incoming, outgoing)
        with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if chance.random() < 0.5:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            garbled = chance.randrange(cut_after + 1) if chance.random() < 0.3 else None
            sent, asked = 0, False
            while sent < cut_after:
                try:
                    if session.version() is None or not asked:
                        session.do_handshake()
                        session.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 8000\r\n\r\n"
                                      + b"x" * chance.randrange(8000))
                        asked = True
                    session.read(1 << 16)
                except ssl.SSLWantReadError:
                    pass
                except (ssl.SSLError, OSError):
                    break
                data = outgoing.read()
                try:
                    for start_at in range(0, len(data), piece):
                        part = bytearray(data[start_at:start_at + piece][:cut_after - sent])
                        if garbled is not None and sent <= garbled < sent + len(part):
                            part[garbled - sent] ^= 0x55
                        plain.sendall(part)
                        sent += len(part)
                        if sent >= cut_after:
                            break
                    else:
                        if asked and not data:
                            break
                        plain.settimeout(0.2 if asked else 10)
                        received = plain.recv(1 << 16)
                        if not received:
                            break
                        incoming.write(received)
                except OSError:
                    break
    until(lambda: relay.metric("mesh_downstream_active_connections") == 0, 30)
    until(lambda: relay.open_files() <= files + 2)
    assert secure_request(relay.port, contexts[1])[0].startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_no_client_says_who_it_is(start, tmp_path, root, upstream, version):
    relay = sidecar(
        start, tmp_path, downstream(root.issue("server", "localhost"), alpn=["h2", "http/1.1"]),
        ports=[upstream.port])
    token = f"k{version[0]}xfcc"
    subprocess.run(
        [peer_path("curl"), "-sS", f"--http{version}", "--cacert", root.path, "-o", tmp_path / "body",
         "-H", f"X-Forwarded-Client-Cert: URI={A}", "-H", "x-other: kept",
         f"https://localhost:{relay.port}/{token}"], check=True, timeout=20)
    request, = upstream.seen(token)
    names = [name.lower() for name, _ in request.fields]
    assert b"x-other" in names or "x-other" in names
    assert not [name for name in names if "client-cert" in str(name)]


def test_the_end_of_a_certificate_is_told(start, tmp_path, root, upstream):
    identity = root.issue("server", B)
    relay = sidecar(start, tmp_path, downstream(identity), ports=[upstream.port])
    expiry = relay.metric("mesh_tls_certificate_expiry_timestamp_seconds", listener="inbound")
    assert expiry == int(identity.certificate.not_valid_after_utc.timestamp())


def test_new_keys_without_end(start, tmp_path, root):
    """Whoever asks for new keys and takes none makes nothing grow."""
    with socket.create_server(("127.0.0.1", 0)) as deaf, socket.socket() as client:
        relay = sidecar(start, tmp_path, downstream(root.issue("server", B)),
                        ports=[deaf.getsockname()[1]])
        # The pages of the library are there then.
        context = client_context(root, None)
        with context.wrap_socket(socket.create_connection(("127.0.0.1", relay.port))):
            pass
        before = relay.resident_bytes()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", relay.port))
        asked = rekey(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1_000_000)
        assert asked < 1_000_000
        assert relay.resident_bytes() - before < 4 << 20
    until(lambda: relay.metric("mesh_tls_failures_total", side="downstream", reason="flooded") == 1)
    until(lambda: relay.metric("mesh_downstream_active_connections") == 0)
