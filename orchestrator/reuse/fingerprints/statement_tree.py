"""Reads a statement's tree: finds the relations it reads, and checks that each of its nodes is understood."""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from orchestrator.reuse.fingerprints.statement_functions import FunctionList, named_doubt
from orchestrator.reuse.fingerprints.statement_nodes import ALLOWED, BUILT_IN_TYPES, CLOCK_TYPES, PARTS, PLAIN_TYPES

Name = tuple[str, ...]

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_SYSTEM_COLUMNS = {
    "duckdb": frozenset({"rowid"}),
    "postgres": frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}),
}
_STATEMENTS = frozenset({"call", "desc", "describe", "explain", "pragma", "show", "summarize", "table"})
"""Words that begin a statement within parentheses, which sqlglot may take for the name of a table."""
_WITHOUT_PARENTHESES = frozenset(
    {
        *("CurrentCatalog", "CurrentDate", "CurrentRole", "CurrentSchema", "CurrentTime", "CurrentTimestamp"),
        *("CurrentUser", "Localtime", "Localtimestamp", "SessionUser"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementDialect:
    """What reading a tree needs to know about the database and the statement."""

    adapter: str
    functions: FunctionList
    vouched_for: AbstractSet[str]
    texts: AbstractSet[int] = frozenset()
    """The offsets of the statement's strings."""

    allowed: AbstractSet[str] = ALLOWED
    """The classes of nodes that are understood."""
    written: AbstractSet[int] = frozenset()
    """The offset of the relation that the statement writes without reading it."""

    def cte(self, identifier: Any) -> str:  # noqa: ANN401  # sqlglot's own
        """Return the name by which a CTE hides a relation: databases fold only ASCII letters."""
        is_kept = self.adapter == "postgres" and identifier.args.get("quoted")
        return str(identifier.name) if is_kept else str(identifier.name).translate(_LOWER)

    def folded(self, identifier: Any) -> str:  # noqa: ANN401  # sqlglot's own
        """Return an identifier as the database compares it: in lower case if case does not matter."""
        is_kept = self.adapter == "postgres" and identifier.args.get("quoted")
        return str(identifier.name) if is_kept else str(identifier.name).lower()


def dialect_of(
    functions: FunctionList, adapter: str, tokens: Iterable[Any], vouched_for: AbstractSet[str] = frozenset()
) -> StatementDialect:
    """Return the dialect for reading one statement's tree."""
    texts = frozenset(token.start for token in tokens if token.token_type.name == "STRING")
    return StatementDialect(adapter=adapter, functions=functions, vouched_for=vouched_for, texts=texts)


@dataclass(slots=True, kw_only=True)
class TreeFindings:
    """The findings in a tree, collected while it is read."""

    relations: set[Name] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    volatile: list[str] = field(default_factory=list)


def read_tree(tree: Any, dialect: StatementDialect, calls: Mapping[int, str]) -> TreeFindings:  # noqa: ANN401  # sqlglot's own
    """Return the relations that a query reads and what in it is not understood; `calls` are keyed by offset."""
    found = TreeFindings()
    stack: list[tuple[Any, frozenset[str]]] = [(tree, frozenset())]  # not recursive: long expressions nest deeply
    while stack:
        node, scope = stack.pop()
        if type(node).__name__ == "Table":
            _read_table(node, scope, dialect, calls, found)
        _check(node, dialect, calls, found)
        stack += reversed(list(_below(node, scope, dialect)))  # findings keep the order of the text
    return found


def _below(node: Any, scope: frozenset[str], dialect: StatementDialect) -> Iterator[tuple[Any, frozenset[str]]]:  # noqa: ANN401
    """Yield the children of a node, each with the names of the CTEs that it sees."""
    ctes = node.args.get("with_")
    if ctes is not None:
        for cte in ctes.expressions:
            name = dialect.cte(cte.args["alias"].this)
            yield from _in_cte(cte, name, scope, is_recursive=bool(ctes.args.get("recursive")))
            scope |= {name}  # the CTEs after it and the query see it
    for key, value in node.args.items():
        if key == "with_":
            continue
        for one in value if isinstance(value, list) else (value,):
            if hasattr(one, "args"):
                yield one, scope


def _in_cte(cte: Any, name: str, scope: frozenset[str], *, is_recursive: bool) -> Iterator[tuple[Any, frozenset[str]]]:  # noqa: ANN401
    """Yield the parts of a CTE. Only the right side of a recursive union sees the CTE itself."""
    body = cte.this
    yield cte.args["alias"], scope
    if is_recursive and type(body).__name__ == "Union" and body.args.get("with_") is None:
        yield body.this, scope
        for key, value in body.args.items():
            if key != "this" and hasattr(value, "args"):
                yield value, scope | {name}
    else:
        yield body, scope


def _read_table(
    table: Any,  # noqa: ANN401  # sqlglot's own
    scope: frozenset[str],
    dialect: StatementDialect,
    calls: Mapping[int, str],
    found: TreeFindings,
) -> None:
    named = [part for key in ("catalog", "db", "this") if (part := table.args.get(key)) is not None]
    if not named:
        found.unknown.append("a relation without a name")
        return
    *qualifiers, last = named
    if any(type(part).__name__ != "Identifier" for part in qualifiers):
        found.unknown.append("a relation whose name cannot be read")
    elif type(last).__name__ == "Identifier" and last.meta.get("start") in dialect.texts:  # DuckDB: `from 'a.csv'`
        found.unknown.append(f"the file '{last.name}', which no node of the project writes")
    elif type(last).__name__ == "Identifier":
        name = tuple(dialect.folded(part) for part in named)
        if name[0] in _STATEMENTS and len(name) == 1:
            found.unknown.append(f"{name[0]} in a query")
        is_cte = len(named) == 1 and dialect.cte(last) in scope  # a qualified name is never a CTE
        if not is_cte and last.meta.get("start") not in dialect.written:
            found.relations.add(name)
    elif (
        called := calls.get(last.meta.get("start", -1), "")
    ) not in dialect.functions.in_from and called not in dialect.vouched_for:
        found.unknown.append(f"the table function {called}()" if called else "a relation whose name cannot be read")


def _check(node: Any, dialect: StatementDialect, calls: Mapping[int, str], found: TreeFindings) -> None:  # noqa: ANN401
    kind = type(node).__name__
    if kind == "TableSample":
        found.volatile.append("a sample")
    elif kind in _WITHOUT_PARENTHESES and node.meta.get("start") not in calls:
        doubt, words = named_doubt(_words(kind).replace(" ", "_"))
        (found.volatile if doubt == "volatile" else found.unknown).append(words)
    # The functions of calls are checked by name, from the tokens.
    elif kind not in dialect.allowed and node.meta.get("start") not in calls:
        found.unknown.append(f"the syntax {_words(kind)}")
    elif kind == "DataType":
        _check_type(node, dialect, found)
    elif kind == "Identifier" and node.name.lower() in _SYSTEM_COLUMNS[dialect.adapter]:
        found.unknown.append(f"the column {node.name.lower()}, which is the database's own")
    elif kind == "In" and node.args.get("field") is not None and type(node.parent).__name__ == "Pivot":
        found.unknown.append("an enum type in pivot")
    understood = PARTS.get(kind)  # a new part of a known node may change what it means
    if understood is not None:
        unknown = [key for key, value in node.args.items() if value and key not in understood]
        found.unknown += [f"the part {_words(key.strip('_'))} of {_words(kind)}" for key in unknown]


def _check_type(node: Any, dialect: StatementDialect, found: TreeFindings) -> None:  # noqa: ANN401  # sqlglot's own
    name = str(getattr(node.this, "name", node.this))
    # A type of the database that sqlglot does not know looks like one that a user has defined.
    if name == "USERDEFINED" and str(node.args.get("kind")).lower() in BUILT_IN_TYPES.get(dialect.adapter, ()):
        return
    if name not in PLAIN_TYPES:
        found.unknown.append("a type that is defined in the database" if name == "USERDEFINED" else f"the type {name}")
    elif name in CLOCK_TYPES.get(dialect.adapter, ()):
        found.volatile.append(f"a conversion to {name.lower()}")


def _words(name: str) -> str:
    """Return the name of a class in words: `HistoricalData` as `historical data`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower().replace("_", " ")
