"""Who may ask for what: the same verdicts as stock Envoy's, for real clients with and without TLS."""

import http.client
import json
import socket
import subprocess

import grpc
import pytest

from harness import bootstrap
from harness.identities import Authority, client_context, downstream
from harness.programs import Sidecar, free_port, peer_path, until
from mesh_world import World

A, B, C = (f"spiffe://mesh/ns/default/sa/{name}" for name in "abc")
RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
FILE_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
ANY = {"any": True}


def path(**matcher):
    return {"url_path": {"path": matcher}}


def header(name, invert=False, **matcher):
    return {"header": {"name": name, "string_match": matcher, "invert_match": invert}}


def name(**matcher):
    return {"authenticated": {"principal_name": matcher}}


def policy(permissions=(ANY,), principals=(ANY,)):
    return {"permissions": list(permissions), "principals": list(principals)}


def rules(action, **policies):
    return {"action": action, "policies": policies}


def rbac(rules=None, shadow=None, **more):
    return {"name": "envoy.filters.http.rbac", "typed_config": {
        "@type": RBAC, **({"rules": rules} if rules else {}),
        **({"shadow_rules": shadow} if shadow else {}), **more}}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module")
def clients(root):
    """By name: contexts that present a certificate, or none; `None` speaks without TLS."""
    identities = {"a": [A], "b": [B], "dns": ["c.mesh", "d.mesh"], "both": [C, "c.mesh"], "bare": []}
    contexts = {who: client_context(root, root.issue(f"client-{who}", *names))
                for who, names in identities.items()}
    return {**contexts, "nobody": client_context(root), "plain": None}


def sidecar(start, folder, filters, port, root=None, program=None, name="sidecar"):
    listening = free_port()
    log = folder / f"{name}-access.log"
    log.touch()
    manager = bootstrap.manager(
        bootstrap.route_configuration([bootstrap.to_cluster("one")]),
        access_log=[{"name": "file", "typed_config": {"@type": FILE_LOG, "path": str(log)}}])
    manager["http_filters"] = [*filters, *manager["http_filters"]]
    listener = bootstrap.listener(listening, manager, "inbound")
    if root:
        listener["filter_chains"][0]["transport_socket"] = downstream(
            root.issue("server", B), root, require_client_certificate=False,
            alpn=["h2", "http/1.1"])
    running = start(Sidecar, folder, bootstrap.static(
        free_port(), [listener], [bootstrap.cluster("one", [port])]), program=program, name=name)
    running.port = listening
    running.lines = lambda: [json.loads(line) for line in log.read_text().splitlines()]
    return running


