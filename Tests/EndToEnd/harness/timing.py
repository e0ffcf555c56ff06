"""Time as the subject of a case: observations over a while, and peers that take their time.

Whatever has a condition is waited for with `programs.until`; nothing else in the tests pauses.
"""

import threading
import time

from harness.programs import until

_never = threading.Event()


def paced(things, seconds):
    """Gives one thing after the other, `seconds` apart: the pace of a peer."""
    for number, thing in enumerate(things):
        if number > 0:
            _never.wait(seconds)
        yield thing


def samples(measure, seconds, every=0.05):
    """What `measure` gives again and again for `seconds`."""
    end = time.monotonic() + seconds
    found = []
    until(lambda: found.append(measure()) or time.monotonic() > end, seconds + 60,
          "the last sample", every)
    return found


def until_still(measure, seconds, within=30, what="a standstill"):
    """Waits until `measure` gives something true that has not changed for `seconds`."""
    latest, since = None, time.monotonic()

    def is_still():
        nonlocal latest, since
        value = measure()
        if value != latest:
            latest, since = value, time.monotonic()
        return bool(value) and time.monotonic() - since >= seconds

    until(is_still, within, what)
    return latest
