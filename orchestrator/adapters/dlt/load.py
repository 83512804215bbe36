"""Runs ingest steps, each in a child that extracts, normalizes and loads through the given access to the warehouse."""

import json
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestrator.adapters.children.child_access import ChildAccess
from orchestrator.adapters.children.child_outcomes import cancelled, errored
from orchestrator.adapters.children.child_process import Child, ChildEndedError, RunningChildren
from orchestrator.adapters.children.own_bug import ChildBugError
from orchestrator.adapters.dlt.host import IngestionHost
from orchestrator.adapters.dlt.load_outcomes import ended
from orchestrator.errors import IngestionError
from orchestrator.execution.outcome import ErrorClass, Outcome
from orchestrator.execution.ports import Request, Stop
from orchestrator.nodes.prefix import Placement
from orchestrator.plan.step import IngestStep, StepId
from orchestrator.timetable.scheduled_time import DataInterval

LOOK_AT_STOP_SECONDS = 0.2
_LEFT = "the next load completes or rolls back what this one left"
_DECLARED = Placement()
_NONE: Mapping[StepId, Collection[str]] = MappingProxyType({})


class IngestRunner:
    """Runs loads as a StepRunner; thread-safe."""

    def __init__(
        self,
        *,
        host: IngestionHost,
        access: ChildAccess,
        project_root: Path,
        log_dir: Path,
        record: str | None = None,
        continues_loads: Mapping[StepId, Collection[str]] = _NONE,
        placement: Placement = _DECLARED,
    ) -> None:
        """Configure the runner; `record` is the qualified table in the target that keeps each load's row counts.

        `continues_loads` names the runs in which a load was cut off. What they extracted counts as extracted here.
        """
        self._host = host
        self._access = access
        self._project_root = project_root.resolve()
        self._log_dir = log_dir.resolve()
        self._record = record
        self._continues_loads = continues_loads
        self._placement = placement
        self.interval: DataInterval | None = None
        """The data interval of a scheduled run."""
        self._lock = threading.Lock()
        self._datasets: dict[str, threading.Lock] = {}
        self._children = RunningChildren()
        self._extracted: set[StepId] = set()  # steps with a complete extraction; a further attempt does not repeat it

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        """Load each step in turn, and yield an outcome for each."""
        for request in requests:
            if not isinstance(request.step, IngestStep):
                raise TypeError(f"{request.step.id} is not an ingest step")
            started = datetime.now(UTC)
            if stop.is_set():
                yield cancelled(request.step, started, _LEFT)
            else:
                yield self._run_one(request.step, request.run_id, stop, started)

    def interrupt(self, steps: Collection[StepId]) -> None:
        """Terminate these loads, each with its children and its running statement."""
        self._children.interrupt(steps)

    def _run_one(self, step: IngestStep, run_id: str, stop: Stop, started: datetime) -> Outcome:
        log = self._log_dir / f"ingest-{self._placement.schema(step.pipeline)}.log"
        try:
            child = self._host.open_child(self._message(step, run_id, log), access=self._access)
        except IngestionError as error:
            return errored(step, started, str(error), log)
        answer: Mapping[str, Any] = {}
        died = ""
        try:
            with self._children.running(step.id, child):
                answer = self._talk(child, step, stop)
        except ChildEndedError as error:
            died = f"the process that loaded it died: {error}"
        except ChildBugError as error:
            died = f"internal error: {error}. This is a bug of elt: please report it."
        finally:
            # Returns when the child's transaction is rolled back, so that another attempt does not meet it.
            output = child.close()
        # The child was ended on purpose, so how it died is no error.
        if died and stop.is_set():
            return cancelled(step, started, _LEFT)
        if died:
            return errored(step, started, died, log, output=output)
        if "error" in answer:
            message = "\n".join(filter(None, (answer["error"], answer["hint"])))
            kind = ErrorClass(answer["class"])
            return errored(step, started, message, log, output=output, error_class=kind)
        return ended(step, started, answer)

    def _talk(self, child: Child, step: IngestStep, stop: Stop) -> Mapping[str, Any]:
        """Serve the child until it returns its answer."""
        known: dict[str, Any] = {}
        # Also releases the dataset of a child that dies while it has it locked.
        with ExitStack() as locked:
            while True:
                message = child.receive(stopped=stop.is_set)
                match message.get("tell"):
                    case "extracted":
                        self._extracted.add(step.id)
                        continue
                    case "loaded":  # another attempt would load the same rows again
                        known = {"class": ErrorClass.PERMANENT}
                        continue
                match message.get("ask"):
                    case "dataset":
                        self._lock_dataset(step.dataset, locked, stop)
                        child.send({"granted": True})
                    case "release":
                        locked.close()
                    case _:
                        return message | known

    def _lock_dataset(self, name: str, locked: ExitStack, stop: Stop) -> None:
        """Wait for the lock of the dataset; raises ChildEndedError if the run is stopped in the meantime."""
        with self._lock:
            # On DuckDB, names that differ only in case are one schema; elsewhere a shared lock does no harm.
            lock = self._datasets.setdefault(name.lower(), threading.Lock())
        while not lock.acquire(timeout=LOOK_AT_STOP_SECONDS):
            if stop.is_set():
                raise ChildEndedError("it was interrupted")
        locked.callback(lock.release)

    def _message(self, step: IngestStep, run_id: str, log: Path) -> Mapping[str, object]:
        return {
            "verb": "load",
            "project_root": str(self._project_root),
            "module": str(self._project_root / step.module),
            "source": step.source,
            "attribute": step.attribute,
            "dataset": step.dataset,
            "is_moved": bool(self._placement.prefix),
            "resources": list(step.resources),
            "extracted": step.id in self._extracted,
            "run_id": run_id,
            "goes_on": sorted(self._continues_loads.get(step.id, ())),
            "record": self._record,
            "pipelines_dir": str(self._pipelines_dir(step)),
            "kind": self._access.kind,
            "place": self._access.place,
            "log": str(log),
            "interval": None if self.interval is None else list(self.interval.texts),
        }

    def _pipelines_dir(self, step: IngestStep) -> Path:
        """Return the folder of elt's pipelines for this database and dataset; two of them must not share dlt's state.

        An earlier elt had one folder for all datasets of a database. The state of a pipeline in that folder belongs to
        the dataset that it last loaded, and stays in use for that dataset.
        """
        place = self._access.place
        name = Path(place).stem.strip(":") or "database"
        parent = self._project_root / ".elt" / "dlt"
        folder = parent / f"{name}-{_key(place)}"
        if not _was_loaded(folder / step.pipeline, step.dataset):
            folder = parent / f"{name}-{_key(place, step.dataset)}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _key(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:8]


def _was_loaded(working_dir: Path, dataset: str) -> bool:
    """Return whether a pipeline's working folder holds the state of this dataset, or a state that cannot be read."""
    try:
        state = json.loads((working_dir / "state.json").read_bytes())
    except OSError:  # nothing was loaded from this folder
        return False
    except ValueError:  # the load reports the damaged file; another folder would hide the damage
        return True
    return isinstance(state, dict) and state.get("dataset_name") == dataset