def ask(port, context, target="/", method="GET", fields=(), body=b""):
    """The answer to one request: (status, body)."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        if context:
            peer = context.wrap_socket(peer, server_hostname="b.mesh")
        lines = [f"{method} {target} HTTP/1.1", "host: b", "connection: close",
                 *(f"{key}: {value}" for key, value in fields)]
        if body:
            lines.append(f"content-length: {len(body)}")
        peer.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = b""
        while data := peer.recv(1 << 16):
            answer += data
        peer.close()
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), content


# Each with requests: (client, target, method, fields).
GET = [("a", "/", "GET", ()), ("b", "/", "GET", ()), ("plain", "/", "GET", ())]
PATHS = [("plain", target, "GET", ()) for target in (
    "/admin", "/admin?x", "/admin/", "//admin", "/x/../admin", "/./admin", "/%61dmin", "/ADMIN",
    "/adminx", "/x?/admin", "/a%2fb", "/admin;x")]
NAMES = [(who, "/", "GET", ()) for who in ("a", "b", "dns", "both", "bare", "nobody")]
FIELDS = [("plain", "/", "GET", fields) for fields in (
    (), (("x", "a"),), (("x", "b"),), (("x", ""),), (("x", "a"), ("x", "b")),
    (("x", "b"), ("x", "a")), (("x", "b"), ("x", "c")), (("X", "a,b"),))]
METHODS = [("plain", "/", method, ()) for method in ("GET", "POST", "HEAD", "DELETE", "PURGE")]
TABLE = {
    "nothing": (rules("ALLOW"), GET),
    "nothing denied": (rules("DENY"), GET),
    "identity": (rules("ALLOW", a=policy(principals=[name(exact=A)])), NAMES),
    "identity denied": (rules("DENY", a=policy(principals=[name(exact=A)])), NAMES),
    "host": (rules("ALLOW", a=policy(principals=[name(exact="d.mesh")])), NAMES),
    "second name": (rules("ALLOW", a=policy(principals=[name(exact="c.mesh")])), NAMES),
    "subject": (rules("ALLOW", a=policy(principals=[name(exact="CN=client-bare")])), NAMES),
    "subject beside names": (rules("ALLOW", a=policy(principals=[name(exact="CN=client-a")])), NAMES),
    "namespace": (rules("ALLOW", a=policy(principals=[name(prefix="spiffe://mesh/ns/default/")])),
                  NAMES),
    "anybody with a name": (
        rules("ALLOW", a=policy(principals=[name(safe_regex={"regex": ".+"})])), NAMES),
    "empty name": (rules("ALLOW", a=policy(principals=[name(exact="")])), NAMES),
    "tls": (rules("ALLOW", a=policy(principals=[{"authenticated": {}}])), NAMES + GET[2:]),
    "not": (rules("ALLOW", a=policy(principals=[{"not_id": name(exact=A)}])), NAMES + GET[2:]),
    "path": (rules("DENY", a=policy([path(exact="/admin")])), PATHS),
    "path prefix": (rules("ALLOW", a=policy([path(prefix="/admin")])), PATHS),
    "path of any case": (rules("DENY", a=policy([path(prefix="/admin", ignore_case=True)])), PATHS),
    "path expression": (
        rules("DENY", a=policy([path(safe_regex={"regex": "/a[^/]*"})])), PATHS),
    "path and query": (rules("DENY", a=policy([header(":path", exact="/admin?x")])), PATHS),
    "field": (rules("ALLOW", a=policy([header("x", exact="a")])), FIELDS),
    "field denied": (rules("DENY", a=policy([header("x", exact="a")])), FIELDS),
    "field inverted": (rules("ALLOW", a=policy([header("x", True, exact="a")])), FIELDS),
    "field joined": (rules("ALLOW", a=policy([header("x", exact="a,b")])), FIELDS),
    "field of a caller": (rules("ALLOW", a=policy(principals=[header("x", suffix="b")])), FIELDS),
    "field that no client may set": (
        rules("ALLOW", a=policy([header("x-forwarded-client-cert", contains="a")])),
        [("plain", "/", "GET", (("x-forwarded-client-cert", "By=a"),))]),
    "method": (rules("ALLOW", a=policy([header(":method", exact="GET")])), METHODS),
    "method inverted": (rules("ALLOW", a=policy([header(":method", True, exact="GET")])), METHODS),
    "scheme": (rules("ALLOW", a=policy([header(":scheme", exact="https")])), GET),
    "authority": (rules("ALLOW", a=policy([header(":authority", exact="b")])), GET),
    "address": (rules("ALLOW", a=policy(principals=[
        {"direct_remote_ip": {"address_prefix": "127.0.0.0", "prefix_len": 8}}])), GET),
    "other address": (rules("ALLOW", a=policy(principals=[
        {"direct_remote_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}}])), GET),
    "port": (rules("DENY", a=policy([{"destination_port_range": {"start": 1, "end": 1024}}])), GET),
    "and": (rules("ALLOW", a=policy([{"and_rules": {"rules": [
        path(prefix="/admin"), {"not_rule": path(suffix="/")}]}}])), PATHS),
    "or": (rules("ALLOW", a=policy(principals=[{"or_ids": {"ids": [
        name(exact=A), name(exact="c.mesh")]}}])), NAMES),
    "two policies": (rules(
        "ALLOW", read=policy([header(":method", exact="GET")]),
        own=policy(principals=[name(exact=A)])), METHODS + [("a", "/", "DELETE", ())]),
}


def test_stock_envoy_gives_the_same_verdicts(start, tmp_path, root, clients, upstream):
    """All rules of the table at once, each on ports of its own."""
    verdicts = {}
    for program in ("pointsman", "envoy"):
        plain, secure, listeners = {}, {}, []
        for index, (title, (made, _)) in enumerate(TABLE.items()):
            for ports, security in ((plain, None), (secure, downstream(
                    root.issue("server", B), root, require_client_certificate=False))):
                ports[title] = free_port()
                manager = bootstrap.manager(
                    bootstrap.route_configuration([bootstrap.to_cluster("one")]))
                manager["http_filters"].insert(0, rbac(made))
                listener = bootstrap.listener(
                    ports[title], manager, f"{index}-{'secure' if security else 'plain'}")
                if security:
                    listener["filter_chains"][0]["transport_socket"] = security
                listeners.append(listener)
        running = start(Sidecar, tmp_path, bootstrap.static(
            free_port(), listeners, [bootstrap.cluster("one", [upstream.port])]),
            program=program, name=program)
        verdicts[program] = [
            (title, *request, ask((plain if request[0] == "plain" else secure)[title],
                                  clients[request[0]], *request[1:])[0])
            for title, (_, requests) in TABLE.items() for request in requests]
        if program == "pointsman":
            denied = sum(verdict[-1] == 403 for verdict in verdicts[program])
            assert running.metric("mesh_rbac_denied_total") == denied
            assert running.metric("mesh_rbac_allowed_total") == len(verdicts[program]) - denied
        running.stop()
    assert {verdict[-1] for verdict in verdicts["envoy"]} == {200, 403}
    different = [pair for pair in zip(verdicts["pointsman"], verdicts["envoy"])
                 if pair[0] != pair[1]]
    assert not different, different


def test_who_may_not_is_told_counted_and_logged(start, tmp_path, root, clients, upstream):
    relay = sidecar(start, tmp_path, [rbac(rules(
        "ALLOW", **{"a reads": policy([header(":method", exact="GET")], [name(exact=A)])}),
        rules_stat_prefix="in")], upstream.port, root)
    assert ask(relay.port, clients["a"])[0] == 200
    assert ask(relay.port, clients["b"]) == (403, b"RBAC: access denied")
    assert ask(relay.port, clients["nobody"]) == (403, b"RBAC: access denied")
    # With a body, too, which nobody reads.
    assert ask(relay.port, clients["a"], method="POST", body=b"x" * 1000)[0] == 403
    assert relay.metric("mesh_rbac_allowed_total", listener="inbound", prefix="in") == 1
    assert relay.metric("mesh_rbac_denied_total", listener="inbound", prefix="in") == 3
    until(lambda: len(relay.lines()) == 4)
    assert [line["status"] for line in relay.lines()] == [200, 403, 403, 403]
    assert "response_code_details" not in relay.lines()[0]
    for line in relay.lines()[1:]:
        assert line["response_code_details"] == "rbac_access_denied_matched_policy[none]"
        assert line["response_flags"] == "-"
    assert relay.metric("mesh_picks_total", cluster="one") == 1


def test_the_policy_that_denies_is_named(start, tmp_path, upstream):
    relay = sidecar(start, tmp_path, [
        rbac(rules("DENY", **{"no admin": policy([path(prefix="/admin")])})),
        rbac(rules("ALLOW", everything=policy()))], upstream.port)
    assert ask(relay.port, None, "/admin/x?y")[0] == 403
    assert ask(relay.port, None, "/nothing")[0] == 200
    until(lambda: len(relay.lines()) == 2)
    assert relay.lines()[0]["response_code_details"] == \
        "rbac_access_denied_matched_policy[no_admin]"
    # Both filters count under one name; the second one never saw what the first refused.
    assert relay.metric("mesh_rbac_denied_total") == 1
    assert relay.metric("mesh_rbac_allowed_total") == 2


def test_rules_hold_with_a_log_that_the_command_line_asks_for(start, tmp_path, root, clients, upstream):
    """Neither they nor TLS are lost when the sidecar adds the log to a listener."""
    manager = bootstrap.manager(bootstrap.route_configuration([bootstrap.to_cluster("one")]))
    manager["http_filters"].insert(0, rbac(rules("ALLOW", a=policy(principals=[name(exact=A)]))))
    listening, log = free_port(), tmp_path / "requests.log"
    listener = bootstrap.listener(listening, manager, "inbound")
    listener["filter_chains"][0]["transport_socket"] = downstream(
        root.issue("server", B), root, require_client_certificate=False)
    start(Sidecar, tmp_path, bootstrap.static(
        free_port(), [listener], [bootstrap.cluster("one", [upstream.port])]),
        flags=("--access-log", str(log)))
    assert [ask(listening, clients[who])[0] for who in ("a", "b")] == [200, 403]
    with pytest.raises((OSError, ValueError, IndexError)):
        ask(listening, None)
    until(lambda: len(log.read_text().splitlines()) == 2)


def test_rules_can_be_tried_out(start, tmp_path, root, clients, upstream):
    relay = sidecar(start, tmp_path, [rbac(
        shadow=rules("ALLOW", a=policy(principals=[name(exact=A)])),
        shadow_rules_stat_prefix="dry")], upstream.port, root)
    assert ask(relay.port, clients["a"])[0] == 200
    assert ask(relay.port, clients["b"])[0] == 200
    assert relay.metric("mesh_rbac_shadow_allowed_total", prefix="dry") == 1
    assert relay.metric("mesh_rbac_shadow_denied_total", prefix="dry") == 1
    assert relay.metric("mesh_rbac_denied_total") == 0
    until(lambda: len(relay.lines()) == 2)
    assert [line.get("rbac_shadow_denied") for line in relay.lines()] == [None, "none"]


@pytest.mark.parametrize("who,status", [("a", "200"), ("b", "403"), ("nobody", "403")])
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_is_let_in_or_not(start, tmp_path, root, clients, upstream, version, who, status):
    relay = sidecar(start, tmp_path, [rbac(rules(
        "ALLOW", a=policy(principals=[name(exact=A)])))], upstream.port, root)
    identity = [] if who == "nobody" else [
        "--cert", root.folder / f"client-{who}.pem", "--key", root.folder / f"client-{who}.key"]
    answer = subprocess.run(
        [peer_path("curl"), "-sSk", version, *identity, "-w", "%{http_code} %{http_version}", *["-o",
         tmp_path / "body", f"https://localhost:{relay.port}/"] * 3],
        capture_output=True, text=True, timeout=20)
    assert answer.stdout == f"{status} {'2' if version == '--http2' else '1.1'}" * 3, answer
    if status == "403":
        assert (tmp_path / "body").read_text() == "RBAC: access denied"
    assert relay.metric("mesh_rbac_denied_total") == (3 if status == "403" else 0)


def test_a_call_of_grpcio_is_refused_by_its_method(start, tmp_path, upstream):
    relay = sidecar(
        start, tmp_path, [rbac(rules("DENY", a=policy([path(exact="/a.B/Delete")])))],
        upstream.port)
    with grpc.insecure_channel(f"127.0.0.1:{relay.port}") as channel:
        for _ in range(3):
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary("/a.B/Delete")(b"", timeout=20)
            assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
            assert refused.value.details() == "RBAC: access denied"
        with pytest.raises(grpc.RpcError) as answered:
            channel.unary_unary("/a.B/Get")(b"", timeout=20)
        # The upstream here speaks no gRPC, but it was asked.
        assert answered.value.code() != grpc.StatusCode.PERMISSION_DENIED
    assert relay.metric("mesh_rbac_denied_total") == 3
    assert relay.metric("mesh_rbac_allowed_total") == 1


def test_a_call_is_refused_in_words_of_grpc(start, tmp_path, upstream):
    relay = sidecar(start, tmp_path, [rbac(rules("ALLOW"))], upstream.port)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=20) as peer:
        peer.sendall(b"POST /a.B/C HTTP/1.1\r\nhost: b\r\ncontent-type: application/grpc\r\n"
                     b"content-length: 5\r\nconnection: close\r\n\r\n\0\0\0\0\0")
        answer = b""
        while data := peer.recv(1 << 16):
            answer += data
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"grpc-status: 7\r\n" in answer
    assert b"grpc-message: RBAC: access denied\r\n" in answer


def test_an_unguarded_upgrade_does_not_get_past(start, tmp_path, upstream):
    """CONNECT, upgrades and what no route matches are asked about like anything else."""
    relay = sidecar(start, tmp_path, [rbac(rules("ALLOW"))], upstream.port)
    for head in (b"CONNECT b:1 HTTP/1.1\r\nhost: b:1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nhost: b\r\n\r\n",
                 b"GET / HTTP/1.1\r\nhost: b\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
                 b"GET http://other/ HTTP/1.1\r\nhost: b\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", relay.port), timeout=20) as peer:
            peer.sendall(head)
            assert peer.recv(1 << 16).startswith(b"HTTP/1.1 403"), head


def test_new_rules_hold_for_connections_there_are(start, tmp_path):
    world = World(start, tmp_path)
    world.settle(v1=100)

    def push(*filters):
        listener = world.listener()
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        manager["http_filters"] = [*filters, *manager["http_filters"]]
        return world.server.set("lds", listener)

    kept = http.client.HTTPConnection("127.0.0.1", world.port, timeout=10)

    def status():
        kept.request("GET", "/", headers={"Host": "a"})
        answer = kept.getresponse()
        answer.read()
        return answer.status

    assert status() == 200
    world.server.wait_ack("lds", push(rbac(rules("ALLOW"))))
    assert status() == 403
    refusal = world.server.wait_nack("lds", push(rbac(rules("LOG"))))
    assert "rules.action: LOG is not supported" in refusal.error_detail.message
    assert status() == 403
    world.server.wait_ack("lds", push(rbac(rules("DENY"))))
    assert status() == 200
    world.server.wait_ack("lds", push())
    assert status() == 200
    assert world.sidecar.metric("mesh_rbac_denied_total") == 2
    kept.close()
    world.close()


@pytest.mark.parametrize("change,reason", [
    ({"rules": {"policies": {"p": policy([{"destination_ip": {"address_prefix": "10.0.0.0"}}])}}},
     'rules.policies["p"].permissions[0].destination_ip: is not supported'),
    ({"rules": {"policies": {"p": policy(principals=[{"remote_ip": {
        "address_prefix": "10.0.0.0"}}])}}}, "remote_ip: is not supported"),
    ({"rules": {"action": "LOG"}}, "rules.action: LOG is not supported"),
])
def test_what_cannot_be_done_is_named(start, tmp_path, change, reason):
    manager = bootstrap.manager(bootstrap.route_configuration([bootstrap.to_cluster("one")]))
    manager["http_filters"].insert(0, rbac(**change))
    relay = start(Sidecar, tmp_path, bootstrap.static(
        free_port(), [bootstrap.listener(free_port(), manager)],
        [bootstrap.cluster("one", [free_port()])]), ready=False)
    assert relay.wait(20) != 0
    assert reason in relay.output(), relay.output()


def test_the_authority_is_not_made_another_one_behind_the_rules(start, tmp_path):
    """Envoy would ask its rules about another authority than the one that we would."""
    manager = bootstrap.manager(
        bootstrap.route_configuration([bootstrap.to_cluster("one")]), strip_any_host_port=True)
    manager["http_filters"].insert(0, rbac(rules("DENY")))
    relay = start(Sidecar, tmp_path, bootstrap.static(
        free_port(), [bootstrap.listener(free_port(), manager)],
        [bootstrap.cluster("one", [free_port()])]), ready=False)
    assert relay.wait(20) != 0
    assert "strip_any_host_port" in relay.output() or "stripAnyHostPort" in relay.output()
