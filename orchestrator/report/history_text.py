"""Prints the list of runs, or one run, for users."""

import re
import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from orchestrator.execution.events import (
    AttemptEnded,
    Noticed,
    RunEnded,
    RunEvent,
    RunOrigin,
    RunStarted,
    StepEnded,
    StepStarted,
    step_of_event,
)
from orchestrator.execution.liveness import RunState
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.recorded import RecordedAttempt, RecordedRun, RecordedStep, RunHead
from orchestrator.execution.replay import outcome_of
from orchestrator.plan.plan_words import shown_name
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.report.event_line import STYLES, titled
from orchestrator.report.failure_text import unreported_parts
from orchestrator.report.streams import print_wide
from orchestrator.report.words import clean, duration, one_line, size_words
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wording import count

_WITH_ROWS = frozenset({"ingest", "seed", "model", "snapshot"})
_COMMAND_TAG = re.compile(r"[A-Z ]+[\d ]*")
"""What a database answers to a statement, such as `OK` or `INSERT 0 3`: it says nothing that the status does not."""
_COLUMNS = ("run", "started", "took", "status", "steps", "target", "schedule", "command")
_OF_WIDE = frozenset({"started", "target"})
"""Columns that a narrow terminal omits; the id of a run begins with its start in UTC."""
_NARROW = 110
_WIDTHS = {"run": 25, "started": 23, "took": 5, "status": 7}


def print_history(console: Console, runs: Sequence[tuple[RunHead, RunState]]) -> None:
    """Print one line per run, newest first."""
    if not runs:
        console.print("No run is recorded.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=True)
    is_narrow = console.is_terminal and console.width < _NARROW
    omitted = _OF_WIDE if is_narrow else frozenset()
    if not any(head.scheduled for head, _ in runs):
        omitted |= {"schedule"}
    names = [name for name in _COLUMNS if name not in omitted]
    for name in names:
        table.add_column(name, min_width=_WIDTHS.get(name), no_wrap=True, overflow="ellipsis")
    for head, state in runs:
        cells: dict[str, str | Text] = {
            "run": head.run_id,
            "started": shown_moment(head.started_at, seconds=True),
            "took": duration(_took(head, state)),
            "status": status_text(head, state),
            "steps": _counts(head),
            "target": head.target,
            "schedule": _scheduled(head.scheduled, seconds=False),
            "command": one_line(shlex.join(("elt", *head.command))) if head.command else head.verb,
        }
        table.add_row(*(cells[name] for name in names))
    print_wide(console, table)


def print_run(console: Console, run: RecordedRun, state: RunState) -> None:
    """Print how a run started, and each of its steps in the order of the plan."""
    head = run.head
    console.print(Text.assemble((head.run_id, "bold"), "  ", status_text(head, state)))
    for name, value in _facts(head, state):
        console.print(Text.assemble((f"{name:<10}", "dim"), value), soft_wrap=True)
    console.print()
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=True)
    for name in ("status", "took", "rows", "kind", "step", "why"):
        justify: JustifyMethod = "right" if name == "rows" else "left"
        table.add_column(name, no_wrap=name != "why", overflow="fold", justify=justify)
    for step in run.steps:
        for attempt in step.attempts[:-1] if _ended_in_attempt(step) else step.attempts:
            table.add_row(*_earlier(attempt, step, run))
        status, took, rows = _step_status(step, state), _step_time(step), _rows(step)
        table.add_row(status, took, rows, step.kind, _named(step.step_id, run), _why(step, run))
    print_wide(console, table)


def print_log(
    console: Console, run: RecordedRun, events: Sequence[RunEvent], steps: Sequence[RecordedStep] = ()
) -> None:
    """Print events in order; for `steps`, also print each attempt in full, with its log and compiled file."""
    for event in events:
        step_id = step_of_event(event)
        name = titled(step_id, run.plan.by_id) if step_id else ""
        kind, described = _logged(event)
        at = f"{event.at.astimezone():%H:%M:%S.%f}"[:-3]
        console.print(Text.assemble((at, "dim"), f"  {kind:<14}{name}  ", clean(described)), soft_wrap=True)
    for step in steps:
        if len(steps) > 1 and any(attempt.outcome is not None for attempt in step.attempts):
            console.print()
            console.print(Text(f"{step.kind} {step.name}", style="bold"))
        for attempt in step.attempts:
            if attempt.outcome is not None:
                _print_attempt(console, attempt.number, attempt.outcome, of_several=len(step.attempts) > 1)


