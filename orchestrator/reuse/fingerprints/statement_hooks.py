"""Finds what a hook depends on, from its raw text with a placeholder for each Jinja expression."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.reuse.fingerprints.sql_placeholders import NAME, PLACEHOLDERS, RENDERED, THIS
from orchestrator.reuse.fingerprints.statement import Statement, parsed, read_parsed, tokenized, unreadable
from orchestrator.reuse.fingerprints.statement_functions import FunctionList, function_list
from orchestrator.reuse.fingerprints.statement_nodes import ALLOWED, WRITES
from orchestrator.reuse.fingerprints.statement_tree import dialect_of

_HARMLESS = frozenset({"grant", "revoke", "comment", "analyze", "analyse", "vacuum", "checkpoint"})
"""Statements that neither change rows nor select them."""
_PARSED = frozenset({"select", "with", "from", "values", "insert", "update", "delete", "merge", "create"})
_QUERIES = frozenset({"Select", "Union", "Intersect", "Except", "Values", "Subquery"})
_WRITES = frozenset({"Insert", "Update", "Delete", "Merge", "Create"})
_MADE = frozenset({"TABLE", "VIEW"})
_PATHS = frozenset({"schema", "search_path"})
"""Settings that decide which relation a name refers to."""
_NOTHING = Statement(sees_all_columns=False)


def read_hook(text: str, adapter: str) -> Statement:
    """Return what the statements of a hook depend on.

    A Jinja expression is understood if it is `{{ this }}`, a call of ref() or source(), or part of a quoted string. Any
    other may render to SQL. A hook may write only to `{{ this }}`: if it wrote to another relation, a rebuild of that
    relation would lose the change, because the hook would not run again.
    """
    functions = function_list(adapter)
    if functions is None:
        return Statement(unknown=(f"the SQL of the adapter {adapter}",))
    try:
        tokens = tokenized(text, adapter)
    except unreadable():
        return Statement(unknown=("the SQL of a hook cannot be parsed",))
    read = [_read(text, statement, adapter, functions) for statement in _statements(tokens)]
    return Statement(
        relations=frozenset().union(*(one.relations for one in read)),
        calls=frozenset().union(*(one.calls for one in read)),
        unknown=tuple(dict.fromkeys(words for one in read for words in one.unknown))[:5],
        volatile=tuple(dict.fromkeys(words for one in read for words in one.volatile))[:5],
        sees_all_columns=any(one.sees_all_columns for one in read),
    )


def _statements(tokens: Sequence[Any]) -> Iterator[list[Any]]:
    statement: list[Any] = []
    for token in tokens:
        if token.token_type.name == "SEMICOLON":
            yield statement
            statement = []
        else:
            statement.append(token)
    yield statement


def _read(text: str, tokens: list[Any], adapter: str, functions: FunctionList) -> Statement:
    words = [token.text.lower() for token in tokens]
    match words:
        case []:
            return _NOTHING
        case [first, *_] if first in _HARMLESS:
            return _NOTHING
        case ["set", *rest]:
            return _read_setting(rest, [token.token_type.name for token in tokens[1:]])
        case ["create", "index", *_] | ["create", "unique", "index", *_]:
            return _read_index(text, tokens, adapter, functions)
        case [first, *_] if first in _PARSED:
            return _read_parsed(text, tokens, adapter, functions)
        case [first, *_] if first in PLACEHOLDERS:  # it could be any statement
            return Statement(unknown=("a hook whose SQL Jinja writes",))
        case _:
            return Statement(unknown=("a hook that is none of the statements that are understood",))


def _read_setting(words: list[str], kinds: list[str]) -> Statement:
    """Return the reading of `set [local] name = literal`."""
    split = next((place for place, word in enumerate(words) if word in {"=", "to"}), None)
    if split is None or len(words) != split + 2 or not all(word.replace("_", "").isalnum() for word in words[:split]):
        return Statement(unknown=("a setting whose value is no literal",))
    is_literal = kinds[-1] in {"STRING", "NUMBER"} or words[-1] in {
        "true",
        "false",
        "on",
        "off",
        "default",
    }
    if not is_literal:
        return Statement(unknown=("a setting whose value is no literal",))
    if _PATHS & set(words[:split]):  # the next statement could read another table
        return Statement(unknown=("a setting that decides which relation a name means",))
    return _NOTHING


def _read_index(text: str, tokens: list[Any], adapter: str, functions: FunctionList) -> Statement:
    """Return the reading of `create index … on table (expressions) …`; its expressions are read as those of a query."""
    opening = next((place for place, token in enumerate(tokens) if token.token_type.name == "L_PAREN"), len(tokens))
    expressions = list(_until_closed(tokens[opening:]))
    if not expressions or len(expressions) + opening != len(tokens):  # `where`, `include` or `with` follows
        return Statement(unknown=("an index with more than expressions",))
    source = text[expressions[0].start + 1 : expressions[-1].start]
    # `order by` takes what an index takes: expressions with asc, desc and nulls first.
    query = f"select 1 order by {source}"
    return replace(
        _guarded(lambda: _read_tokens(query, tokenized(query, adapter), adapter, functions)), sees_all_columns=False
    )


def _until_closed(tokens: Sequence[Any]) -> Iterator[Any]:
    depth = 0
    for token in tokens:
        depth += {"L_PAREN": 1, "R_PAREN": -1}.get(token.token_type.name, 0)
        yield token
        if depth == 0:
            return


def _read_parsed(text: str, tokens: list[Any], adapter: str, functions: FunctionList) -> Statement:
    return _guarded(lambda: _read_tokens(text, tokens, adapter, functions))


def _guarded(read: Callable[[], Statement]) -> Statement:
    try:
        return read()
    except unreadable():
        return Statement(unknown=("the SQL of a hook cannot be parsed",))


def _read_tokens(text: str, tokens: list[Any], adapter: str, functions: FunctionList) -> Statement:
    if any(token.text in {NAME, RENDERED} and token.token_type.name != "STRING" for token in tokens):
        return Statement(unknown=("SQL that Jinja renders, other than {{ this }}, ref() and source()",))
    trees = parsed(text, adapter, tokens)
    if len(trees) != 1 or not _is_understood(trees[0]):
        return Statement(unknown=("a hook that is none of the statements that are understood",))
    tree = trees[0]  # one statement: semicolons were split before
    if type(tree).__name__ in _WRITES and _target_name(tree) != THIS:  # a rebuild of that table would lose it
        return Statement(unknown=("a statement that writes to another relation than {{ this }}",))
    dialect = replace(dialect_of(functions, adapter, tokens), allowed=ALLOWED | WRITES, written=_written(tree))
    return _without_placeholders(read_parsed(tree, tokens, dialect))


def _is_understood(tree: Any) -> bool:  # noqa: ANN401  # sqlglot's own
    kind = type(tree).__name__
    if kind == "Create":
        # Only `create … as select`: a table without a query gets its rows from somewhere else.
        return tree.args.get("kind") in _MADE and tree.args.get("expression") is not None
    return kind in _QUERIES or kind in _WRITES


def _written(tree: Any) -> frozenset[int]:  # noqa: ANN401  # sqlglot's own
    """Return the offset of the relation that insert or create writes; update, delete and merge also read theirs."""
    if type(tree).__name__ not in {"Insert", "Create"}:
        return frozenset()
    name = _target(tree).args.get("this")  # it must not count as a relation that the hook reads
    return frozenset({name.meta["start"]}) if name is not None and "start" in name.meta else frozenset()


def _target(tree: Any) -> Any:  # noqa: ANN401  # sqlglot's own
    """Return the relation that a statement writes."""
    return tree.this.this if type(tree.this).__name__ == "Schema" else tree.this


def _target_name(tree: Any) -> str:  # noqa: ANN401  # as above
    """Return the plain name of the relation that a statement writes; empty if it is qualified."""
    target = _target(tree)
    is_plain = type(target).__name__ == "Table" and target.args.get("db") is None
    return str(target.name) if is_plain else ""


def _without_placeholders(read: Statement) -> Statement:
    """Return the reading without placeholders: a fully rendered relation is understood, a partly rendered one not."""
    partly = any(PLACEHOLDERS & set(name) and len(name) > 1 for name in read.relations)
    unknown = [words for words in read.unknown if not any(one in words for one in PLACEHOLDERS)]
    if len(unknown) < len(read.unknown):
        unknown.append("a function whose name Jinja renders")
    if partly:
        unknown.append("a relation of whose name Jinja renders a part")
    relations = frozenset(name for name in read.relations if PLACEHOLDERS.isdisjoint(name))
    return replace(read, relations=relations, calls=read.calls - PLACEHOLDERS, unknown=tuple(unknown))
