"""HTTP/2 without TLS to the proxy, HTTP/1.1 from there to the upstream."""

from latency import at_rate
from relay import saturated


def measure(stage):
    return [
        saturated(stage, "h2c", "h2c", "HTTP/2 without TLS, saturated",
                  "8 connections with 32 streams each; upstreams speak HTTP/1.1."),
        at_rate(stage, "h2c", stage.settings.rates[0])]
