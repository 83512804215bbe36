"""Normalizes SQL by removing comments and layout, so that two texts can be compared by meaning.

It works on tokens and not on a syntax tree. A tree drops what its grammar does not know, so two different statements
could look the same.
"""

import re

_RESERVED = frozenset(
    {
        *("all", "and", "as", "asc", "between", "by", "case", "cast", "cross", "desc", "distinct", "else", "end"),
        *("except", "exists", "from", "full", "group", "having", "in", "inner", "intersect", "into", "is", "join"),
        *("lateral", "left", "like", "limit", "natural", "not", "null", "offset", "on", "or", "order", "outer", "over"),
        *("partition", "qualify", "right", "select", "then", "union", "using", "when", "where", "window", "with"),
    }
)
"""Words whose case does not matter. The case of any other word may belong to the name of a column."""
_NAMED_BY = frozenset({"as", "."})
_KEPT = re.compile(
    r"'(?:''|[^'])*'|\"(?:\"\"|[^\"])*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"
    r"|--[^\n]*\n?|/\*.*?\*/|(?P<space>\s+)|(?P<open>['\"])",
    re.DOTALL,
)
_ADAPTERS = {"sqlserver": "tsql", "fabric": "tsql", "glue": "spark", "athena": "athena"}


def normal_sql(sql: str, adapter: str) -> str:
    """Return a statement without comments and layout; if it cannot be tokenized, only whitespace is reduced."""
    from sqlglot import tokenize
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import SqlglotError

    dialect = _ADAPTERS.get(adapter, adapter)
    try:
        tokens = tokenize(sql, read=dialect if Dialect.get(dialect) else None)
    except SqlglotError:
        return _squeezed(sql)
    words: list[str] = []
    before = ""
    for token in tokens:
        text, kind = token.text, token.token_type.name
        # The tokens of sqlglot may contain several words, such as `group by`; the first decides.
        is_word = kind not in _QUOTED and text.lower().split(" ")[0] in _RESERVED
        folded = " ".join(text.lower().split()) if is_word and before not in _NAMED_BY else text
        # The words are joined by line breaks. With its length, a string that contains one is not two words.
        words.append(f"{kind} {len(folded)} {folded}" if kind in _QUOTED else folded)
        before = folded if kind not in _QUOTED else ""
    while words and words[-1] == ";":  # dbt runs the same statement with or without it
        words.pop()
    return "\n".join(words)


_QUOTED = frozenset(
    {
        *("STRING", "IDENTIFIER", "HEREDOC_STRING", "RAW_STRING", "NATIONAL_STRING", "UNICODE_STRING", "BYTE_STRING"),
        *("BIT_STRING", "HEX_STRING"),
    }
)
"""Kinds of quoted words, which differ from a bare word of the same letters."""


def _squeezed(sql: str) -> str:
    """Return the text with single spaces between words; unchanged if a quote is open, as strings are then unclear."""
    found = list(_KEPT.finditer(sql))
    if any(one["open"] for one in found):
        return sql
    return _KEPT.sub(lambda one: " " if one["space"] else one[0], sql).strip()
