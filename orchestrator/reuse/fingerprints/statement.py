"""Finds what one compiled SQL statement depends on, and what in it is not understood.

Only what is on a list is understood: nodes of the tree (`statement_nodes`), functions of the database
(`statement_functions`, by the files in `functions/`), types, keywords. Two readings must agree: the tree of sqlglot,
and the tokens, in which every word before a parenthesis is a call.

What the catalog of the database calls consistent is taken as consistent. So the order of rows is not checked: `limit`
without `order by`, `first()` and `string_agg()` without an order, and the last digits of a sum of floats. PostgreSQL
converts the text `today` to the current date. Such text is found only in the statement itself, not in the rows.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Any

from orchestrator.reuse.fingerprints.statement_columns import sees_all_columns
from orchestrator.reuse.fingerprints.statement_functions import FunctionList, doubt, function_list, named_doubt
from orchestrator.reuse.fingerprints.statement_tokens import Tokens, read_tokens
from orchestrator.reuse.fingerprints.statement_tree import Name, StatementDialect, dialect_of, read_tree

_MOST = 5
_LONGEST = 60
_QUERY = frozenset({"Select", "Union", "Intersect", "Except", "Values", "Subquery", "Pivot"})
_FIRST = frozenset({"select", "with", "from", "values", "(", "pivot", "unpivot"})
_CLOCK_WORDS = re.compile(r"(?<![a-z])(?:now|today|tomorrow|yesterday)(?![a-z])")
_DATE_LIKE = 40
_OF_ROWS = frozenset(
    {
        *("array_agg", "concat", "count", "format", "hash_record", "json_agg", "json_build_array", "jsonb_agg"),
        *("jsonb_build_array", "num_nonnulls", "num_nulls", "quote_literal", "quote_nullable", "record_out"),
        *("row_to_json", "to_json", "to_jsonb"),
    }
)
"""Functions of PostgreSQL that take a whole row: `t.row_to_json` calls one if t has no such column."""
_OF_STORAGE = frozenset({"pg_collation_for", "pg_column_compression", "pg_column_size", "pg_typeof"})
"""Functions of PostgreSQL that also take a whole row, and that are not deterministic."""
_QUOTED = re.compile("['\"`<\n]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one compiled SQL statement depends on."""

    relations: frozenset[Name] = frozenset()
    """Tables and views that it reads, with names folded as the database does, without its own CTEs."""
    calls: frozenset[str] = frozenset()
    """Every function that it calls, in lower case, including built-in ones: a stored macro may shadow them.

    In PostgreSQL also each name after a dot: `row.name` calls a function `name` if no column has that name.
    """
    unknown: tuple[str, ...] = ()
    """What is not understood, in words, in order; at most five."""
    volatile: tuple[str, ...] = ()
    """What is known to return a different result each time, in words."""
    sees_all_columns: bool = True
    """Whether it may read the columns that dlt adds to a table."""

    @property
    def is_understood(self) -> bool:
        """Return whether its result depends only on its text, relations and calls."""
        return not self.unknown and not self.volatile


def read_statement(sql: str, adapter: str, *, known_functions: AbstractSet[str] = frozenset()) -> Statement:
    """Return what the single query of a model or test depends on; `known_functions` are understood by the caller."""
    functions = function_list(adapter)
    if functions is None:
        return Statement(unknown=(f"the SQL of the adapter {adapter}",))
    try:
        tokens = tokenized(sql, adapter)
        # sqlglot reads statements that it does not know as one opaque command, so only queries are parsed at all.
        trees = parsed(sql, adapter, tokens) if _is_query(tokens) else []
        if len(trees) != 1 or type(trees[0]).__name__ not in _QUERY:
            return Statement(unknown=("a statement that is not a single query",))
        return read_parsed(trees[0], tokens, dialect_of(functions, adapter, tokens, known_functions))
    except unreadable() as error:
        return Statement(unknown=(f"the SQL cannot be parsed: {_message_without_sql(error)}",))


