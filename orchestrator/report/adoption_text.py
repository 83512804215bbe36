"""Prints which nodes were adopted, and why the others were not."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from orchestrator.adoption.ruling import Ruling, RulingAct
from orchestrator.plan.plan_words import kind_of
from orchestrator.plan.step import BuildStep, Step, TestStep
from orchestrator.wording import count

Told = Sequence[tuple[Step, Ruling]]
_WORDS = {
    RulingAct.ADOPT: "adopted",
    RulingAct.COMPARE: "to be compared",
    RulingAct.KNOWN: "already known to elt",
    RulingAct.REFUSE: "not adopted",
}
_CHECKS = (
    "The next run builds again what is checked by a test that never ran here. To keep it, run the tests first: elt test"
)


def adoption_to_json(nodes: Told, invocation_id: str, run_id: str, *, dry_run: bool) -> dict[str, object]:
    """Return the adoption as values for JSON."""
    return {
        "invocation_id": invocation_id,
        "run_id": run_id or None,
        "dry_run": dry_run,
        "counts": {act.value: sum(ruling.act is act for _, ruling in nodes) for act in RulingAct},
        "nodes": [
            {
                "id": step.id,
                "name": step.name,
                "kind": kind_of(step),
                "path": step.path,
                "act": ruling.act.value,
                "reason": ruling.reason,
            }
            for step, ruling in nodes
        ],
    }


def print_adoption(console: Console, nodes: Told, invocation_id: str, run_id: str, *, dry_run: bool) -> None:
    """Print each node that was not adopted with its reason, then the counts."""
    for step, ruling in nodes:
        if ruling.act is RulingAct.REFUSE or (dry_run and ruling.act is not RulingAct.KNOWN):
            line = f"{_WORDS[ruling.act]:<14} {_kind(step)} {step.name}: {ruling.reason}"
            console.print(line, soft_wrap=True)
    for what, kind in (("node", BuildStep), ("check", TestStep)):
        counts = Counter(ruling.act for step, ruling in nodes if isinstance(step, kind))
        if counts:
            total = sum(counts.values())
            parts = ", ".join(f"{counts[act]:,} {_WORDS[act]}" for act in RulingAct if counts[act])
            console.print(f"{count(total, what)}: {parts}", soft_wrap=True)
    if run_id and any(isinstance(step, TestStep) and ruling.act is RulingAct.REFUSE for step, ruling in nodes):
        console.print(_CHECKS, soft_wrap=True)
    if not nodes:
        console.print("Nothing to adopt: the selection names no model, seed, snapshot or test.", soft_wrap=True)
    of = f"of dbt's invocation {invocation_id}"
    if dry_run:
        console.print(f"Nothing was written ({of}).", soft_wrap=True)
    elif run_id:
        console.print(f"Recorded as run {run_id} ({of}).", soft_wrap=True)


def _kind(step: Step) -> str:
    return step.resource_type.replace("_", " ") if isinstance(step, BuildStep | TestStep) else kind_of(step)
