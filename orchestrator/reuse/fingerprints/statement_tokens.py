"""Finds the calls in SQL from its tokens, independently of a parser.

A word before a parenthesis is a call unless it is a keyword of the grammar, a type with parameters, or an alias with a
list of columns.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

_KEYWORDS = frozenset(
    {
        *("all", "and", "any", "array", "as", "between", "case", "distinct", "else", "except", "exists", "from"),
        *("group by", "having", "ilike", "in", "intersect", "interval", "join", "lateral", "limit", "not", "offset"),
        *("on", "or", "order by", "partition by", "pivot", "qualify", "returning", "select", "some", "then", "union"),
        *("unpivot", "using", "values", "when", "where", "with"),
    }
)
"""Keywords that may precede a parenthesis and are not function names. `like` and `cube` count as functions."""
_OPERATORS = frozenset({"ilike", "join"})
"""Those keywords that may also be function names: they are if no left operand precedes them."""
_OPENERS = frozenset({"(", ",", "select", "where", "on", "and", "or", "when", "then", "else", "having", "group by"})
_KEYWORDS_AFTER = {
    "conflict": {"on"},
    "exclude": {"*", ")"},
    "filter": {")"},
    "group": {"within"},
    "insert": {"then"},
    "materialized": {"as", "not"},
    "name": {"by"},
    "over": {")", "nulls"},
    "rename": {"*", ")"},
    "sets": {"grouping"},
    "grouping sets": {"group by", "by", ",", "("},
    "set": {"update", "by", "group by"},
    "tablesample": None,
    "sample": {"using"},
    "similar to": None,
    "zone": {"time"},
    "at time zone": None,
    "group by all": None,
}
"""Words that are keywords only after certain tokens. None means any token: two words are never a function name."""
_TYPES = frozenset(
    {
        *("bit", "bit varying", "bpchar", "char", "char varying", "character", "character varying", "dec", "decimal"),
        *("enum", "float", "interval", "list", "map", "numeric", "nvarchar", "row", "struct", "time", "timestamp"),
        *("timestamptz", "timetz", "union", "varbit", "varchar", "varying", "string", "text", "array"),
    }
)
_BEFORE_TYPE = frozenset({"::", "as"})
_TEXT_KINDS = frozenset(
    {
        *("STRING", "HEREDOC_STRING", "RAW_STRING", "NATIONAL_STRING", "UNICODE_STRING", "BYTE_STRING", "BIT_STRING"),
        "HEX_STRING",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call: a word before a parenthesis."""

    name: str
    arguments: int | None
    """The number of arguments; None after a dot, because DuckDB may pass the value before the dot as another one."""
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The calls, names and words in the tokens of one statement."""

    calls: tuple[Call, ...]
    names: tuple[tuple[str, int], ...]
    """Words that are a call without parentheses, with their offsets."""
    words: frozenset[str]
    """All words outside of strings, in lower case."""
    strings: tuple[str, ...]


def read_tokens(
    tokens: Sequence[Any], *, aliases: AbstractSet[int], callable_names: AbstractSet[str], quoted_too: bool
) -> Tokens:
    """Return the calls and words in a statement; `aliases` are the offsets of names with a list of columns."""
    lowered = [_text(token) for token in tokens]
    names: list[tuple[str, int]] = []
    words: set[str] = set()
    for index, token in enumerate(tokens):
        if not _is_word(token):
            continue
        words.add(lowered[index])
        # DuckDB calls such a function by its quoted name too; in PostgreSQL that is always a column.
        is_callable = lowered[index] in callable_names and (quoted_too or not _is_quoted(token))
        if is_callable and _is_bare(lowered, index):
            names.append((lowered[index], token.start))
    return Tokens(
        calls=tuple(_calls(tokens, lowered, aliases)),
        names=tuple(names),
        words=frozenset(words),
        strings=tuple(token.text for token in tokens if token.token_type.name in _TEXT_KINDS),
    )


def _calls(tokens: Sequence[Any], lowered: Sequence[str], aliases: AbstractSet[int]) -> Iterator[Call]:
    in_type: list[bool] = []
    for index, token in enumerate(tokens):
        kind = token.token_type.name
        if kind == "R_PAREN" and in_type:
            in_type.pop()
        if kind != "L_PAREN":
            continue
        before = index - 1
        opens_type = before > 0 and _opens_type(lowered, before, in_type)
        in_type.append(opens_type)
        if opens_type or before < 0 or tokens[before].start in aliases:
            continue
        word = tokens[before]
        if word.token_type.name in _TEXT_KINDS:
            # A string before a parenthesis is reported: as a call, it would be one that no list covers.
            if _follows(lowered, before) not in {"in", "interval", "as"}:
                yield Call(name="a string", arguments=None, start=word.start)
        # A quoted word is never a keyword.
        elif _is_word(word) and (_is_quoted(word) or not _is_keyword(lowered, before)):
            after_dot = before > 0 and lowered[before - 1] == "."  # `value.f(x)` may call f(value, x)
            yield Call(
                name=word.text if _is_quoted(word) else lowered[before],
                arguments=None if after_dot else _arguments(tokens, index),
                start=word.start,
            )


def _opens_type(lowered: Sequence[str], index: int, in_type: Sequence[bool]) -> bool:
    """Return whether a parenthesis contains the parameters of a type: `decimal(10, 2)` in a cast or another type."""
    if lowered[index] not in _TYPES:
        return False
    if lowered[index] == "varying" and index > 1:  # `character varying (10)`: the type begins a word earlier
        index -= 1
    return lowered[index - 1] in _BEFORE_TYPE or bool(in_type and in_type[-1])


def _is_keyword(lowered: Sequence[str], index: int) -> bool:
    word = lowered[index]
    if index > 0 and lowered[index - 1] == ".":  # after a dot it is a name
        return False
    if word in _KEYWORDS_AFTER:
        behind = _KEYWORDS_AFTER[word]
        return behind is None or _follows(lowered, index) in behind
    return word in _KEYWORDS and not (word in _OPERATORS and _follows(lowered, index) in _OPENERS)


def _follows(lowered: Sequence[str], index: int) -> str:
    return lowered[index - 1] if index else ""


def _arguments(tokens: Sequence[Any], opening: int) -> int:
    """Return the number of arguments between a parenthesis and its closing one."""
    depth = 0
    commas = 0
    for index in range(opening, len(tokens)):
        kind = tokens[index].token_type.name
        if kind in {"L_PAREN", "L_BRACKET", "L_BRACE"}:
            depth += 1
        elif kind in {"R_PAREN", "R_BRACKET", "R_BRACE"}:
            depth -= 1
            if depth == 0:
                return 0 if index == opening + 1 else commas + 1  # `f()` has none
        elif kind == "COMMA" and depth == 1:
            commas += 1
    return commas + 1


def _is_bare(lowered: Sequence[str], index: int) -> bool:
    """Return whether a word is neither part of a qualified name nor an alias after `as`."""
    before = lowered[index - 1] if index else ""
    after = lowered[index + 1] if index + 1 < len(lowered) else ""
    return before not in {".", "as"} and after != "."


def _is_word(token: Any) -> bool:  # noqa: ANN401  # sqlglot's own
    if token.token_type.name in _TEXT_KINDS or not token.text:
        return False
    return _is_quoted(token) or token.text[0].isalpha() or token.text[0] == "_"


def _is_quoted(token: Any) -> bool:  # noqa: ANN401  # sqlglot's own
    return bool(token.token_type.name == "IDENTIFIER")


def _text(token: Any) -> str:  # noqa: ANN401  # sqlglot's own
    if token.token_type.name in _TEXT_KINDS:
        return "'"
    return " ".join(token.text.lower().split())
