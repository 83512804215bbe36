"""Checks the calls of a Python model that use a text as more than a value: as SQL, a method name or a time."""

import ast
import re
from collections.abc import Iterator

from orchestrator.reuse.fingerprints import python_names as names
from orchestrator.reuse.fingerprints.python_scope import Scope
from orchestrator.reuse.fingerprints.python_values import (
    constant_text,
    has_plain_fields,
    is_plain_expression,
    may_be_text,
    path_of,
    resolved,
    shows_its_address,
)

_FULL_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_MOMENTS = frozenset({"pandas.Timestamp", "pandas.date_range"})
_NO_MOMENTS = frozenset({"freq", "tz", "unit", "name", "inclusive", "normalize"})
CALLED_ONLY = _MOMENTS | {"pandas.to_datetime"}
"""Functions that read the clock or not, depending on their arguments."""
_TEMPLATES = {
    "filter": "select * from {relation} where {text}",
    "order": "select * from {relation} order by {text}",
    "sort": "select * from {relation} order by {text}",
    "join": "select * from {relation} where {text}",
}
_AS_SELECTED = "select {text}\nfrom {relation}"  # on two lines: a comment in the text cannot hide the rest
_RELATION = "elt_relation"
_DEPTH = 20


def findings_of_call(node: ast.Call, scope: Scope) -> Iterator[tuple[str, int]]:
    """Yield what is not understood in a call, except for the names in it."""
    path = path_of(node.func, scope)
    if path is not None:
        yield from _of_function(node, path, scope)
    elif isinstance(node.func, ast.Attribute) and not _is_of_dbt(node.func, scope):
        yield from _of_method(node, node.func, scope)


def _is_of_dbt(func: ast.Attribute, scope: Scope) -> bool:
    base: ast.expr = func
    while isinstance(base, ast.Attribute):
        base = base.value
    return isinstance(base, ast.Name) and base.id in scope.protocol


def _of_function(node: ast.Call, path: str, scope: Scope) -> Iterator[tuple[str, int]]:
    """Yield what is not understood in a call of a builtin or of a module's function."""
    keywords = {one.arg for one in node.keywords}
    if path in _MOMENTS:
        for argument in (*node.args, *(one.value for one in node.keywords if one.arg not in _NO_MOMENTS)):
            text = constant_text(argument, scope)
            if not _is_plain_number(argument) and (text is None or not _FULL_DATE.fullmatch(text)):
                yield f"{path}() of a value that is not written there", node.lineno
    elif path == "pandas.to_datetime" and "format" not in keywords:
        yield "to_datetime() without a format", node.lineno
    elif path in {"pandas.crosstab", "pandas.pivot_table"}:
        yield from _functions(node, [one.value for one in node.keywords if one.arg == "aggfunc"], scope)
        if len(node.args) > 3 or None in keywords:  # index, columns, values come first
            yield f"{path}() with arguments that are not named", node.lineno
    elif path == "hasattr" and not (len(node.args) == 2 and constant_text(node.args[1], scope)):
        yield "hasattr() with a name that is not written there", node.lineno
    elif path == "print" and "file" in keywords:
        yield "print() into a file", node.lineno
    elif path in {"str", "format"}:
        yield from ((f"{path}() of a function", node.lineno) for one in node.args if shows_its_address(one, scope))


def _of_method(node: ast.Call, func: ast.Attribute, scope: Scope) -> Iterator[tuple[str, int]]:
    """Yield what is not understood in a method call on any object."""
    method, line = func.attr, node.lineno
    if method in names.ONLY_CALLED and None in {one.arg for one in node.keywords}:
        yield f".{method}() with arguments that are not written there", line
    # `', '.join(…)` is a method of a text, `relation.join(…)` executes SQL.
    on_text = constant_text(func.value, scope) is not None
    if method == "format" and not (on_text and has_plain_fields(constant_text(func.value, scope) or "")):
        yield ".format() of a text that is not written there", line
    elif method in {"query", "eval"}:
        text = constant_text(node.args[0], scope) if len(node.args) == 1 else None
        if text is None or not is_plain_expression(text):
            yield f".{method}() of an expression that is not understood", line
    elif method == "insert" and (len(node.args) + len(node.keywords) < 2 or _is_spread(node)):
        yield ".insert() into a relation", line
    elif method in names.FUNCTION_METHODS:
        yield from _of_function_method(node, method, scope)
    elif method in names.SQL_METHODS and not on_text:
        rest = node.args[1:] if method == "join" else node.args
        unsafe = [one.value for one in node.keywords if one.arg not in names.SAFE_KEYWORDS]
        yield from _texts_as_sql(node, method, [*rest, *unsafe], scope)
    if method == "pivot_table":
        yield from _functions(node, [one.value for one in node.keywords if one.arg == "aggfunc"], scope)
        if len(node.args) > 3:  # index, columns, values come first
            yield ".pivot_table() with arguments that are not named", line


