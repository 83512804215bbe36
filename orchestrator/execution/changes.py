"""Finds what changed since a run was recorded: dbt reports its nodes, file digests show the rest."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.execution.recorded import RecordedRun
from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.nodes.own_step import PythonCall
from orchestrator.plan.plan import Plan
from orchestrator.plan.plan_words import shown_name
from orchestrator.plan.snapshot import ProjectSnapshot
from orchestrator.plan.step import BuildStep, FreshnessStep, IngestStep, OwnStep, Step, TestStep, ValidationStep


def digests_of(plan: Plan, project_root: Path) -> dict[str, str]:
    """Return a digest of each file outside dbt that a plan runs: ingestion modules, suites, and Python of steps."""
    paths = {step.path for step in plan.steps if isinstance(step, IngestStep | ValidationStep)}
    calls = (step.call for step in plan.of(OwnStep))
    paths |= {f"{call.module.replace('.', '/')}.py" for call in calls if isinstance(call, PythonCall)}
    return {path: digest for path in sorted(paths) if (digest := _digest(project_root / path)) is not None}


def gone_nodes(snapshot: ProjectSnapshot, steps: Sequence[Step]) -> tuple[NodeId, ...]:
    """Return the nodes of recorded steps that no longer exist in the project."""
    manifest = snapshot.graph.manifest
    return tuple(
        step.node
        for step in steps
        if (isinstance(step, BuildStep | TestStep) and step.node not in manifest.nodes)
        or (isinstance(step, FreshnessStep) and step.node not in manifest.sources)
        or (isinstance(step, OwnStep) and step.node not in snapshot.graph.steps)
    )


def with_steps_of_today(plan: Plan, graph: Graph) -> Plan:
    """Return a recorded plan in which the steps of one's own do what elt.yml says now, as dbt runs today's models."""
    return replace(plan, steps=tuple(_of_today(step, graph) for step in plan.steps))


def _of_today(step: Step, graph: Graph) -> Step:
    if not isinstance(step, OwnStep) or step.node not in graph.steps:
        return step
    own = graph.steps[step.node]
    return replace(step, call=own.call, env=own.env, inputs=own.inputs)


def changes_since(snapshot: ProjectSnapshot, run: RecordedRun, changed: frozenset[NodeId]) -> tuple[str, ...]:
    """Describe what changed in a run's plan since it was recorded: the changed nodes, and other files."""
    return tuple(_changes(snapshot, run, changed))


def is_module_of(project_root: Path, run: RecordedRun, path: str) -> bool:
    """Return whether an ingestion module, or a suite, is unchanged since a run was planned."""
    asked: Mapping[str, Any] = run.asked
    files: Mapping[str, str] = asked.get("files", {})
    return path in files and files[path] == _digest(project_root / path)


def _changes(snapshot: ProjectSnapshot, run: RecordedRun, changed: frozenset[NodeId]) -> Iterator[str]:
    for step in run.plan.steps:
        if isinstance(step, BuildStep | TestStep | FreshnessStep) and step.node in changed:
            yield f"{short_name(step.node)} ({step.path})"
        if step != _of_today(step, snapshot.graph):
            yield f"{shown_name(step)} ({step.path})"
    asked: Mapping[str, Any] = run.asked
    files: Mapping[str, str] = asked.get("files", {})
    for path, digest in files.items():
        if _digest(snapshot.settings.project_root / path) != digest:
            yield path


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None  # differs from every recorded digest
