"""An ADS server that shares no code with ours: grpcio and the published protos.

It sends what a test tells it to send, valid or not, and keeps every request it gets.
"""

import queue
import threading
from concurrent import futures
from dataclasses import dataclass, field

import grpc
from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.config.route.v3 import route_pb2
from envoy.extensions.filters.http.fault.v3 import fault_pb2  # noqa: F401
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2  # noqa: F401
from envoy.extensions.filters.http.router.v3 import router_pb2  # noqa: F401
from envoy.extensions.filters.network.http_connection_manager.v3 import (  # noqa: F401
    http_connection_manager_pb2)
from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2  # noqa: F401
from envoy.extensions.transport_sockets.tls.v3 import secret_pb2, tls_pb2  # noqa: F401
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2  # noqa: F401
from envoy.service.discovery.v3 import ads_pb2_grpc, discovery_pb2
from google.protobuf import any_pb2, json_format

from .programs import free_port, until

MESSAGES = {
    "lds": listener_pb2.Listener, "rds": route_pb2.RouteConfiguration,
    "cds": cluster_pb2.Cluster, "eds": endpoint_pb2.ClusterLoadAssignment,
    "sds": secret_pb2.Secret}
URLS = {kind: f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
        for kind, message in MESSAGES.items()}
KINDS = {url: kind for kind, url in URLS.items()}
WILDCARD = ("lds", "cds")


def name_of(message):
    return getattr(message, "cluster_name", "") or getattr(message, "name", "")


@dataclass
class Stream:
    output: queue.Queue = field(default_factory=queue.Queue)
    names: dict = field(default_factory=dict)
    nonces: int = 0
    first: object = None


class ADS(ads_pb2_grpc.AggregatedDiscoveryServiceServicer):
    def __init__(self, port=None, handlers=()):
        self.port = port or free_port()
        self.handlers = handlers
        self.lock = threading.RLock()
        self.content = {kind: [] for kind in URLS}
        self.version = {kind: 0 for kind in URLS}
        self.requests = []
        self.sent = {}
        self.streams = []
        self.server = None
        self.open()

    def open(self):
        self.server = grpc.server(
            futures.ThreadPoolExecutor(16), handlers=self.handlers, options=[
                ("grpc.so_reuseport", 0), ("grpc.max_send_message_length", -1)])
        ads_pb2_grpc.add_AggregatedDiscoveryServiceServicer_to_server(self, self.server)
        self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        self.server.start()

    def close(self):
        """Ends every stream at once, as a crash would."""
        with self.lock:
            streams, self.streams = self.streams, []
        for stream in streams:
            stream.output.put(None)
        self.server.stop(0).wait()

    # What the sidecar calls.

    def StreamAggregatedResources(self, requests, context):
        stream = Stream()
        with self.lock:
            self.streams.append(stream)
        threading.Thread(target=self._read, args=(stream, requests), daemon=True).start()
        while (response := stream.output.get()) is not None:
            yield response

    def _read(self, stream, requests):
        try:
            for request in requests:
                self._take(stream, request)
        except Exception:  # noqa: BLE001 - the stream is gone
            pass
        stream.output.put(None)

    def _take(self, stream, request):
        with self.lock:
            kind = KINDS.get(request.type_url)
            stream.first = stream.first or request
            self.requests.append(request)
            names = tuple(request.resource_names)
            known = stream.names.get(kind)
            stream.names[kind] = names
            fresh = not request.response_nonce or known != names
            if kind and fresh and not request.HasField("error_detail"):
                if self.version[kind]:  # a test says when there is something to know
                    self._send(stream, kind)

    # What a test calls.

    def set(self, kind, *resources, push=True):
        """Replaces what there is of one kind and pushes it; returns the version."""
        with self.lock:
            self.content[kind] = [self._message(kind, item) for item in resources]
            self.version[kind] += 1
            if push:
                self.push(kind)
            return str(self.version[kind])

    def push(self, kind):
        with self.lock:
            for stream in self.streams:
                if kind in stream.names:
                    self._send(stream, kind)

    def _message(self, kind, item):
        if isinstance(item, dict):
            return json_format.ParseDict(item, MESSAGES[kind]())
        return item

    def _send(self, stream, kind, type_url=None):
        names = stream.names.get(kind, ())
        wanted = [item for item in self.content[kind]
                  if kind in WILDCARD or isinstance(item, any_pb2.Any) or name_of(item) in names]
        stream.nonces += 1
        nonce = f"{id(stream)}-{stream.nonces}"
        response = discovery_pb2.DiscoveryResponse(
            version_info=str(self.version[kind]), type_url=type_url or URLS[kind], nonce=nonce)
        for item in wanted:
            if isinstance(item, any_pb2.Any):
                response.resources.append(item)
            else:
                response.resources.add().Pack(item)
        self.sent[nonce] = (kind, str(self.version[kind]))
        stream.output.put(response)

    def of(self, kind):
        with self.lock:
            return [item for item in self.requests if item.type_url == URLS[kind]]

    def acknowledged(self, kind, version):
        return any(item.version_info == version and item.response_nonce
                   and not item.HasField("error_detail") for item in self.of(kind))

    def refusals(self, kind, version):
        return [item for item in self.of(kind) if item.HasField("error_detail")
                and self.sent.get(item.response_nonce) == (kind, version)]

    def wait_ack(self, kind, version, seconds=10):
        def check():
            refused = self.refusals(kind, version)
            assert not refused, f"{kind} {version} refused: {refused[0].error_detail.message}"
            return self.acknowledged(kind, version)
        until(check, seconds, f"the ACK of {kind} {version}")

    def wait_nack(self, kind, version, seconds=10):
        def check():
            assert not self.acknowledged(kind, version), f"{kind} {version} was accepted"
            return self.refusals(kind, version)
        return until(check, seconds, f"the NACK of {kind} {version}")[0]
