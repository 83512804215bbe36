"""Checks SQL that this run may not compile, such as the branch of an incremental model that is not taken.

A fragment cannot be parsed, so it is read token by token. Each call must be on the list of the database's
deterministic functions. What follows `from` or `join` must be a subquery, a CTE of the same text, or rendered by Jinja.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Any

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.reuse.fingerprints.macros import MacroIndex
from orchestrator.reuse.fingerprints.sql_placeholders import NAME, PLACEHOLDERS, RELATION, RENDERED, THIS
from orchestrator.reuse.fingerprints.statement import tokenized, unreadable
from orchestrator.reuse.fingerprints.statement_functions import doubt, function_list, named_doubt
from orchestrator.reuse.fingerprints.statement_tokens import read_tokens
from orchestrator.reuse.fingerprints.value import Finding

_NAMES_OF_RELATIONS = frozenset({THIS, RELATION, NAME})
"""Placeholders that are not called: before a parenthesis, they name the relation whose columns follow."""
_NAMED_BY_JINJA = "unknown", "a function whose name Jinja renders"
_IN_FROM = frozenset({"from", "join"})
_END_FROM = frozenset(
    {
        *("where", "group by", "order by", "having", "limit", "qualify", "window", "union", "intersect", "except"),
        *("on", "using", "select", "group", "order", ";"),
    }
)


def untaken_findings(node: DbtNode, index: MacroIndex, adapter: str) -> Iterator[Finding]:
    """Yield what is not understood in code that can compile to several texts, and in the macros that it calls."""
    for what in _kept_findings(index, node.definition.raw_code, adapter):
        yield Finding(what=what, path=node.path)
    for root in index.roots(index.read(node.definition.raw_code), node.definition.macros):
        for unique_id in index.closure(root).reached.through:
            macro = index.macros[unique_id]
            if not index.is_of_dbt(macro):
                for what in _kept_findings(index, macro.code, adapter):
                    yield Finding(what=f"{what} in the macro {macro.name}", path=macro.path)


def _kept_findings(index: MacroIndex, text: str, adapter: str) -> tuple[str, ...]:
    return index.readings.words(f"fragment {adapter}", text, lambda: fragment_findings(text, adapter))


def fragment_findings(text: str, adapter: str) -> tuple[str, ...]:
    """Return what is not understood in the SQL of a template, in words."""
    from orchestrator.reuse.fingerprints.template import placeholder_sql

    functions = function_list(adapter)
    if functions is None:
        return (f"the SQL of the adapter {adapter}",)
    sql = placeholder_sql(text)
    if PLACEHOLDERS.issuperset(sql.split()):  # as in generic tests, which are one call: sqlglot is slow to import
        return ()
    try:
        tokens = tokenized(sql, adapter)
    except unreadable():
        return ("SQL that cannot be read",)
    # Without a tree, `as name (` can only be told from a call by the word before it.
    aliases = frozenset(
        token.start for before, token in pairwise(tokens) if before.text.lower() == "as" and token.text.isidentifier()
    )
    read = read_tokens(tokens, aliases=aliases, callable_names=functions.no_parentheses, quoted_too=adapter == "duckdb")
    found = [
        _NAMED_BY_JINJA if call.name == RENDERED else doubt(functions, call.name, call.arguments, _NAMES_OF_RELATIONS)
        for call in read.calls
        if call.name not in functions.in_from
    ]
    found += [named_doubt(name) for name, _ in read.names]
    words = [one[1] for one in found if one is not None]
    return (
        *words,
        *(f"{name}, which it reads without ref() or source()" for name in _relations(tokens, functions.in_from)),
    )


def _relations(tokens: Sequence[Any], table_functions: AbstractSet[str]) -> Iterator[str]:
    """Yield the names that follow `from`, `join`, and the commas of a from clause."""
    words = [" ".join(token.text.lower().split()) for token in tokens]
    # `name as (` defines a CTE.
    own = {words[at - 1] for at, word in enumerate(words) if word == "as" and words[at + 1 : at + 2] == ["("] and at}
    in_from: list[bool] = [False]  # one for each open parenthesis: a comma in a call separates arguments
    for at, word in enumerate(words):
        follows = words[at + 1] if at + 1 < len(words) else ""
        if word == "(":
            in_from.append(False)
        elif word == ")" and len(in_from) > 1:
            in_from.pop()
        elif word in _END_FROM:
            in_from[-1] = False
        if word in _IN_FROM or (word == "," and in_from[-1]):
            is_value = word == "from" and follows and _is_part_of_call(words, at)
            in_from[-1] = in_from[-1] or not is_value
            if not is_value and follows not in {"(", THIS, RELATION, NAME, "lateral", "", *own, *table_functions}:
                name = tokens[at + 1].text
                yield "what Jinja renders" if name == RENDERED else name


def _is_part_of_call(words: Sequence[str], at: int) -> bool:
    """Return whether `from` belongs to `extract(… from …)`, `trim(… from …)` or `is distinct from`."""
    if at and words[at - 1] == "distinct":
        return True
    depth = 0
    for before in range(at - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(words[before], 0)
        if depth < 0:
            return before > 0 and words[before - 1] in {"extract", "trim", "substring", "overlay"}
        if words[before] == "select":
            return False
    return False
