"""Groups the steps of a plan for display."""

from dataclasses import dataclass, field

from orchestrator.nodes.identity import ResourceType
from orchestrator.plan.plan import Plan
from orchestrator.plan.plan_words import kind_of
from orchestrator.plan.step import (
    BuildStep,
    FreshnessStep,
    HookStep,
    IngestStep,
    OwnStep,
    Step,
    StepId,
    TestStep,
    ValidationStep,
)


@dataclass(slots=True, kw_only=True)
class Groups:
    """The steps by their purpose, each group in the plan's order."""

    before: list[Step] = field(default_factory=list)
    ingest: list[Step] = field(default_factory=list)
    gates: list[Step] = field(default_factory=list)
    """Freshness, and suites of tables that are not built in this plan."""
    checks: dict[StepId, list[Step]] = field(default_factory=dict)
    """Tests and suites by the build step that they belong to."""
    loose: list[Step] = field(default_factory=list)
    """Tests of nodes that are not built in this plan."""
    own: list[Step] = field(default_factory=list)
    """Steps of elt.yml, except for those that fill dbt sources, which are in `ingest`."""
    after: list[Step] = field(default_factory=list)


def group(plan: Plan) -> Groups:
    """Return the steps of a plan in groups, without its build steps."""
    groups = Groups()
    owners = _Owners(plan)
    for step in plan.steps:
        match step:
            case IngestStep():
                groups.ingest.append(step)
            case HookStep():
                (groups.before if step.when == "start" else groups.after).append(step)
            case FreshnessStep():
                groups.gates.append(step)
            case TestStep() | ValidationStep():
                owner = owners.of(step)
                if owner is not None:
                    groups.checks.setdefault(owner, []).append(step)
                else:
                    (groups.loose if isinstance(step, TestStep) else groups.gates).append(step)
            case OwnStep():
                (groups.ingest if step.feeds else groups.own).append(step)
            case BuildStep():
                pass
    return groups


def shown_kind(step: Step) -> str:
    """Return the kind of a step; for a model, its materialization."""
    if isinstance(step, BuildStep) and step.materialized and step.resource_type is ResourceType.MODEL:
        return step.materialized.replace("_", " ")
    return kind_of(step)


class _Owners:
    """Finds the build step that a check belongs to."""

    def __init__(self, plan: Plan) -> None:
        builds = plan.of(BuildStep)
        self._order = {step.id: at for at, step in enumerate(builds)}
        self._of_node = {step.node: step.id for step in builds}
        self._held: dict[StepId, StepId] = {}
        for build in builds:
            for parent in build.parents:
                self._held.setdefault(parent, build.id)

    def of(self, step: TestStep | ValidationStep) -> StepId | None:
        """Return the build step of a check: the suite's node, the unit test's model, or the data test's last parent."""
        if isinstance(step, ValidationStep):
            return self._of_node.get(step.node)
        named = self._of_node.get(step.cause.of) if step.cause.of is not None else None
        if step.resource_type is ResourceType.UNIT_TEST:
            return named or self._held.get(step.id)
        parents = [parent for parent in step.parents if parent in self._order]
        return max(parents, key=self._order.__getitem__) if parents else named
