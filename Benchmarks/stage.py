"""What every measurement stands on: upstreams, a generator, and the proxies in turn."""

import os
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from generators import PACED, H2load, LoadFailed
from harness.fast import FastUpstream
from proxies import COMMANDS, Proxy, Setting, in_the_clear

# Why a row may be empty without anything being wrong.
NO_HTTP2 = "its upstream would have to speak HTTP/2"
NOT_SO = "has no such mode"
SLOW = "too slow under valgrind"
EXPECTED = (NO_HTTP2, NOT_SO, SLOW)


def say(text):
    print(text, file=sys.stderr, flush=True)


@dataclass
class Stage:
    """One part's surroundings; all that `stack` holds ends with the part."""

    settings: object
    cores: object
    folder: object
    files: int
    stack: ExitStack

    def __post_init__(self):
        self.generator = H2load(self.folder)
        self.paced = PACED[self.settings.paced_by](self.folder)

    def upstreams(self, *flags):
        """Two upstreams of the same kind; a new pair with other flags is another pair."""
        pair = []
        for version in ("v1", "v2"):
            upstream = FastUpstream(self.folder, version, *flags)
            self.stack.callback(upstream.kill)
            os.sched_setaffinity(upstream.pid, {self.cores.upstream})
            pair.append(upstream)
        return pair

    def setting(self, upstreams):
        return Setting(self.folder, *(upstream.port for upstream in upstreams), self.files)

    @contextmanager
    def proxy(self, name, upstreams, wrapper=(), commands=COMMANDS, answers=in_the_clear):
        proxy = Proxy(name, self.setting(upstreams), self.cores.proxy, wrapper, commands, answers)
        try:
            yield proxy
        finally:
            proxy.stop()

    def all_proxies(self, upstreams, table, commands=COMMANDS, answers=in_the_clear):
        """Those that start; one that does not is named in the table, and the rest goes on."""
        running = {}
        for name in self.settings.proxies:
            if name not in commands:
                table.skip(name, NOT_SO)
                continue
            try:
                running[name] = self.stack.enter_context(
                    self.proxy(name, upstreams, commands=commands, answers=answers))
            except AssertionError as error:
                table.skip(name, "did not start")
                say(f"{name} did not start: {error}")
        return running

    def rounds(self, running, table, measure, rounds=None):
        """Calls `measure(name, proxy)` for each in turn; it returns figures for the table.

        The first round is thrown away, and each round begins with another proxy, so that none
        always runs in the wake of the same one. Figures named `direct` go into a row of that name.
        """
        names = list(running)
        for number in range((rounds or self.settings.rounds) + 1):
            turn = number % max(1, len(names))
            for name in names[turn:] + names[:turn]:
                if name in table.absent:
                    continue
                try:
                    figures = measure(name, running[name])
                except LoadFailed as error:
                    table.skip(name, "requests failed")
                    table.rows.pop(name, None)
                    say(f"{table.title}: {name} left out, since requests failed:\n{error}")
                    continue
                direct = figures.pop("direct", {})
                if number:
                    table.add(name, **figures)
                    table.add("direct", **direct)
            say(f"  {table.title}: round {number} of {rounds or self.settings.rounds}")
