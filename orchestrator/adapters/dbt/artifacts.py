"""Writes dbt's artifacts (run_results.json, sources.json, manifest.json) from the outcomes of a run."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.found_results import reused_record
from orchestrator.adapters.dbt.manifest_file import replaced, write_manifest
from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.outcomes import run_record
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.errors import EltError, FullDiskError, ProjectError
from orchestrator.execution.events import Event, RunEnded, RunStarted, StepEnded
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.faults import Point, passing
from orchestrator.full_disk import full_disk_sentence, is_full_disk
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, FreshnessStep, Step, TestStep

Json = Mapping[str, object]


def artifact(*, metadata: Json, results: Sequence[Json], elapsed: float, args: Json | None = None) -> dict[str, object]:
    """Return run_results.json or sources.json as a dictionary; sources.json has no `args`."""
    document: dict[str, object] = {"metadata": metadata, "results": list(results), "elapsed_time": elapsed}
    if args is not None:
        document["args"] = args
    return document


def records(plan: Plan, outcomes: Iterable[Outcome], skipped: Mapping[NodeId, Json], *, sources: bool) -> list[Json]:
    """Return the entries of `results` in the order in which the steps ended; steps that dbt does not run have none."""
    found: list[Json] = []
    for outcome in outcomes:
        step = plan.by_id[outcome.step_id]
        if isinstance(step, FreshnessStep) is not sources:
            continue
        if isinstance(step, BuildStep | TestStep) and step.node in skipped and not _is_telling(outcome):
            found.append(skipped[step.node])
        else:
            found.extend(outcome.dbt_results)
    return found


def _is_telling(outcome: Outcome) -> bool:
    """Return whether to keep dbt's own record of a cancelled step: its batch results show which batches remain."""
    return any(record.get("batch_results") for record in outcome.dbt_results)


def is_recorded(step: Step) -> bool:
    """Return whether dbt would record a result for the step's node: it does so for every node but ephemeral models."""
    match step:
        case BuildStep():
            return step.materialized != "ephemeral"
        case TestStep():
            return True
        case _:
            return False


def _is_recorded_as_skipped(step: BuildStep | TestStep, outcome: Outcome) -> bool:
    """Return whether dbt would record the skip after an on-run-start hook failed.

    dbt then records every node in its queue. Ephemeral models are in that queue, unit tests are not.
    """
    if outcome.reason.code is ReasonCode.RUN_START_HOOK:
        return not (isinstance(step, TestStep) and step.resource_type is ResourceType.UNIT_TEST)
    return is_recorded(step)


_LEFT_ALONE = frozenset({Status.REUSED, Status.SKIPPED})
"""Statuses of steps that dbt did not compile: these steps do not change the manifest that the parse wrote."""


