"""Makes the statements that dbt sends for its own views, tables and data tests on DuckDB (pure).

The texts are those of dbt's macros, including white space, because the database's messages and `target/run` show it.
tests/functional/dbt/test_generated_statements.py compares them with what the installed dbt sends.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from orchestrator.nodes.identity import NodeId

Key = tuple[str, str, str]
"""Database, schema and name of a relation, in lower case."""
Existing = Callable[[Key], tuple[str, str] | None]
"""Returns the kind of a relation, and its name as written, by its key; None if it does not exist."""
KEYS_AND_INDEXES = """
select 1 from duckdb_constraints()
where database_name = $1 and schema_name = $2 and table_name = $3 and constraint_type != 'NOT NULL'
union all
select 1 from duckdb_indexes() where database_name = $1 and schema_name = $2 and table_name = $3
"""
"""Rows if a table has keys or indexes: dbt does more to replace such a table. The parameters are its names."""
RESPONSE: Mapping[str, str] = MappingProxyType({"_message": "OK"})
"""What dbt-duckdb reports of every statement."""


class GeneratedKind(StrEnum):
    """The kinds of nodes whose statements can be generated."""

    VIEW = "view"
    TABLE = "table"
    TEST = "test"


NOTHING_GENERATED: Mapping[NodeId, GeneratedKind] = MappingProxyType({})
TEMPORARY, BACKUP = "__dbt_tmp", "__dbt_backup"
"""What dbt adds to the name of a relation while it replaces it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a relation is; the names are as in the manifest."""

    database: str
    schema: str
    identifier: str

    @property
    def key(self) -> Key:
        """The names in lower case: DuckDB and dbt's cache find a relation in any case."""
        return self.database.lower(), self.schema.lower(), self.identifier.lower()

    def beside(self, suffix: str) -> str:
        """Return the SQL name of the relation that dbt makes beside it, with this suffix."""
        return f"{_quoted(self.database)}.{_quoted(self.schema)}.{_quoted(self.identifier + suffix)}"


def create(kind: GeneratedKind, place: Place, code: str) -> str:
    """Return the statement that creates the new view or table beside the existing one, without dbt's comment."""
    name = place.beside(TEMPORARY)
    if kind is GeneratedKind.VIEW:
        return f"\n  \n  create view {name} as (\n    {code}\n  );\n"
    return f"\n    \n\n    create  table\n      {name}\n  \n    \n    as (\n      {code}\n    );\n    \n  "


def replacement(kind: GeneratedKind, place: Place, code: str, *, replaces: bool) -> tuple[str, ...]:
    """Return the statements that create a view or table and put it in its place, for one transaction."""
    moved_away = (rename(kind, place, "", BACKUP),) if replaces else ()
    return (create(kind, place, code), *moved_away, rename(kind, place, TEMPORARY, ""))


def existing_kinds(place: Place, existing: Existing) -> tuple[str | None, str | None, str | None] | None:
    """Return the kinds of the relation, of `__dbt_tmp` and of `__dbt_backup`; None if one has a name in another case.

    dbt's materializations look these up before they begin.
    """
    database, schema, name = place.key

    def found(suffix: str) -> tuple[str | None, str]:
        return existing((database, schema, name + suffix)) or (None, place.identifier + suffix)

    own, temporary, backup = found(""), found(TEMPORARY), found(BACKUP)
    written = (own[1], temporary[1], backup[1])
    if written != tuple(place.identifier + suffix for suffix in ("", TEMPORARY, BACKUP)):
        return None
    return own[0], temporary[0], backup[0]


def replaces_one(kind: GeneratedKind, place: Place, existing: Existing) -> bool | None:
    """Return whether a build replaces a relation of its kind; None if something else is there, which is for dbt."""
    kinds = existing_kinds(place, existing)
    if kinds is None or kinds[1:] != (None, None):
        return None  # a process died between the two renames, or someone has a table of this name
    return None if kinds[0] not in {None, kind} else kinds[0] is not None


def rename(kind: GeneratedKind, place: Place, before: str, after: str) -> str:
    """Return the statement that renames the relation from one suffix to another."""
    return f"alter {kind} {place.beside(before)} rename to {_quoted(place.identifier + after)}"


def drop(kind: GeneratedKind, place: Place, suffix: str) -> str:
    """Return the statement that drops the relation of this suffix, if it exists."""
    return f"\n      drop {kind} if exists {place.beside(suffix)} cascade\n    "


def count_failures(code: str, *, warn_if: str, error_if: str) -> str:
    """Return the query of a data test: the number of rows, and whether that is a warning and an error."""
    return (
        "\n    \n    select\n      count(*) as failures,\n"
        f"      count(*) {warn_if} as should_warn,\n      count(*) {error_if} as should_error\n"
        f"    from (\n      \n    \n  {code}\n  \n  \n      \n    ) dbt_internal_test"
    )


def _quoted(name: str) -> str:
    return f'"{name}"'
