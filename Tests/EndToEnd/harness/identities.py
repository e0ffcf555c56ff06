"""Certificates for a test, and TLS peers that present them."""

import datetime
import http.server
import ipaddress
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
HOUR = datetime.timedelta(hours=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder, name="root"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.certificate = self._sign(self.name, self.key.public_key(), x509.BasicConstraints(True, None))
        self.path = self.folder / f"{name}.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, file, *names, starts=-HOUR, ends=HOUR):
        """`names` are URIs with a scheme, addresses, or hosts."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(
            _name(file), key.public_key(), x509.BasicConstraints(False, None),
            [self._general(name) for name in names], starts, ends)
        chain, private = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        private.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return Identity(chain, private, certificate)

    @staticmethod
    def _general(name):
        if "://" in name:
            return x509.UniformResourceIdentifier(name)
        try:
            return x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            return x509.DNSName(name)

    def _sign(self, subject, key, constraints, names=(), starts=-HOUR, ends=HOUR):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
                   .public_key(key).serial_number(x509.random_serial_number())
                   .not_valid_before(now + starts).not_valid_after(now + ends)
                   .add_extension(constraints, True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        return builder.sign(self.key, hashes.SHA256())


class Identity:
    def __init__(self, chain, key, certificate):
        self.chain, self.key, self.certificate = chain, key, certificate

    @property
    def source(self):
        return {"certificate_chain": {"filename": str(self.chain)},
                "private_key": {"filename": str(self.key)}}


def _common(identities, authority, uris, alpn, versions):
    context = {}
    if identities:
        context["tls_certificates"] = [identity.source for identity in identities]
    if authority:
        validation = {"trusted_ca": {"filename": str(authority.path)}}
        if uris:
            validation["match_typed_subject_alt_names"] = [
                {"san_type": "URI", "matcher": {"exact": uri}} for uri in uris]
        context["validation_context"] = validation
    if alpn:
        context["alpn_protocols"] = alpn
    if versions:
        context["tls_params"] = {
            "tls_minimum_protocol_version": versions[0], "tls_maximum_protocol_version": versions[1]}
    return context


def downstream(identities, authority=None, uris=(), alpn=(), versions=None, **more):
    """A transport socket towards clients, who are asked for a certificate if there is an authority."""
    if not isinstance(identities, list):
        identities = [identities]
    if authority:
        more.setdefault("require_client_certificate", True)
    return {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": f"{TLS}.DownstreamTlsContext",
        "common_tls_context": _common(identities, authority, uris, alpn, versions), **more}}


def upstream(identity, authority, uris, alpn=(), versions=None, **more):
    """A transport socket towards endpoints, of which one has to be who is expected."""
    return {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": f"{TLS}.UpstreamTlsContext",
        "common_tls_context": _common([identity] if identity else [], authority, uris, alpn, versions),
        **more}}


def client_context(authority, identity=None, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(authority.path)
    if identity:
        context.load_cert_chain(identity.chain, identity.key)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


class SecureUpstream:
    """Answers every request over TLS with what it knows of the client's certificate."""

    def __init__(self, identity, authority=None, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.chain, identity.key)
        if authority:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(authority.path)
        if version:
            context.minimum_version = context.maximum_version = version
        self.sessions = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self._answer(repr(self.connection.getpeercert()).encode())

            def do_POST(self):
                self._answer(self.rfile.read(int(self.headers["content-length"])))

            def _answer(self, body):
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request, address):
                request.settimeout(20)
                try:
                    secure = context.wrap_socket(request, server_side=True)
                except (ssl.SSLError, OSError):
                    return
                owner.sessions.append((secure.version(), secure.session_reused))
                self.RequestHandlerClass(secure, address, self)

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def secure_request(port, context, path="/", session=None, name=None, seconds=10, body=None):
    """One request over TLS; returns (answer, session)."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as plain:
        with context.wrap_socket(plain, server_hostname=name, session=session) as peer:
            method = "GET" if body is None else "POST"
            length = f"content-length: {len(body)}\r\n" if body is not None else ""
            peer.sendall(f"{method} {path} HTTP/1.1\r\nhost: a\r\n{length}connection: close\r\n\r\n"
                         .encode() + (body or b""))
            answer = b""
            while data := peer.recv(1 << 16):
                answer += data
            return answer, peer.session, peer.session_reused
