"""Says what dbt 2.x cannot do in a plan, and how it runs a plan differently. Pure."""

from collections.abc import Iterator

from orchestrator.adapters.dbt2.program_calls import QualifiedNames
from orchestrator.nodes.target import Target
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import (
    BuildStep,
    FreshnessStep,
    HookStep,
    IngestStep,
    Step,
    TestStep,
    ValidationStep,
    node_of,
)
from orchestrator.wording import count, some_of

_INSTEAD = "remove `dbt.command` from elt.yml to use dbt 1.x."
_MOST_NAMED = 3


def refusals_of(plan: Plan, target: Target, names: QualifiedNames, name: str) -> Iterator[tuple[str, str]]:
    """Yield what keeps a plan from running, each with a hint."""
    if target.path == ":memory:" and plan.steps:
        yield (
            f"The target {target.name} is in memory, and {name} is several processes: each would begin with nothing.",
            f"Set `path` of the target in profiles.yml to a file, or {_INSTEAD}",
        )
    unnamed = [node for step in plan.steps if (node := node_of(step)) and not names.can_be_named(node)]
    if unnamed:
        yield (
            f"The names of some nodes cannot be selected by {name}: {some_of(unnamed, _MOST_NAMED)}.",
            f"Rename them with letters, digits and underscores, or {_INSTEAD}",
        )
    hooks = sorted({step.name for step in plan.of(HookStep)})
    if hooks:
        yield (
            f"{name} cannot run the {' and '.join(hooks)} hooks once: each of its processes would run them again.",
            f"Remove the hooks, or {_INSTEAD}",
        )
    beside: list[Step] = [*plan.of(IngestStep), *plan.of(ValidationStep)]
    beside += [step for step in plan.of(FreshnessStep) if step.by_load]
    if beside:
        named = some_of([step.name for step in beside], _MOST_NAMED)
        yield (
            f"Only {name} opens the database, so elt cannot load, validate or check the age of loads in it: {named}.",
            f"Leave them out: --no-ingest --no-freshness --exclude 'expectation:*', or {_INSTEAD}",
        )


def notes_on(plan: Plan, name: str) -> tuple[str, ...]:
    """Return how a plan runs differently."""
    steps = [step for step in plan.steps if isinstance(step, BuildStep | TestStep)]
    if not steps:
        return ()
    number = levels_of(plan)
    processes = f"{count(number, 'process', 'processes')} one after another" if number > 1 else "one process"
    return (
        f"{name} (experimental) runs the steps in about {processes}: all steps that are ready go to one",
        "nothing is reused, ancestors that --upstream auto adds all run, and no markers or row counts are kept",
        "an interruption or a time limit ends all steps of a process; a microbatch model is one step, all or nothing",
    )


def levels_of(plan: Plan) -> int:
    """Return the length of the longest chain of dbt's steps: each level is at least one process."""
    level: dict[str, int] = {}
    for step in plan.steps:  # every step comes after its parents
        above = max((level.get(parent, 0) for parent in (*step.parents, *step.after)), default=0)
        level[step.id] = above + isinstance(step, BuildStep | TestStep | FreshnessStep)
    return max(level.values(), default=0)
