"""Writes one line to stderr if a quiet run is not green: what ended it, and where to look."""

from typing import TextIO

from orchestrator.execution.events import Event, Noticed, NoticeKind, RunEnded, RunStarted
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.verdict import ExitCode, exit_code, first_causes
from orchestrator.plan.status import Status
from orchestrator.report.event_line import Steps, titled
from orchestrator.report.next_steps import ENDED_EARLY
from orchestrator.report.streams import Lines
from orchestrator.report.words import count, one_line, some_of


class QuietReport:
    """Writes nothing for a green run, and one line for any other."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = Lines(stream)
        self._steps: Steps = {}
        self._has_ended = False

    def hear(self, event: Event) -> None:
        """Write the line when the run has ended, and any warning that comes after its end."""
        match event:
            case RunStarted():
                self._steps = event.plan.by_id
            case RunEnded():
                self._has_ended = True
                if exit_code(event.status) is not ExitCode.SUCCESS:
                    self._lines.write(quiet_line(event, self._steps))
            case Noticed() if self._has_ended and event.kind is NoticeKind.WARNING:
                self._lines.write(one_line(event.message))
            case _:
                pass


def quiet_line(ended: RunEnded, steps: Steps) -> str:
    """Return one line with the cause of a run that is not green, and the commands to inspect and continue it."""
    run, reasons = ended.run_id, {outcome.reason.code for outcome in ended.outcomes}
    causes = [
        f"{_word(cause.outcome)} of {titled(cause.outcome.step_id, steps)}" for cause in first_causes(ended.outcomes)
    ]
    unfinished = sum(outcome.reason.code in ENDED_EARLY for outcome in ended.outcomes)
    facts = [some_of(causes, 2)] if causes else []
    facts += [f"{count(unfinished, 'step')} did not finish"] if unfinished else []
    line = f"Run {run} {_end(ended.status, reasons)}: {', '.join(facts)}. Look: elt show {run}"
    return f"{line}. Continue: elt resume {run}" if reasons & ENDED_EARLY else line


def _end(status: Status, reasons: set[ReasonCode]) -> str:
    if status is Status.CANCELLED:
        return "was interrupted"
    if ReasonCode.RUN_TIME_LIMIT in reasons:
        return "exceeded its time limit"
    return f"ended with status {status.value}"


def _word(outcome: Outcome) -> str:
    return outcome.status.value.replace("_", " ")
