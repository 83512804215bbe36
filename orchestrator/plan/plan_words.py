"""Describes a plan as text for a person and as JSON for a program."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import assert_never

from orchestrator.nodes.dlt import load_name
from orchestrator.nodes.identity import NodeId, Relation, ResourceType, short_name
from orchestrator.nodes.own_step import CommandCall, HttpCall, PythonCall, own_step_name
from orchestrator.plan.decision import Act, Decision
from orchestrator.plan.plan import LeftOut, Plan
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
from orchestrator.wording import some_of

JSON_VERSION = 1
_MOST_FED = 3
"""How many of the dbt sources that a load feeds are listed by name."""

Json = dict[str, object]
_NOTHING: Mapping[StepId, Json] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The description of one step."""

    kind: str
    name: str
    reason: str


def explain(plan: Plan) -> tuple[Line, ...]:
    """Return a line for each step, in the order of the plan."""
    return tuple(Line(kind=kind_of(step), name=shown_name(step), reason=reason_of(step)) for step in plan.steps)


def kind_of(step: Step) -> str:
    """Return the kind of a step: `ingest`, `model`, `data test`, `freshness`, `suite`, `hook`, …."""
    match step:
        case IngestStep():
            return "ingest"
        case BuildStep():
            return step.resource_type.value.replace("_", " ")
        case TestStep():
            return "unit test" if step.resource_type is ResourceType.UNIT_TEST else "data test"
        case FreshnessStep():
            return "freshness"
        case ValidationStep():
            return "suite"
        case HookStep():
            return "hook"
        case OwnStep():
            return "step"
        case _:
            assert_never(step)


def action_of(step: OwnStep) -> str:
    """Return what a step of one's own does: `command`, `python` or `http`."""
    match step.call:
        case CommandCall():
            return "command"
        case PythonCall():
            return "python"
        case HttpCall():
            return "http"
        case _:
            assert_never(step.call)


def shown_name(step: Step) -> str:
    """Return the name of a step as shown to a person; for what dbt does not know, the name that commands accept."""
    if isinstance(step, OwnStep):
        return own_step_name(step.name)
    return load_name(step.source) if isinstance(step, IngestStep) else step.name


def titled_step(step: Step) -> str:
    """Return the name of a step with its kind: `model stg_flights`, `ingest:bts`."""
    return shown_name(step) if isinstance(step, IngestStep | OwnStep) else f"{kind_of(step)} {step.name}"


def reason_of(step: Step) -> str:
    """Return in words why the step is in the plan."""
    if step.cause.why is Why.FEEDS and isinstance(step, IngestStep | OwnStep) and len(step.feeds) > 1:
        return f"feeds {len(step.feeds):,} sources: {some_of(list(map(short_name, step.feeds)), _MOST_FED)}"
    of = named(step.cause.of) if step.cause.of else ""
    if step.cause.why is Why.CHECKS:
        return f"{'evaluates' if isinstance(step, FreshnessStep | ValidationStep) else 'tests'} {of}"
    return _REASONS[step.cause.why].format(of=of)


def told_of(step: Step) -> str:
    """Return in words why the step is in the plan and, if a decision was made, what it does."""
    decision = step.decision
    if decision is None or not decision.words or decision.words == reason_of(step):
        return reason_of(step)
    return f"{reason_of(step)}; {decision_words(decision)}"


def decision_words(decision: Decision) -> str:
    """Return in words what a step does, and why."""
    match decision.act:
        case Act.REUSE:
            return f"reused, {decision.words} since run {decision.of_run}"
        case Act.IF_CHANGED:
            return f"runs {decision.words}"
        case Act.CLOSED:
            return f"stays closed: {decision.words}"
        case Act.RECENT:
            return f"not due: {decision.words}"
        case Act.OPEN:
            return f"not run: {decision.words}"
        case Act.OPEN_SKIPS:
            return f"not run, and what is downstream is skipped: {decision.words}"
        case Act.UNCONFIRMED:
            likely = replace(decision, act=decision.likely or Act.RUN, likely=None)
            expected = f"runs ({likely.words})" if likely.act is Act.RUN else decision_words(likely)
            return f"unconfirmed, by the record: {expected}"
        case Act.RUN:
            return decision.words
        case _:
            assert_never(decision.act)


