"""Paths in one form before anything looks at them: the same as by stock Envoy."""

import http.client
import itertools

import pytest

from harness import bootstrap
from harness.programs import Sidecar, free_port
from harness.upstream import Upstream

PATHS = [
    "/", "/a/b.css", "/a/..", "/a/../", "/../../a", "/a/./b", "/a/b/../c", "/a/b/..", "/...",
    "/%61dmin", "/a/%2e%2E/b", "/%7Eme", "/a%20b", "/%e4", "/%252e", "/a%2Fb", "/a%5cb",
    "/a%2f..%5Cb", "/a//b", "///a////b//", "/a//../b", "/.a/b.", "/a%2Fb/../c%2F%2F",
]
SETTINGS = {
    "nothing": {},
    "resolved": {"normalize_path": True},
    "merged": {"merge_slashes": True},
    "both": {"normalize_path": True, "merge_slashes": True},
    "refused": {"path_with_escaped_slashes_action": "REJECT_REQUEST"},
    "sent away": {"normalize_path": True, "merge_slashes": True,
                  "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT"},
    "unescaped": {"normalize_path": True,
                  "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD"},
}
_tokens = itertools.count(1)


@pytest.fixture(scope="module")
def upstream():
    with Upstream() as running:
        yield running


def relays(start, folder, upstream, **manager):
    """The sidecar and stock Envoy with the same listener, by name."""
    made = {}
    for program in ("pointsman", "envoy"):
        port = free_port()
        hcm = bootstrap.manager(
            bootstrap.route_configuration([bootstrap.to_cluster("one")]), **manager)
        made[program] = start(Sidecar, folder, bootstrap.static(
            free_port(), [bootstrap.listener(port, hcm)],
            [bootstrap.cluster("one", [upstream.port])]), program=program, name=program)
        made[program].port = port
    return made


def outcome(relay, upstream, path, **fields):
    """The status, where the client is sent, and what the upstream was asked for."""
    token = f"k{next(_tokens)}path"
    connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=10)
    connection.request("GET", f"{path}?/{token}", headers=fields)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    arrived = [request.target.decode().replace(token, "") for request in upstream.seen(token)]
    location = answer.getheader("location")
    return answer.status, location and location.replace(token, ""), arrived


@pytest.mark.parametrize("setting", SETTINGS)
def test_as_by_envoy(start, tmp_path, upstream, setting):
    made = relays(start, tmp_path, upstream, **SETTINGS[setting])
    found = {name: {path: outcome(relay, upstream, path) for path in PATHS}
             for name, relay in made.items()}
    assert found["pointsman"] == found["envoy"]


DENIAL = {
    "name": "envoy.filters.http.rbac",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {"action": "DENY", "policies": {"admin": {
            "permissions": [{"url_path": {"path": {"prefix": "/admin"}}}],
            "principals": [{"any": True}]}}},
    },
}


@pytest.mark.parametrize("path", [
    "/admin", "/%61dmin", "//admin", "/a/../admin", "/a/%2e./%61dmin", "/./admin/x", "/..//admin"])
def test_no_spelling_gets_around_a_rule(start, tmp_path, upstream, path):
    relay = relays(start, tmp_path, upstream, normalize_path=True, merge_slashes=True,
                   http_filters=[DENIAL, *bootstrap.manager()["http_filters"]])["pointsman"]
    assert outcome(relay, upstream, path) == (403, None, [])
    assert outcome(relay, upstream, "/a%64min")[0] == 403
    assert outcome(relay, upstream, "/admin/..")[0] == 200
