"""The live view of a terminal."""

import io
import re
import sys
from datetime import timedelta

import pytest
from rich.console import Console
from rich.text import Text

from orchestrator.execution.events import Estimated, Event, NoticeKind, RunStarted, StepEnded, StepStarted
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import StepId
from orchestrator.report.frame import frame
from orchestrator.report.live import LiveReport
from orchestrator.report.progress import Progress
from orchestrator.report.region import Region
from orchestrator.report.streams import can_live
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import NOON
from tests.run_story import DATABASE, OUTCOMES, PLAN, again, noticed, told


def picture(plan: Plan, events: list[Event], *, width: int = 80, height: int = 24) -> list[str]:
    """Give the lines of the view after events, 65 seconds after the run began."""
    progress = Progress()
    for event in [RunStarted(run_id="r1", at=NOON, plan=plan, database=DATABASE), *events]:
        progress.hear(event)
    now = NOON + timedelta(seconds=65)
    return [line.plain for line in frame(progress, plan.by_id, now, width=width, height=height)]


def started(name: str, after: float = 0) -> StepStarted:
    """Let a step start so many seconds after the run."""
    return StepStarted(at=NOON + timedelta(seconds=after), step_id=StepId(name))


def ended(name: str, status: str = "success") -> StepEnded:
    """Let a step end."""
    return StepEnded(at=NOON, outcome=make_outcome(name, status))


FAILURE = (
    "12:00:00  fail       data test test_key  0.1s  12 failures"
    "  Got 12 results, configured to fail if != 0 [ok] is no markup :smile:"
)
HALF: list[Event] = [
    started("load_bts"),
    started("stg", 60.5),
    ended("test_key", "fail"),
    ended("fct"),
    ended("mart", "skipped"),
    ended("late", "warn"),
]


def test_the_view_shows_what_runs_what_waits_and_what_is_done() -> None:
    """A bar, the counts with the worst first, and a line for each running step, the longest first."""
    assert picture(PLAN, HALF) == [
        "━━━━━━━━━━━━━━━━━━━━────────────────────  4 of 8 done  1m 05s",
        "2 running · 2 waiting · 1 fail · 1 warn · 1 skipped · 1 success",
        "   1m 05s  ingest:load_bts",
        "     4.5s  model stg",
    ]


def test_the_view_shows_what_is_left() -> None:
    """From the estimate of the start, then from newer ones; a run that is overdue has no known end."""
    progress, plan = Progress(), make_plan("a -> b")
    estimate = Estimate(seconds=250, low=200, high=300, runs=12)
    progress.hear(RunStarted(run_id="r1", at=NOON, plan=plan, database=DATABASE, estimate=estimate))

    def shown(seconds: float) -> str:
        now = NOON + timedelta(seconds=seconds)
        return frame(progress, plan.by_id, now, width=100, height=24)[0].plain.partition("done  ")[2]

    assert shown(10) == "10.0s  about 4 min left, done by 12:05 UTC"
    later = NOON + timedelta(seconds=700)
    progress.expect(Estimated(at=NOON, end=later, low=later, high=later, unknown=1))
    assert shown(60) == "1m 00s  at least 11 min left"
    assert shown(701) == "11m 41s  longer than expected"


@pytest.mark.parametrize("width", [60, 30, 12, 1])
def test_every_line_fits_a_narrow_terminal(width: int) -> None:
    """No line reaches the last column, so that no terminal breaks it."""
    assert max(len(line) for line in picture(PLAN, HALF, width=width)) <= max(1, width - 1)


def test_a_narrow_terminal_keeps_what_matters_most() -> None:
    """The bar gives way to the figures; of the counts the good ones are cut."""
    assert picture(PLAN, HALF, width=40)[:2] == [
        "━━━━━━━━━─────────  4 of 8 done  1m 05s",
        "2 running · 2 waiting · 1 fail · 1 war…",
    ]


def test_forty_running_steps_out_of_three_thousand_stay_readable() -> None:
    """The view leaves room for what is printed above it, and counts what it does not show."""
    plan = make_plan(",".join(f"m{number}" for number in range(3000)))
    lines = picture(plan, [started(f"m{number}") for number in range(40)])
    assert len(lines) == 17
    assert lines[1] == "40 running · 2,960 waiting"
    assert lines[-1] == "           and 26 more"
    assert len(picture(plan, [started(f"m{number}") for number in range(40)], height=5)) == 4


