"""Prints what an upgrade of dbt, its adapter, the database or elt makes a run rebuild."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from orchestrator.plan.plan_words import kind_of, shown_name
from orchestrator.plan.step import BuildStep
from orchestrator.report.words import one_line
from orchestrator.reuse.upgrade import CodeComparison, RebuildCause, RebuiltNode, UpgradePreview
from orchestrator.wording import count

_TITLES = {
    RebuildCause.UPGRADE: "Rebuilt because of the upgrade alone",
    RebuildCause.BOTH: "Rebuilt because of the upgrade and of other changes",
    RebuildCause.ABOVE: "Rebuilt because of a node above",
    RebuildCause.OTHER: "Rebuilt because of other changes alone",
    RebuildCause.IF_CHANGED: "Rebuilt if the run changes what they read",
    RebuildCause.NEVER_BUILT: "Never built",
}
_CODE = {
    CodeComparison.SAME: "compiles to the same code",
    CodeComparison.CHANGED: "compiles to different code",
    CodeComparison.UNKNOWN: "",
}


def print_upgrade(console: Console, found: UpgradePreview) -> None:
    """Print the releases that differ, then what is rebuilt by cause, and what is reused."""
    console.print(Text("\n").join(upgrade_lines(found)), soft_wrap=True)


def upgrade_lines(found: UpgradePreview) -> Iterator[Text]:
    """Yield the lines of a preview."""
    if found.releases:
        yield Text("Releases since the last builds", style="bold")
        width = max(len(one.tool) for one in found.releases)
        for one in found.releases:
            now = one.now or "not installed"
            yield Text(f"  {one.tool:<{width}}  {one.before} → {now}  ({count(one.nodes, 'node')})")
    elif found.rebuilt and len(found.of(RebuildCause.NEVER_BUILT)) == len(found.rebuilt) and not found.reused:
        yield Text("Nothing of this was built here before.")
    else:
        yield Text("Everything was last built with the releases that are installed.")
    for cause, title in _TITLES.items():
        nodes = found.of(cause)
        if nodes:
            yield Text()
            yield Text.assemble((title, "bold"), (f" ({len(nodes):,})", "dim"))
            yield from _nodes(nodes)
    yield Text()
    yield Text(f"{count(found.reused, 'node or check', 'nodes and checks')} reused")


def _nodes(nodes: Sequence[RebuiltNode]) -> Iterator[Text]:
    builds = [one for one in nodes if isinstance(one.step, BuildStep)]
    kinds = max((len(kind_of(one.step)) for one in builds), default=0)
    for one in builds:
        details = "; ".join(filter(None, (_CODE[one.compiled], *map(one_line, one.changes))))
        line = f"  {kind_of(one.step):<{kinds}}  {shown_name(one.step)}"
        yield Text.assemble(line, (f"  {details}" if details else "", "dim"))
    if len(nodes) > len(builds):
        yield Text(f"  {count(len(nodes) - len(builds), 'test')}")


def upgrade_to_json(found: UpgradePreview) -> dict[str, object]:
    """Return the preview as JSON, in the format described in docs/versions.md."""
    return {
        "version": 1,
        "releases": [
            {"tool": one.tool, "before": one.before, "now": one.now or None, "nodes": one.nodes}
            for one in found.releases
        ],
        "rebuilt": [
            {
                "id": one.step.id,
                "kind": kind_of(one.step).replace(" ", "_"),
                "cause": one.cause.value,
                "changes": list(one.changes),
                "built_by_run": one.run_id or None,
                "compiled_code": one.compiled.value,
            }
            for one in found.rebuilt
        ],
        "reused": found.reused,
    }
