"""The control plane as a certificate authority, asked by grpcio with keys of Python's own."""

import contextlib
import queue

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from envoy.service.discovery.v3 import ads_pb2_grpc, discovery_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from . import bootstrap
from .control import Control
from .identities import TLS
from .programs import Sidecar, fetch, free_port

SECRET = f"{TLS}.Secret"


def _messages():
    """What Sources/XDS/Protos/identity.proto says, once more."""
    file = descriptor_pb2.FileDescriptorProto(
        name="identity.proto", package="pointsman.identity.v1", syntax="proto3")
    fields = {"IssueRequest": [("certificate_signing_request", 9, 1), ("lifetime_seconds", 13, 1)],
              "IssueResponse": [("certificate_chain", 9, 3), ("roots", 9, 3)]}
    for name, members in fields.items():
        message = file.message_type.add(name=name)
        for number, (field, kind, label) in enumerate(members, 1):
            message.field.add(name=field, number=number, type=kind, label=label)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return [message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"pointsman.identity.v1.{name}")) for name in fields]


IssueRequest, IssueResponse = _messages()


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def signing_request(key=None, digest=hashes.SHA256()):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "of no account")])
    claim = x509.UniformResourceIdentifier("spiffe://cluster.local/ns/pointsman/sa/control")
    key = key or ec.generate_private_key(ec.SECP256R1())
    return x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(
        x509.SubjectAlternativeName([claim]), critical=False).sign(key, digest).public_bytes(
            serialization.Encoding.PEM).decode()


class Workload:
    """A key, the certificate that was issued for it, and the roots that came with it."""

    def __init__(self, key, response):
        self.key = pem(key)
        self.chain = list(response.certificate_chain)
        self.roots = "".join(response.roots)

    @property
    def certificate(self):
        return x509.load_pem_x509_certificate(self.chain[0].encode())

    @property
    def intermediate(self):
        return x509.load_pem_x509_certificate(self.chain[1].encode())

    @property
    def credentials(self):
        return grpc.ssl_channel_credentials(
            self.roots.encode(), self.key, "".join(self.chain).encode())


class SecureControl(Control):
    def __init__(self, folder, secure=None, lifetime=3600, flags=(), **more):
        self.secure = secure or free_port()
        self.key_file = folder / "ca.key"
        self.authority_flags = (
            "--ca-key-file", self.key_file, "--secure-xds", f"127.0.0.1:{self.secure}",
            "--certificate-lifetime", lifetime, *flags)
        super().__init__(folder, flags=self.authority_flags, **more)

    def again(self):
        return SecureControl(self.folder, secure=self.secure, store=self.store, api=self.api,
                             xds=self.xds)

    def token(self, account, **more):
        return self.done("POST", "/v1/identity/tokens", {"account": account, **more})["token"]

    @property
    def roots(self):
        status, body, _ = fetch(self.api, "/v1/identity/roots")
        assert status == 200
        return body

    def issue(self, token=None, workload=None, request=None, lifetime=0):
        """A workload, or the error that it got."""
        key = ec.generate_private_key(ec.SECP256R1())
        credentials = workload.credentials if workload else grpc.ssl_channel_credentials(self.roots)
        metadata = [("authorization", f"Bearer {token}")] if token is not None else []
        with self.channel(credentials) as channel:
            call = channel.unary_unary(
                "/pointsman.identity.v1.CertificateService/Issue",
                request_serializer=IssueRequest.SerializeToString,
                response_deserializer=IssueResponse.FromString)
            try:
                return Workload(key, call(IssueRequest(
                    certificate_signing_request=request or signing_request(key),
                    lifetime_seconds=lifetime), metadata=metadata, timeout=10))
            except grpc.RpcError as error:
                return error

    def channel(self, credentials):
        return grpc.secure_channel(f"127.0.0.1:{self.secure}", credentials)

    @contextlib.contextmanager
    def stream(self, credentials, service="reviews", types=("envoy.config.listener.v3.Listener",),
               names=()):
        """The responses to requests for these types on one stream, as they come."""
        requests = [discovery_pb2.DiscoveryRequest(
            type_url=f"type.googleapis.com/{kind}" if "/" not in kind else kind,
            resource_names=names) for kind in types]
        requests[0].node.id, requests[0].node.cluster = "python", service
        output = queue.Queue()
        for request in requests:
            output.put(request)
        with self.channel(credentials) as channel:
            stub = ads_pb2_grpc.AggregatedDiscoveryServiceStub(channel)
            responses = stub.StreamAggregatedResources(iter(output.get, None), timeout=60)
            try:
                yield responses
            finally:
                responses.cancel()
                output.put(None)


class SecureEnvoy(Sidecar):
    """Stock Envoy that asks for its configuration with a certificate that was issued before."""

    def __init__(self, folder, control, workload, node, service, addresses=None, **more):
        self.port = free_port()
        chain, key, roots = (folder / f"{node}.{kind}" for kind in ("chain", "key", "roots"))
        chain.write_text("".join(workload.chain))
        key.write_bytes(workload.key)
        roots.write_text(workload.roots)
        document = bootstrap.ads(
            free_port(), control.secure, node,
            {"outbound_address": f"127.0.0.1:{self.port}", **(addresses or {})}, service)
        document["static_resources"]["clusters"][0]["transport_socket"] = {
            "name": "envoy.transport_sockets.tls", "typed_config": {
                "@type": f"{TLS}.UpstreamTlsContext", "common_tls_context": {
                    "tls_certificates": [{"certificate_chain": {"filename": str(chain)},
                                          "private_key": {"filename": str(key)}}],
                    "validation_context": {
                        "trusted_ca": {"filename": str(roots)},
                        "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {
                            "exact": "spiffe://cluster.local/ns/pointsman/sa/control"}}]}}}}
        super().__init__(folder, document, program="envoy", name=node, **more)
