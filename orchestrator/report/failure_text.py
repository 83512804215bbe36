"""Renders a failure in full: the message, its location, and the steps that did not run because of it."""

from collections.abc import Iterator

from rich.text import Text

from orchestrator.execution.outcome import Outcome, Part
from orchestrator.execution.verdict import FirstCause
from orchestrator.plan.status import Status
from orchestrator.plan.step import Step, TestStep, ValidationStep
from orchestrator.report.event_line import STYLES, Steps, reason_text, some_names, titled
from orchestrator.report.words import clean, duration, one_line
from orchestrator.wording import count

_INDENT = " " * 11
_MOST_PARTS = 10


def failure_lines(cause: FirstCause, steps: Steps) -> Iterator[Text]:
    """Yield the lines of one first cause."""
    outcome = cause.outcome
    step = steps.get(outcome.step_id)
    word = f"{outcome.status.value.replace('_', ' '):<9}"
    ran = f"  {duration(outcome.elapsed)}" if outcome.started_at else ""
    yield Text.assemble((word, STYLES[outcome.status]), "  ", (titled(outcome.step_id, steps), "bold"), ran)
    if why := reason_text(outcome.reason, steps):
        yield Text(f"{_INDENT}{why}")
    for line in clean(outcome.message).splitlines():
        yield Text(f"{_INDENT}{line}" if line.strip() else "")
    yield from _bad_parts(outcome)
    for label, value in _facts(cause, step, steps):
        yield Text.assemble(_INDENT, (f"{label:<8}", "dim"), "  ", value)


def _facts(cause: FirstCause, step: Step | None, steps: Steps) -> Iterator[tuple[str, str]]:
    outcome = cause.outcome
    if outcome.failures:
        yield "failing", _said_no(outcome.failures, step)
    if path := outcome.path or (step.path if step else ""):
        yield "file", path
    if outcome.compiled_path:
        yield "compiled", outcome.compiled_path
    for label, ids in (("halted", cause.halted), ("stopped", cause.broken_off)):
        if ids:
            yield label, f"{count(len(ids), 'step')}: {some_names(ids, steps)}"


def _said_no(failures: int, step: Step | None) -> str:
    match step:
        case TestStep():
            return count(failures, "row")
        case ValidationStep():
            return count(failures, "expectation")
        case _:
            return f"{failures:,}"


def _bad_parts(outcome: Outcome) -> Iterator[Text]:
    """Yield the parts that failed, broke or warn, without those that the message already mentions."""
    bad = [part for part in unreported_parts(outcome) if part.status in {Status.FAIL, Status.ERROR, Status.WARN}]
    for part in bad[:_MOST_PARTS]:
        yield Text.assemble(_INDENT, (part.status.value, STYLES[part.status]), f" {_part(part)}")
    if len(bad) > _MOST_PARTS:
        yield Text(f"{_INDENT}and {len(bad) - _MOST_PARTS:,} more")


def unreported_parts(outcome: Outcome) -> list[Part]:
    """Return the parts of an outcome whose messages are not in its own message."""
    shown = one_line(outcome.message)
    return [part for part in outcome.parts if not (part.message and one_line(part.message) in shown)]


def _part(part: Part) -> str:
    return f"{part.name}: {one_line(part.message)}" if part.message else part.name
