"""Every case of the tables, whole and byte by byte, judged by what reaches the other side."""

import pytest

from harness.wire import judge, play
from head_cases import HEADS
from request_cases import REQUESTS
from response_cases import RESPONSES

TABLES = {"request": REQUESTS, "head": HEADS, "response": RESPONSES}
CASES = [(table, case) for table, cases in TABLES.items() for case in cases]


@pytest.fixture(scope="module")
def plays(relay, upstream):
    """Plays all cases twice; each test then reads the verdict on its own case."""
    found = {}
    for bytewise in (False, True):
        for first, (table, cases) in enumerate(TABLES.items()):
            for item in play(relay.port, upstream, cases, bytewise, first * 1000):
                found[table, item.case.name, bytewise] = item
    return found


@pytest.mark.parametrize("mode", ["whole", "byte by byte"])
@pytest.mark.parametrize(("table", "case"), CASES,
                         ids=[f"{table}: {case.name}" for table, case in CASES])
def test_case(plays, upstream, table, case, mode):
    item = plays[table, case.name, mode != "whole"]
    wrong = judge(item, upstream)
    assert not wrong, f"{case.name}, {mode}: " + "; ".join(wrong)


@pytest.mark.parametrize(("table", "case"), CASES,
                         ids=[f"{table}: {case.name}" for table, case in CASES])
def test_the_verdict_does_not_depend_on_the_segments(plays, table, case):
    whole, pieces = (plays[table, case.name, bytewise] for bytewise in (False, True))
    if case.cut:
        return  # how much of a broken answer still reaches the client is a matter of time
    assert whole.verdict() == pieces.verdict()


def test_names_are_unique():
    for table, cases in TABLES.items():
        names = [case.name for case in cases]
        assert len(names) == len(set(names)), table


def test_nothing_reached_the_upstream_that_is_not_http(plays, upstream):
    assert not upstream.violations


def test_the_proxy_is_still_there(plays, relay):
    assert relay.running
    assert relay.get("/ready")
