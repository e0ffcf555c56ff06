"""A control plane behind mutual TLS with an authority of its own, in grpcio and `cryptography`."""

import asyncio
import datetime
import ssl
import threading

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from .ads import ADS
from .identities import HOUR, Authority
from .programs import free_port, until

CONTROL = "spiffe://cluster.local/ns/pointsman/sa/control"
ISSUE = "/pointsman.identity.v1.CertificateService/Issue"


def _fields(message):
    """The length-delimited fields of a protobuf message as (number, bytes)."""
    position = 0

    def number():
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while position < len(message):
        key = number()
        if key & 7 == 2:
            size = number()
            yield key >> 3, message[position:position + size]
            position += size
        else:
            number()


def _message(*fields):
    def size(count):
        return bytes([count & 127 | 128]) + size(count >> 7) if count > 127 else bytes([count])
    return b"".join(bytes([number << 3 | 2]) + size(len(text)) + text for number, text in fields)


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


class PythonControl(grpc.GenericRpcHandler):
    """ADS and the certificate service on one port: a client certificate is asked for, and who has
    none, or one that has ended, needs a token."""

    def __init__(self, folder, root=None, name=CONTROL, lifetime=HOUR):
        self.folder = folder
        self.root = root or Authority(folder, "mesh")
        self.roots = [self.root]
        self.name, self.lifetime = name, lifetime
        # How far the authority's clock is ahead of ours.
        self.ahead = datetime.timedelta()
        self.tokens = {}
        self.issued, self.refused = [], []
        self.callers = {}
        self.requires_certificate = False
        self.port = free_port()
        self.ads = ADS(handlers=[self])
        self.front = None
        self.open()

    def token(self, text, name, folder=None):
        """A token that is good for `name`, in a file."""
        self.tokens[text] = name
        path = (folder or self.folder) / "token"
        path.write_text(text + "\n")
        return path

    # The certificate service.

    def service(self, details):
        if details.method != ISSUE:
            return None
        return grpc.unary_unary_rpc_method_handler(self._issue)

    def _issue(self, request, context):
        metadata = dict(context.invocation_metadata())
        proof, name = self._caller(metadata.get("authorization", ""), context.peer())
        if name is None:
            self.refused.append(proof)
            context.abort(grpc.StatusCode.UNAUTHENTICATED, f"the {proof} is not good")
        wish = x509.load_pem_x509_csr(dict(_fields(request))[1])
        assert wish.is_signature_valid and not list(wish.subject)
        self.issued.append((proof, name))
        return _message(
            (1, _pem(self.certificate(wish.public_key(), name))),
            *[(2, _pem(root.certificate)) for root in self.roots])

    def _caller(self, authorization, peer):
        if authorization:
            return "token", self.tokens.get(authorization.removeprefix("Bearer "))
        return "certificate", self.callers.get(int(peer.rsplit(":", 1)[1]))

    def certificate(self, key, name):
        now = datetime.datetime.now(datetime.timezone.utc) + self.ahead
        return (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(self.root.name)
                .public_key(key).serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(seconds=5))
                .not_valid_after(now + self.lifetime)
                .add_extension(x509.SubjectAlternativeName(
                    [x509.UniformResourceIdentifier(name)]), True)
                .sign(self.root.key, hashes.SHA256()))

    # TLS in front of it.

    def open(self):
        own = self.root.issue("control", self.name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.chain, own.key)
        context.set_alpn_protocols(["h2"])
        context.verify_mode = ssl.CERT_REQUIRED if self.requires_certificate else ssl.CERT_OPTIONAL
        for root in self.roots:
            context.load_verify_locations(root.path)
        self.front = Front(self.port, context, self.ads.port, self.callers)

    def close(self):
        """Nobody listens any more, and connections break; the backend stays."""
        self.front.close()

    def stop(self):
        self.front.close()
        self.ads.close()


class Front:
    """Ends TLS and passes on what is inside; tells whose certificate a connection has."""

    def __init__(self, port, context, backend, callers):
        self.port, self.context, self.backend, self.callers = port, context, backend, callers
        self.loop = asyncio.new_event_loop()
        self.accepted = 0
        self.server = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        until(lambda: self.server, 5, "the front")

    def close(self):
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(5)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(asyncio.start_server(
            self._connected, "127.0.0.1", self.port, ssl=self.context, ssl_handshake_timeout=5))
        self.loop.run_forever()
        self.server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    async def _connected(self, reader, writer):
        self.accepted += 1
        try:
            inner_reader, inner = await asyncio.open_connection("127.0.0.1", self.backend)
        except OSError:
            writer.transport.abort()
            return
        certificate = writer.get_extra_info("peercert") or {}
        names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"]
        if names:
            self.callers[inner.get_extra_info("sockname")[1]] = names[0]
        pumps = [asyncio.ensure_future(self._pump(reader, inner)),
                 asyncio.ensure_future(self._pump(inner_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass
        finally:
            for pump in pumps:
                pump.cancel()
            inner.transport.abort()
            writer.transport.abort()

    @staticmethod
    async def _pump(source, target):
        try:
            while data := await source.read(1 << 16):
                target.write(data)
                await target.drain()
        except (OSError, ssl.SSLError):
            pass
