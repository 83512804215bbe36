"""Suggests what a fingerprint may have missed when a rebuilt node has a different result, as far as its code shows."""

import ast
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import short_name
from orchestrator.reuse.fingerprints.normal_sql import normal_sql

_OTHER_CODE = "what it compiles to: that was something else when the existing table was built"
_BY_HAND = "rows that were changed by hand, in the table itself or in one that it reads"
_NOTHING = (
    f"nothing that elt can see: {_BY_HAND}; or its code does not give the same rows each time, which"
    " meta.elt.volatile: true says"
)
_OF_AN_ORDER = ("First", "Last", "AnyValue", "FirstValue", "LastValue", "ArrayAgg", "GroupConcat", "List")
"""sqlglot's names of the aggregates whose result depends on the order of the rows."""


def missed(manifest: Manifest, node: DbtNode, compiled: str | None, compiled_then: str | None) -> tuple[str, ...]:
    """Return possible causes in words; `compiled_then` is the compiled code of the existing result."""
    from orchestrator.reuse.fingerprints.statement import read_statement

    sure: list[str] = []
    perhaps: list[str] = []
    if node.definition.language == "python":
        names = imported(node.definition.raw_code)
        perhaps += [f"what is in the module {name}, which it imports" for name in names]
    elif compiled is not None:
        if compiled_then is not None and _normal(compiled, manifest) != _normal(compiled_then, manifest):
            sure.append(_OTHER_CODE)
        trees = _trees(compiled, manifest.adapter_type)
        # What the tree shows is certain, the rest only possible.
        sure += _read_beside_refs(manifest, node, trees)
        read = read_statement(compiled, manifest.adapter_type)
        sure += read.volatile
        perhaps += [*read.unknown, *_unsettled(trees)]
    if sure or perhaps:
        return (*sure, *perhaps, *([] if sure else [_BY_HAND]))
    return (_NOTHING,)


def imported(code: str) -> list[str]:
    """Return the modules that a Python model imports, without those of Python's standard library."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return []
    names = set()
    for one in ast.walk(tree):
        match one:
            case ast.Import():
                names |= {alias.name.partition(".")[0] for alias in one.names}
            case ast.ImportFrom():
                names.add((one.module or "").partition(".")[0])
            case _:
                pass
    return sorted(names - sys.stdlib_module_names - {""})


def _normal(code: str, manifest: Manifest) -> str:
    return normal_sql(code, manifest.adapter_type)


def _trees(compiled: str, adapter: str) -> list[Any]:
    from sqlglot import parse
    from sqlglot.errors import SqlglotError

    try:
        return [tree for tree in parse(compiled, read=adapter) if tree is not None]
    except (SqlglotError, ValueError, RecursionError):
        return []


def _read_beside_refs(manifest: Manifest, node: DbtNode, trees: Iterable[Any]) -> Iterator[str]:
    from sqlglot import exp

    known = {relation.key() for relation in manifest.read_by_refs(node)}
    names = {name for _, name in known}
    for tree in trees:
        own = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
        tables = {(one.db.lower(), one.name.lower()) for one in tree.find_all(exp.Table) if one.name}
        for schema, name in sorted(tables - known):
            if schema or name not in names | own:
                named = f"{schema}.{name}" if schema else name
                yield f"{named}, which it reads without ref() or source(){_builder(manifest, schema, name)}"


def _builder(manifest: Manifest, schema: str, name: str) -> str:
    """Describe which node of the project a table belongs to; empty if there is none."""
    relations = [(one.unique_id, one.placed) for one in manifest.nodes.values() if one.placed is not None]
    relations += [(one.unique_id, one.placed) for one in manifest.sources.values()]
    for node, relation in relations:
        if relation.identifier.lower() == name and schema in {"", relation.schema.lower()}:
            return f" (it is {short_name(node)})"
    return ""


def _unsettled(trees: Iterable[Any]) -> Iterator[str]:
    """Yield, in words, what may not return the same rows each time."""
    from sqlglot import exp

    kinds = tuple(getattr(exp, name) for name in _OF_AN_ORDER if hasattr(exp, name))
    for tree in trees:
        loose = {one.sql_name().lower() for one in tree.find_all(*kinds) if not _is_ordered(one)}
        yield from (f"the order of the rows, which {name}() depends on" for name in sorted(loose))
        if any(one.args.get("limit") and not one.args.get("order") for one in tree.find_all(exp.Select)):
            yield "the order of the rows, for which limit is no order by"


def _is_ordered(aggregate: Any) -> bool:  # noqa: ANN401  # sqlglot's own
    from sqlglot import exp

    over = aggregate.parent if isinstance(aggregate.parent, exp.Window) else None
    return aggregate.find(exp.Order) is not None or (over is not None and over.args.get("order") is not None)
