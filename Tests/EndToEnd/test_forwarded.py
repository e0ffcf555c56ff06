"""What upstreams are told of a client, its certificate and how it came: the same as by stock Envoy."""

import itertools
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from harness import bootstrap
from harness.h2server import H2Server, echo
from harness.identities import Authority, client_context, downstream, secure_request
from harness.programs import Sidecar, free_port, peer_path

A, B = "spiffe://mesh/ns/default/sa/a", "spiffe://mesh/ns/default/sa/b"
XFCC = "x-forwarded-client-cert"
CLAIM = f"By=spiffe://other;Hash=00;URI={A}"
ALL = {"subject": True, "cert": True, "chain": True, "dns": True, "uri": True}
MODES = ["SANITIZE", "FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET", "ALWAYS_FORWARD_ONLY"]
_tokens = itertools.count(1)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module")
def clients(root, tmp_path_factory):
    """By name: a certificate with what it is signed by, or none at all."""
    middle = Authority(tmp_path_factory.mktemp("middle"), "middle")
    middle.certificate = root._sign(
        middle.name, middle.key.public_key(), x509.BasicConstraints(True, None))
    chained = middle.issue('a "clïent", of; it=self', A, "a.mesh", "b.mesh")
    with open(chained.chain, "ab") as chain:
        chain.write(middle.certificate.public_bytes(serialization.Encoding.PEM))
    return {"chained": chained, "bare": root.issue("bare"), "nobody": None,
            "many": root.issue("many", "https://x/?y=1,2", "https://z/;By=z")}


def relays(start, folder, root, ports, http2=False, **manager):
    """The sidecar and stock Envoy with the same listener, by name."""
    made = {}
    for program in ("pointsman", "envoy"):
        port = free_port()
        hcm = bootstrap.manager(
            bootstrap.route_configuration([bootstrap.to_cluster("one")]), **manager)
        listener = bootstrap.listener(port, hcm, "inbound")
        listener["filter_chains"][0]["transport_socket"] = downstream(
            root.issue("server", B, "spiffe://mesh/second", "localhost"), root,
            require_client_certificate=False, alpn=["h2", "http/1.1"])
        plain = bootstrap.listener(free_port(), hcm, "plain")
        cluster = bootstrap.cluster("one", ports)
        if http2:
            cluster |= bootstrap.http_options(explicit_http_config={"http2_protocol_options": {}})
        made[program] = start(Sidecar, folder, bootstrap.static(
            free_port(), [listener, plain], [cluster]), program=program, name=program)
        made[program].port = port
        made[program].plain = plain["address"]["socket_address"]["port_value"]
    return made


def ask(relay, root, identity, version, fields=(), secure=True, path="/"):
    certificate = ["--cert", identity.chain, "--key", identity.key] if identity and secure else []
    version = "--http1.1" if version == "1.1" else "--http2" if secure else \
        "--http2-prior-knowledge"
    url = f"https://localhost:{relay.port}" if secure else f"http://localhost:{relay.plain}"
    return subprocess.run(
        [peer_path("curl"), "-sS", version, "--cacert", root.path, *certificate, "-w",
         "%{http_code}", "-o", "/dev/null", "--connect-timeout", "10",
         *(part for name, value in fields for part in ("-H", f"{name}: {value}")), url + path],
        check=True, capture_output=True, text=True, timeout=20).stdout


def told(upstream, relay, names, *arguments, **more):
    """The values of fields that the upstream got, in their order."""
    token = f"k{next(_tokens)}xfcc"
    assert ask(relay, *arguments, path=f"/{token}", **more) == "200"
    request, = upstream.seen(token)
    return [(name.lower(), value) for name, value in request.fields if name.lower() in names]


@pytest.mark.parametrize("details", [{}, ALL, {"uri": True}, {"subject": True, "dns": True}],
                         ids=["bare", "all", "uri", "subject+dns"])
