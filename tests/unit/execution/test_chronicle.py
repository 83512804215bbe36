"""Record first: nobody hears of what was not recorded, and nothing starts that could not be."""

from collections.abc import Sequence

import pytest

from orchestrator.errors import StoreError
from orchestrator.execution.events import RunEnded, RunEvent, StepStarted
from orchestrator.execution.lanes import Limits
from tests.fakes.step_runner import FakeStepRunner
from tests.unit.execution.looping import TryOut


class RecordingWriter:
    """A writer that keeps the names of events in the journal, and refuses from some event on."""

    def __init__(self, journal: list[str], *, refuses_at: str = "", asks_after: str = "") -> None:
        self.journal = journal
        self.refuses_at = refuses_at
        self.asks_after = asks_after

    def record(self, events: Sequence[RunEvent]) -> tuple[RunEvent, ...]:
        names = [_name(event) for event in events]
        if self.refuses_at and self.refuses_at in names:
            raise StoreError("the disk is full", hint="Make room.")
        self.journal += [f"recorded {name}" for name in names]
        return tuple(events)

    def look(self, at: object) -> bool:
        return bool(self.asks_after) and f"recorded {self.asks_after}" in self.journal


class JournalListener:
    """A listener that writes the names of events into the journal."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal

    def hear(self, event: RunEvent) -> None:
        self.journal.append(f"told {_name(event)}")


def _name(event: RunEvent) -> str:
    kind = type(event).__name__
    if isinstance(event, StepStarted):
        return f"start {event.step_id}"
    if isinstance(event, RunEnded):
        return f"end {event.status.value}"
    return f"{event.outcome.step_id} {event.outcome.status.value}" if kind == "StepEnded" else kind


def test_every_event_is_recorded_before_anybody_hears_of_it() -> None:
    """Each name stands in the journal first as recorded, then as told; a step's end and the next start together."""
    journal: list[str] = []
    TryOut("a -> b", FakeStepRunner(), listeners=[JournalListener(journal)], writer=RecordingWriter(journal)).run()
    assert journal == [
        "recorded RunStarted", "told RunStarted",
        "recorded start a", "told start a",
        "recorded a success", "recorded start b", "told a success", "told start b",
        "recorded b success", "told b success",
        "recorded end success", "told end success",
    ]  # fmt: skip


def test_a_run_that_cannot_be_recorded_does_not_start() -> None:
    """Nothing runs, and nobody hears of it."""
    journal: list[str] = []
    runner = FakeStepRunner()
    tried = TryOut("a", runner, listeners=[JournalListener(journal)],
                   writer=RecordingWriter(journal, refuses_at="RunStarted"))  # fmt: skip
    with pytest.raises(StoreError, match="the disk is full"):
        tried.run()
    assert (journal, runner.ran) == ([], [])


def test_nothing_more_starts_once_something_could_not_be_recorded() -> None:
    """What ran ends and is told; the step whose start could not be recorded never ran, and the run is an error."""
    journal: list[str] = []
    runner = FakeStepRunner()
    tried = TryOut("a -> b -> c", runner, listeners=[JournalListener(journal)],
                   writer=RecordingWriter(journal, refuses_at="start b"), limits=Limits(dbt=1))  # fmt: skip
    with pytest.raises(StoreError, match="the disk is full"):
        tried.run()
    assert runner.ran == ["a"]
    assert "told a success" in journal
    assert "told end cancelled" in journal


def test_a_run_ends_when_somebody_asks_for_it() -> None:
    """As after Ctrl-C: what has not started is cancelled."""
    journal: list[str] = []
    writer = RecordingWriter(journal, asks_after="start a")
    tried = TryOut("a -> b", FakeStepRunner(held=["a"]), writer=writer).run()
    assert tried.statuses == {"a": "cancelled", "b": "cancelled"}
