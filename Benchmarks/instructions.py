"""User-space instructions per request, exact and repeatable where times are not."""

import re
import subprocess

from generators import LoadFailed
from harness.programs import Program, peer_path, responds
from proxies import COMMANDS
from results import Figure, Table
from stage import NO_HTTP2, SLOW, say

LOW, HIGH = 1000, 3000


def measure(stage):
    return [counted(stage, "http1", "HTTP/1.1"), counted(stage, "h2c", "HTTP/2 without TLS")]


def counted(stage, protocol, title):
    table = Table(f"instructions-{protocol}", f"Instructions of a request, {title}",
                  [Figure("count", "user-space instructions", digits=0, plotted=True)],
                  f"callgrind, 8 connections: ({HIGH:,} requests − {LOW:,} requests) / "
                  f"{HIGH - LOW:,}. The kernel's part, the larger one, is not in it.",
                  compared="count", bases=("HAProxy",))
    setting = stage.setting(stage.upstreams())
    for name in stage.settings.proxies:
        if name == "Envoy":
            table.skip(name, SLOW)
            continue
        try:
            low, high = (life(stage, setting, name, protocol, count) for count in (LOW, HIGH))
        except (AssertionError, LoadFailed) as error:
            table.skip(name, "failed under valgrind")
            say(f"instructions of {name}: {error}")
            continue
        if low is None:
            table.skip(name, NO_HTTP2)
        else:
            table.add(name, count=(high - low) / (HIGH - LOW))
        say(f"  {table.title}: {name}")
    return table


def life(stage, setting, name, protocol, count):
    """Instructions of one life with `count` requests, all its processes together."""
    for old in stage.folder.glob("callgrind.*"):
        old.unlink()
    port, h2c, command = COMMANDS[name](setting)
    if protocol == "h2c":
        port, http1 = h2c, port
        if h2c is None:
            return None
    else:
        http1 = port
    if name == "nghttpx":
        # Its worker would go without writing down what it did.
        command.append("--single-process")
    # Valgrind 3.19 stumbles over newer debug information.
    bare = stage.folder / f"bare-{name}"
    subprocess.run(["strip", "--strip-debug", "-o", bare, command[0]], check=True)
    program = Program(
        [peer_path("valgrind"), "--tool=callgrind", "--trace-children=yes",
         f"--callgrind-out-file={stage.folder}/callgrind.%p", bare, *command[1:]],
        stage.folder / "callgrind-log")
    try:
        program.wait_for(lambda: responds(http1, "/"), 60)
        stage.generator.counted(port, count, protocol)
        program.stop(60)
    finally:
        program.kill()
    found = [re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.M)
             for file in stage.folder.glob("callgrind.*")]
    return sum(int(match[1]) for match in found if match)
