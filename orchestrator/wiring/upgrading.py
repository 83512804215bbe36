"""Previews what a run would rebuild because other releases are installed than those of the last builds."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace

from orchestrator.config.installed import installed_versions
from orchestrator.errors import NothingRecordedError, UnknownRunError
from orchestrator.execution.knowledge import Knowledge
from orchestrator.execution.ports import RunReader, RunStore
from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.command import Command
from orchestrator.plan.make_request import requested
from orchestrator.reuse.evaluator import Evaluator
from orchestrator.reuse.fingerprints import outside
from orchestrator.reuse.fingerprints.change_words import Words
from orchestrator.reuse.fingerprints.compare import Change, code_digest
from orchestrator.reuse.upgrade import CodeComparison, Releases, UpgradeFacts, UpgradePreview
from orchestrator.wiring.open_project import OpenProject
from orchestrator.wiring.planning import selected, steps_for
from orchestrator.wiring.project_store import open_store


def preview_upgrade(project: OpenProject, command: Command) -> UpgradePreview:
    """Return what `elt run --skip-unchanged` with this selection would rebuild, and why.

    Raises:
        NothingRecordedError: Nothing was ever built in this target. StoreError: The record cannot be read.
    """
    asked = replace(command, skip_unchanged=True)
    with closing(open_store(project.settings)) as store:
        known, reader = Knowledge(project=project, store=store), _reader_of(store)
        request = requested(asked, selected(asked, project))
        plan, evaluator = known.decided_plan(steps_for(project, request), request, skip_unchanged=True)
        last = evaluator.past.last_success
        built_with = _versions_of_runs(reader, {NodeId(step): found.run_id for step, found in last.items()})
        nodes = project.graph.manifest.nodes

        def words(node: NodeId, change: Change) -> str:
            return Words(project.graph.manifest, known.maker, nodes[node]).change(change)

        def compiled(node: NodeId, run_id: str) -> CodeComparison:
            return _compared(evaluator, nodes[node], run_id, project.target.adapter, project.dbt.compiled_variants)

        own = {} if project.host is None else project.host.versions()
        installed = {**installed_versions(), **own}
        tools = frozenset({"elt", *own, *outside.versions_of(project.target.adapter)})
        facts = UpgradeFacts(
            last_success=last,
            comparisons=evaluator.comparisons,
            releases=Releases(built_with=built_with, installed=installed, tools=tools),
            words=words,
            compiled=compiled,
        )
        return facts.preview(plan)


def _reader_of(store: RunStore) -> RunReader:
    try:
        return store.reader()
    except NothingRecordedError as error:
        raise NothingRecordedError(
            "No run is recorded, so there is no build to compare with.",
            hint="`elt run` builds and records; `elt adopt` records what plain dbt built.",
        ) from error


def _versions_of_runs(reader: RunReader, runs: Mapping[NodeId, str]) -> Mapping[NodeId, Mapping[str, str]]:
    """Return the versions with which each node was built; a run that is no longer recorded is left out."""
    found: dict[str, Mapping[str, str]] = {}
    for run_id in set(runs.values()):
        try:
            found[run_id] = reader.head(run_id).versions
        except UnknownRunError:
            continue
    return {node: found[run_id] for node, run_id in runs.items() if run_id in found}


def _compared(
    evaluator: Evaluator,
    node: DbtNode,
    run_id: str,
    adapter: str,
    variants: Callable[[NodeId], tuple[str, ...]],
) -> CodeComparison:
    then = evaluator.project.code.then(node.unique_id, run_id)
    # An incremental model was built from scratch or not; its build is compared with the next one of the same kind.
    now = () if then is None else variants(node.unique_id)
    if then is None or not now:
        return CodeComparison.UNKNOWN
    # Compared as fingerprints are: layout and comments do not count.
    before, *after = (code_digest(text, adapter=adapter, language=node.definition.language) for text in (then, *now))
    return CodeComparison.SAME if before in after else CodeComparison.CHANGED
