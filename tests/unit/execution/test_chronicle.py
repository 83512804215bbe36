"""Record first: nobody hears of what was not recorded, and nothing starts that could not be."""

from collections.abc import Sequence

import pytest

from orchestrator.errors import StoreError
from orchestrator.execution.events import RunEnded, RunEvent, RunStarted, StepStarted
from orchestrator.execution.lanes import Limits
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request
from tests.factories import make_outcome
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


def test_every_event_is_recorded_before_any_listener_hears_it() -> None:
    """Listeners receive the events in the order of the record, each later than it was recorded."""
    journal: list[str] = []
    TryOut("a -> b", FakeStepRunner(), listeners=[JournalListener(journal)], writer=RecordingWriter(journal)).run()
    names = ["RunStarted", "start a", "a success", "start b", "b success", "end success"]
    assert [entry for entry in journal if entry.startswith("recorded")] == [f"recorded {name}" for name in names]
    assert [entry for entry in journal if entry.startswith("told")] == [f"told {name}" for name in names]
    assert all(journal.index(f"recorded {name}") < journal.index(f"told {name}") for name in names)


def test_a_run_that_cannot_be_recorded_does_not_start() -> None:
    """Nothing runs, and nobody hears of it."""
    journal: list[str] = []
    runner = FakeStepRunner()
    tried = TryOut("a", runner, listeners=[JournalListener(journal)],
                   writer=RecordingWriter(journal, refuses_at="RunStarted"))  # fmt: skip
    with pytest.raises(StoreError, match="the disk is full"):
        tried.run()
    assert (journal, runner.ran) == ([], [])


def test_no_step_starts_after_an_event_could_not_be_recorded() -> None:
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


def test_a_run_ends_when_another_process_cancels_it() -> None:
    """As after Ctrl-C: what has not started is cancelled."""
    journal: list[str] = []
    writer = RecordingWriter(journal, asks_after="start a")
    tried = TryOut("a -> b", FakeStepRunner(held=["a"]), writer=writer).run()
    assert tried.statuses == {"a": "cancelled", "b": "cancelled"}


class JournalLedger:
    """A ledger that writes into the journal, and raises at one step."""

    def __init__(self, journal: list[str], *, raises_at: str = "", error: Exception | None = None) -> None:
        self.journal = journal
        self.raises_at = raises_at
        self.error = error or ZeroDivisionError("oh")

    def begin(self, started: RunStarted) -> None:
        self.journal.append(f"ledger began with {[outcome.step_id for outcome in started.settled]}")

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        names = [outcome.step_id for outcome in outcomes]
        if self.raises_at in names:
            raise self.error
        self.journal.append(f"ledger has {', '.join(names)}")

    def finish(self, at: object) -> None:
        self.journal.append("ledger finished")


def test_ledgers_take_note_of_each_end_before_the_next_step_starts() -> None:
    """An end is recorded, then settled, and only then a step that follows runs; the ledger finishes before the run."""
    journal: list[str] = []

    def note(request: Request) -> list[Outcome]:
        journal.append(f"ran {request.step.id}")
        return [make_outcome(request.step.id)]

    runner = FakeStepRunner(dict.fromkeys("abc", note))
    TryOut("a -> b, c", runner, writer=RecordingWriter(journal), ledgers=[JournalLedger(journal)],
           settled=(make_outcome("c"),)).run()  # fmt: skip
    assert journal == [
        "recorded RunStarted", "ledger began with ['c']",
        "recorded start a", "ran a",
        "recorded a success", "recorded start b", "ledger has a", "ran b",
        "recorded b success", "ledger has b",
        "ledger finished", "recorded end success",
    ]  # fmt: skip


def test_ledgers_take_note_of_recovered_outcomes() -> None:
    """What a resumed run found in the target is settled before anything starts."""
    journal: list[str] = []
    TryOut("a -> b", FakeStepRunner(), ledgers=[JournalLedger(journal)], settled=(), found=(make_outcome("a"),)).run()
    assert journal == ["ledger began with []", "ledger has a", "ledger has b", "ledger finished"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ZeroDivisionError("oh"), "warning: JournalLedger raised ZeroDivisionError: oh"),
        (StoreError("the disk is full", hint="Make room."), "warning: the disk is full\nMake room."),
    ],
)
def test_a_ledger_that_raises_is_a_warning(error: Exception, told: str) -> None:
    """The run goes on, and listeners receive the warning before the end."""
    journal: list[str] = []
    tried = TryOut("a -> b", FakeStepRunner(), ledgers=[JournalLedger(journal, raises_at="a", error=error)]).run()
    assert tried.statuses == {"a": "success", "b": "success"}
    assert told in tried.heard.lines
    assert tried.heard.lines[-1] == "end success"
