"""Writes one line to stderr if a quiet run is not green: what ended it, and where to look."""

from typing import TextIO

from orchestrator.execution.events import Event, Noticed, NoticeKind, RunEnded, RunStarted
from orchestrator.execution.next_steps import ENDED_EARLY, next_steps
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.verdict import ExitCode, exit_code, first_causes
from orchestrator.plan.status import Status
from orchestrator.report.event_line import titled
from orchestrator.report.streams import Lines
from orchestrator.report.words import one_line
from orchestrator.wording import count, some_of


class QuietReport:
    """Writes nothing for a green run, and one line for any other."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = Lines(stream)
        self._started: RunStarted | None = None
        self._has_ended = False

    def hear(self, event: Event) -> None:
        """Write the line when the run has ended, and any warning that comes after its end."""
        match event:
            case RunStarted():
                self._started = event
            case RunEnded() if self._started is not None:
                self._has_ended = True
                if exit_code(event.status) is not ExitCode.SUCCESS:
                    self._lines.write(quiet_line(self._started, event))
            case Noticed() if self._has_ended and event.kind is NoticeKind.WARNING:
                self._lines.write(one_line(event.message))
            case _:
                pass


def quiet_line(started: RunStarted, ended: RunEnded) -> str:
    """Return one line with the cause of a run that is not green, and the commands to inspect and continue it."""
    steps, reasons = started.plan.by_id, {outcome.reason.code for outcome in ended.outcomes}
    causes = [
        f"{_word(cause.outcome)} of {titled(cause.outcome.step_id, steps)}" for cause in first_causes(ended.outcomes)
    ]
    unfinished = sum(outcome.reason.code in ENDED_EARLY for outcome in ended.outcomes)
    facts = [some_of(causes, 2)] if causes else []
    facts += [f"{count(unfinished, 'step')} did not finish"] if unfinished else []
    commands = [command for command, _ in next_steps(started, ended)]
    look = next(command for command in commands if command.startswith("elt show "))
    then = next(command for command in commands if command.startswith(("elt resume ", "elt retry ")))
    word = "Repair" if then.startswith("elt retry ") else "Continue"
    return f"Run {ended.run_id} {_end(ended.status, reasons)}: {', '.join(facts)}. Look: {look}. {word}: {then}"


def _end(status: Status, reasons: set[ReasonCode]) -> str:
    if status is Status.CANCELLED:
        return "was interrupted"
    if ReasonCode.RUN_TIME_LIMIT in reasons:
        return "exceeded its time limit"
    return f"ended with status {status.value}"


def _word(outcome: Outcome) -> str:
    return outcome.status.value.replace("_", " ")