def test_an_empty_plan_is_a_full_bar() -> None:
    """Nothing to do is done."""
    assert picture(Plan(steps=()), [])[0].startswith("━" * 40 + "  0 of 0 done")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(**options: object) -> Console:
    """Make a console on a terminal of 60 by 20."""
    settings = {"file": Terminal(), "force_terminal": True, "width": 60, "height": 20, "markup": False, "emoji": False}
    environ = {"TERM": "xterm-256color"}
    return Console(**settings | {"_environ": environ, "highlight": False} | options)  # type: ignore[arg-type]


def written(console: Console) -> str:
    """Give everything that went to the terminal."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_failures_are_printed_above_the_live_view_which_leaves_no_trace() -> None:
    """A fail is told in full as it happens; a skip is only counted; in the end the cursor is back."""
    console = terminal()
    report = LiveReport(console, now=lambda: NOON)
    for event in told(PLAN, OUTCOMES, noticed(NoticeKind.WAITING, "locked by python (pid 12)")):
        report.hear(event)
    shown = screen(written(console))
    assert shown == [
        FAILURE,
        "12:00:00  waiting    locked by python (pid 12)",
        "",
    ]
    assert written(console).endswith("\x1b[?25h")


def test_a_wait_before_the_run_is_shown_at_once() -> None:
    """Before there is a plan there is no view, and the user still learns what is waited for."""
    console = terminal()
    LiveReport(console).hear(noticed(NoticeKind.WAITING, "locked by python (pid 12)"))
    assert screen(written(console)) == ["12:00:00  waiting    locked by python (pid 12)", ""]


def test_closing_gives_the_terminal_back_after_any_end() -> None:
    """A run that breaks leaves neither a hidden cursor nor redirected streams, closed once or twice."""
    console, out = terminal(), sys.stdout
    report = LiveReport(console, now=lambda: NOON)
    report.hear(told(PLAN, ())[0])
    assert sys.stdout is not out
    report.close()
    report.close()
    assert sys.stdout is out
    assert written(console).count("\x1b[?25h") == 1


def test_library_output_is_printed_above_the_live_view() -> None:
    """A stray print does not break the drawing."""
    console = terminal()
    region = Region(console, list)
    region.start()
    sys.stdout.write("a [stray] print\n")
    region.stop()
    assert screen(written(console)) == ["a [stray] print", ""]


def test_a_narrower_terminal_leaves_no_rows_behind() -> None:
    """Lines that the terminal broke into more rows are all taken away."""
    console = terminal(width=50)
    region = Region(console, lambda: [Text("x" * 45), Text("y" * 10)])
    region.start()
    before = len(written(console))
    console.width = 20
    region.stop()
    erased = written(console)[before:]
    assert erased.count("\x1b[1A\x1b[2K") == 3


def test_no_color_leaves_the_colours_out() -> None:
    """With NO_COLOR the view is drawn without any colour."""
    console = terminal(_environ={"TERM": "xterm-256color", "NO_COLOR": "1"})
    report = LiveReport(console, now=lambda: NOON)
    for event in told(PLAN, OUTCOMES):
        report.hear(event)
    assert "\x1b[3" not in written(console)


@pytest.mark.parametrize(
    ("options", "live"),
    [
        ({}, True),
        ({"_environ": {"TERM": "dumb"}}, False),
        ({"file": io.StringIO()}, False),
        ({"force_terminal": False}, False),
    ],
)
def test_the_view_needs_a_terminal_that_moves_its_cursor(options: dict[str, object], live: bool) -> None:
    """A pipe gets none, even where colours are forced."""
    assert can_live(terminal(**options)) is live


def screen(output: str) -> list[str]:
    """Give what a terminal shows: rows that were erased are gone, colours do not count."""
    rows, row = [""], 0
    for piece in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|\r|\n)", output):
        if piece in {"\n", "\x1b[1A"}:
            row += 1 if piece == "\n" else -1
            rows += [""] * (row + 1 - len(rows))
        elif piece == "\x1b[2K":
            rows[row] = ""
        elif not piece.startswith("\x1b") and piece != "\r":
            rows[row] += piece
    while len(rows) > 1 and not rows[-1] and not rows[-2]:
        rows.pop()
    return rows


def test_a_step_waiting_for_its_next_attempt_is_listed_below_running_steps() -> None:
    """The view says in how long, which try, and why; the step is neither running nor done."""
    waiting = [started("load_bts"), again("load_bts", 73)]
    assert picture(PLAN, waiting)[1:] == [
        "0 running · 8 waiting · 1 retried",
        "   in 8 s  ingest:load_bts  attempt 2 of 3  HTTPError: 503 busy",
    ]
    assert picture(PLAN, [*waiting, started("load_bts", 60)])[1:] == [
        "1 running · 7 waiting",
        "     5.0s  ingest:load_bts",
    ]
