"""A small world for discovery tests: two upstreams, an ADS server and a sidecar under it."""

from harness import bootstrap
from harness.ads import ADS
from harness.fast import FastUpstream
from harness.programs import Sidecar, free_port


def eds_cluster(name, **more):
    return {"name": name, "type": "EDS", "connect_timeout": "1s", "lb_policy": "ROUND_ROBIN",
            "eds_cluster_config": {"eds_config": {"ads": {}, "resource_api_version": "V3"}},
            **more}


class World:
    def __init__(self, start, tmp_path, flags=(), upstreams=("v1", "v2"), **more):
        self.start, self.folder, self.flags, self.more = start, tmp_path, flags, more
        self.server = ADS()
        self.upstreams = {name: start(FastUpstream, tmp_path, name) for name in upstreams}
        self.port, self.admin = free_port(), free_port()
        self.sidecar = None

    def run(self, ready=True, **more):
        self.sidecar = self.start(
            Sidecar, self.folder, bootstrap.ads(self.admin, self.server.port), flags=self.flags,
            ready=ready, **{**self.more, **more})
        return self.sidecar

    # What there is to push.

    def clusters(self, *names):
        return [eds_cluster(name) for name in names or self.upstreams]

    def assignments(self, *names):
        return [bootstrap.assignment(name, [self.upstreams[name].port])
                for name in names or self.upstreams]

    def listener(self):
        return bootstrap.listener(self.port, bootstrap.manager(rds="outbound"))

    def routes(self, **weights):
        return bootstrap.route_configuration([bootstrap.to_split(weights)], name="outbound")

    def push_all(self, **weights):
        server = self.server
        return {
            "cds": server.set("cds", *self.clusters()),
            "eds": server.set("eds", *self.assignments()),
            "lds": server.set("lds", self.listener()),
            "rds": server.set("rds", self.routes(**(weights or {"v1": 100})))}

    def settle(self, **weights):
        """Pushes a whole configuration and waits until all of it was accepted."""
        versions = self.push_all(**weights)
        if self.sidecar is None:
            self.run()
        for kind, version in versions.items():
            self.server.wait_ack(kind, version)

    def close(self):
        self.server.close()
