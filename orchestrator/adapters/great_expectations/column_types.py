"""Compares names of column types as DuckDB does: `text` is VARCHAR, `decimal` is any DECIMAL."""

from collections.abc import Mapping
from typing import Self


class ColumnType(str):
    """The type of a column, equal to every name that DuckDB has for it; GX compares it with the name in a suite."""

    __slots__ = ("_aliases",)
    _aliases: Mapping[str, str]

    def __new__(cls, name: str, aliases: Mapping[str, str]) -> Self:
        """Make the type from DuckDB's own name and its table of aliases."""
        made = super().__new__(cls, name)
        made._aliases = aliases
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str):
            return NotImplemented
        mine, asked = self._split(str(self)), self._split(str(other))
        return mine == asked or (asked[1] == "" and mine[0] == asked[0])

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._split(str(self))[0])

    def casefold(self) -> str:
        """Return itself unchanged: GX casefolds both sides before it compares them."""
        return self

    def _split(self, name: str) -> tuple[str, str]:
        """Return the canonical name and its parameters, such as `DECIMAL` and `(10,2)`."""
        folded = " ".join(name.lower().split())
        if folded.endswith("]"):
            element, _, length = folded.rpartition("[")
            base, inside = self._split(element)
            return f"{base}{inside}[{length}", ""
        base, bracket, inside = folded.partition("(")
        base = base.strip()
        return self._aliases.get(base, base), (bracket + inside).replace(" ", "")


def aliases_of(rows: list[tuple[str, str]]) -> Mapping[str, str]:
    """Return the canonical name of each alias, from DuckDB's table of types."""
    known = {str(alias).lower(): str(name).lower() for alias, name in rows}
    del known["json"]  # stored as VARCHAR, but a separate type
    return known | {
        "double precision": "double",
        "character varying": "varchar",
        "timestamp without time zone": "timestamp",
    }
