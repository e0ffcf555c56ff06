"""The control plane killed and started again while traffic flows."""

import time

from harness.load import Load
from mesh import Mesh
from results import Figure, Table


def measure(stage):
    times = 3 if stage.settings.quick else 10
    mesh = Mesh(stage, stage.upstreams())
    table = Table("restart", f"The control plane killed and restarted {times} times under load",
                  [Figure("back", "seconds", digits=2)], head="what")
    with Load(mesh.sidecar.port, clients=20, host="reviews") as load:
        for number in range(times):
            load.wait_for(300)
            mesh.control.kill()
            load.wait_for(300)
            mesh.control = mesh.control.again()
            began = time.monotonic()
            revision = mesh.control.put_split("reviews", v1=90 - number, v2=10 + number)
            mesh.control.wait_in_effect(revision, seconds=60)
            table.add("from its return to a new revision in effect", back=time.monotonic() - began)
    found = load.result
    table.note = (f"Requests: {found.requests:,}; lost: {found.failed}; connections closed while "
                  f"idle: {found.outcomes['reset-idle']}.")
    return [table]
