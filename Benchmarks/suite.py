"""Runs the parts that were asked for, and reports what they found."""

import importlib
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import machine
import markdown
import page
import plots
import reference
from goals import Goals
from settings import Cores, parse
from stage import EXPECTED, Stage, say


def run(settings, cores, files):
    """The tables of all parts; one that fails is told of, and the others go on."""
    tables, failed = [], []
    for part in settings.parts:
        say(f"{part} …")
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="pointsman-") as folder, ExitStack() as stack:
                stage = Stage(settings, cores, Path(folder), files, stack)
                tables += importlib.import_module(part).measure(stage)
        except Exception as error:  # noqa: BLE001 - told, and counted
            say(f"{part} failed: {type(error).__name__}: {error}")
            failed.append(part)
        say(f"{part}: {time.monotonic() - began:.0f} s")
    return tables, failed


def keep(folder, text, information, verdicts, tables):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(text)
    (folder / "report.html").write_text(page.report(information, verdicts, tables))
    (folder / "results.json").write_text(json.dumps(
        {"machine": dict(information), "tables": {t.key: t.document() for t in tables}}, indent=1))
    for table in tables:
        for name, svg in plots.of(table).items():
            (folder / f"{name}.svg").write_text(svg)
    say(f"written to {folder}/report.md, report.html, results.json and the plots")


def end_children():
    """Ends what an interruption has left between being started and being known."""
    for thread in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{thread}/children") as children:
            for child in map(int, children.read().split()):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


def main():
    settings = parse(sys.argv[1:])
    if settings.check:
        return
    # Ends what was started as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cores = Cores()
    files = machine.raise_limits(4 * settings.connections + 2000)
    information = machine.describe(settings, cores)
    os.sched_setaffinity(0, {cores.load})
    try:
        tables, failed = run(settings, cores, files)
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; all that was started has ended")
    finally:
        end_children()
    verdicts = Goals(tables).verdicts()
    text = markdown.report(information, verdicts, tables)
    print(text, end="", flush=True)
    if settings.out:
        keep(settings.out, text, information, verdicts, tables)
    if settings.reference:
        reference.write(information, verdicts, tables)
    failed += [f"{table.title}: {row}" for table in tables
               for row, reason in table.absent.items() if reason not in EXPECTED]
    if failed:
        sys.exit(f"without a result: {', '.join(failed)}")


main()
