"""Previews what a run would rebuild because other releases are installed than those of the last builds."""

from collections.abc import Mapping
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
from orchestrator.plan.step import StepId
from orchestrator.reuse.fingerprints.change_words import Words
from orchestrator.reuse.fingerprints.compare import Change, code_digest
from orchestrator.reuse.upgrade import CodeComparison, UpgradePreview, differing, preview_of, release_changes
from orchestrator.wiring.open_project import OpenProject
from orchestrator.wiring.planning import selected, steps_for
from orchestrator.wiring.project_store import open_store


def preview_upgrade(project: OpenProject, command: Command) -> UpgradePreview:
    """Return what `elt run --skip-unchanged` with this selection would rebuild, and why.

    Raises:
        NothingRecordedError: Nothing was ever built in this target.
    """
    asked = replace(command, skip_unchanged=True)
    with closing(open_store(project.settings)) as store:
        known, reader = Knowledge(project=project, store=store), _reader_of(store)
        request = requested(asked, selected(asked, project))
        plan, evaluator = known.decided_plan(steps_for(project, request), request, skip_unchanged=True)
        last = evaluator.past.last_success
        built_with = _versions_of_runs(reader, {NodeId(step): found.run_id for step, found in last.items()})
        nodes = project.graph.manifest.nodes
        installed = {**installed_versions(), **(project.host.versions() if project.host is not None else {})}

        def words(node: NodeId, change: Change) -> str:
            return Words(project.graph.manifest, known.maker, nodes[node]).change(change)

        def compiled(node: NodeId, run_id: str) -> CodeComparison:
            return _compared(project, reader, nodes[node], run_id)

        planned = {NodeId(step.id) for step in plan.steps}
        releases = release_changes({node: found for node, found in built_with.items() if node in planned}, installed)
        found = preview_of(plan, last, evaluator.comparisons, words, compiled, releases)
        return replace(found, releases_unknown=len(found.upgraded - differing(built_with, installed)))


def _reader_of(store: RunStore) -> RunReader:
    """Return the reader of the record; raises StoreError if the record cannot be read, NothingRecordedError."""
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


def _compared(project: OpenProject, reader: RunReader, node: DbtNode, run_id: str) -> CodeComparison:
    """Compare the code of a node as fingerprints do: layout and comments do not count."""
    then, now = reader.compiled_code(run_id, StepId(node.unique_id)), project.dbt.compiled_variants(node.unique_id)
    if then is None or not now:
        return CodeComparison.UNKNOWN

    def digest(text: str) -> str:
        return code_digest(text, adapter=project.target.adapter, language=node.definition.language)

    # The first build of an incremental model compiles to other code than those that follow.
    return CodeComparison.SAME if digest(then) in map(digest, now) else CodeComparison.CHANGED
