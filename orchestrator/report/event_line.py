"""Renders one event as one line: the time, a word, and a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from textwrap import shorten
from typing import assert_never

from orchestrator.execution.events import (
    AttemptEnded,
    Noticed,
    RunEnded,
    RunEvent,
    RunStarted,
    StepEnded,
    StepStarted,
)
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.plan.plan_words import shown_name, titled_step
from orchestrator.plan.status import Status
from orchestrator.plan.step import Step, StepId, TestStep, ValidationStep
from orchestrator.report.estimate_text import estimate_with_end
from orchestrator.report.words import clock, duration, one_line, wait_words
from orchestrator.wording import count, some_of

_LONGEST_REASON = 160

Steps = Mapping[StepId, Step]

STYLES = {
    Status.SUCCESS: "green",
    Status.WARN: "yellow",
    Status.REUSED: "cyan",
    Status.NO_DATA: "cyan",
    Status.FAIL: "bold red",
    Status.ERROR: "bold red",
    Status.SKIPPED: "dim",
    Status.CANCELLED: "magenta",
}

_REASONS = {
    ReasonCode.RAN: "",
    ReasonCode.FAIL_FAST: "not started after a failure, as --fail-fast asks",
    ReasonCode.INTERRUPTED: "interrupted",
    ReasonCode.RUN_START_HOOK: "an on-run-start hook failed",
    ReasonCode.NOT_EVALUATED: "could not be evaluated",
    ReasonCode.TIME_LIMIT: "",  # the message explains it
    ReasonCode.RUN_TIME_LIMIT: "the time limit of the run was reached",
    ReasonCode.UNCHANGED: "",  # the message names the run
    ReasonCode.VERIFIED: "",  # the message explains it
    ReasonCode.DIFFERS: "",  # the message explains it
    ReasonCode.RECENT: "",  # the message explains it
    ReasonCode.TOO_FEW_ROWS: "",  # the message explains it
    ReasonCode.CIRCUIT_OPEN: "",  # the message explains it
    ReasonCode.GATE_CLOSED: "",  # the message explains it
    ReasonCode.FOUND_IN_TARGET: "built before the run was cut off",
    ReasonCode.NO_NEW_DATA: "nothing new was loaded, as on_no_data asks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """The content of a line; the report that shows it decides on the layout."""

    at: datetime
    word: str
    text: str
    style: str = ""

    def __str__(self) -> str:
        return f"{clock(self.at)}  {self.word:<9}  {self.text}"


def line_of(event: RunEvent, steps: Steps, started_at: datetime | None) -> EventLine:
    """Return the line of an event."""
    match event:
        case RunStarted():
            steps_shown = count(len(event.plan.steps), "step")
            if event.resumed:
                steps_shown = f"{len(event.settled):,} of {steps_shown} are already done"
            text = f"run {event.run_id}: {steps_shown}, {event.database}"
            if event.estimate is not None:
                text += f", {estimate_with_end(event.estimate, event.at)}"
            return EventLine(at=event.at, word="resume" if event.resumed else "run", text=text)
        case StepStarted():
            word = "verify" if event.verifies else "start"
            return EventLine(at=event.at, word=word, text=titled(event.step_id, steps))
        case AttemptEnded():
            return EventLine(at=event.at, word="again", text=again_text(event, steps), style="yellow")
        case StepEnded():
            outcome = event.outcome
            word = outcome.status.value.replace("_", " ")
            text = outcome_text(outcome, steps)
            return EventLine(at=event.at, word=word, text=text, style=STYLES[outcome.status])
        case Noticed():
            where = f"{titled(event.step_id, steps)}: " if event.step_id else ""
            word = event.kind.replace("_", " ")
            return EventLine(at=event.at, word=word, text=where + one_line(event.message))
        case RunEnded():
            took = f" after {duration(event.at - started_at)}" if started_at else ""
            return EventLine(at=event.at, word="ended", text=verdict_word(event.status) + took)
        case _:
            assert_never(event)


def verdict_word(status: Status) -> str:
    """Describe how a run ended; a green run with warnings is described as such."""
    return "success with warnings" if status is Status.WARN else status.value


def titled(step_id: StepId, steps: Steps) -> str:
    """Return a step's name with its kind: `model stg_flights`."""
    step = steps.get(step_id)
    return titled_step(step) if step else step_id


def some_names(ids: Sequence[StepId], steps: Steps) -> str:
    """Return the names of the first few of many steps; builds and loads come before their tests."""
    found = [steps.get(step_id) for step_id in ids]
    named = [
        (isinstance(step, TestStep), _short_title(step) if step else step_id)
        for step, step_id in zip(found, ids, strict=True)
    ]
    return some_of([name for _, name in sorted(named, key=itemgetter(0))])


def _short_title(step: Step) -> str:
    """Return the name of a step; a suite has the name of its node, so its kind precedes it."""
    return titled_step(step) if isinstance(step, ValidationStep) else shown_name(step)


def outcome_text(outcome: Outcome, steps: Steps) -> str:
    """Describe how a step ended; this text follows the word for its status."""
    parts = [titled(outcome.step_id, steps)]
    if outcome.started_at is not None:
        parts.append(duration(outcome.elapsed))
    rows = outcome.rows_affected if outcome.row_count is None else outcome.row_count
    if rows is not None and (rows or outcome.row_count is not None):
        parts.append(count(rows, "row"))
    if outcome.failures:
        parts.append(count(outcome.failures, "failure"))
    if why := reason_text(outcome.reason, steps):
        parts.append(why)
    if outcome.message and outcome.status is not Status.SUCCESS:
        parts.append(one_line(outcome.message))
    return "  ".join(parts)


def again_text(event: AttemptEnded, steps: Steps) -> str:
    """Describe when and why a step is attempted again: `load flights  attempt 2 of 3 in 8 s: …`."""
    wait = wait_words(event.again_at - event.at)
    reason = shorten(one_line(event.outcome.message), _LONGEST_REASON, placeholder="…")
    return f"{titled(event.outcome.step_id, steps)}  attempt {event.attempt + 1} of {event.most} in {wait}: {reason}"


def reason_text(reason: Reason, steps: Steps) -> str:
    """Describe why a step ended with its status; empty if it simply ran."""
    if reason.blame is not None and reason.code is not ReasonCode.GATE_CLOSED:
        return f"because of {titled(reason.blame, steps)}"
    return _REASONS.get(reason.code, reason.code.value.replace("_", " "))
