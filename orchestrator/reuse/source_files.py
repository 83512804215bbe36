"""Finds the files behind a dbt source: dbt-duckdb writes its `external_location` in place of a table name."""

from itertools import pairwise, takewhile
from typing import Any

from orchestrator.reuse.fingerprints.statement import tokenized, unreadable

READERS = frozenset(
    {
        *("read_csv", "read_csv_auto", "read_json", "read_json_auto", "read_json_objects", "read_json_objects_auto"),
        *("read_ndjson", "read_ndjson_auto", "read_ndjson_objects", "read_parquet", "parquet_scan"),
    }
)
"""DuckDB's table functions whose rows depend only on file contents. `read_blob` also returns modification times."""
_ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet")
_COMPRESSED = (".gz", ".zst")
_VALUES = frozenset({"STRING", "NUMBER", "TRUE", "FALSE", "NULL"})
_BEHIND_NAMES = frozenset({"=", ":=", "=>", ":"})
_SIGNS = _BEHIND_NAMES | {",", "{", "}", "[", "]", "-"}


def files_of(external: str) -> tuple[str, ...] | str:
    """Return the names or patterns of the local files of a location, or why they are not known.

    `external` is the text that dbt puts into the SQL: `'orders.csv'`, or a call such as `read_parquet(['a', 'b'])`.
    """
    try:
        tokens = tokenized(external, "duckdb")
    except unreadable():
        tokens = []
    names = [tokens[0].text] if [_kind(token) for token in tokens] == ["STRING"] else _in_call(tokens)
    if names is None:
        return f"{external} does more than read files"
    if len(tokens) == 1 and not _plain(names[0]).endswith(_ENDINGS):
        return f"{external} is a kind of file that is not understood"
    # The bytes of a remote file are known only after reading all of it.
    remote = next((name for name in names if "://" in name), None)
    return tuple(names) if remote is None else f"{remote} is not a local file"


def _plain(name: str) -> str:
    name = name.lower()
    return next((name.removesuffix(ending) for ending in _COMPRESSED if name.endswith(ending)), name)


def _in_call(tokens: list[Any]) -> list[str] | None:
    """Return the files of a reader call whose arguments are all constants; None for anything else."""
    texts = [token.text for token in tokens]
    if len(tokens) < 4 or texts[0].lower() not in READERS or (texts[1], texts[-1]) != ("(", ")"):
        return None
    inside = list(pairwise(tokens[2:]))
    if not all(_is_constant(token, following) for token, following in inside):
        return None
    if _kind(tokens[2]) == "STRING":
        return [texts[2]]
    listed = list(takewhile(lambda token: token.text != "]", tokens[3:]))
    is_list = texts[2] == "[" and all(_kind(one) == "STRING" or one.text == "," for one in listed)
    return [one.text for one in listed if _kind(one) == "STRING"] or None if is_list else None


def _is_constant(token: Any, following: Any) -> bool:  # noqa: ANN401  # sqlglot's own
    """Return whether a token is a constant, punctuation between constants, or the name of an argument or key."""
    kind = _kind(token)
    if following.text == "[" and (kind == "STRING" or token.text == "]"):  # a subscript, not a list
        return False
    return kind in _VALUES or (kind != "IDENTIFIER" and token.text in _SIGNS) or following.text in _BEHIND_NAMES


def _kind(token: Any) -> str:  # noqa: ANN401  # as above
    return str(token.token_type.name)
