"""Where the figures come from: a table without it says nothing."""

import os
import platform
import re
import resource
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from generators import PACED
from harness.programs import PROGRAMS, ROOT, envoy_path, peer_path

VERSIONS = {
    "HAProxy": (["haproxy", "-v"], r"version (\S+)"),
    "nginx": (["nginx", "-v"], r"nginx/(\S+)"),
    "nghttpx": (["nghttpx", "--version"], r"nghttp2/(\S+)"),
    "h2load": (["h2load", "--version"], r"nghttp2/(\S+)"),
}


def output(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def version(name):
    command, pattern = VERSIONS[name]
    found = re.search(pattern, output([peer_path(command[0]), *command[1:]]))
    return found[1] if found else "unknown"


def versions(proxies):
    found = {}
    if "Envoy" in proxies:
        match = re.search(r"/(\d+\.\d+\.\d+)", output([envoy_path(), "--version"]))
        found["Envoy"] = match[1] if match else "unknown"
    for name in VERSIONS:
        if name in proxies or name == "h2load":
            found[name] = version(name)
    return found


def commit():
    if ROOT not in PROGRAMS.resolve().parents:
        return "programs given by POINTSMAN_PROGRAMS"
    name = output(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"]).strip()
    changed = output(["git", "-C", ROOT, "status", "--porcelain", "--", "Sources"]).strip()
    return f"commit {name}" + (" with changes" if changed else "")


def describe(settings, cores):
    """Pairs of what and which, in the order to be shown."""
    information = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", information)
    virtual = " (virtual machine)" if re.search(r"flags.*\bhypervisor\b", information) else ""
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    load = os.getloadavg()[0]
    # Whoever is busy beside us takes time from one proxy and not from another.
    busy = f"; **the machine was busy before: load average {load:.1f}**" if load > 0.5 else ""
    return [
        ("Processor", f"{model[1] if model else platform.machine()}{virtual}, "
                      f"{os.cpu_count()} cores; {cores.description()}"),
        ("Memory", f"{int(memory[1]) / (1 << 20):.0f} GiB"),
        ("System", f"Linux {platform.release()}, {distribution()}"),
        ("Pointsman", f"{commit()}, {PROGRAMS.name} build"),
        ("Others", ", ".join(f"{name} {text}" for name, text in
                             versions(settings.proxies).items())),
        ("Run", f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC; {settings.rounds} round"
                f"{'s' * (settings.rounds > 1)} of {settings.seconds:g} s each in turn, after one that does not count; "
                f"fixed rates by {PACED[settings.paced_by].name}, else h2load and wrk{busy}"),
    ]


def distribution():
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "unknown distribution"


def raise_limits(wanted):
    """Allows as many descriptors as can be had, for us and for all that we start."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (OSError, ValueError):
            pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
