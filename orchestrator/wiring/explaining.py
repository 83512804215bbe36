"""Explains one node: its fingerprint now and when it last ended well, and what that comes to."""

import difflib
from collections.abc import Mapping
from contextlib import closing

from orchestrator.adapters.dbt.compiling import compile_code
from orchestrator.errors import NothingRecordedError, UsageError
from orchestrator.execution.explained import Explained, explained
from orchestrator.execution.ports import RunReader, RunStore
from orchestrator.execution.recorded import Standing
from orchestrator.execution.settle import Settlement
from orchestrator.nodes.dbt import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.plan.fingerprints.make import FINGERPRINTED, Fingerprinter, make_fingerprints
from orchestrator.plan.fingerprints.value import Fingerprint
from orchestrator.plan.fingerprints.words import Words
from orchestrator.plan.step import StepId
from orchestrator.wiring.fingerprinting import surroundings_of, with_ancestors
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.recording import open_store


def explain_node(project: OpenProject, name: str) -> Explained:
    """Explain the node of that name or id; raises UsageError when there is none, or several."""
    manifest = project.graph.manifest
    node = find_node(manifest, name)
    order = with_ancestors(project, [node.unique_id])
    around = surroundings_of(project)
    with closing(open_store(project.settings)) as store:
        reader = _reader(store)
        standing = _standing(reader, project.target.identity, order)

        def code(fingerprint: Fingerprint, then: Standing) -> tuple[str | None, str | None]:
            before = reader.compiled_code(then.run_id, StepId(fingerprint.node)) if reader is not None else None
            return (None if before is None else compile_code(project.session, fingerprint.node)), before

        languages = {one: manifest.nodes[one].definition.language for one in order if one in manifest.nodes}
        settlement = Settlement(standing=standing, adapter=project.target.adapter, languages=languages, code=code)
        now = make_fingerprints(manifest, around, order, settlement.identity)[node.unique_id]
    maker = Fingerprinter(manifest, around)
    return explained(
        node,
        project.target.name,
        lambda one: Words(manifest, maker, manifest.nodes[one]),
        now,
        standing.get(StepId(node.unique_id)),
        settlement.comparisons,
    )


def find_node(manifest: Manifest, name: str) -> DbtNode:
    """Find a node that has a fingerprint by its name, its short name or its id; raises UsageError."""
    found = [node for node in manifest.nodes.values() if node.resource_type in FINGERPRINTED and name in _names(node)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(node.unique_id for node in found)
        raise UsageError(f"Several nodes are called {name}: {ids}.", hint="Name one of them by its id.")
    known = {one for node in manifest.nodes.values() if node.resource_type in FINGERPRINTED for one in _names(node)}
    others = [(node.name, node.unique_id) for node in manifest.nodes.values()]
    others += [(source.name, source.unique_id) for source in manifest.sources.values()]
    if any(name in names for names in others):
        raise UsageError(
            f"{name} is nothing that dbt builds or tests, and has no fingerprint.",
            hint="Models, seeds, snapshots, functions, data tests and unit tests have one: `elt ls` lists them.",
        )
    near = difflib.get_close_matches(name, sorted(known), n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "`elt ls` lists the nodes."
    raise UsageError(f"The project has no node called {name}.", hint=hint)


def _names(node: DbtNode) -> set[str]:
    return {node.name, node.unique_id, short_name(node.unique_id)}


def _reader(store: RunStore) -> RunReader | None:
    """Open the record; None where nothing is recorded yet."""
    try:
        return store.reader()
    except NothingRecordedError:
        return None


def _standing(reader: RunReader | None, target: str, nodes: list[NodeId]) -> Mapping[StepId, Standing]:
    return {} if reader is None else reader.standing(target, [StepId(node) for node in nodes])
