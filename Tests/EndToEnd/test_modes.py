"""Who gets in while a service goes from the clear to TLS alone, and between whom TLS is spoken."""

import http.client

import pytest

from harness.authority import SecureControl, SecureEnvoy
from harness.control import Follower
from harness.http2 import NO_ERROR, Peer
from harness.identities import Authority, client_context, downstream, secure_request
from harness.load import Load
from harness.programs import Sidecar, fetch, free_port, until
from harness.upstream import Upstream
from mesh_world import World

A, B = "spiffe://mesh/ns/default/sa/a", "spiffe://mesh/ns/default/sa/b"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"))


def test_connections_in_the_clear_end_once_only_tls_is_taken(start, tmp_path, root):
    world = World(start, tmp_path)
    world.settle(v1=100)
    security = downstream(root.issue("server", B), root, require_client_certificate=True)

    def push(*chains):
        listener = world.listener()
        filters = listener["filter_chains"][0]["filters"]
        listener["filter_chains"] = [{"filters": filters, **chain} for chain in chains]
        world.server.wait_ack("lds", world.server.set("lds", listener))

    def ask():
        kept.request("GET", "/", headers={"Host": "a"})
        answer = kept.getresponse()
        answer.read()
        return answer.status, answer.headers["connection"]

    def secure():
        answer, *_ = secure_request(world.port, client_context(root, root.issue("client", A)))
        return int(answer.split()[1])

    kept = http.client.HTTPConnection("127.0.0.1", world.port, timeout=10)
    with Peer(world.port) as streams:
        assert ask() == (200, None)
        streams.headers(1)
        assert streams.answer(1).status == 200
        both = [{"filter_chain_match": {"transport_protocol": "tls"}, "transport_socket": security},
                {"filter_chain_match": {"transport_protocol": "raw_buffer"}}]
        push(*both)
        assert (ask(), secure()) == ((200, None), 200)
        streams.headers(3)
        assert streams.answer(3).status == 200
        push({"transport_socket": security})
        # What was asked for before it was known gets its answer, and that is all.
        assert ask() == (200, "close")
        streams.headers(5)
        assert streams.answer(5).status == 200
        assert streams.end() == NO_ERROR
        kept.close()
        with pytest.raises((http.client.HTTPException, OSError)):
            ask()
        assert secure() == 200
    world.close()


class Member(Sidecar):
    """A sidecar with an identity that it gets for a token."""

    def __init__(self, folder, control, service, account=None, flags=(), node=None, **more):
        node = node or service
        self.port, admin = free_port(), free_port()
        roots, token = folder / "roots.pem", folder / f"{node}.token"
        roots.write_bytes(control.roots)
        token.write_text(control.token(account or service))
        super().__init__(
            folder, admin=admin, name=f"sidecar-{node}", program="pointsman",
            flags=("--control", f"127.0.0.1:{control.secure}", "--control-roots", roots,
                   "--identity-token-file", token, "--service", service, "--node-id", node,
                   "--outbound", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{admin}",
                   *flags), **more)


class Mesh:
    """A service `reviews` behind a sidecar with an identity, and callers with and without one."""

    def __init__(self, start, folder, program):
        self.start, self.folder, self.program = start, folder, program
        self.control = start(SecureControl, folder)
        self.port = free_port()
        self.proxies = 0

    def put(self, tls, **more):
        revision = self.control.done("PUT", "/v1/services/reviews", {
            "tls": tls, "versions": {"v1": {"endpoints": [f"127.0.0.1:{self.port}"]}},
            **more})["revision"]
        self.control.wait_in_effect(revision, proxies=self.proxies, seconds=20)

    def join(self, kind, service, inbound=False):
        self.proxies += 1
        addresses = (f"127.0.0.1:{self.port}", f"127.0.0.1:{self.program.port}")
        if kind == "envoy":
            workload = self.control.issue(self.control.token(service))
            names = ("inbound_address", "application_address")
            return self.start(
                SecureEnvoy, self.folder, self.control, workload, f"envoy-{service}", service,
                addresses=dict(zip(names, addresses)) if inbound else None)
        flags = ("--inbound", addresses[0], "--application", addresses[1]) if inbound else ()
        if kind == "plain":
            return self.start(Follower, self.folder, self.control, service=service, flags=flags,
                              node=f"plain-{service}")
        return self.start(Member, self.folder, self.control, service, flags=flags)

    def ask(self, port, target="/", **fields):
        """The status, and as whom the program knows the caller."""
        before = len(self.program.requests)
        try:
            status = fetch(port, target, headers={"Host": "reviews", **fields})[0]
        except OSError:
            return None, None
        if len(self.program.requests) == before:
            return status, None
        told = self.program.requests[-1].values(b"x-forwarded-client-cert")
        return status, told[0].decode() if told else None


@pytest.fixture
def mesh(start, tmp_path):
    with Upstream() as program:
        yield Mesh(start, tmp_path, program)


