"""What TLS costs: a request over mutual TLS, a handshake, and a connection that rests."""

import contextlib
import json
import socket
import ssl
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from generators import FIELDS, LoadFailed, Run, ended, failure, milliseconds, option
from harness import bootstrap
from harness.identities import Authority, client_context, downstream
from harness.programs import program_path, until
from proxies import HAPROXY, NGINX, envoy, haproxy, nghttpx, nginx, pointsman, split_listener
from results import Figure, Table
from stage import say

CLIENTS = 32
IDLE = 500
NAME = "spiffe://mesh/ns/default/sa/client"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass
class Identities:
    """Who the two sides are, P-256 all of them."""

    root: Authority
    server: object
    client: object
    both: object  # the server's chain and key in one file, as HAProxy wants them

    @classmethod
    def made(cls, folder):
        root = Authority(folder)
        server = root.issue("server", "127.0.0.1", "localhost")
        both = folder / "both.pem"
        both.write_bytes(server.chain.read_bytes() + server.key.read_bytes())
        return cls(root, server, root.issue("client", NAME), both)

    def context(self):
        context = client_context(self.root, self.client)
        context.options |= ssl.OP_NO_TICKET
        return context


def commands(made):
    """The proxies with a listener that wants a certificate, and everything else as it was."""

    def listener(port):
        found = split_listener(port)
        found["filter_chains"][0]["transport_socket"] = downstream(
            made.server, made.root, alpn=["http/1.1"])
        return found

    wanted = f"ssl crt {made.both} ca-file {made.root.path} verify required alpn http/1.1"
    secured = NGINX.replace("{port} backlog=4096;", "{port} ssl backlog=4096;").replace(
        "        location / {{", f"        ssl_certificate {made.both};\n"
        f"        ssl_certificate_key {made.both};\n        ssl_protocols TLSv1.2 TLSv1.3;\n"
        f"        ssl_client_certificate {made.root.path};\n        ssl_verify_client on;\n"
        "        location / {{")
    return {
        "Pointsman": partial(pointsman, listener=listener),
        "HAProxy": partial(haproxy, configuration=HAPROXY.replace(
            "{port} backlog 4096", f"{{port}} backlog 4096 {wanted}")),
        "nginx": partial(nginx, configuration=secured),
        "nghttpx": partial(nghttpx, security=[
            made.server.key, made.server.chain, "--verify-client",
            f"--verify-client-cacert={made.root.path}", "--npn-list=http/1.1"]),
        "Envoy": partial(envoy, listener=listener),
    }


class SecureBench:
    """`pointsman bench` over mutual TLS, as fast as it is answered."""

    def __init__(self, made):
        self.made = made

    def closed(self, port, seconds, *flags):
        command = [
            program_path("pointsman"), "bench", f"https://127.0.0.1:{port}/", "--quiet",
            "--output", "json", "--duration", milliseconds(seconds), "--connections", CLIENTS,
            "--cacert", self.made.root.path, "--cert", self.made.client.chain,
            "--key", self.made.client.key, *option("--header", FIELDS), *flags]
        done = ended(command, 20 + 3 * seconds)
        try:
            found = json.loads(done.stdout)
        except ValueError:
            raise failure(command, done) from None
        count, failed = found["DurationHistogram"]["Count"], found["Pointsman"]["Errors"]["Total"]
        if not count or failed:
            raise LoadFailed(f"{command}\n{failed} of {count} failed")
        return Run(count, count / found["ActualQPS"], count)


def answers(made, port):
    """Whether a request over mutual TLS is answered."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as plain:
        with made.context().wrap_socket(plain, server_hostname="localhost") as peer:
            peer.sendall(REQUEST)
            return peer.recv(4096).startswith(b"HTTP/1.1 200")
    return False


def measure(stage):
    made = Identities.made(stage.folder / "identities")
    bench, upstreams = SecureBench(made), stage.upstreams()
    proxies = commands(made)
    requests = Table("tls", "Mutual TLS, HTTP/1.1, saturated", [
        Figure("cpu", "CPU µs per request", plotted=True),
        Figure("rate", "requests/s", digits=0, more_is_better=True)],
        f"{CLIENTS} keep-alive connections with client certificates; upstreams in the clear. The "
        "load does its own TLS on the upstreams' core, so that no rate is a proxy's highest.",
        compared="cpu")
    handshakes = Table("handshakes", "Full handshakes of mutual TLS", [
        Figure("cpu", "CPU µs per connection", plotted=True),
        Figure("rate", "handshakes per CPU second", digits=0, more_is_better=True)],
        "A connection per request, no session taken up again, P-256 on both sides.",
        compared="cpu")
    idle = Table("tls-idle", f"Memory of {IDLE} idle TLS connections", [
        Figure("served", "bytes a connection", digits=0, plotted=True)],
        "With client certificates, after one request each; growth of what no file holds.",
        compared="served")
    running = stage.all_proxies(upstreams, requests, proxies, partial(answers, made))

    def request(_, proxy):
        before = proxy.cpu_nanoseconds()
        run = bench.closed(proxy.port, stage.settings.seconds)
        return {"cpu": (proxy.cpu_nanoseconds() - before) / run.requests / 1000,
                "rate": run.requests / run.seconds}

    def handshake(_, proxy):
        before = proxy.cpu_nanoseconds()
        run = bench.closed(
            proxy.port, stage.settings.seconds, "--reconnect", "--full-handshakes")
        used = (proxy.cpu_nanoseconds() - before) / run.requests
        return {"cpu": used / 1000, "rate": 1e9 / used}

    stage.rounds(running, requests, request)
    stage.rounds(running, handshakes, handshake)
    for name, proxy in running.items():
        idle.add(name, served=resting(made, proxy))
        say(f"  {idle.title}: {name}")
    return [requests, handshakes, idle]


def resting(made, proxy):
    """What a connection costs that has had one answer, in bytes."""
    context = made.context()
    before, count = proxy.resident_bytes("RssAnon"), proxy.descriptors()
    with ExitStack() as stack:
        for _ in range(IDLE):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port), 10))
            peer = stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
            peer.sendall(REQUEST)
            assert peer.recv(4096).startswith(b"HTTP/1.1 200")
        until(lambda: proxy.descriptors() >= count + IDLE - 50, 20, "connections")
        return (proxy.resident_bytes("RssAnon") - before) / IDLE
