"""What a quiet run says on stderr."""

import io

import pytest

from orchestrator.execution.events import Event, NoticeKind
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.plan.status import Status
from orchestrator.report.quiet import QuietReport
from tests.factories import make_outcome
from tests.run_story import GREEN, OUTCOMES, PLAN, noticed, told


def quiet(events: list[Event]) -> str:
    stream = io.StringIO()
    report = QuietReport(stream)
    for event in events:
        report.hear(event)
    return stream.getvalue()


def test_a_quiet_green_run_prints_nothing() -> None:
    """Not even of its warnings and notices."""
    assert quiet(told(PLAN, GREEN, noticed(NoticeKind.WARNING, "old"))) == ""


INTERRUPTED = make_outcome("stg", Status.CANCELLED, code=ReasonCode.INTERRUPTED)
TOO_LONG = make_outcome("stg", Status.CANCELLED, code=ReasonCode.RUN_TIME_LIMIT)
BROKEN = make_outcome("test_key", Status.ERROR, message="no such column")
NEVER = make_outcome("fct", Status.SKIPPED, code=ReasonCode.FAIL_FAST, blame="test_key")


@pytest.mark.parametrize(
    ("outcomes", "line"),
    [
        (
            OUTCOMES,
            "Run r1 ended with status fail: fail of data test test_key. Look: elt show r1. Repair: elt retry r1",
        ),
        (
            (BROKEN, NEVER),
            "Run r1 ended with status error: error of data test test_key. Look: elt show r1. Repair: elt retry r1",
        ),
        (
            (INTERRUPTED,),
            "Run r1 was interrupted: 1 step did not finish. Look: elt show r1. Continue: elt resume r1",
        ),
        (
            (TOO_LONG,),
            "Run r1 exceeded its time limit: 1 step did not finish. Look: elt show r1. Continue: elt resume r1",
        ),
        (
            (BROKEN, TOO_LONG),
            (
                "Run r1 exceeded its time limit: error of data test test_key, 1 step did not finish."
                " Look: elt show r1. Continue: elt resume r1"
            ),
        ),
    ],
)
def test_a_run_that_is_not_green_says_what_ended_it_and_where_to_look(outcomes: tuple[Outcome, ...], line: str) -> None:
    """One line, with the id of the run."""
    assert quiet(told(PLAN, outcomes)) == line + "\n"


def test_a_warning_after_the_end_is_shown() -> None:
    """A green run whose reuse would have been wrong says so only then, and is not green."""
    assert quiet([*told(PLAN, GREEN), noticed(NoticeKind.WARNING, "2 differ")]) == "2 differ\n"