def count_by_act(plan: Plan) -> dict[Act, int]:
    """Count the steps by what they do, in the order of `Act`."""
    acts = Counter(step.decision.act if step.decision is not None else Act.RUN for step in plan.steps)
    return {act: acts[act] for act in Act if acts[act]}


_REASONS = {
    Why.SELECTED: "selected",
    Why.NEEDED: "needed by {of}",
    Why.FEEDS: "feeds {of}",
    Why.HOOK: "hook of the project",
    Why.FAILED: "did not succeed before",
    Why.HALTED: "did not run before",
    Why.CHANGED: "changed since",
    Why.GONE: "not there any more",
    Why.FOLLOWS: "below {of}, which runs again",
}


def named(node: NodeId) -> str:
    """Return the name of a node for use in a sentence: `source bts.flights`, `suite raw_flights`, `fct_flights`."""
    kind = node.partition(".")[0]
    words = {ResourceType.SOURCE: "source ", ResourceType.EXPECTATION: "suite "}
    words |= {ResourceType.INGEST: "ingest:", ResourceType.STEP: "step:"}
    return words.get(ResourceType(kind), "") + short_name(node)


def plan_to_json(plan: Plan, more: Mapping[StepId, Json] = _NOTHING) -> Json:
    """Return the plan as JSON in the format described in docs/plan.md; `more` adds keys to its steps."""
    return {
        "version": JSON_VERSION,
        "steps": [{**_step(step), **more.get(step.id, {})} for step in plan.steps],
        "left_out": [_left_out(one) for one in plan.left_out],
        "notes": list(plan.notes),
    }


def _step(step: Step) -> Json:
    return {
        "id": step.id,
        "kind": kind_of(step).replace(" ", "_"),
        "name": step.name,
        "path": step.path,
        "parents": list(step.parents),
        "after": list(step.after),
        "reads": [_relation(relation) for relation in step.reads],
        "writes": [_relation(relation) for relation in step.writes],
        "pool": step.pool,
        "priority": step.priority,
        "cause": _cause(step.cause),
        "reason": reason_of(step),
        "decision": _decision(step.decision),
        **_details(step),
    }


def _details(step: Step) -> Json:
    match step:
        case IngestStep():
            return {
                "source": step.source,
                "pipeline": step.pipeline,
                "dataset": step.dataset,
                "resources": list(step.resources),
                "nodes": list(step.nodes),
                "feeds": list(step.feeds),
            }
        case BuildStep():
            return {
                "node": step.node,
                "materialized": step.materialized,
                "added": step.added,
                "continues_on_error": step.continues_on_error,
            }
        case TestStep():
            return {"node": step.node, "severity": step.severity}
        case FreshnessStep():
            return {
                "node": step.node,
                "by_load": step.by_load,
                "warn_after_seconds": step.warn_after_seconds,
                "error_after_seconds": step.error_after_seconds,
            }
        case ValidationStep():
            return {"node": step.node, "suite": step.suite}
        case HookStep():
            return {"when": step.when}
        case OwnStep():
            inputs = None if step.inputs is None else list(step.inputs)
            return {"node": step.node, "does": action_of(step), "feeds": list(step.feeds), "inputs": inputs}
        case _:
            assert_never(step)


def _relation(relation: Relation) -> Json:
    return {"database": relation.database, "schema": relation.schema, "identifier": relation.identifier}


def _cause(cause: Cause) -> Json:
    return {"why": cause.why.value, "of": cause.of}


def _decision(decision: Decision | None) -> Json:
    if decision is None:
        return {"act": Act.RUN.value, "words": ""}
    found = {name: getattr(decision, name) for name in ("of_run", "status", "blame")}
    plain = {
        "act": decision.act.value,
        "words": decision.words,
        **{name: kept for name, kept in found.items() if kept},
    }
    return plain if decision.likely is None else {**plain, "likely": decision.likely.value}


def _left_out(one: LeftOut) -> Json:
    return {"node": one.node, "reason": one.reason, "detail": one.detail}
