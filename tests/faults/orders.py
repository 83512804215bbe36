"""Orders small runs, and proves what a fault must never change."""

import json
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from orchestrator.errors import NothingRecordedError
from orchestrator.execution.events import RunEnded
from orchestrator.execution.liveness import lives
from orchestrator.execution.recorded import RecordedRun
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, IngestStep
from tests.faults.drawing import Death, Proven, draw_plan
from tests.faults.forking import KILLED, Forker
from tests.faults.runner import found_in
from tests.faults.small import open_store


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a small run ended."""

    code: int
    statuses: list[str] | None = None
    """None when there was nothing to go on with."""
    error: str = ""
    traceback: str = ""
    passings: dict[str, int] = field(default_factory=dict)
    loaded: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Undisturbed:
    """What a run without any fault leaves, and how often it passes each point."""

    tables: dict[str, list[tuple[object, ...]]]
    passings: dict[str, int]


class Forge:
    """Starts the process that forks small runs, and gives each a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self._forker = Forker("tests.faults.server")
        self._undisturbed: dict[int, Undisturbed] = {}

    def __enter__(self) -> Self:
        self._forker.__enter__()
        self._empty = self.folder("empty")
        with closing(open_store(self._empty)) as store:
            store.prune(
                keep=0, now=datetime.now(UTC)
            )  # a store that holds nothing: making one takes longer than a small run
        return self

    def __exit__(self, *how: object) -> None:
        self._forker.__exit__(*how)

    def folder(self, name: str = "run") -> Path:
        """Make a folder for a run."""
        self._made += 1
        made = self._folder / f"{name}{self._made}"
        made.mkdir()
        return made

    def prepared(self) -> Path:
        """Make a folder with an empty store."""
        return Path(shutil.copytree(self._empty, self.folder() / "in"))

    def order(self, folder: Path, verb: str, *, seed: int = 0, fault: dict | None = None, **options: object) -> Said:
        """Have a small run made, to its end or its death."""
        (folder / "said.json").unlink(missing_ok=True)
        code = self._forker.order(folder=str(folder), verb=verb, seed=seed, fault=fault, options=options)
        left = folder / "said.json"
        said = json.loads(left.read_text()) if left.exists() and code != KILLED else {}
        return Said(code=code, **said)

    def undisturbed(self, seed: int) -> Undisturbed:
        """Make the run of a plan without any fault, once."""
        if seed not in self._undisturbed:
            folder = self.prepared()
            said = self.order(folder, "begin", seed=seed)
            assert said.code == 0, said.traceback
            assert set(said.statuses or ()) == {"success"}
            self._undisturbed[seed] = Undisturbed(found_in(folder).tables, said.passings)
        return self._undisturbed[seed]

    def kill_and_prove(self, seed: int, *deaths: Death) -> Proven:
        """Let a run die, and each time that it goes on but the last; prove that nothing is lost or done twice."""
        folder = self.prepared()
        died = []
        for death in deaths:
            verb = "begin" if recorded(folder) is None else "go_on"
            said = self.order(folder, verb, seed=seed, fault=death.as_fault())
            assert said.code in {KILLED, 0}, said.traceback
            if said.code == KILLED:
                died.append(death)
        assert died[:1] == list(deaths[:1]), "the first death is one of an undisturbed run, and did not come"
        self.prove(folder, seed)
        rows = sum(map(len, self.undisturbed(seed).tables.values()))
        steps = len(draw_plan(seed).steps)
        return Proven(deaths=tuple(died), sittings=len(deaths) + 1, steps=steps, rows=rows)

    def prove(self, folder: Path, seed: int) -> None:
        """Prove that what was broken off, by whatever it was, goes on to what an undisturbed run leaves."""
        run, before = recorded(folder), found_in(folder)
        said = self.order(folder, "begin" if run is None else "go_on", seed=seed)
        assert said.code == 0, said.traceback
        assert set(said.statuses or ["success"]) == {"success"}
        assert said.loaded == []
        after = found_in(folder)
        assert after.tables == self.undisturbed(seed).tables
        recovered = [] if run is None else [step.step_id for step in run.steps if step.status is Status.SUCCESS]
        assert {step: after.ran.get(step) for step in recovered} == {step: before.ran.get(step) for step in recovered}
        changing = [step.id for step in draw_plan(seed).steps if isinstance(step, BuildStep | IngestStep)]
        assert {step: after.ran.get(step) for step in changing} == dict.fromkeys(changing, 1)
        prove_the_record(folder)


def recorded(folder: Path) -> RecordedRun | None:
    """Read the run, if it is recorded."""
    with closing(open_store(folder)) as store:
        try:
            reader = store.reader()
        except NothingRecordedError:
            return None
        heads = reader.heads()
        return reader.run(heads[0].run_id) if heads else None


def prove_the_record(folder: Path) -> None:
    """Prove that the record is whole: one run that ended well, its events without a gap, and nobody in the target."""
    with closing(open_store(folder)) as store:
        reader = store.reader()
        (head,) = reader.heads()
        run, events = reader.run(head.run_id), reader.events(head.run_id)
        assert head.status is Status.SUCCESS
        assert {step.status for step in run.steps} == {Status.SUCCESS}
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert sum(isinstance(event, RunEnded) for event in events) == 1
        for step in run.steps:
            assert [attempt.number for attempt in step.attempts] == list(range(1, len(step.attempts) + 1))
        assert not any(lives(lease.process, lease.beaten_at) for lease in store.leases("small"))
