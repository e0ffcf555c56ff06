"""A control plane and one sidecar that has its first revision in effect."""

import http.client
import json
import os

from harness.control import Control, Follower


class Mesh:
    def __init__(self, stage, upstreams):
        self.control = Control(stage.folder)
        stage.stack.callback(lambda: self.control.kill())
        ports = dict(zip(("v1", "v2"), (upstream.port for upstream in upstreams)))
        revision = self.control.put_service("reviews", ports, v1=95, v2=5)
        self.sidecar = Follower(stage.folder, self.control)
        stage.stack.callback(self.sidecar.kill)
        for thread in os.listdir(f"/proc/{self.sidecar.pid}/task"):
            os.sched_setaffinity(int(thread), {stage.cores.proxy})
        self.control.wait_in_effect(revision)

    def api(self):
        return http.client.HTTPConnection("127.0.0.1", self.control.api)


def put_weight(api, share):
    return call(api, "PUT", "/v1/services/reviews/split",
                {"weights": {"v1": 100 - share, "v2": share}})["revision"]


def in_effect(api, revision):
    return call(api, "GET", f"/v1/revisions/{revision}")["inEffect"]["complete"]


def call(api, method, path, value=None):
    api.request(method, path, json.dumps(value) if value else None,
                {"Content-Type": "application/json"} if value else {})
    answer = api.getresponse()
    content = answer.read()
    if answer.status not in (200, 201):
        raise AssertionError(f"{method} {path}: {answer.status} {content[:500]}")
    return json.loads(content)
