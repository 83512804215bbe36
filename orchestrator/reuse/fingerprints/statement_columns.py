"""Decides whether a statement may read the columns that dlt adds to a table. Their names begin with `_dlt_`.

A star over a table may include them. The statement reads them if such a star reaches its result, or if it is used in a
way in which all columns count: distinct, a set operation, a pivot, a list of new names, a row as a value.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.reuse.fingerprints.statement_tokens import Tokens

_QUERIES = frozenset({"Select", "Union", "Intersect", "Except", "Subquery", "Values"})
_PLAIN = frozenset({"expressions", "from_", "joins", "laterals", "where", "with_"})
"""The parts of a query that do not read all columns of a star."""
_SOURCES = frozenset({"Table", "Subquery", "Lateral", "Unnest", "Values"})
_WHOLE = frozenset({"Pivot", "Columns", "PositionalColumn", "Describe", "Summarize"})
_MODIFIERS = frozenset({"order", "limit", "offset", "sample", "pivots"})


class _SeenError(Exception):
    """Raised if something reads all columns of a table."""


def sees_all_columns(tree: Any, tokens: Tokens) -> bool:  # noqa: ANN401  # sqlglot's own
    """Return whether a query may read dlt's columns; False only if it certainly cannot."""
    if any(word.startswith("_dlt_") for word in tokens.words):  # the text names one of them
        return True
    relations = _relation_names(tree)
    for node in tree.walk():
        kind = type(node).__name__
        if kind in _WHOLE or (kind == "Identifier" and node.name.lower() in relations and _is_value(node)):
            return True
        if kind == "Star" and not _is_projected(node):
            return True
        # A natural join compares all columns that both sides have, so also those of dlt.
        if kind == "Join" and str(node.args.get("method") or "").upper() == "NATURAL":
            return True
    try:
        return _may_carry(tree, {})
    except (_SeenError, RecursionError):
        return True


def _relation_names(tree: Any) -> frozenset[str]:  # noqa: ANN401  # sqlglot's own
    """Return all names that can mean a whole row: tables, CTEs and their aliases."""
    owners = (node.args.get("this") for node in tree.walk() if type(node).__name__ in {"Table", "TableAlias"})
    return frozenset(owner.name.lower() for owner in owners if type(owner).__name__ == "Identifier")


def _is_value(identifier: Any) -> bool:  # noqa: ANN401  # sqlglot's own
    """Return whether a name is used as a value, not as a relation, a qualifier of a column or a new name."""
    match type(identifier.parent).__name__:
        case "Table" | "TableAlias":
            return False
        case "Column":
            return bool(identifier.arg_key == "this")
        case "Alias":
            return bool(identifier.arg_key != "alias")
        case _:
            return True


def _may_carry(query: Any, ctes: Mapping[str, bool]) -> bool:  # noqa: ANN401  # sqlglot's own
    """Return whether a query's columns may include dlt's; raise `_SeenError` if they are read in any other way."""
    ctes = _with_own(query, ctes)
    match type(query).__name__:
        case "Select":
            return _select_may_carry(query, ctes)
        case "Subquery":
            carries = _source_may_carry(query, ctes)
            if carries and any(query.args.get(key) for key in _MODIFIERS):
                raise _SeenError
            return carries
        case "Union" | "Intersect" | "Except":
            # Set operations compare whole rows, and match columns by position.
            if _may_carry(query.this, ctes) or _may_carry(query.expression, ctes):
                raise _SeenError
            _check_inner((query.args.get(key) for key in ("order", "limit", "offset")), ctes)
            return False
        case "Values":
            _check_inner(query.expressions, ctes)
            return False
        case _:
            raise _SeenError


def _with_own(query: Any, ctes: Mapping[str, bool]) -> Mapping[str, bool]:  # noqa: ANN401  # sqlglot's own
    """Return the CTEs visible to a query, each with whether it may include dlt's columns."""
    own = query.args.get("with_")
    if own is None:
        return ctes
    seen = dict(ctes)
    for cte in own.expressions:
        name = cte.args["alias"].this.name.lower()
        # The rows of the recursive part begin with those of the first, which is looked at by itself.
        inside = {**seen, name: False} if own.args.get("recursive") and _is_union(cte.this) else seen
        carries = _may_carry(cte.this, inside)
        if carries and cte.args["alias"].args.get("columns"):
            raise _SeenError
        seen[name] = carries
    return seen