def _logged(event: RunEvent) -> tuple[str, str]:
    """Return the word for an event in a log, and what it says."""
    match event:
        case RunStarted():
            return "run resumed" if event.resumed else "run started", _time_of(event.origin)
        case StepStarted():
            return "step started", ""
        case AttemptEnded():
            again_at = f"{event.again_at.astimezone():%H:%M:%S}"
            return "attempt ended", f"{event.outcome.status}, again at {again_at}"
        case StepEnded():
            return "step ended", event.outcome.status.value
        case Noticed():
            return event.kind.value.replace("_", " "), event.message
        case RunEnded():
            return "run ended", event.status.value


def _print_attempt(console: Console, number: int, outcome: Outcome, *, of_several: bool) -> None:
    if of_several:
        kind = f" ({outcome.error_class})" if outcome.error_class else ""
        described = f"attempt {number}  {outcome.status}{kind}  {duration(outcome.elapsed)}"
        console.print(Text(described, style="bold"))
    for part in unreported_parts(outcome):
        rows = "" if part.rows is None or part.message else count(part.rows, "row")
        console.print(f"  {part.status.value:<10}{part.name}  {one_line(part.message)}{rows}", soft_wrap=True)
    if outcome.message:
        console.print(clean(outcome.message), soft_wrap=True)
    if outcome.log:
        console.print(Text("logged", style="dim"))
        console.print(Text(clean(outcome.log)), soft_wrap=True)
    if outcome.compiled_path:
        console.print(Text.assemble(("compiled  ", "dim"), outcome.compiled_path), soft_wrap=True)


def print_pruned(
    console: Console, forgotten: int, kept: int, before: int | None, after: int | None, *, is_shrunk: bool
) -> None:
    """Print how many runs were deleted, and how much space that freed; a size is None for a store on a server."""
    runs = f"{count(forgotten, 'run')} deleted; the newest {kept:,} and those that are running are kept."
    if before is None or after is None:
        space = "The database reuses their space."
    elif is_shrunk:
        space = f"{size_words(max(before - after, 0))} freed, the record takes {size_words(after)} now."
    else:
        space = f"The file was not shrunk from {size_words(after)}: another process uses it, or the disk is full."
    console.print(f"{runs} {space}", soft_wrap=True)


