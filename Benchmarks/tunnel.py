"""Bytes that a proxy moves for a second of its CPU when it understands none of them."""

from bodies import CLIENTS, both_ways
from proxies import TUNNELS


def measure(stage):
    return both_ways(
        stage, "tunnel", "TCP, 1 MiB at a time",
        f"{CLIENTS} connections, forwarded as they are, saturated; what they carry is HTTP/1.1.",
        stage.settings.rounds, commands=TUNNELS)
