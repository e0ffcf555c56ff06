"""New weights under load: how long one takes, and what thousands of them do to the traffic."""

import threading
import time

from harness.load import Load
from harness.programs import until
from mesh import Mesh, in_effect, put_weight
from results import Figure, Table

RATE = 2000
PER_SECOND = 250
TIMED = 500


def measure(stage):
    upstreams = stage.upstreams()
    mesh = Mesh(stage, upstreams)
    return [one_by_one(stage, mesh), many(stage, mesh, upstreams)]


def one_by_one(stage, mesh):
    count = min(TIMED, stage.settings.pushes)
    answered, effective = [], []
    api = mesh.api()
    with Load(mesh.sidecar.port, clients=8, host="reviews") as load:
        load.wait_for(200)
        for number in range(count):
            began = time.monotonic()
            revision = put_weight(api, number % 100)
            answered.append((time.monotonic() - began) * 1000)
            while not in_effect(api, revision):
                pass
            effective.append((time.monotonic() - began) * 1000)
    found = load.result
    table = Table(
        "push", "PUT of a split until it is in effect on a connected sidecar",
        [Figure("median", "median ms"), Figure("p99", "p99 ms"), Figure("longest", "longest ms")],
        f"{count:,} pushes, each after the last was in effect, under load. "
        f"Requests meanwhile: {found.requests:,}; lost: {found.failed}; connections closed while "
        f"idle: {found.outcomes['reset-idle']}.", head="what")
    for name, times in (("durable and answered", answered), ("in effect", effective)):
        times.sort()
        table.add(name, median=times[len(times) // 2], p99=times[int(len(times) * 0.99)],
                  longest=times[-1])
    return table


class Windows:
    """Paced runs through the sidecar and straight to the upstream, side by side."""

    def __init__(self, stage, ports):
        self.stage, self.ports = stage, ports
        self.runs = {phase: {name: [] for name in ports} for phase in PHASES}
        self.phase, self.ended, self.error = "before", False, None

    def loop(self, name):
        generator = type(self.stage.generator)(self.stage.folder / name)
        (self.stage.folder / name).mkdir()
        while not self.ended and not self.error:
            phase = self.phase
            try:
                run = generator.paced(self.ports[name], RATE, self.stage.settings.seconds,
                                      host="reviews")
            except Exception as error:  # noqa: BLE001 - raised again where the windows are used
                self.error = error
                return
            # A window that saw two phases belongs to neither.
            if phase == self.phase:
                self.runs[phase][name].append(run)

    def wait(self, count):
        """Waits until the present phase has that many windows of each kind."""
        until(lambda: self.error or all(
            len(runs) >= count for runs in self.runs[self.phase].values()), 120, "windows")
        if self.error:
            raise self.error


PHASES = ("before", "during", "after")


def many(stage, mesh, upstreams):
    windows = Windows(stage, {"through": mesh.sidecar.port, "direct": upstreams[0].port})
    threads = [threading.Thread(target=windows.loop, args=(name,)) for name in windows.ports]
    for thread in threads:
        thread.start()
    try:
        windows.wait(max(2, stage.settings.rounds))
        windows.phase = "during"
        began = time.monotonic()
        revision = push(stage, mesh)
        took = time.monotonic() - began
        windows.wait(1)
        windows.phase = "after"
        windows.wait(max(2, stage.settings.rounds))
    finally:
        windows.ended = True
        for thread in threads:
            thread.join()
    total = sum(run.requests for kinds in windows.runs.values() for run in kinds["through"])
    table = Table(
        "pushes", f"{stage.settings.pushes:,} pushes of one weight under load",
        [Figure("p50", "added p50 µs", digits=0),
         Figure("p99", "added p99 µs", digits=0, plotted=True),
         Figure("direct", "direct p99 µs", digits=0)],
        f"{stage.settings.pushes / took:,.0f} pushes/s, {RATE:,} requests/s through the sidecar "
        f"and as many straight to an upstream, which shares the core with the control plane and "
        f"those who push. Requests through the sidecar: {total:,}; **lost: 0**; the last of the "
        f"weights, revision {revision}, in effect.", head="when")
    for phase, kinds in windows.runs.items():
        for through, direct in zip(kinds["through"], kinds["direct"]):
            table.add(phase, p50=through.percentile(0.5) - direct.percentile(0.5),
                      p99=through.percentile(0.99) - direct.percentile(0.99),
                      direct=direct.percentile(0.99))
    return table


def push(stage, mesh):
    """Pushes at a steady pace; returns the last revision once it is in effect."""
    api, began, revision = mesh.api(), time.monotonic(), 0
    pause = threading.Event()
    for number in range(stage.settings.pushes):
        pause.wait(max(0.0, began + number / PER_SECOND - time.monotonic()))
        revision = put_weight(api, 4 + number % 2)
    until(lambda: in_effect(api, revision), 30, "the last weight in effect")
    return revision