def print_table(console: Console, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print the result of a query."""
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=True)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else clean(str(value)) for value in row))
    print_wide(console, table)
    console.print(Text(count(len(rows), "row"), style="dim"))


def status_text(head: RunHead, state: RunState) -> Text:
    """Return the status of a run, or its state if it has not ended."""
    if head.status is None:
        return Text(state.value, style="yellow" if state is RunState.INTERRUPTED else "cyan")
    return Text(head.status.value, style=STYLES.get(head.status, ""))


def _facts(head: RunHead, state: RunState) -> Iterable[tuple[str, str]]:
    yield "command", shlex.join(("elt", *head.command)) if head.command else head.verb
    yield "started", f"{shown_moment(head.started_at, seconds=True)} by {head.process.user}@{head.process.host}"
    yield "took", duration(_took(head, state))
    if head.scheduled is not None:
        interval = head.scheduled.interval
        yield "schedule", _scheduled(head.scheduled)
        yield "data", f"from {shown_moment(interval.start, seconds=True)} to {shown_moment(interval.end, seconds=True)}"
    yield "target", head.target
    yield "database", head.database
    if head.code is not None:
        yield "commit", head.code.commit[:12] + (" with changes" if head.code.dirty else "")
    yield "versions", ", ".join(f"{name} {version}" for name, version in head.versions.items())


def _step_status(step: RecordedStep, state: RunState) -> Text:
    if step.status is not None:
        return Text(step.status.value, style=STYLES.get(step.status, ""))
    if step.last is None:
        return Text("waiting" if state is RunState.RUNNING else "not run", style="dim")
    return Text("running" if state is RunState.RUNNING else "interrupted", style="yellow")


def _ended_in_attempt(step: RecordedStep) -> bool:
    """Return whether the last attempt is how the step ended; a resumed run may have skipped it since."""
    if step.status is None or step.last is None:
        return True
    return step.last.outcome is not None and step.last.outcome.status is step.status


def _step_time(step: RecordedStep) -> str:
    outcome = outcome_of(step)
    return duration(outcome.elapsed) if outcome is not None and outcome.elapsed else ""


def _rows(step: RecordedStep) -> str:
    """Return the row count of the table that a step built, or of the rows that a load brought."""
    outcome = outcome_of(step)
    if outcome is None or step.kind not in _WITH_ROWS:
        return ""
    rows = outcome.rows_affected if outcome.row_count is None else outcome.row_count
    return "" if rows is None else f"{rows:,}"


def _earlier(attempt: RecordedAttempt, step: RecordedStep, run: RecordedRun) -> tuple[Text | str, ...]:
    """Describe an attempt before the last one."""
    outcome, name = attempt.outcome, _named(step.step_id, run)
    if outcome is None:
        return Text("interrupted", style="dim"), "", "", step.kind, name, f"attempt {attempt.number}"
    text = f"attempt {attempt.number}: {one_line(outcome.message)}"
    return Text(outcome.status.value, style="dim"), duration(outcome.elapsed), "", step.kind, name, text


def _named(step_id: StepId, run: RecordedRun) -> str:
    planned = run.plan.by_id.get(step_id)
    return step_id if planned is None else shown_name(planned)


def _why(step: RecordedStep, run: RecordedRun) -> str:
    attempts = f"{count(len(step.attempts), 'attempt')}; " if len(step.attempts) > 1 else ""
    if step.status in {Status.SKIPPED, Status.CANCELLED} and step.reason is not None:
        blame = step.reason.blame
        blamed = _named(blame, run) if blame is not None else ""
        return attempts + (f"because of {blamed}" if blamed else step.reason.code.value.replace("_", " "))
    if step.status is Status.REUSED and step.last is not None and step.last.outcome is not None:
        is_shown = step.last.outcome.warns or step.last.outcome.reason.code is ReasonCode.VERIFIED
        return f"{step.why}; {one_line(step.last.outcome.message)}" if is_shown else step.why
    message = step.last.outcome.message if step.last is not None and step.last.outcome is not None else ""
    planned = run.plan.by_id.get(step.step_id)
    is_decided = step.status is Status.SUCCESS and planned is not None and planned.decision is not None
    if not message or is_decided or _COMMAND_TAG.fullmatch(message):
        return attempts + step.why
    return attempts + one_line(message)


def _counts(head: RunHead) -> str:
    described = [f"{number:,} {status.value}" for status, number in head.counts.items()]
    return ", ".join(described) or f"0 of {head.steps:,}"


def _took(head: RunHead, state: RunState) -> timedelta:
    return head.elapsed(datetime.now(UTC) if state is RunState.RUNNING else None)


def _scheduled(time: ScheduledTime | None, *, seconds: bool = True) -> str:
    """Return the schedule and the logical time that a run belongs to."""
    if time is None:
        return ""
    attempt = f", attempt {time.attempt}" if time.attempt > 1 else ""
    return f"{time.schedule} {shown_moment(time.logical_time, seconds=seconds)}{attempt}"


def _time_of(origin: RunOrigin) -> str:
    """Return the time of a schedule that the start of a run names."""
    moments = (origin.logical_time, origin.data_interval_start, origin.data_interval_end)
    logical, start, end = (shown_moment(datetime.fromisoformat(one), seconds=True) if one else "" for one in moments)
    return f"schedule {origin.schedule} {logical}, data from {start} to {end}" if origin.schedule else ""