class ArtifactWriter:
    """Listens to a run and writes dbt's artifacts when the run ends, whatever its status."""

    def __init__(self, session: DbtSession) -> None:
        self._session = session
        self._runs: NodeRuns | None = None
        self._plan: Plan | None = None
        self._started: Any = None
        self._outcomes: list[Outcome] = []

    def attach(self, runs: NodeRuns) -> None:
        """Set the node runs that know the results of skipped and lost nodes."""
        self._runs = runs

    def hear(self, event: Event) -> None:
        """Keep every outcome, and write the artifacts when the run ends."""
        match event:
            case RunStarted():
                self._plan, self._started = event.plan, event.at
                self._outcomes.extend(event.settled)
            case StepEnded():
                self._outcomes.append(event.outcome)
            case RunEnded():
                try:
                    self._write((event.at - self._started).total_seconds())
                except OSError as error:
                    raise _unwritten(self._session.target_path, error) from error
            case _:
                pass

    def skipped_nodes(self) -> list[NodeId]:
        """Return the nodes that dbt would have run and that have been skipped so far."""
        # The tuple is a copy: the step of the on-run-end hooks calls this while the loop's thread may append.
        return [
            step.node
            for outcome in tuple(self._outcomes)
            if outcome.status in {Status.SKIPPED, Status.CANCELLED}
            and isinstance(step := self._step(outcome), BuildStep | TestStep)
            and _is_recorded_as_skipped(step, outcome)
        ]

    def lost_nodes(self) -> dict[NodeId, str]:
        """Return the nodes without a dbt result because they exceeded their time limit, each with its message."""
        return {
            step.node: outcome.message
            for outcome in tuple(self._outcomes)
            if outcome.reason.code is ReasonCode.TIME_LIMIT
            and not outcome.dbt_results
            and isinstance(step := self._step(outcome), BuildStep | TestStep)
            and is_recorded(step)
        }

    def forgotten_nodes(self) -> dict[NodeId, str]:
        """Return the nodes reused from a run that is no longer recorded, each with dbt's word for its status."""
        return {
            step.node: outcome.tool_word
            for outcome in tuple(self._outcomes)
            if outcome.status is Status.REUSED
            and not outcome.dbt_results
            and isinstance(step := self._step(outcome), BuildStep | TestStep)
            and is_recorded(step)
        }

    def _step(self, outcome: Outcome) -> Step | None:
        return self._plan.by_id[outcome.step_id] if self._plan is not None else None

    def _write(self, elapsed: float) -> None:
        plan, runs = self._plan, self._runs
        if plan is None or runs is None or not self._session.flags.WRITE_JSON:
            return
        skipped = {node: run_record(runs.skipped_result(node)) for node in self.skipped_nodes()}
        skipped |= {node: run_record(runs.lost_result(node, said)) for node, said in self.lost_nodes().items()}
        skipped |= {node: reused_record(self._session, node, word) for node, word in self.forgotten_nodes().items()}
        target = self._session.target_path
        target.mkdir(parents=True, exist_ok=True)
        passing(Point.ARTIFACT_BEGUN)
        if any(isinstance(step, BuildStep | TestStep) for step in plan.steps):
            results = records(plan, self._outcomes, skipped, sources=False)
            document = artifact(
                metadata=_metadata("run-results"), results=results, elapsed=elapsed, args=self._arguments()
            )
            _write_json(target / "run_results.json", document)
            if any(outcome.status not in _LEFT_ALONE for outcome in self._outcomes):
                self._write_manifest()
        if any(isinstance(step, FreshnessStep) and not step.by_load for step in plan.steps):
            sources = records(plan, self._outcomes, {}, sources=True)  # empty if no source could be queried
            document = artifact(metadata=_metadata("sources"), results=sources, elapsed=elapsed)
            _write_json(target / "sources.json", document)

    def _write_manifest(self) -> None:
        """Write the manifest again, now with the compiled code of the nodes that ran."""
        write_manifest(self._session.manifest, str(self._session.target_path)).close()

    def _arguments(self) -> Json:
        """Return the invocation's arguments as dbt records them, with secrets scrubbed as dbt scrubs them."""
        import dbt.utils
        from dbt.artifacts.schemas.run import RunResultsArtifact

        scrubbed = RunResultsArtifact.from_execution_results(
            results=[],
            elapsed_time=0.0,
            generated_at=self._started,
            args=dbt.utils.args_to_dict(self._session.flags),
        )
        args: Json = scrubbed.args
        return args


def _unwritten(target: Path, error: OSError) -> EltError:
    told = f"dbt's artifacts of this run could not be written into {target}"
    if is_full_disk(error):
        return FullDiskError(f"{told}. {full_disk_sentence(str(error), [target])}")
    return ProjectError(f"{told}: {error.strerror or error}.")


def _metadata(kind: str) -> Json:
    from dbt.artifacts.schemas.freshness import FreshnessMetadata
    from dbt.artifacts.schemas.run.v5.run import RunResultsMetadata

    made = RunResultsMetadata() if kind == "run-results" else FreshnessMetadata()
    metadata: Json = made.to_dict(omit_none=False)
    return metadata


def _write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write the file completely or not at all, so that no reader sees half an artifact."""
    from dbt.utils import JSONEncoder

    with replaced(path) as beside:
        beside.write_text(json.dumps(document, cls=JSONEncoder), encoding="utf-8")
        passing(Point.ARTIFACT_WRITTEN)
