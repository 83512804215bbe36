"""Compares what a run that reuses leaves with what a full run leaves."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from tests.reuse_pairs.drawing import Pair
from tests.reuse_pairs.running import Bench, Run, Verdict
from tests.reuse_pairs.warehouses import Content

BUILT = frozenset({"model", "seed", "snapshot"})
SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A project that reuses, and its copy in which everything runs."""

    pair: Pair
    ours: Bench
    full: Bench
    control: bool = False
    """Whether everything runs on both sides: then a difference is one of the harness."""


def compare(sides: Sides, words: list[str]) -> Verdict:
    """Run both sides and return the differences.

    What dlt loads on one side is brought to the other, because its ids are others in each load. The run of a mart
    comes first, where there is one; then everything runs, without loading a second time.
    """
    mart, everything = sides.pair.mart, ("--upstream", "all")
    reuse = everything if sides.control else ("--skip-unchanged",)
    if mart is None:
        reusing = sides.ours.run(*words, *reuse)
    else:
        selected = sides.ours.run(*words, "--select", mart, *(everything if sides.control else ()))
        held = sides.ours.warehouse.contents()
    sides.full.warehouse.bring(sides.ours.warehouse)
    full = sides.full.run(*words, "--no-ingest", *everything)
    if mart is not None:
        reusing = sides.ours.run(*words, "--no-ingest", *reuse)
    if full.is_void and reusing.is_void and full.exit_code == reusing.exit_code:
        return Verdict(pair=sides.pair, found=(), void=f"the edited project does not run: {full.said}")
    wanted = sides.full.warehouse.contents()
    found = list(differences(reusing, full, sides.pair))
    # PostgreSQL drops the views on a table that the full run builds again, also those that it then skips
    skipped = {step.name for step in full.steps.values() if step.status == "skipped"}
    left = sides.ours.warehouse.contents()
    left = {name: held for name, held in left.items() if name in wanted or name.rsplit(".", 1)[1] not in skipped}
    found += relations(left, wanted, _must_run(sides.pair))
    if mart is not None:
        found += [f"--select {mart}: {line}" for line in _of_a_mart(selected, full, sides, held, wanted)]
    steps = [step for step in reusing.steps.values() if step.name not in _must_run(sides.pair)]
    return Verdict(pair=sides.pair, found=tuple(found), steps=len(steps), reused=sum(step.reused for step in steps))


def differences(ours: Run, full: Run, pair: Pair) -> Iterator[str]:
    """Compare exit codes and statuses, and say what was reused that must run."""
    if ours.exit_code != full.exit_code:
        yield f"exit code {ours.exit_code}, of the full run {full.exit_code}: {ours.said[-300:]}"
    for step_id in sorted({*ours.steps, *full.steps}):
        yield from _step(step_id, ours, full)
    for step in ours.steps.values():
        if step.reused and step.name in _must_run(pair):
            yield f"{step.kind} {step.name}: reused, although its result is another one each time"


def _step(step_id: str, ours: Run, full: Run) -> Iterator[str]:
    one, other = ours.steps.get(step_id), full.steps.get(step_id)
    if one is None or other is None:
        present = one or other
        assert present is not None
        yield f"{present.kind} {present.name}: only in the {'full run' if one is None else 'run that reuses'}"
    elif one.status != other.status:
        yield (
            f"{one.kind} {one.name}: {one.status}{' (reused)' if one.reused else ''}, in the full run {other.status}"
            f" {other.message[:200]!r}"
        )


def relations(ours: Mapping[str, Content], full: Mapping[str, Content], hidden: Collection[str]) -> Iterator[str]:
    """Compare every table and view."""
    for name in sorted({*ours, *full}):
        identifier = name.rsplit(".", 1)[1]
        if any(identifier.startswith(node) for node in hidden) or ours.get(name) == full.get(name):
            continue
        one, other = ours.get(name), full.get(name)
        if one is None or other is None:
            yield f"{name}: only after the {'full run' if one is None else 'run that reuses'}"
        elif one.kind != other.kind:
            yield f"{name}: a {one.kind}, after the full run a {other.kind}"
        elif one.columns != other.columns:
            yield f"{name}: columns {one.columns}, after the full run {other.columns}"
        elif one.rows != other.rows:
            few = [sorted({*a.rows} - {*b.rows})[:SHOWN] for a, b in ((one, other), (other, one))]
            yield f"{name}: {len(one.rows)} rows, {len(other.rows)} after the full run; {few[0]} against {few[1]}"[:600]
        else:
            yield f"{name}: {one.beside}, after the full run {other.beside}"


def _of_a_mart(
    selected: Run, full: Run, sides: Sides, held: Mapping[str, Content], wanted: Mapping[str, Content]
) -> Iterator[str]:
    """Compare what was selected and all above it; what else is there was not asked for.

    A check that ran says what stands: of a relation that the plan does not build, the full run has another one.
    """
    for step_id in sorted(selected.steps.keys() & full.steps.keys()):
        outside = {one for one in full.steps[step_id].parents if one in full.steps} - selected.steps.keys()
        if selected.steps[step_id].reused or not outside:
            yield from _step(step_id, selected, full)
    above = _above(full, sides.pair.mart or "")
    failed = [step.name for step_id, step in full.steps.items() if step_id in above and step.status == "error"]
    if failed and not selected.exit_code:
        yield f"exit code 0, although in the full run {', '.join(failed)} ended in an error"
    names = {full.steps[step_id].name for step_id in above}
    only = {name for name in {*held, *wanted} if name.rsplit(".", 1)[1] in names}
    kept = ({name: side[name] for name in only if name in side} for side in (held, wanted))
    yield from relations(*kept, _must_run(sides.pair))


def _above(full: Run, mart: str) -> set[str]:
    """Return the steps that build a node and everything it reads."""
    waiting = [step_id for step_id, step in full.steps.items() if step.name == mart and step.kind in BUILT]
    above: set[str] = set()
    while waiting:
        step_id = waiting.pop()
        if step_id in full.steps and step_id not in above:
            above.add(step_id)
            waiting += full.steps[step_id].parents
    return {step_id for step_id in above if full.steps[step_id].kind in BUILT}


def _must_run(pair: Pair) -> set[str]:
    return {name for drawn in pair.drawn for name in drawn.part.must_run}
