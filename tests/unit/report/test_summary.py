"""What is told once a run has ended."""

import io

import pytest

from orchestrator.execution.events import Event, NoticeKind
from orchestrator.execution.outcome import ReasonCode
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.report.streams import open_console
from orchestrator.report.summary import Summary
from tests.factories import make_outcome, make_plan
from tests.run_story import GREEN, OUTCOMES, PLAN, again, broken_suite, noticed, told

RED = """
             success     warn     fail  skipped
ingest             1        ·        ·        ·
build              1        ·        ·        3
test               ·        1        1        ·
validation         ·        ·        ·        1

Slowest
   1m 05s  ingest:load_bts
     0.4s  model stg
     0.2s  data test test_rel
     0.1s  data test test_key

1 step with warnings
  data test test_rel  0.2s  2,512 failures  Got 2512 results

Warnings: 2 warnings
  [red]old[/red] (2 times)

Printed by models: 1 line
  hello

Selected but not run: 1 node
  parent not built: test.shop.test_far

First cause
fail       data test test_key  0.1s
           Got 12 results, configured to fail if != 0
           [ok] is no markup :smile:
           failing   12 rows
           file      models/test_key.sql
           compiled  /home/ada/shop/target/compiled/shop/test_key.sql
           halted    4 steps: fct, mart, suite suite_mart, late

database  /home/ada/shop/shop.duckdb
run       r1
next      elt logs r1 test_key  what happened there
          elt show r1           every step of this run
          elt retry r1          once the cause is corrected: runs what failed and what it halted
fail in 1m 10s: 1 fail, 4 skipped, 1 warn, 2 success
"""


def summary(events: list[Event], *, only_failures: bool = False) -> str:
    """Give what the summary prints into a pipe."""
    stream = io.StringIO()
    report = Summary(open_console(stream), only_failures=only_failures)
    for event in events:
        report.hear(event)
    return stream.getvalue()


def test_a_red_run_is_summarized_by_its_first_cause() -> None:
    """Counts, slowest steps, warnings and the cause with all that helps to mend it; the verdict stands last."""
    warning = noticed(NoticeKind.WARNING, "[red]old[/red]")
    assert summary(told(PLAN, OUTCOMES, warning, warning, noticed(NoticeKind.PRINTED, "hello", "stg"))) == RED


def test_notices_after_the_end_are_printed_in_the_live_view() -> None:
    """Beside plain lines, which contain them, they are not."""
    after = [noticed(NoticeKind.NOTE, "a copy"), noticed(NoticeKind.WARNING, "no copy")]
    stream = io.StringIO()
    for tells in (False, True):
        report = Summary(open_console(stream), tells_the_end=tells)
        for event in (*told(PLAN, GREEN), *after):
            report.hear(event)
    assert [line for line in stream.getvalue().splitlines() if "copy" in line] == ["a copy", "no copy"]


def test_steps_with_several_attempts_are_named() -> None:
    """Also where it ended well: who reads only the summary learns that a source is shaky."""
    plan = make_plan("load_bts -> stg")
    events = told(plan, GREEN)
    lines = summary([events[0], again("load_bts"), *events[1:]]).splitlines()
    at = lines.index("1 step retried")
    assert lines[at + 1] == "  2 attempts  ingest:load_bts"


def test_hundreds_of_skips_are_one_count() -> None:
    """What was halted is counted with its cause and named five times at most."""
    names = [f"m{number}" for number in range(900)]
    plan = make_plan("seed," + ",".join(f"seed -> {name}" for name in names))
    skips = (make_outcome(name, Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="seed") for name in names)
    lines = summary(told(plan, (make_outcome("seed", Status.ERROR, message="no table x"), *skips))).splitlines()
    assert len(lines) == 19
    assert "           halted    900 steps: m0, m1, m2, m3, m4 and 895 more" in lines
    assert lines[-1] == "error in 1m 10s: 1 error, 900 skipped"


def test_a_suite_names_the_expectations_that_failed() -> None:
    """Parts that did well are left out."""
    lines = summary(told(make_plan("suite_mart"), (broken_suite(),))).splitlines()
    assert lines[-14:-7] == [
        "First cause",
        "fail       suite suite_mart  1.0s",
        "           2 expectations said no",
        "           fail expect_column_values_to_not_be_null(id): 3 of 10 values are null",
        "           warn expect_column_max_to_be_between(delay): got 1301",
        "           failing   2 expectations",
        "           file      models/suite_mart.sql",
    ]


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        (("success", "success"), "success in 1m 10s: 2 success"),
        (("success", "warn"), "success with warnings in 1m 10s: 1 warn, 1 success"),
        (("error", "fail"), "error in 1m 10s: 1 error, 1 fail"),
        ((), "success in 1m 10s: nothing to do"),
    ],
)
def test_the_last_line_states_the_result(statuses: tuple[str, ...], verdict: str) -> None:
    """A green run with warnings says so; the worst counts stand first."""
    outcomes = tuple(make_outcome(name, status) for name, status in zip("ab", statuses, strict=False))
    plan = make_plan("a, b") if outcomes else Plan(steps=())
    assert summary(told(plan, outcomes)).splitlines()[-1] == verdict


def test_an_interrupted_run_is_cancelled() -> None:
    """What the user stopped is counted; nothing else is to blame."""
    outcomes = (
        make_outcome("a", Status.CANCELLED, code=ReasonCode.INTERRUPTED),
        make_outcome("b", Status.SKIPPED, code=ReasonCode.INTERRUPTED),
    )
    lines = summary(told(make_plan("a, b"), outcomes)).splitlines()
    assert lines[-1] == "cancelled in 1m 10s: 1 cancelled, 1 skipped"


def test_steps_stopped_by_fail_fast_are_distinguished_from_halted_steps() -> None:
    """Steps that are no descendants are counted as stopped."""
    outcomes = (
        make_outcome("a", Status.ERROR),
        make_outcome("b", Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="a"),
        make_outcome("c", Status.SKIPPED, code=ReasonCode.FAIL_FAST, blame="a"),
    )
    told_lines = summary(told(make_plan("a -> b, c"), outcomes))
    assert "           halted    1 step: b\n           stopped   1 step: c\n" in told_lines


def test_a_quiet_summary_has_only_the_first_causes() -> None:
    """Of a green run nothing is said."""
    assert summary(told(PLAN, GREEN), only_failures=True) == ""
    quiet = summary(told(PLAN, OUTCOMES), only_failures=True)
    assert quiet.strip() == RED.split("\n\n")[-2].strip()


def test_long_lists_end_with_a_count() -> None:
    """Ten warnings are listed, the rest counted."""
    notices = [noticed(NoticeKind.WARNING, f"w{number}") for number in range(12)]
    assert "\n  w9\n  and 2 more\n" in summary(told(PLAN, GREEN, *notices))