def read_view(definition: str, adapter: str, *, known_functions: AbstractSet[str] = frozenset()) -> Statement:
    """Return what a view depends on; its definition is `create view x as select …`, or only the query."""
    try:
        tokens = tokenized(definition, adapter) if function_list(adapter) else []
    except unreadable():
        tokens = []
    if [token.text.lower() for token in tokens[:1]] != ["create"]:
        return read_statement(definition, adapter, known_functions=known_functions)
    head = list(takewhile(lambda token: token.token_type.name != "ALIAS", tokens))
    words = {token.text.lower() for token in head}
    # A recursive view reads itself by its own name, which would look like another relation.
    if "view" not in words or "recursive" in words or len(head) + 1 >= len(tokens):
        return Statement(unknown=("the definition of a view",))
    query = definition[tokens[len(head) + 1].start :]  # what follows the first `as`
    read = read_statement(query, adapter, known_functions=known_functions)
    return replace(read, sees_all_columns=True) if "(" in words else read  # "(": a list of new column names


def read_function(definition: str, adapter: str, *, known_functions: AbstractSet[str] = frozenset()) -> Statement:
    """Return what a stored macro depends on; its body is an expression or a query."""
    read = read_statement(definition, adapter, known_functions=known_functions)
    if not any("not a single query" in one or "cannot be parsed" in one for one in read.unknown):
        return read
    return read_statement(f"select {definition}", adapter, known_functions=known_functions)  # the body is an expression


def read_parsed(tree: Any, tokens: list[Any], dialect: StatementDialect) -> Statement:  # noqa: ANN401  # sqlglot's own
    """Return what a parsed query depends on."""
    functions = dialect.functions
    aliases, named = _named_offsets(tree)
    read = read_tokens(
        tokens, aliases=aliases, callable_names=functions.no_parentheses, quoted_too=dialect.adapter == "duckdb"
    )
    found = read_tree(tree, dialect, {call.start: call.name.lower() for call in read.calls})
    unknown, volatile = found.unknown, found.volatile
    for kind, words in _doubts(read, dialect, unknown):
        (volatile if kind == "volatile" else unknown).append(words)
    for kind, words in (named_doubt(name) for name, start in read.names if start not in named):
        (volatile if kind == "volatile" else unknown).append(words)
    unknown += _by_string(read, functions)
    if dialect.adapter == "postgres" and any(_asks_the_clock(text) for text in read.strings):
        volatile.append("a string that PostgreSQL may read as the current date")
    dotted = _behind_dots(tokens, dialect.adapter, named)
    unknown += [f"the function {name}(), which a name behind a dot may call" for name in sorted(dotted & _OF_STORAGE)]
    # The bodies of vouched functions are not searched for stars, so they may read all columns.
    vouched = dialect.vouched_for & {call.name for call in read.calls}
    return Statement(
        # The tree finds relations, the tokens find calls: a call that the parser turns into syntax is still found.
        relations=frozenset(found.relations),
        calls=frozenset(call.name.lower() for call in read.calls) | dotted,
        unknown=_first(unknown),
        volatile=_first(volatile),
        sees_all_columns=bool(vouched or dotted & _OF_ROWS) or sees_all_columns(tree, read),
    )


def _doubts(read: Tokens, dialect: StatementDialect, known: list[str]) -> Iterator[tuple[str, str]]:
    """Yield why calls may return different results each time. The tree decides which may be called in FROM."""
    functions = dialect.functions
    for call in read.calls:
        # Only the tree shows whether such a call is in FROM. The tokens are the same.
        is_table = call.name in functions.in_from and call.name not in functions.corrections
        if is_table or f"the table function {call.name}()" in known:
            continue
        found = doubt(functions, call.name, call.arguments, dialect.vouched_for)
        if found is not None:
            yield found


