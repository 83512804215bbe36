"""Makes plans and outcomes for tests: a small text draws the graph, everything else has a default."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.recorded import Process, RunHead
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.nodes.own_step import CommandCall
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import (
    BuildStep,
    Cause,
    FreshnessStep,
    HookStep,
    IngestStep,
    OwnStep,
    Step,
    StepId,
    TestStep,
    ValidationStep,
    Why,
)
from tests.fakes.clock import NOON


def make_plan(drawing: str, **options: Any) -> Plan:
    """Draw a plan: `a -> b -> c, ~a -> d, e`.

    An arrow makes the left step a parent of the right one; where the piece begins with `~`, the right one merely
    comes after the left one. The first letters of a name say what kind of step it is (see `make_step`). Steps
    stand in the plan in the order in which the drawing first names them.
    """
    parents: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for piece in filter(None, (piece.strip() for piece in drawing.replace("\n", ",").split(","))):
        edges = after if piece.startswith("~") else parents
        names = [name.strip() for name in piece.removeprefix("~").split("->")]
        for name in names:
            parents.setdefault(name, [])
            after.setdefault(name, [])
        for left, right in pairwise(names):
            edges[right].append(left)
    return Plan(steps=tuple(make_step(name, parents=parents[name], after=after[name], **options) for name in parents))


def make_step(name: str, *, parents: Any = (), after: Any = (), **options: Any) -> Step:
    """Make a step whose id is its name and whose kind its name shows.

    `test_…`: a data test; `load_…`: an ingest; `fresh_…`: freshness asked by dbt; `age_…`: freshness by load;
    `suite_…`: a validation; `hook_start` and `hook_end`: hooks; `own_…`: a step of elt.yml; else: a table model.
    """
    shared: dict[str, Any] = {
        "id": StepId(name),
        "name": name,
        "path": f"models/{name}.sql",
        "parents": tuple(StepId(parent) for parent in parents),
        "after": tuple(StepId(other) for other in after),
        "cause": Cause(why=Why.SELECTED),
    }
    node = NodeId(f"model.shop.{name}")
    relation = Relation(database=None, schema="main", identifier=name)
    match name.split("_", maxsplit=1)[0]:
        case "test":
            step = TestStep(node=node, resource_type=ResourceType.TEST, severity="error", **shared | options)
        case "load":
            step = _ingest(name, shared | options)
        case "fresh" | "age" as kind:
            limits = {"warn_after_seconds": 60.0, "error_after_seconds": 120.0}
            step = FreshnessStep(node=node, by_load=kind == "age", **limits | shared | options)
        case "suite":
            step = ValidationStep(suite=name, node=node, relation=relation, **shared | options)
        case "own":
            step = OwnStep(node=NodeId(f"step.{name}"), call=CommandCall(words=("true",)), **shared | options)
        case "hook":
            step = HookStep(when=name.split("_")[1], **shared | options)
        case _:
            table = {"resource_type": ResourceType.MODEL, "materialized": "table"}
            step = BuildStep(node=node, **table | shared | options)
    return step


def _ingest(name: str, options: dict[str, Any]) -> IngestStep:
    source = {"source": name, "module": f"ingestion/{name}.py", "attribute": name, "pipeline": name}
    rest = {"dataset": "raw", "working_dir": None, "resources": (), "nodes": ()}
    return IngestStep(**source | rest | options)


def make_outcome(
    step: str,
    status: Status | str = Status.SUCCESS,
    *,
    seconds: float = 1.0,
    code: ReasonCode = ReasonCode.RAN,
    blame: str | None = None,
    **options: Any,
) -> Outcome:
    """Make the outcome of a step that ran for so many seconds from noon; one that was skipped did not run."""
    status = Status(status)
    if status is not Status.SKIPPED:
        options = {"started_at": NOON, "ended_at": NOON + timedelta(seconds=seconds)} | options
    reason = Reason(code=code, blame=None if blame is None else StepId(blame))
    return Outcome(step_id=StepId(step), status=status, reason=reason, **options)


def make_head(*, status: Status | None = Status.SUCCESS, host: str = "laptop", **known: Any) -> RunHead:
    """Make a run of a list: begun at noon, by a process that is still the only one."""
    defaults: dict[str, Any] = {
        "run_id": "r1",
        "verb": "build",
        "trigger": "api",
        "command": (),
        "target": "dev",
        "target_identity": "duckdb shop.duckdb",
        "database": "shop.duckdb",
        "started_at": NOON,
        "heartbeat_at": NOON,
        "last_event_at": NOON,
        "ended_at": None if status is None else NOON + timedelta(seconds=9),
        "code": None,
        "versions": {},
        "counts": {},
        "steps": 1,
    }
    process = Process(host=host, pid=4711, started_at=NOON, user="ada")
    return RunHead(status=status, process=process, **defaults | known)