IDENTITY = "spiffe://cluster.local/ns/default/sa/"


@pytest.mark.parametrize("callee", ["pointsman", "envoy"])
def test_who_gets_in_by_the_mode_of_a_service(mesh, callee):
    mesh.put("off")
    inbound = mesh.join(callee, "reviews", inbound=True)
    callers = {kind: mesh.join(kind, f"by-{kind}") for kind in ("pointsman", "envoy", "plain")}
    for mode in ("off", "permissive", "strict", "permissive", "off"):
        mesh.put(mode)
        for kind, caller in callers.items():
            is_known = mode != "off" and kind != "plain"
            lets_in = is_known or mode != "strict"
            status, certificate = until(lambda: settled(mesh, caller, lets_in))
            if status != 200:
                assert status == 503
            elif is_known:
                assert certificate.startswith(f"By={IDENTITY}reviews;Hash="), certificate
                assert certificate.endswith(f";URI={IDENTITY}by-{kind}"), certificate
            else:
                assert certificate is None
        # Past any sidecar, and with a lie.
        lie = {"x-forwarded-client-cert": f"URI={IDENTITY}client"}
        assert mesh.ask(mesh.port, **lie) == ((None if mode == "strict" else 200), None)
    if callee == "pointsman":
        assert inbound.metric("mesh_tls_handshakes_total", listener="inbound") > 0


def settled(mesh, caller, is_let_in):
    """Envoy has a listener in effect some time after it has accepted it."""
    answer = mesh.ask(caller.port)
    return answer if (answer[0] == 200) == is_let_in else None


def test_rules_are_asked_about_whom_the_handshake_has_shown(mesh):
    mesh.put("permissive", access={"default": "deny", "rules": [
        {"allow": {"from": ["default/shop", "spiffe://cluster.local/ns/default/sa/desk"]}},
        {"allow": {"from": ["default/*"], "paths": ["/open/*"]}},
        {"deny": {"from": ["default/desk"], "paths": ["/private"]}}]})
    mesh.join("pointsman", "reviews", inbound=True)
    callers = {name: mesh.join("pointsman", name) for name in ("shop", "desk", "guest")}
    callers["nobody"] = mesh.join("plain", "nobody")
    mesh.put("permissive", access=mesh.control.done(
        "GET", "/v1/services/reviews")["access"], identity="default/reviews")
    verdicts = {name: [mesh.ask(caller.port, target)[0] for target in ("/", "/open/x", "/private")]
                for name, caller in callers.items()}
    assert verdicts == {"shop": [200, 200, 200], "desk": [200, 200, 403],
                        "guest": [403, 200, 403], "nobody": [403, 403, 403]}


def test_nobody_else_is_taken_for_the_service(mesh):
    mesh.put("strict")
    mesh.join("pointsman", "reviews", inbound=True)
    caller = mesh.join("pointsman", "client")
    envoy = mesh.join("envoy", "envoy-client")
    mesh.put("strict", identity="default/reviews")
    assert mesh.ask(caller.port)[0] == 200
    # It is not the service any more for the control plane either.
    mesh.proxies -= 1
    mesh.put("strict", identity="default/other")
    # The sidecar of `reviews` is nobody whom the callers look for, and is sent away in time.
    assert mesh.ask(caller.port)[0] == 503
    assert until(lambda: mesh.ask(envoy.port)[0] == 503)
    assert caller.metric("mesh_tls_failures_total", reason="identity_unexpected") > 0


def test_no_request_is_lost_on_the_way_from_off_to_strict_and_back(mesh):
    mesh.put("off")
    mesh.join("pointsman", "reviews", inbound=True)
    caller = mesh.join("pointsman", "client")
    modes = ("permissive", "strict", "permissive", "off")
    mesh.put("off", identity="default/reviews")
    with Load(caller.port, clients=8, host="reviews") as load:
        load.wait_for(100)
        for mode in modes * 5:
            mesh.put(mode)
            load.wait_for(50)
    assert load.result.failed == 0, (load.result.outcomes, load.result.lost)
    assert caller.metric("mesh_tls_handshakes_total", cluster="reviews/v1") > 0


@pytest.mark.parametrize("callee", ["pointsman", "envoy"])
def test_connections_of_which_nothing_is_known_are_secured_too(mesh, callee):
    address = free_port()
    mesh.put("strict", protocol="tcp", listen=f"127.0.0.1:{address}")
    mesh.join(callee, "reviews", inbound=True)
    caller = mesh.join("pointsman", "client")
    mesh.put("strict", protocol="tcp", listen=f"127.0.0.1:{address}", identity="default/reviews")
    for _ in range(10):
        # Both sidecars take connections at the address, and the kernel chooses.
        assert until(lambda: mesh.ask(address)[0] == 200)
    assert mesh.ask(mesh.port) == (None, None)
    assert caller.metric("mesh_tls_failures_total") == 0
