"""Counts what single operations of the request path cost: instructions and allocations.

Each runs under callgrind with N and with 2·N repetitions, so that what preparing costs falls out
of the difference. The figures are exact and repeatable, where times on a shared machine are not.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ["swift", "build", "-c", "release", "--static-swift-stdlib", "--package-path", str(ROOT)]
ALLOCATIONS = {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign", "memalign"}
# Else hashes are seeded at random, and preparing costs something else each time.
STEADY = {**os.environ, "SWIFT_DETERMINISTIC_HASHING": "1"}
REFERENCES = {"swift_retain", "swift_release", "swift_beginAccess"}


def build(folder):
    subprocess.run([*BUILD, "--product", "micro-benchmarks"], check=True, stdout=sys.stderr)
    found = subprocess.run([*BUILD, "--show-bin-path"], check=True, capture_output=True, text=True)
    # Valgrind 3.19 stumbles over newer debug information.
    bare = folder / "micro-benchmarks"
    built = Path(found.stdout.strip()) / "micro-benchmarks"
    subprocess.run(["strip", "--strip-debug", "-o", bare, built], check=True)
    return bare


def counted(program, name, count):
    """Instructions, allocations, and counts of references of one run."""
    out = program.with_suffix(".callgrind")
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program, name,
                    str(count)], check=True, capture_output=True, env=STEADY)
    names, calls, callee = {}, {}, None
    instructions = 0
    for line in out.read_text().splitlines():
        if match := re.match(r"c?fn=\((\d+)\)(?: (.*))?", line):
            if match[2]:
                names[match[1]] = match[2].split("'")[0]
            if line.startswith("cfn="):
                callee = names[match[1]]
        elif match := re.match(r"calls=(\d+)", line):
            calls[callee] = calls.get(callee, 0) + int(match[1])
        elif match := re.match(r"(?:totals|summary): (\d+)", line):
            instructions = int(match[1])
    return [instructions, sum(calls.get(name, 0) for name in ALLOCATIONS),
            sum(calls.get(name, 0) for name in REFERENCES)]


def operations(words=()):
    """Yields the operations with one of the words in their names, or all, with their costs."""
    if not shutil.which("valgrind"):
        sys.exit("valgrind is needed to count instructions")
    with tempfile.TemporaryDirectory() as name:
        program = build(Path(name))
        listed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
        for line in listed.splitlines():
            operation, count = line.rsplit(" ", 1)
            if words and not any(word in operation for word in words):
                continue
            low, high = (counted(program, operation, int(count) * factor) for factor in (1, 2))
            yield operation, [(after - before) / int(count) for before, after in zip(low, high)]


def measure(_):
    """The table for a report that holds other measurements too."""
    from results import Figure, Table
    table = Table("micro", "Single operations", [
        Figure("instructions", "instructions", digits=0), Figure("allocations", "allocations"),
        Figure("references", "retains, releases, access checks")],
        "callgrind, N and 2·N repetitions; see `Benchmarks/Micro`.", head="operation")
    for operation, costs in operations():
        table.add(operation, instructions=costs[0], allocations=costs[1], references=costs[2])
    return [table]


def main():
    """Prints the table while it is made."""
    print("\n### Single operations (callgrind)\n")
    print("| operation | instructions | allocations | retains, releases, access checks |")
    print("| --- | --- | --- | --- |")
    for operation, costs in operations(sys.argv[1:]):
        print(f"| {operation} | {costs[0]:,.0f} | {costs[1]:,.1f} | {costs[2]:,.1f} |", flush=True)


if __name__ == "__main__":
    main()
