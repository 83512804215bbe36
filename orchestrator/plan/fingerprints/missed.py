"""Says what a fingerprint may have missed of a node whose result came out as another one: as far as its code shows."""

import ast
import sys
from collections.abc import Iterator
from typing import Any

from orchestrator.nodes.dbt import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, Relation, short_name
from orchestrator.plan.fingerprints.normal_sql import normal_sql

_NOTHING = (
    "nothing that elt can see: rows of the standing table, or of one that it reads, were changed by hand, or the code"
    " does not give the same rows each time"
)
_OF_AN_ORDER = ("First", "Last", "AnyValue", "FirstValue", "LastValue", "ArrayAgg", "GroupConcat", "List")
"""What sqlglot calls the aggregates whose result depends on the order of the rows."""


def missed(manifest: Manifest, node: DbtNode, compiled: str | None, compiled_then: str | None) -> tuple[str, ...]:
    """Give what may be behind it, in words; `compiled_then` is what the node compiled to when what stands was built."""
    found = []
    if compiled is not None and node.definition.language == "python":
        found += [
            f"the module {name}, which it imports: what is in it is not looked into" for name in imported(compiled)
        ]
    elif compiled is not None:
        if compiled_then is not None and normal_sql(compiled, manifest.adapter_type) != normal_sql(
            compiled_then, manifest.adapter_type
        ):
            found.append(
                "what it compiles to: that was another SQL when what stands was built (`elt logs` names the file)"
            )
        found += _seen_in_sql(manifest, node, compiled)
    return tuple(found) or (_NOTHING,)


def imported(code: str) -> list[str]:
    """Name the modules that a Python model imports, but for Python's own."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return []
    names = {
        name.partition(".")[0]
        for one in ast.walk(tree)
        for name in (
            [alias.name for alias in one.names]
            if isinstance(one, ast.Import)
            else [one.module or ""]
            if isinstance(one, ast.ImportFrom)
            else []
        )
    }
    return sorted(names - sys.stdlib_module_names - {""})


def _seen_in_sql(manifest: Manifest, node: DbtNode, compiled: str) -> Iterator[str]:
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        trees = [tree for tree in parse(compiled, read=manifest.adapter_type) if tree is not None]
    except (SqlglotError, ValueError):
        return
    known = {relation.key() for relation in _read_by_refs(manifest, node)}
    names = {name for _, name in known}
    own = {cte.alias_or_name.lower() for tree in trees for cte in tree.find_all(exp.CTE)}
    tables = {(one.db.lower(), one.name.lower()) for tree in trees for one in tree.find_all(exp.Table) if one.name}
    for schema, name in sorted(tables):
        if (schema, name) in known or (not schema and name in names | own):
            continue
        named = f"{schema}.{name}" if schema else name
        yield f"{named}, which it reads without ref() or source(){_builder(manifest, schema, name)}"
    for tree in trees:
        yield from _unordered(exp, tree)
    called = {one.name.lower() for tree in trees for one in tree.find_all(exp.Anonymous) if one.name}
    yield from (f"{name}(): elt does not know whether it gives the same each time" for name in sorted(called))


def _read_by_refs(manifest: Manifest, node: DbtNode) -> Iterator[Relation]:
    """Give what a node reads through ref() and source(), also inside of ephemeral models; and its own table."""
    stack, seen = [node.unique_id], set[NodeId]()
    while stack:
        one = stack.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in manifest.sources:
            yield manifest.sources[one].relation
            continue
        dbt = manifest.nodes.get(one)
        if dbt is not None and dbt.relation is not None:
            yield dbt.relation
        if dbt is not None and (dbt.is_ephemeral or one == node.unique_id):
            stack += dbt.parents


def _builder(manifest: Manifest, schema: str, name: str) -> str:
    """Say which node of the project a table is."""
    relations = [(one.unique_id, one.relation) for one in manifest.nodes.values() if one.relation is not None]
    relations += [(one.unique_id, one.relation) for one in manifest.sources.values()]
    for node, relation in relations:
        if relation.identifier.lower() == name and schema in {"", relation.schema.lower()}:
            return f" (that is {short_name(node)})"
    return ""


def _unordered(exp: Any, tree: Any) -> Iterator[str]:  # noqa: ANN401  # sqlglot's own
    kinds = tuple(getattr(exp, name) for name in _OF_AN_ORDER if hasattr(exp, name))
    found = {
        one.sql_name().lower() for one in tree.find_all(*kinds) if (_frame(exp, one) or one).find(exp.Order) is None
    }
    yield from (f"{name}() without an order: which rows come first may differ" for name in sorted(found))
    for select in tree.find_all(exp.Select):
        if select.args.get("limit") is not None and select.args.get("order") is None:
            yield "limit without order by: which rows it keeps may differ"
            return


def _frame(exp: Any, aggregate: Any) -> Any:  # noqa: ANN401  # as above
    """Give the window that an aggregate is asked over."""
    return aggregate.parent if isinstance(aggregate.parent, exp.Window) else None
