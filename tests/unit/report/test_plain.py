"""A run in a pipe."""

import io
from dataclasses import replace

from orchestrator.execution.events import NoticeKind, RunStarted
from orchestrator.plan.estimate import Estimate
from orchestrator.report.plain import PlainReport
from tests.run_story import OUTCOMES, PLAN, again, noticed, told


def test_each_event_is_one_plain_line() -> None:
    """Colours and line breaks of a tool's message are taken out; a skip names its cause."""
    stream = io.StringIO()
    report = PlainReport(stream)
    for event in told(PLAN, OUTCOMES[2:4], noticed(NoticeKind.PRINTED, "one\ntwo", "stg")):
        report.hear(event)
    assert stream.getvalue() == (
        "12:00:00  run        run r1: 8 steps, /home/ada/shop/shop.duckdb\n"
        "12:00:00  start      data test test_key\n"
        "12:00:00  fail       data test test_key  0.1s  12 failures"
        "  Got 12 results, configured to fail if != 0 [ok] is no markup :smile:\n"
        "12:00:00  skipped    model fct  because of data test test_key\n"
        "12:00:00  printed    model stg: one two\n"
        "12:01:10  ended      fail after 1m 10s\n"
    )


def test_the_first_line_says_how_long_the_run_takes() -> None:
    """And when it is done, rounded up to the minute; without earlier runs it says nothing of it."""
    started = told(PLAN, ())[0]
    assert isinstance(started, RunStarted)
    estimate = Estimate(seconds=250, low=200, high=300, runs=12)
    lines = []
    for found in (estimate, replace(estimate, seconds=45, unknown=2), None):
        stream = io.StringIO()
        PlainReport(stream).hear(replace(started, estimate=found))
        lines.append(stream.getvalue().strip().partition("shop.duckdb")[2])
    assert lines == [", about 4 min, done by 12:05 UTC", ", at least 45 s", ""]


def test_an_attempt_followed_by_another_is_one_line() -> None:
    """It says which try comes next, in how long, and why."""
    stream = io.StringIO()
    report = PlainReport(stream)
    for event in (told(PLAN, ())[0], again("load_bts")):
        report.hear(event)
    assert stream.getvalue().splitlines()[1] == (
        "12:00:00  again      ingest:load_bts  attempt 2 of 3 in 8 s: HTTPError: 503 busy"
    )


def test_a_wait_before_the_run_is_reported_at_once() -> None:
    """Who waits for a lock reads so before any plan exists."""
    stream = io.StringIO()
    PlainReport(stream).hear(noticed(NoticeKind.WAITING, "locked by python (pid 12)"))
    assert stream.getvalue() == "12:00:00  waiting    locked by python (pid 12)\n"
