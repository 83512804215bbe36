"""Compares two tables of one database by their columns and rows, regardless of order.

Sums of floats differ in their last digits when threads add in another order. So floats are compared to twelve
significant digits. Rows that still differ are compared once more by the distance of their numbers: of two near numbers,
one may be rounded up and the other down.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from orchestrator.adapters import comparison_sql as sql
from orchestrator.nodes.identity import Relation

Ask = Callable[[str], list[tuple[Any, ...]]]
_MOST_NEAR = 10_000
"""The largest number of differing rows per table that is compared row by row."""
_NEAR, _NEAR_SHORT = 1e-11, 1e-5
"""The largest relative difference of equal numbers; the second value is for four-byte floats."""
_FLOATS = ("double", "float", "real")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two tables differ."""

    columns: tuple[str, ...] = ()
    """Descriptions of columns that only one table has, or whose types differ; then rows were not compared."""
    only_first: int = 0
    """The number of rows that only the first table has."""
    only_second: int = 0
    cells: tuple[str, ...] = ()
    """The columns with different values."""
    definition: bool = False
    """Whether two views with the same rows have different definitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The result of a comparison."""

    rows: int
    """The row count of the first table; 0 if rows were not compared."""
    difference: Difference | None
    """None if the tables are equal."""


def compare_tables(ask: Ask, dialect: sql.ComparisonDialect, first: Relation, second: Relation) -> Compared:
    """Compare two tables; `ask` runs a statement and returns its rows."""
    there: list[dict[str, str]] = [dict(ask(sql.asks_for_columns(dialect, one))) for one in (first, second)]
    if there[0] != there[1]:
        return Compared(rows=0, difference=Difference(columns=tuple(_columns_apart(*there))))
    columns = sorted(there[0].items())
    contents = [ask(sql.asks_for_content(dialect, one, columns))[0] for one in (first, second)]
    # Equal checksums of all rows make the comparison row by row unnecessary.
    rows = int(contents[0][0])
    if contents[0] == contents[1]:
        return Compared(rows=rows, difference=None)
    [counted] = ask(sql.asks_for_differences(dialect, first, second, columns))
    apart = [int(number) for number in counted]
    if not any(apart) or _are_near(ask, dialect, (first, second), columns, apart):
        return Compared(rows=rows, difference=None)
    cells = [ask(sql.asks_for_cells(dialect, one, columns))[0] for one in (first, second)]
    other = tuple(name for (name, _), one, two in zip(columns, *cells, strict=True) if one != two)
    return Compared(rows=rows, difference=Difference(only_first=apart[0], only_second=apart[1], cells=other))


def _columns_apart(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    found = [f"{name} is there no more" for name in sorted(first.keys() - second.keys())]
    found += [f"{name} is new" for name in sorted(second.keys() - first.keys())]
    both = sorted(first.keys() & second.keys())
    return found + [f"{name} was {first[name]}, is {second[name]}" for name in both if first[name] != second[name]]


def _are_near(
    ask: Ask,
    dialect: sql.ComparisonDialect,
    tables: tuple[Relation, Relation],
    columns: sql.Columns,
    apart: Sequence[int],
) -> bool:
    """Return whether the rows that differ are equal except for the last digits of floats."""
    near = [_near_of(kind) for _, kind in columns]
    # Rows can only be near if each has a counterpart.
    if apart[0] != apart[1] or apart[0] > _MOST_NEAR or not any(near):
        return False
    first, second = tables
    sides = [
        sorted(
            ask(sql.asks_for_differing(dialect, one, other, columns, 2 * _MOST_NEAR)), key=lambda row: _key(row, near)
        )
        for one, other in ((first, second), (second, first))
    ]
    return len(sides[0]) == len(sides[1]) and all(
        all(starmap(_alike, zip(one, two, near, strict=True))) for one, two in zip(*sides, strict=True)
    )


def _near_of(kind: str) -> float:
    """Return the relative difference within which numbers of a type are equal; 0 for a type without floats."""
    lower = kind.lower()
    if not any(name in lower for name in _FLOATS):
        return 0.0
    return _NEAR if "double" in lower else _NEAR_SHORT


def _key(row: Sequence[object], near: Sequence[float]) -> tuple[list[str], list[float]]:
    """Return the sort key of a row; rows that may be equal have the same position in both sorted tables."""
    exact = [repr(cell) for cell, own in zip(row, near, strict=True) if not own]
    floats = [cell if isinstance(cell, float) else 0.0 for cell, own in zip(row, near, strict=True) if own]
    return exact, [math.inf if math.isnan(cell) else cell for cell in floats]


def _alike(one: object, two: object, near: float) -> bool:
    match one, two:
        case float(), float():
            return one == two or (math.isnan(one) and math.isnan(two)) or math.isclose(one, two, rel_tol=near)
        case (list() | tuple(), list() | tuple()):
            return len(one) == len(two) and all(_alike(a, b, near) for a, b in zip(one, two, strict=True))
        case dict(), dict():
            return one.keys() == two.keys() and all(_alike(one[key], two[key], near) for key in one)
        case _:
            return one == two
