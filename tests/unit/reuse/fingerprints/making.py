"""Small projects for fingerprints: models, macros, and what surrounds them."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from orchestrator.graph.build import build_graph
from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource, Manifest
from orchestrator.nodes.definition import Definition, Macro
from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.make import FINGERPRINTED, Fingerprinter
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.fingerprints.value import Fingerprint, SourceVersion
from tests.graph_factories import make_manifest, make_node, node_id

AROUND = Surroundings()


def model(short: str, code: str = "select 1", *parents: str, config=None, **definition) -> DbtNode:
    """Make a node with its code; `config` is dbt's."""
    config = {"materialized": "table", **(config or {})}
    made = Definition(raw_code=code, config=config, **definition)
    return make_node(short, *parents, definition=made, materialized=config["materialized"])


def macro(name: str, text: str, *, package: str = "shop", body_only: bool = True) -> Macro:
    """Make a macro without parameters around a text."""
    code = f"{{% macro {name}() %}}{text}{{% endmacro %}}" if body_only else text
    unique_id = NodeId(f"macro.{package}.{name}")
    return Macro(unique_id=unique_id, name=name, package=package, path=f"macros/{name}.sql", code=code)


def project(*parts: DbtNode | DbtSource | Macro) -> Manifest:
    """Make the manifest of a project of these."""
    macros = {part.unique_id: part for part in parts if isinstance(part, Macro)}
    return replace(make_manifest(*(part for part in parts if not isinstance(part, Macro))), macros=macros)


def all_of(
    manifest: Manifest,
    around: Surroundings = AROUND,
    identity: Callable[[Fingerprint], str] = lambda made: made.digest,
    versions: Mapping[NodeId, SourceVersion] | None = None,
) -> dict[NodeId, Fingerprint]:
    """Make every fingerprint of a project; `identity` says what a node is to its children."""
    maker = Fingerprinter(manifest, around)
    known: dict[NodeId, str] = {}
    found: dict[NodeId, Fingerprint] = {}
    for unique_id in build_graph(manifest).depends:
        node = manifest.nodes.get(unique_id)
        if node is not None and node.resource_type in FINGERPRINTED:
            made = found[unique_id] = maker.make(node, known, found, versions or {})
            known[unique_id] = identity(made)
    return found


def one(*parts: DbtNode | DbtSource | Macro, of: str = "model.a", around: Surroundings = AROUND) -> Fingerprint:
    """Make the fingerprint of one node of a project."""
    return all_of(project(*parts), around)[node_id(of)]
