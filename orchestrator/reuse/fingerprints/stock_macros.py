"""Knows dbt's own macros: which versions of their text were reviewed, and which need not be followed.

The effect of a materialization does not show in its text: it creates, renames and drops relations. So
`stock_macros.tsv` lists the macros that the materializations of dbt, dbt-duckdb and dbt-postgres can reach, by the
digest of their text. Each materialization was reviewed by hand, and the file says why its result depends only on the
parts of a fingerprint. `tests/unit/reuse/fingerprints/stock_list.py` writes the file.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from orchestrator.reuse.fingerprints.reading_value import TextReading

_LIST = Path(__file__).with_name("stock_macros.tsv")
_DIGITS = 24
_LOOKED_UP = re.compile(r"get_incremental_\w+_sql|snapshot_\w+_strategy|\w+_function_(?:sql|python|javascript)")
"""Names that materializations compute: strategies of incremental models and snapshots, kinds of functions."""


def stock_digest(code: str) -> str:
    """Return the digest of a macro's text, without leading and trailing whitespace."""
    return hashlib.sha256(code.strip().encode()).hexdigest()[:_DIGITS]


def is_stock(name: str, package: str, code: str) -> bool:
    """Return whether a macro is dbt's own and has the text that was reviewed.

    The review covers only its use by materializations. If a node's code calls the macro while it compiles, the macro
    must be read like the node's own code.
    """
    return (package, name, stock_digest(code)) in _known()


def unit_reading(name: str) -> TextReading | None:
    """Return the effect of calling a macro of dbt that need not be followed; None for any other macro."""
    return UNITS.get(name)


def calls_of_stock(reading: TextReading, macros: Iterable[str]) -> TextReading:
    """Return the reading of a stock macro with the macros that it looks up by a computed name.

    `macros` are the names of all macros. Materializations look up their strategies in `context`, and a project may
    define its own strategies.
    """
    looked_up = frozenset(name for name in macros if _LOOKED_UP.fullmatch(name))
    # The lookup itself would reach every macro of the project. Only these names can be what it finds.
    return replace(reading, every_macro=False, names=reading.names | looked_up) if reading.every_macro else reading


@cache
def _known() -> frozenset[tuple[str, str, str]]:
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return frozenset((package, macro, digest) for package, macro, digest, _, _ in rows)


def _asks(name: str, *, beside_the_sql: bool = False) -> TextReading:
    return TextReading(asks=((name, 0),), beside_the_sql=beside_the_sql)


_CLOCK = ("current_timestamp", "current_timestamp_backcompat", "current_timestamp_in_utc_backcompat")
UNITS: dict[str, TextReading] = {
    "is_incremental": TextReading(beside_the_sql=True),
    "set_sql_header": TextReading(beside_the_sql=True, own_entry=True),
    "load_cached_relation": _asks("load_cached_relation", beside_the_sql=True),
    "load_relation": _asks("load_relation", beside_the_sql=True),
    **{name: _asks(name) for name in ("run_query", "statement", "get_columns_in_query", "get_columns_in_relation")},
    **{name: TextReading(volatile=((name, 0),)) for name in (*_CLOCK, "snapshot_get_time", "py_current_timestring")},
}
"""Macros of dbt that are not followed, with the effect of calling them.

`is_incremental` checks whether the relation exists as a table and whether the run is a full refresh. An incremental
materialization checks the same, so the node's fingerprint covers both. For the code, it counts as `beside_the_sql`.
"""