def _by_string(read: Tokens, functions: FunctionList) -> list[str]:
    """Return findings for functions called by a name in a string: `list_aggregate(l, 'reservoir_quantile')`."""
    if not any(call.name in functions.by_name for call in read.calls):  # then no string is a name
        return []
    called = {text.lower() for text in read.strings} & functions.corrections.keys()
    return [f"the function {name}(), called by its name in a string" for name in sorted(called)]


def _named_offsets(tree: Any) -> tuple[frozenset[int], frozenset[int]]:  # noqa: ANN401  # sqlglot's own
    """Return the offsets of names with a column list, and of names that are not values: relations and aliases."""
    with_columns: set[int] = set()
    named: set[int] = set()
    for node in tree.walk():
        kind = type(node).__name__
        if kind == "TableAlias":
            own = [node.args.get("this"), *(node.args.get("columns") or ())]
            named |= {one.meta["start"] for one in own if one is not None and "start" in one.meta}
            if own[0] is not None and own[1:] and "start" in own[0].meta:
                with_columns.add(own[0].meta["start"])
        elif kind == "Schema" and type(node.this).__name__ == "Table":
            with_columns.add(node.this.this.meta.get("start", -1))
        elif kind in {"Table", "Alias"}:
            keys = ("this", "db", "catalog") if kind == "Table" else ("alias",)
            parts = (node.args.get(key) for key in keys)
            named |= {one.meta["start"] for one in parts if type(one).__name__ == "Identifier" and "start" in one.meta}
    return frozenset(with_columns), frozenset(named)


def _behind_dots(tokens: list[Any], adapter: str, named: AbstractSet[int]) -> frozenset[str]:
    if adapter != "postgres":
        return frozenset()
    return frozenset(
        after.text.lower()  # PostgreSQL reads `row.f` as `f(row)` if there is no such column
        for token, after in pairwise(tokens)
        if token.text == "." and after.text[:1].isidentifier() and after.start not in named
    )


def _asks_the_clock(text: str) -> bool:
    """Return whether PostgreSQL may convert a string to a time relative to the clock: `today`, `tomorrow 12:00`."""
    return len(text) <= _DATE_LIKE and _CLOCK_WORDS.search(text.lower()) is not None


def tokenized(sql: str, adapter: str) -> list[Any]:
    """Return the tokens of a text without trailing semicolons."""
    from sqlglot.dialects.dialect import Dialect as Sqlglot

    tokens = list(Sqlglot.get_or_raise(adapter).tokenize(sql))
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    return tokens


def _is_query(tokens: Iterable[Any]) -> bool:
    return next((token.text.lower() in _FIRST for token in tokens), False)


def parsed(sql: str, adapter: str, tokens: list[Any]) -> list[Any]:
    """Return the syntax tree of each statement."""
    from sqlglot.dialects.dialect import Dialect as Sqlglot

    log = logging.getLogger("sqlglot")
    if not log.handlers:
        log.addHandler(logging.NullHandler())  # otherwise its warnings, which quote the SQL, are printed
    return [tree for tree in Sqlglot.get_or_raise(adapter).parser().parse(tokens, sql) if tree is not None]


def unreadable() -> tuple[type[Exception], ...]:
    """Return the exceptions that sqlglot may raise for SQL that it cannot read."""
    from sqlglot.errors import SqlglotError

    return (SqlglotError, ValueError, RecursionError, TypeError, AttributeError, KeyError, IndexError)


def _message_without_sql(error: Exception) -> str:
    """Return the message of a parser without the SQL that it quotes, which may contain values."""
    from sqlglot.errors import ParseError, TokenError

    match error:
        case ParseError():
            return _QUOTED.split(str(error), maxsplit=1)[0].strip()[:_LONGEST]
        case TokenError():
            return "a string, a name or a comment without its end"
        case _:
            return "syntax that sqlglot cannot read"


def _first(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))[:_MOST]
