"""New weights under load: how long one takes, and what thousands of them do to the traffic."""

import os
import threading
import time

from harness.load import Load
from harness.programs import until
from mesh import Mesh, in_effect, put_weight
from results import Figure, Table

RATE = 2000
PER_SECOND = 250
TIMED = 500
PHASES = ("before", "during", "after")


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
    """Paced runs one after the other, each through the sidecar and straight to an upstream."""

    def __init__(self, stage, port, direct):
        self.stage, self.port, self.direct = stage, port, direct
        self.runs = {phase: [] for phase in PHASES}
        self.phase, self.ended, self.error = "before", False, None
        self.thread = threading.Thread(target=self.loop)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()

    def loop(self):
        while not self.ended and not self.error:
            phase = self.phase
            try:
                runs = self.stage.paced.paced(self.port, RATE, self.stage.settings.seconds,
                                              beside=self.direct, tolerant=True)
            except Exception as error:  # noqa: BLE001 - raised again where the windows are used
                self.error = error
                return
            # A window that saw two phases belongs to neither.
            if phase == self.phase:
                self.runs[phase].append(runs)

    def wait(self, count):
        """Waits until the present phase has that many windows."""
        until(lambda: self.error or len(self.runs[self.phase]) >= count, 120, "windows")
        if self.error:
            raise self.error


def many(stage, mesh, upstreams):
    with Windows(stage, mesh.sidecar.port, upstreams[0].port) as windows:
        windows.wait(max(2, stage.settings.rounds))
        windows.phase = "during"
        began = time.monotonic()
        revision = push(stage, mesh)
        took = time.monotonic() - began
        windows.wait(1)
        windows.phase = "after"
        windows.wait(max(2, stage.settings.rounds))
    through = [first for runs in windows.runs.values() for first, _ in runs]
    lost = sum(run.failed for run in through)
    total = sum(run.requests for run in through)
    table = Table(
        "pushes", f"{stage.settings.pushes:,} pushes of one weight under load",
        [Figure("p50", "added p50 µs", digits=0),
         Figure("p99", "added p99 µs", digits=0, plotted=True),
         Figure("direct", "direct p99 µs", digits=0)],
        f"{stage.settings.pushes / took:,.0f} pushes/s, {RATE:,} requests/s through the sidecar "
        f"and as many straight to an upstream; the control plane and those who push run when the "
        f"load leaves time. Requests through the sidecar: {total:,}; **lost: {lost:,}**; the last of "
        f"the weights, revision {revision}, in effect.", head="when",
        totals={"requests": total, "lost": lost})
    for phase, runs in windows.runs.items():
        for through, direct in runs:
            table.add(phase, p50=through.latency["p50"] - direct.latency["p50"],
                      p99=through.latency["p99"] - direct.latency["p99"],
                      direct=direct.latency["p99"])
    return table


def push(stage, mesh):
    """Pushes at a steady pace; returns the last revision once it is in effect."""
    # What is asked is what a push does to the sidecar, and not what it does to the generator
    # that shares a core with those who push: they run when nobody else wants to.
    for thread in [0, *(int(name) for name in os.listdir(f"/proc/{mesh.control.pid}/task"))]:
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
    api, began, revision = mesh.api(), time.monotonic(), 0
    pause = threading.Event()
    try:
        for number in range(stage.settings.pushes):
            pause.wait(max(0.0, began + number / PER_SECOND - time.monotonic()))
            revision = put_weight(api, 4 + number % 2)
        until(lambda: in_effect(api, revision), 30, "the last weight in effect")
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return revision
