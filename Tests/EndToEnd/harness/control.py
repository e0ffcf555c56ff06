"""The control plane under test, and the sidecars and peers that follow it."""

import sqlite3
from contextlib import closing

from . import bootstrap
from .programs import (
    Program, Sidecar, fetch, fetch_json, free_port, program_path, responds, until)


class Control(Program):
    def __init__(self, folder, name="control", store=None, api=None, xds=None, flags=(), **more):
        self.folder = folder
        self.api, self.xds = api or free_port(), xds or free_port()
        self.store = store or folder / "store.db"
        super().__init__(
            [program_path("pointsman-control"), "--api", f"127.0.0.1:{self.api}",
             "--xds", f"127.0.0.1:{self.xds}", "--store", f"sqlite:{self.store}", *flags],
            folder / f"{name}.log", **more)
        try:
            self.wait_for(lambda: responds(self.api, "/readyz"), 10)
        except BaseException:
            self.kill()
            raise

    def again(self):
        """The same control plane once more, after it has ended."""
        return Control(self.folder, store=self.store, api=self.api, xds=self.xds)

    def call(self, method, path, value=None, headers=None):
        return fetch_json(self.api, path, method, value, headers)

    def done(self, method, path, value=None):
        status, document, _ = self.call(method, path, value)
        assert status in (200, 201), f"{method} {path}: {status} {document}"
        return document

    def put_service(self, name, versions, **weights):
        """`versions` maps a version to its port; returns the revision."""
        return self.done("PUT", f"/v1/services/{name}", {
            "protocol": "http",
            "versions": {key: {"endpoints": [f"127.0.0.1:{port}"]}
                         for key, port in versions.items()},
            "routes": [{"split": weights or {next(iter(versions)): 100}}]})["revision"]

    def put_tcp_service(self, name, port, versions, **weights):
        """The same for connections that every sidecar takes at `port`."""
        return self.done("PUT", f"/v1/services/{name}", {
            "protocol": "tcp", "listen": f"127.0.0.1:{port}",
            "versions": {key: {"endpoints": [f"127.0.0.1:{port}"]}
                         for key, port in versions.items()},
            "routes": [{"split": weights or {next(iter(versions)): 100}}]})["revision"]

    def put_split(self, name, **weights):
        return self.done("PUT", f"/v1/services/{name}/split", {"weights": weights})["revision"]

    def weights(self, name):
        found = self.done("GET", f"/v1/services/{name}/split")["weights"]
        return {key: float(value) for key, value in found.items()}

    def proxies(self):
        return self.done("GET", "/v1/proxies")["items"]

    def coverage(self, revision):
        return self.done("GET", f"/v1/revisions/{revision}")["inEffect"]

    def wait_in_effect(self, revision, proxies=1, seconds=10):
        def check():
            coverage = self.coverage(revision)
            assert not coverage["refused"], coverage["refused"]
            return coverage["of"] >= proxies and coverage["complete"] and coverage
        return until(check, seconds, f"revision {revision} in effect")

    def check_store(self):
        with closing(sqlite3.connect(self.store)) as store:
            assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


class Follower(Sidecar):
    """pointsman-proxy in its short form."""

    def __init__(self, folder, control, service="client", node="one", flags=(), **more):
        self.port = more.pop("port", None) or free_port()
        admin = free_port()
        super().__init__(
            folder, admin=admin, name=f"sidecar-{node}", program="pointsman",
            flags=("--control", f"127.0.0.1:{control.xds}", "--service", service,
                   "--node-id", node, "--outbound", f"127.0.0.1:{self.port}",
                   "--admin", f"127.0.0.1:{admin}", *flags), **more)


class Envoy(Sidecar):
    """Stock Envoy from PyPI, with a bootstrap that names nothing but the control plane."""

    def __init__(self, folder, control, node="envoy", service="client", addresses=None, **more):
        self.port = free_port()
        super().__init__(folder, bootstrap.ads(
            free_port(), control.xds, node,
            {"outbound_address": f"127.0.0.1:{self.port}", **(addresses or {})}, service),
            program="envoy", name=node, **more)

    def stat(self, name):
        for line in self.get("/stats").splitlines():
            if line.startswith(f"{name}: "):
                return int(line.split(": ")[1])
        return 0


def reach(port, service):
    """Which upstream answers a request for `service`; `None` unless it is 200."""
    try:
        status, _, headers = fetch(port, "/", headers={"Host": service}, seconds=3)
    except OSError:
        return None
    return headers["x-upstream"] if status == 200 else None
