"""Counts the allocations of a running program, and tells where they come from."""

import bisect
import mmap
import os
import re
import struct
import subprocess
from collections import Counter
from pathlib import Path

from .programs import ROOT

SOURCE = Path(__file__).with_name("allocations.c")
LIBRARY = ROOT / ".build/allocations.so"
THREADS, TRACES, FRAMES = 64, 512, 32
COUNT, TRACE = struct.Struct("=3Q"), struct.Struct(f"={2 + FRAMES}Q")
SIZE = 24 + THREADS * COUNT.size + TRACES * TRACE.size


def build():
    if not LIBRARY.exists() or LIBRARY.stat().st_mtime < SOURCE.stat().st_mtime:
        LIBRARY.parent.mkdir(exist_ok=True)
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-fno-builtin", "-o", LIBRARY, SOURCE],
                       check=True)
    return LIBRARY


class Allocations:
    """A program that is started with `environment` keeps its counts here."""

    def __init__(self, folder):
        file = folder / "allocations"
        file.write_bytes(bytes(SIZE))
        with open(file, "r+b") as opened:
            self.board = mmap.mmap(opened.fileno(), SIZE)
        self.environment = {"LD_PRELOAD": str(build()), "ALLOCATIONS_FILE": str(file)}

    def calls(self):
        """The calls so far, by thread."""
        found = {}
        for number in range(min(THREADS, struct.unpack_from("=Q", self.board, 8)[0])):
            thread, calls, _ = COUNT.unpack_from(self.board, 24 + number * COUNT.size)
            found[thread] = calls
        return found

    def trace(self, count=TRACES):
        """From now on the next `count` calls leave their addresses; 0 ends that."""
        if count:
            struct.pack_into("=Q", self.board, 16, 0)
        struct.pack_into("=Q", self.board, 0, count)

    def report(self, pid):
        """Who made the traced calls, the most frequent first."""
        start = 24 + THREADS * COUNT.size
        found = Counter()
        for number in range(min(TRACES, struct.unpack_from("=Q", self.board, 16)[0])):
            _, size, *frames = TRACE.unpack_from(self.board, start + number * TRACE.size)
            found[size, *filter(None, frames)] += 1
        names = Names(pid)
        return "\n".join(
            f"{count} x {size} bytes: " + " < ".join(filter(None, map(names.of, frames)))
            for (size, *frames), count in found.most_common())


class Names:
    """What a process's addresses are called, by the symbols of its main program."""

    def __init__(self, pid):
        program = os.readlink(f"/proc/{pid}/exe")
        maps = Path(f"/proc/{pid}/maps").read_text()
        self.parts = [(int(low, 16), int(high, 16)) for low, high in
                      re.findall(rf"^(\w+)-(\w+) .*{re.escape(program)}$", maps, re.M)]
        listed = subprocess.run(["nm", "-n", "--defined-only", program],
                                capture_output=True, text=True, check=True).stdout
        symbols = [line.split(" ", 2) for line in listed.splitlines()]
        symbols = [(int(at, 16), name) for at, kind, name in symbols if kind in "tTwW"]
        self.starts, self.names = zip(*symbols)
        self.known = {}

    def of(self, address):
        if not any(low <= address < high for low, high in self.parts):
            return None
        number = bisect.bisect_right(self.starts, address - self.parts[0][0]) - 1
        name = self.names[max(0, number)]
        if name not in self.known:
            self.known[name] = demangled(name)
        return self.known[name]


def demangled(name):
    try:
        done = subprocess.run(["swift", "demangle", "--simplified", "--compact", name],
                              capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return name
    return done.stdout.strip()
