#!/usr/bin/env python3
"""Calls a service through the sidecar without pause and counts which version answers.

client.py SIDECAR_PORT SERVICE, with commands on standard input, one to a line:

  measure N   lets what is in flight end, then sends exactly N requests and prints one line of
              JSON: requests, errors, the count of each version, and the same for the traffic
              that flowed since the last measurement, while the split was being changed
  quit

Eight connections are opened once and kept: what moves the traffic is the sidecar, not a new
connection. One request in ten is a POST.
"""

import collections
import http.client
import json
import sys
import threading
import time

CONNECTIONS = 8
FLOW_PER_SECOND = 200
PATIENCE_SECONDS = 10


class Window:
    """What happened to a run of requests."""

    def __init__(self):
        self.requests = 0
        self.failures = []
        self.versions = collections.Counter()

    def report(self):
        return {
            "requests": self.requests,
            "errors": len(self.failures),
            "versions": dict(self.versions),
            "failures": self.failures[:5],
        }


class Traffic:
    """Hands out permission to send, so that a measurement counts one unbroken run."""

    def __init__(self):
        self.changed = threading.Condition()
        self.window = Window()
        self.budget = None  # None: flow at FLOW_PER_SECOND, without end
        self.in_flight = 0
        self.serial = 0

    def begin(self):
        while True:
            with self.changed:
                while self.budget == 0:
                    self.changed.wait()
                flows = self.budget is None
                if not flows:
                    self.budget -= 1
                self.in_flight += 1
                self.serial += 1
                self.window.requests += 1
                serial = self.serial
            if flows:
                time.sleep(CONNECTIONS / FLOW_PER_SECOND)
            return serial

    def end(self, version=None, failure=None):
        with self.changed:
            if failure is None:
                self.window.versions[version] += 1
            else:
                self.window.failures.append(failure)
            self.in_flight -= 1
            self.changed.notify_all()

    def measure(self, count):
        with self.changed:
            self.drain()
            flowed, self.window = self.window, Window()
            self.budget = count
            self.changed.notify_all()
            while self.budget > 0:
                self.changed.wait()
            self.drain()
            measured, self.window = self.window, Window()
            self.budget = None
            self.changed.notify_all()
        return {"measured": measured.report(), "flowed": flowed.report()}

    def drain(self):
        self.budget = 0
        while self.in_flight > 0:
            self.changed.wait()


def exchange(connection, service, serial):
    body = b"x" * (serial % 700) if serial % 10 == 0 else None
    method = "GET" if body is None else "POST"
    connection.request(method, f"/reviews/{serial}", body=body, headers={"Host": service})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise ValueError(f"status {response.status}: {content[:200]!r}")
    answer = json.loads(content)
    if answer["received"] != len(body or b""):
        raise ValueError(f"{len(body or b'')} bytes were sent, {answer['received']} arrived")
    return answer["version"]


def send_forever(traffic, port, service):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    while True:
        serial = traffic.begin()
        try:
            traffic.end(version=exchange(connection, service, serial))
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            traffic.end(failure=f"{type(error).__name__}: {error}")
            connection.close()


traffic = Traffic()
for _ in range(CONNECTIONS):
    threading.Thread(
        target=send_forever, args=(traffic, int(sys.argv[1]), sys.argv[2]), daemon=True
    ).start()
for line in sys.stdin:
    words = line.split()
    if words[:1] == ["measure"]:
        print(json.dumps(traffic.measure(int(words[1]))), flush=True)
    elif words == ["quit"]:
        break