def _of_function_method(node: ast.Call, method: str, scope: Scope) -> Iterator[tuple[str, int]]:
    yield from _functions(node, node.args[:1], scope)
    yield from _functions(node, [one.value for one in node.keywords if one.arg in names.FUNCTION_KEYWORDS], scope)
    yield from _texts_as_sql(node, method, node.args[1:], scope)
    if method in {"agg", "aggregate"}:
        yield from _named_aggregates(node, scope)
    else:
        known = names.SAFE_KEYWORDS | names.FUNCTION_KEYWORDS
        yield from _texts_as_sql(node, method, [one.value for one in node.keywords if one.arg not in known], scope)


def _is_spread(node: ast.Call) -> bool:
    return any(isinstance(one, ast.Starred) for one in node.args) or any(one.arg is None for one in node.keywords)


def _named_aggregates(node: ast.Call, scope: Scope) -> Iterator[tuple[str, int]]:
    """Yield what is not understood in `agg(total=("amount", "sum"))`; the first value of such a pair is a column."""
    for one in node.keywords:
        match one.value:
            case _ if one.arg in names.SAFE_KEYWORDS | names.FUNCTION_KEYWORDS:
                pass
            case ast.Tuple(elts=[_, function]) if one.arg is not None:
                yield from _functions(node, [function], scope)
            case ast.Call(func=func, args=[_, function], keywords=[]) if path_of(func, scope) == "pandas.NamedAgg":
                yield from _functions(node, [function], scope)
            case value:
                yield from _functions(node, [value], scope)


def _functions(node: ast.Call, values: list[ast.expr], scope: Scope, depth: int = 0) -> Iterator[tuple[str, int]]:
    """Yield findings for values that may name a method that is not known to be pure."""
    for value in values:
        text = constant_text(value, scope)
        if text is not None:
            # A relation of DuckDB takes expressions where pandas takes names of functions.
            if text not in names.FUNCTION_NAMES and (text.isidentifier() or not _is_pure_sql(text, _AS_SELECTED)):
                yield f"the function '{text}'", node.lineno
        elif isinstance(value, ast.List | ast.Tuple):
            yield from _functions(node, value.elts, scope, depth + 1)
        elif isinstance(value, ast.Dict) and None not in value.keys:
            yield from _functions(node, value.values, scope, depth + 1)
        elif isinstance(value, ast.Name) and value.id in scope.values and depth < _DEPTH:
            yield from _functions(node, [scope.values[value.id]], scope, depth + 1)
        elif not _is_function(value, scope):
            yield f"a function that is not written there: {_short(value)}", node.lineno


def _is_function(value: ast.expr, scope: Scope) -> bool:
    """Return whether a value is a function and not the name of one."""
    match value:
        case ast.Name(id=name):
            return name in scope.functions or name in scope.members or name in names.BUILTINS - scope.bound
        case ast.List() | ast.Tuple() | ast.Dict() | ast.ListComp() | ast.DictComp() | ast.GeneratorExp():
            return False
        case ast.Attribute(value=base, attr="join"):
            return constant_text(base, scope) is not None
        case ast.Attribute() if resolved(value, scope) is not None:
            return True
        case _:
            return not may_be_text(value, scope)


def _texts_as_sql(node: ast.Call, method: str, values: list[ast.expr], scope: Scope) -> Iterator[tuple[str, int]]:
    """Yield findings for texts that a relation executes as SQL and that are not understood."""
    # DuckDB puts the text into a query, so it must be read in the same place of a query.
    template = _TEMPLATES.get(method, _AS_SELECTED)
    for value in values:
        inner = value.value if isinstance(value, ast.Starred) else value
        known = scope.values.get(inner.id, inner) if isinstance(inner, ast.Name) else inner
        if isinstance(known, ast.List | ast.Tuple):
            yield from _texts_as_sql(node, method, known.elts, scope)
            continue
        text = constant_text(known, scope)
        if text is not None:
            if not _is_pure_sql(text, template):
                yield f"the SQL '{text}' in .{method}()", node.lineno
        elif isinstance(value, ast.Starred) or may_be_text(known, scope):
            yield f".{method}() of a text that is not written there", node.lineno


def _is_pure_sql(text: str, template: str) -> bool:
    """Return whether a text is only an expression over the columns of one relation."""
    from orchestrator.reuse.fingerprints.statement import read_statement

    read = read_statement(template.format(text=text, relation=_RELATION), "duckdb")
    return not read.unknown and not read.volatile and {tuple(one) for one in read.relations} == {(_RELATION,)}


def _is_plain_number(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and not isinstance(value.value, str)


def _short(value: ast.expr) -> str:
    text = ast.unparse(value)
    return text if len(text) <= 40 else f"{text[:39]}…"  # so that it fits on a line of a plan
