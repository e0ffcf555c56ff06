"""The sidecar while its control plane is away, flips fast, or its saved state is damaged."""

import os
import random
import time
from pathlib import Path

import pytest

from harness.load import Load
from harness.programs import FULL, fetch, responds, until
from mesh_world import World


@pytest.fixture
def world(start, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    world = World(start, tmp_path, flags=("--state-dir", state))
    world.state = state
    yield world
    world.close()


def test_a_flip_a_millisecond(world):
    """F8: 0 lost, the last state live within 100 ms, no growth of memory."""
    world.settle(v1=100)
    seconds = 60 if FULL else 6
    with Load(world.port, clients=20) as load:
        load.wait_for(500)
        before, began, flips = None, time.monotonic(), 0

        def flip():
            nonlocal before, flips
            due = int((time.monotonic() - began) * 1000)
            # The first pushes bring in pages of the program, which are no growth.
            if before is None and due >= 1000:
                before = world.sidecar.resident_bytes()
            while flips < due:
                flips += 1
                world.server.set("rds", world.routes(v1=flips % 2, v2=(flips + 1) % 2))
            return time.monotonic() - began > seconds

        until(flip, seconds + 5, every=0.001)
        last = world.server.set("rds", world.routes(v1=0, v2=100))
        sent = time.monotonic()
        world.server.wait_ack("rds", last)
        until(lambda: fetch(world.port, "/")[2]["x-upstream"] == "v2", 2)
        lag = time.monotonic() - sent
        load.wait_for(200)
    assert load.result.failed == 0, (load.result.outcomes, load.result.lost)
    assert load.result.outcomes["reset-idle"] == 0
    assert world.sidecar.resident_bytes() - before <= 1 << 20
    assert flips >= seconds * 900
    assert lag <= 0.1 + 0.4, f"the last state took {lag:.3f} s with a Python server in between"


def test_the_control_plane_dies_and_comes_back(world):
    """F4: traffic goes on; 2 s after the return the sidecar follows again."""
    world.settle(v1=100)
    with Load(world.port, clients=10) as load:
        load.wait_for(100)
        world.server.close()
        load.wait_for(3000)
        world.server.set("rds", world.routes(v2=100))
        known = len(world.server.requests)
        world.server.open()
        opened = time.monotonic()
        world.server.wait_ack("rds", str(world.server.version["rds"]), 10)
        back = time.monotonic() - opened
        load.wait_for(100)
    assert load.result.failed == 0 and load.result.outcomes["reset-idle"] == 0, load.result.lost
    first = world.server.requests[known]
    assert first.node.id == "test" and not first.response_nonce
    assert first.version_info, "the last accepted version is told after a reconnect"
    assert fetch(world.port, "/")[2]["x-upstream"] == "v2"
    assert back <= 2.5, f"{back:.1f} s"


def test_a_restart_while_the_control_plane_is_away(world):
    """F5: the first correct answer within 300 ms of the start, from the saved state."""
    world.settle(v1=0, v2=100)
    assert world.sidecar.stop() == 0
    world.server.close()
    began = time.monotonic()
    world.run(ready=False)
    until(lambda: responds(world.port, "/"), 5, "an answer", every=0.002)
    took = time.monotonic() - began
    for _ in range(50):
        assert fetch(world.port, "/")[2]["x-upstream"] == "v2"
    assert responds(world.sidecar.admin, "/ready")
    assert took <= 0.3, f"{took * 1000:.0f} ms"
    world.server.open()
    world.server.wait_ack("rds", world.server.set("rds", world.routes(v1=100)), 10)
    assert fetch(world.port, "/")[2]["x-upstream"] == "v1"


def test_a_kill_leaves_a_state_that_can_be_used(world):
    """Written and renamed: kill -9 in the middle of pushes never costs both generations."""
    world.settle(v1=100)
    until(lambda: [f for f in world.state.iterdir() if f.suffix != ".tmp"], 5, "a saved state")
    for _ in range(100 if FULL else 8):
        for turn in range(random.randint(1, 30)):
            world.server.set("rds", world.routes(v1=turn % 2, v2=1))
        world.sidecar.kill()
        world.server.close()
        world.run(ready=False)
        until(lambda: responds(world.port, "/"), 5, "an answer from the saved state")
        world.server.open()
        world.server.wait_ack("rds", world.server.set("rds", world.routes(v1=100)), 15)


def damages(content, generator):
    """Every way in which F6 damages a file, thinned out unless all are wanted."""
    yield b""
    yield b"\0" * len(content)
    yield b"\xff" * 100
    yield content + b"more"
    step = 1 if FULL else max(1, len(content) // 12)
    for length in range(1, len(content), step):
        yield content[:length]
    for _ in range(10_000 if FULL else 25):
        flipped = bytearray(content)
        at = generator.randrange(len(flipped))
        flipped[at] ^= 1 << generator.randrange(8)
        yield bytes(flipped)


def test_damaged_state(world, start, tmp_path):
    """F6: the generation before, or not ready; never a crash, never a half of a configuration."""
    world.settle(v1=100)
    world.server.wait_ack("rds", world.server.set("rds", world.routes(v1=0, v2=100)))
    assert world.sidecar.stop() == 0
    world.server.close()
    files = sorted(path for path in world.state.rglob("*") if path.is_file())
    assert files, "nothing was saved"
    # It may hold keys.
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    originals = {path: path.read_bytes() for path in files}
    newest = max(files, key=lambda path: path.stat().st_mtime_ns)
    seed = int(os.environ.get("PEERS_SEED", random.randrange(1 << 30)))
    print("seed", seed)
    for damage in damages(originals[newest], random.Random(seed)):
        newest.write_bytes(damage)
        check_start(world)
        for path, content in originals.items():
            path.write_bytes(content)
    for path in files:  # every generation at once
        path.write_bytes(b"nonsense")
    check_start(world, allowed={None})


def check_start(world, allowed=frozenset({"v1", "v2", None})):
    world.run(ready=False)
    try:
        until(lambda: answers(world.sidecar.admin), 5, "the admin listener", every=0.002)
        upstream = None
        if responds(world.sidecar.admin, "/ready"):
            status, _, headers = fetch(world.port, "/")
            assert status == 200
            upstream = headers["x-upstream"]
        assert upstream in allowed
        assert world.sidecar.running, world.sidecar.output()[-2000:]
    finally:
        world.sidecar.kill()


def answers(port):
    try:
        return fetch(port, "/ready")[0] in (200, 503)
    except OSError:
        return False


def test_a_state_folder_that_cannot_be_written(world):
    """F18 for the sidecar: pushes go on in effect, nothing ends."""
    world.settle(v1=100)
    moved = Path(f"{world.state}.away")
    world.state.rename(moved)
    world.state.write_text("not a folder")
    with Load(world.port, clients=4) as load:
        version = world.server.set("rds", world.routes(v2=100))
        world.server.wait_ack("rds", version)
        load.wait_for(100)
    assert load.result.failed == 0, load.result.lost
    assert fetch(world.port, "/")[2]["x-upstream"] == "v2"