@pytest.mark.parametrize("mode", MODES)
def test_certificates_are_told_as_envoy_tells_them(
        start, tmp_path, root, clients, upstream, mode, details):
    pair = relays(start, tmp_path, root, [upstream.port], forward_client_cert_details=mode,
                  set_current_client_cert_details=details)
    claims = [(), ((XFCC, CLAIM),), (("X-Forwarded-Client-Cert", CLAIM), (XFCC, "Hash=1,Hash=2"))]
    for (who, identity), version, fields in itertools.product(
            clients.items(), ("1.1", "2"), claims):
        ours, theirs = (told(upstream, pair[program], [XFCC.encode()], root, identity, version,
                             fields) for program in ("pointsman", "envoy"))
        value = b",".join(value for _, value in ours)
        assert value == b",".join(value for _, value in theirs), (who, version, fields)
        if mode in ("APPEND_FORWARD", "SANITIZE_SET"):
            assert (b"Hash=" in value) == bool(identity)
            assert (CLAIM.encode() in value) == bool(
                identity and fields and mode == "APPEND_FORWARD")
    for fields in claims:
        ours, theirs = (told(upstream, pair[program], [XFCC.encode()], root, None, "1.1", fields,
                             secure=False) for program in ("pointsman", "envoy"))
        assert [v for _, v in ours] == [v for _, v in theirs] or mode == "ALWAYS_FORWARD_ONLY"


def test_a_session_that_is_taken_up_again_tells_the_same(start, tmp_path, root, clients, upstream):
    for details, resumes in ({"uri": True, "cert": True}, True), ({"chain": True}, False):
        relay = relays(start, tmp_path, root, [upstream.port], set_current_client_cert_details=details,
                       forward_client_cert_details="SANITIZE_SET")["pointsman"]
        context, session, values = client_context(root, clients["chained"]), None, set()
        for turn in range(3):
            token = f"k{next(_tokens)}again"
            answer, session, reused = secure_request(
                relay.port, context, f"/{token}", session=session)
            assert answer.startswith(b"HTTP/1.1 200") and reused == (resumes and turn > 0)
            values |= {value for name, value in upstream.seen(token)[0].fields
                       if name.lower() == XFCC.encode()}
        assert len(values) == 1 and values.pop().count(b"BEGIN%20CERT") == (1 if resumes else 2)


def test_nobody_makes_a_head_longer_without_end(start, tmp_path, root, clients, upstream):
    relay = relays(start, tmp_path, root, [upstream.port], max_request_headers_kb=96,
                   forward_client_cert_details="APPEND_FORWARD")["pointsman"]
    for size, status in (20_000, "200"), (40_000, "431"):
        for version in ("1.1", "2"):
            assert ask(relay, root, clients["bare"], version, [(XFCC, "x" * size)]) == status


@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("claim", [None, "http", "https", "gopher"])
def test_how_a_client_came_is_told(start, tmp_path, root, upstream, version, claim):
    fields = [("x-forwarded-proto", claim)] if claim else []
    with H2Server(echo) as server:
        (tmp_path / "h1").mkdir()
        first = relays(start, tmp_path / "h1", root, [upstream.port])
        second = relays(start, tmp_path, root, [server.port], http2=True)
        for secure in (True, False):
            names = [b"x-forwarded-proto"]
            ours, theirs = (told(upstream, first[program], names, root, None, version, fields,
                                 secure=secure) for program in ("pointsman", "envoy"))
            if secure or claim:
                assert ours == theirs
            else:
                assert (ours, theirs) == ([], [(names[0], b"http")])
            schemes = []
            for program in ("pointsman", "envoy"):
                assert ask(second[program], root, None, version, fields, secure=secure) == "200"
                schemes.append(server.requests[-1][":scheme"])
            assert schemes[0] == schemes[1], (secure, schemes)


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_routes_see_how_a_client_came(start, tmp_path, root, upstream, version):
    def reply(status, name, value):
        return {"match": {"prefix": "/", "headers": [
            {"name": name, "string_match": {"exact": value}}]},
            "direct_response": {"status": status}}

    routes = bootstrap.route_configuration([
        reply(418, XFCC, "me"), reply(201, ":scheme", "https"), reply(202, ":scheme", "http")])
    for program, relay in relays(start, tmp_path, root, [upstream.port], route_config=routes).items():
        # What is withheld from upstreams is withheld from routes as well.
        assert ask(relay, root, None, version, [(XFCC, "me")]) == "201", program
        assert ask(relay, root, None, version, [(XFCC, "me")], secure=False) == "202", program