def _is_union(query: Any) -> bool:  # noqa: ANN401  # sqlglot's own
    return type(query).__name__ == "Union"


def _select_may_carry(select: Any, ctes: Mapping[str, bool]) -> bool:  # noqa: ANN401  # sqlglot's own
    carries = True in [_source_may_carry(source, ctes) for source in _sources(select)]  # a list, so all are checked
    _check_inner((value for key, value in _values(select) if key not in {"with_", "from_"}), ctes)
    if not (carries and any(_is_star(one) for one in select.expressions)):
        return False
    # For instance, distinct compares all columns of the star.
    if any(value for key, value in select.args.items() if key not in _PLAIN):
        raise _SeenError
    return True


def _values(node: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # sqlglot's own
    for key, value in node.args.items():
        for one in value if isinstance(value, list) else (value,):
            if hasattr(one, "args"):
                yield key, one


def _sources(node: Any) -> Iterator[Any]:  # noqa: ANN401  # sqlglot's own
    """Yield what a query selects from: in its from clause, in joins, and in joins within parentheses."""
    start = node.args.get("from_")
    joined = [*(node.args.get("joins") or ()), *(node.args.get("laterals") or ())]
    for one in ([start] if start is not None else []) + joined:
        source = one if type(one).__name__ == "Lateral" else one.this
        yield source
        if type(source).__name__ in _SOURCES:
            yield from _sources(source)


def _source_may_carry(source: Any, ctes: Mapping[str, bool]) -> bool:  # noqa: ANN401  # sqlglot's own
    match type(source).__name__:
        case "Table":
            carries = _table_may_carry(source, ctes)
        case "Subquery":
            inner = source.this
            is_query = type(inner).__name__ in _QUERIES
            carries = _may_carry(inner, _with_own(source, ctes)) if is_query else _source_may_carry(inner, ctes)
            carries = True in [carries, *(_source_may_carry(one, ctes) for one in _sources(source))]
        case "Lateral":
            carries = type(source.this).__name__ in _QUERIES and _may_carry(source.this, ctes)
            _check_inner([] if type(source.this).__name__ in _QUERIES else [source.this], ctes)
        case "Unnest" | "Values":
            _check_inner(source.expressions, ctes)
            carries = False
        case _:
            raise _SeenError
    alias = source.args.get("alias")
    if carries and alias is not None and alias.args.get("columns"):
        raise _SeenError
    return carries


def _table_may_carry(table: Any, ctes: Mapping[str, bool]) -> bool:  # noqa: ANN401  # sqlglot's own
    if type(table.this).__name__ != "Identifier":  # a table function, which reads no table by itself
        _check_inner([table.this], ctes)
        return False
    if table.args.get("db") is None:
        return ctes.get(table.this.name.lower(), True)  # not a CTE: a table that dlt may have loaded
    return True


def _check_inner(nodes: Any, ctes: Mapping[str, bool]) -> None:  # noqa: ANN401  # sqlglot's own
    """Raise `_SeenError` if a subquery that is a value includes dlt's columns; `exists` reads no columns."""
    stack = [node for node in nodes if hasattr(node, "args")]
    while stack:
        node = stack.pop()
        kind = type(node).__name__
        if kind in _QUERIES:
            if _may_carry(node, ctes) and type(node.parent).__name__ != "Exists":
                raise _SeenError
        elif kind == "Join":
            stack += [value for key, value in _values(node) if key != "this"]
        elif kind != "Lateral":
            stack += [value for _, value in _values(node)]


def _is_star(node: Any) -> bool:  # noqa: ANN401  # sqlglot's own
    kind = type(node).__name__
    return kind == "Star" or (kind == "Column" and type(node.this).__name__ == "Star")


def _is_projected(star: Any) -> bool:  # noqa: ANN401  # sqlglot's own
    """Return whether a star is in the select list or in `count(*)`; any other star reads whole rows."""
    parent = star.parent
    if type(parent).__name__ == "Count":
        return not any(star.args.values())
    outer = star if type(parent).__name__ == "Select" else parent
    return type(outer.parent).__name__ == "Select" and _is_star(outer) and bool(outer.arg_key == "expressions")
