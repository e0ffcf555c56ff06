"""Secrets, and transport sockets that use them by name."""

import json
import os
from pathlib import Path

from .identities import TLS

ADS = {"ads": {}, "resource_api_version": "V3"}


def file(path):
    """A file with the one secret."""
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}


def certificate(name, identity, key=None):
    return {"name": name, "tls_certificate": {
        "certificate_chain": {"inline_string": identity.chain.read_text()},
        "private_key": {"inline_string": (key or identity.key).read_text()}}}


def roots(name, *authorities):
    pem = "".join(authority.path.read_text() for authority in authorities)
    return {"name": name, "validation_context": {"trusted_ca": {"inline_string": pem}}}


def write(path, secret):
    """Puts a secret into a file as whoever hands out certificates does: at once."""
    beside = Path(f"{path}.new")
    beside.write_text(json.dumps({"resources": [{"@type": f"{TLS}.Secret", **secret}]}))
    os.rename(beside, path)


def reference(name, source):
    return {"name": name, **({"sds_config": source} if source else {})}


def _common(identity, trusted, uris, source, alpn=()):
    context = {"tls_certificate_sds_secret_configs": [reference(identity, source)]}
    if alpn:
        context["alpn_protocols"] = list(alpn)
    if trusted and uris:
        context["combined_validation_context"] = {
            "default_validation_context": {"match_typed_subject_alt_names": [
                {"san_type": "URI", "matcher": {"exact": uri}} for uri in uris]},
            "validation_context_sds_secret_config": reference(trusted, source)}
    elif trusted:
        context["validation_context_sds_secret_config"] = reference(trusted, source)
    return context


def downstream(identity, trusted=None, uris=(), source=ADS):
    return {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": f"{TLS}.DownstreamTlsContext", "require_client_certificate": bool(trusted),
        "common_tls_context": _common(identity, trusted, uris, source)}}


def upstream(identity, trusted, uris, source=ADS):
    return {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": f"{TLS}.UpstreamTlsContext",
        "common_tls_context": _common(identity, trusted, uris, source)}}
