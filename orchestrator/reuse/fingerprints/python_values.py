"""Finds what an expression of a Python model may be: a text, a member of a module, a polars expression."""

import ast
import re
from collections.abc import Iterator
from string import Formatter

from orchestrator.reuse.fingerprints import python_names as names
from orchestrator.reuse.fingerprints.python_scope import Scope

_TIME_OF_DAY = re.compile(r"\d{1,2}:\d\d(:\d\d(\.\d+)?)? ?([ap]m)?", re.IGNORECASE)
_DEPTH = 20


def reads_the_clock(text: str) -> str | None:
    """Return, in words, why a text may be interpreted as a time relative to the clock or as a random choice."""
    plain = text.strip().lower()
    if plain in {"now", "today", "random"}:
        return f"the text '{plain}'"
    if plain.startswith(("datetime64", "<m8", "m8")):  # numpy and pandas convert texts to these
        return "dates read from texts"
    if _TIME_OF_DAY.fullmatch(plain):
        return "a time without a date"
    return None


def resolved(node: ast.Attribute, scope: Scope) -> tuple[str, tuple[str, ...]] | None:
    """Return the module and members of a name such as `pd.DataFrame.from_dict`; None if it is not in a module."""
    members: list[str] = []
    base: ast.expr = node
    while isinstance(base, ast.Attribute):
        members.insert(0, base.attr)
        base = base.value
    if not isinstance(base, ast.Name) or base.id not in scope.modules or base.id in scope.shadowed:
        return None
    parts = [*scope.modules[base.id].split("."), *members]
    for end in range(len(parts) - 1, 0, -1):  # the longest module: `pyarrow.compute` before `pyarrow`
        if ".".join(parts[:end]) in names.MODULES:
            return ".".join(parts[:end]), tuple(parts[end:])
    return scope.modules[base.id], tuple(members)


def path_of(func: ast.expr, scope: Scope) -> str | None:
    """Return the full name of the builtin or module member that is called; None for anything else."""
    match func:
        case ast.Name(id=name) if name in scope.members:
            return ".".join(scope.members[name])
        case ast.Name(id=name) if name not in scope.bound:  # a builtin
            return name
        case ast.Attribute():
            found = resolved(func, scope)
            return None if found is None else ".".join((found[0], *found[1]))
        case _:
            return None


_NO_TEXTS = (
    *(ast.List, ast.Dict, ast.Set, ast.Tuple, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp),
    *(ast.Lambda, ast.Compare, ast.UnaryOp),
)
_OF_TEXTS = (ast.Add, ast.Mult, ast.Mod)


def may_be_text(value: ast.expr, scope: Scope, depth: int = 0) -> bool:
    """Return whether a value may be a text: it may be unless it is known to be something else."""
    if isinstance(value, _NO_TEXTS):
        return False
    match value:
        case ast.Constant(value=constant):
            return isinstance(constant, str)
        case ast.BinOp(left=left, op=op, right=right):
            return isinstance(op, _OF_TEXTS) and (
                may_be_text(left, scope, depth + 1) or may_be_text(right, scope, depth + 1)
            )
        case ast.Name(id=name) if name in scope.values and depth < _DEPTH:
            return may_be_text(scope.values[name], scope, depth + 1)
        case ast.Name(id=name):
            return name not in scope.functions and name not in names.BUILTINS - scope.bound
        case ast.Attribute() if (path := resolved(value, scope)) is not None:
            # The members of these are functions, types and numbers. Other modules have texts: `string.digits`.
            return path[0] not in {"pandas", "numpy", "polars", "pyarrow"}
        case ast.Call() | ast.Attribute():
            return not _is_polars_expression(value, scope)
        case _:
            return True


def _is_polars_expression(value: ast.expr, scope: Scope) -> bool:
    """Return whether a value is a chain that begins with `pl.col(…)` or a similar polars function."""
    while True:
        match value:
            case ast.Call(func=func):
                path = path_of(func, scope)
                if path is not None:
                    module, _, function = path.partition(".")
                    return module == "polars" and function in names.POLARS_EXPRESSIONS
                value = func
            case ast.Attribute(value=inner):
                value = inner
            case _:
                return False


def constant_text(value: ast.expr, scope: Scope, depth: int = 0) -> str | None:
    """Return the constant text of an expression; None if it is not constant."""
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts) if all(isinstance(part, ast.Constant) for part in parts):
            return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
        case ast.BinOp(left=left, op=ast.Add(), right=right) if depth < _DEPTH:
            first, second = (constant_text(one, scope, depth + 1) for one in (left, right))
            return None if first is None or second is None else first + second
        case ast.Name(id=name) if name in scope.values and depth < _DEPTH:
            return constant_text(scope.values[name], scope, depth + 1)
        case _:
            return None


def has_plain_fields(text: str) -> bool:
    """Return whether the fields of a format are plain values, without attributes or items of them."""
    try:
        return not any("." in name or "[" in name or "{" in spec for _, name, spec, _ in _fields(text))
    except ValueError:
        return False


def _fields(text: str) -> Iterator[tuple[str, str, str, str]]:
    for literal, name, spec, conversion in Formatter().parse(text):
        yield literal, name or "", spec or "", conversion or ""


def is_plain_expression(text: str) -> bool:
    """Return whether pandas evaluates only columns, local variables, constants and operators in a text."""
    # pandas quotes columns with backticks and marks local variables with @; neither is Python.
    plain = re.sub(r"`[^`]*`", "column", text).replace("@", "")
    try:
        tree = ast.parse(plain.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return False
    kinds = (
        ast.Expression,
        ast.Compare,
        ast.BoolOp,
        ast.BinOp,
        ast.UnaryOp,
        ast.Name,
        ast.Constant,
        ast.List,
        ast.Tuple,
    )
    operators = (ast.operator, ast.boolop, ast.cmpop, ast.unaryop, ast.expr_context)
    return all(
        isinstance(node, kinds + operators)
        and not (isinstance(node, ast.Constant) and isinstance(node.value, str) and reads_the_clock(node.value))
        for node in ast.walk(tree)
    )


def shows_its_address(value: ast.expr, scope: Scope) -> bool:
    """Return whether the text of a value contains its memory address."""
    match value:
        case ast.Lambda() | ast.GeneratorExp():
            return True
        case ast.Name(id=name):
            return name in scope.functions
        case ast.Call(func=ast.Name(id=name)):
            return name in {"map", "filter", "zip", "enumerate", "reversed", "iter"}
        case _:
            return False
