"""The C upstream of the benchmarks, built once a session."""

import subprocess

from .programs import ROOT, Program, fetch, free_port, responds

SOURCE = ROOT / "Benchmarks/Upstream/upstream.c"
BINARY = ROOT / ".build/upstream"


def build():
    if BINARY.exists() and BINARY.stat().st_mtime > SOURCE.stat().st_mtime:
        return BINARY
    BINARY.parent.mkdir(exist_ok=True)
    subprocess.run(["gcc", "-O2", "-o", BINARY, SOURCE], check=True)
    return BINARY


class FastUpstream(Program):
    """Answers with its name in `x-upstream`; `again` starts it once more on the same port."""

    def __init__(self, folder, name, *flags, port=None):
        self.name, self.folder, self.flags = name, folder, flags
        self.port = port or free_port()
        super().__init__([build(), name, self.port, *flags], folder / f"{name}.log")
        self.wait_for(lambda: responds(self.port, "/-/count"), 5)

    def again(self):
        return FastUpstream(self.folder, self.name, *self.flags, port=self.port)

    def count(self):
        return int(fetch(self.port, "/-/count")[1])

    def repeats(self):
        return int(fetch(self.port, "/-/repeats")[1])
