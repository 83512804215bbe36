"""Names of column types, compared as DuckDB compares them: `text` is VARCHAR, `decimal` is any DECIMAL."""

from collections.abc import Mapping
from typing import Self


class ColumnType(str):
    """The type of a column that equals every name DuckDB knows it by; GX compares it with a suite's word."""

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
        """Stay as it is: GX folds both sides before it compares them."""
        return self

    def _split(self, name: str) -> tuple[str, str]:
        """Give the canonical name and what stands in brackets, as `DECIMAL` and `(10,2)`."""
        folded = " ".join(name.lower().split())
        if folded.endswith("]"):
            element, _, length = folded.rpartition("[")
            base, inside = self._split(element)
            return f"{base}{inside}[{length}", ""
        base, bracket, inside = folded.partition("(")
        base = base.strip()
        return self._aliases.get(base, base), (bracket + inside).replace(" ", "")


def aliases_of(rows: list[tuple[str, str]]) -> Mapping[str, str]:
    """Give each alias its canonical name, from DuckDB's table of types."""
    known = {str(alias).lower(): str(name).lower() for alias, name in rows}
    del known["json"]  # stored as VARCHAR, yet a type of its own
    return known | {
        "double precision": "double",
        "character varying": "varchar",
        "timestamp without time zone": "timestamp",
    }
