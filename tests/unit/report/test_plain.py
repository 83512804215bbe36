"""A run in a pipe."""

import io

from orchestrator.execution.events import NoticeKind
from orchestrator.report.plain import PlainReport
from tests.run_story import OUTCOMES, PLAN, noticed, told


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


def test_a_wait_before_the_run_is_told_at_once() -> None:
    """Who waits for a lock reads so before any plan exists."""
    stream = io.StringIO()
    PlainReport(stream).hear(noticed(NoticeKind.WAITING, "held by python (pid 12)"))
    assert stream.getvalue() == "12:00:00  waiting    held by python (pid 12)\n"
