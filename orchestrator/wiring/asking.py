"""Waits for the conditions of a run. Each question is asked by a process of its own, so nothing is held meanwhile."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from orchestrator.conditions.answer import Answer, unknown
from orchestrator.conditions.condition import Condition, SourceCondition, SqlCondition, condition_of, patience_of
from orchestrator.conditions.condition_text import AskedQuestion, from_line, to_line
from orchestrator.conditions.wait import wait_for
from orchestrator.conditions.waiting import ConditionNote, ConditionState
from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.config.wait_settings import Otherwise
from orchestrator.errors import UsageError
from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.masking import Masker, masked_errors
from orchestrator.plan.command import Command
from orchestrator.timetable.placeholders import Moments
from orchestrator.wording import last_part, spell

_LIMIT = 30.0
_LIMIT_OF_PROJECT = 300.0
"""Seconds for a question that first reads the dbt project and its ingestion modules, as `elt freshness` does."""
_TARGET = frozenset({"--target", "--profile", "--vars", "--threads", "--target-path"})
"""dbt's options, all with a value, that say what the target is."""
_LAST_WORDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks conditions for one command."""

    folder: Path
    """The folder at which relative paths of files start."""
    command: Command

    def start(self, condition: Condition) -> "ChildQuestion":
        """Start the process that asks."""
        pairs = pairwise(self.command.dbt_options)
        question = AskedQuestion(
            condition=condition,
            folder=self.folder,
            seconds=int(self.limit(condition)),
            project=self.command.project_dir,
            profiles=self.command.profiles_dir,
            dbt_options=tuple(word for name, value in pairs if name in _TARGET for word in (name, value)),
        )
        return ChildQuestion(question)

    def limit(self, condition: Condition) -> float:
        """Return how long the answer may take, in seconds."""
        return _LIMIT_OF_PROJECT if isinstance(condition, SourceCondition) else _LIMIT

    def place(self, condition: Condition) -> str:
        """Return dbt's target for what is asked there: the file of a DuckDB admits one process at a time."""
        match condition:
            case SourceCondition() | SqlCondition(connection=None):
                return "target"
            case SqlCondition(connection=str(url)) if url.startswith("duckdb:"):
                return "target"  # it may be the same file
            case _:
                return ""


class ChildQuestion:
    """A question that a process asks."""

    def __init__(self, question: AskedQuestion) -> None:
        self._errors: IO[bytes] = TemporaryFile()  # noqa: SIM115  # closed in `end`
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "orchestrator.wiring.condition_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the process that waits, which ends this one
        )
        if self._process.stdin is not None:
            with suppress(OSError):  # it ended; `answer` reports that
                self._process.stdin.write(to_line(question).encode())
                self._process.stdin.close()

    def answer(self) -> Answer | None:
        """Return the answer, or None while there is none."""
        if self._process.poll() is None:
            return None
        said = self._process.stdout.read().decode(errors="replace") if self._process.stdout is not None else ""
        try:
            return from_line(said, Answer)
        except ValueError:
            return unknown(f"it could not be asked: {self._last_words()}")

    def end(self) -> None:
        """End the process, with everything that it started."""
        with suppress(OSError):
            os.killpg(self._process.pid, 9)
        self._process.wait()
        for stream in (self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return last_part(lines[-1], _LAST_WORDS) if lines else f"the process ended with code {self._process.returncode}"


def await_conditions(
    command: Command,
    hear: Callable[[Noticed], None],
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until the conditions of a command are true. Nothing is held meanwhile.

    `hear` is called with notices of what is waited for. An interruption ends the wait at once, with the processes that
    ask.

    Raises:
        ConditionError: A condition did not come true in time, or never can.
        RunSkippedError: It did not, and says that the run is then skipped.
        UsageError: A condition has a placeholder for a time, and the run belongs to no schedule.
    """
    if not command.wait_for:
        return
    settings, masker = load_settings(command.project_dir), Masker(os.environ)

    def tell(note: ConditionNote) -> None:
        kind, message = _notice_of(note)
        is_error = note.state is ConditionState.IMPOSSIBLE or note.condition.otherwise is not Otherwise.RUN
        if kind is NoticeKind.WARNING and is_error:
            return  # the error says it
        hear(Noticed(at=datetime.now(UTC), kind=kind, message=masker.text(message)))

    conditions = conditions_of(command, settings)
    asker = Asker(folder=settings.project_root, command=command)
    with masked_errors(masker):
        wait_for(conditions, now=now, sleep=sleep, ask=asker, hear=tell).require_ready()


def conditions_of(command: Command, settings: Settings) -> tuple[Condition, ...]:
    """Return the conditions of a command; their placeholders stand for the times of its schedule, in its own zone.

    Raises:
        UsageError: A condition has a placeholder, and the run belongs to no schedule.
    """
    moments = None
    if command.scheduled is not None:
        schedule = settings.schedules.get(command.scheduled.schedule)
        moments = Moments(time=command.scheduled, zone="UTC" if schedule is None else schedule.timezone)
    try:
        return tuple(condition_of(wait, moments) for wait in command.wait_for)
    except ValueError as error:
        raise UsageError(f"{error}.", hint="Put the condition under `wait_for` of a schedule in elt.yml.") from error


def _notice_of(note: ConditionNote) -> tuple[NoticeKind, str]:
    match note.state:
        case ConditionState.WAITING:
            return NoticeKind.WAITING, f"for {note.words} ({patience_of(note.condition)})"
        case ConditionState.TRUE:
            return NoticeKind.NOTE, f"{note.words} (after {spell(note.after)})"
        case ConditionState.LATE | ConditionState.IMPOSSIBLE:  # the error says the latter
            return NoticeKind.WARNING, f"not true after {spell(note.after)}, the run starts all the same: {note.words}"
