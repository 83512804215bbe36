"""Generates the SQL that creates, writes and reads elt's own tables in a target (schema `_elt`); pure text.

`standing` has a row for each build, written in the build's own transaction. `loads` has a row for each table that a
load wrote rows to. Rows are only added: if a row were changed in place, two concurrent builds could collide.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestrator.adapters.sql_words import literal, quoted
from orchestrator.execution.ports import Request
from orchestrator.execution.recorded import MarkedBatch
from orchestrator.nodes.identity import Relation
from orchestrator.nodes.prefix import Placement
from orchestrator.reuse.last_success import DOUBTED, Mark

SCHEMA = "_elt"
STANDING = "standing"
LOADS = "loads"

_TEXT, _WHOLE, _MOMENT, _FLAG = "varchar", "bigint", "timestamp", "boolean"

COLUMNS: Mapping[str, Mapping[str, str]] = {
    STANDING: {
        "step_id": _TEXT,
        "relation": _TEXT,
        "run_id": _TEXT,
        "attempt": _WHOLE,
        "digest": _TEXT,
        "identity": _TEXT,
        "built_at": _MOMENT,
        "is_whole": _FLAG,
        "batch": _TEXT,
        "batches": _TEXT,
        "content": _TEXT,
    },
    LOADS: {
        "dataset": _TEXT,
        "table_name": _TEXT,
        "load_id": _TEXT,
        "rows": _WHOLE,
        "loaded_at": _MOMENT,
        "pipeline": _TEXT,
        "run_id": _TEXT,
    },
}
"""All tables of elt, with their columns and types. Times are UTC."""

ADDED: Mapping[str, frozenset[str]] = {STANDING: frozenset({"content"})}
"""Columns that a table of an earlier elt lacks: they are added to it, and are NULL in its rows."""

_BESIDE = ("__dbt_backup", "__dbt_tmp")
"""What dbt appends to the name of a relation for its backup and its temporary copy."""

_SPELLED = {
    "text": _TEXT,
    "character varying": _TEXT,
    "integer": _WHOLE,
    "timestamp without time zone": _MOMENT,
}
"""The names under which databases report the types above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDialect:
    """The SQL that differs between databases."""

    order: str
    """The column that gives the order in which rows were written."""
    extra: str
    """Additional columns of every table."""
    schema: str
    """The name of our schema in a database."""
    schemas: str
    """Queries whether our schema exists in a database."""
    keeps_tables: str
    """Queries whether our tables can be created in a database."""
    rights: str
    """Queries whether the current user may write and read a table of ours."""
    tells_case: bool = False
    """Whether quoted names that differ only in case are different names."""


DIALECTS: Mapping[str, RecordDialect] = {
    "duckdb": RecordDialect(
        order="rowid",  # DuckDB assigns it in the order of inserts
        extra="",
        schema="{database}.{schema}",
        schemas=(
            "select 1 from information_schema.schemata"
            " where lower(catalog_name) = {database} and schema_name = {schema}"
        ),
        keeps_tables="select 1 from duckdb_databases() where lower(database_name) = {database} and type = 'duckdb'",
        rights="select 1",
    ),
    "postgres": RecordDialect(
        order="sequence",
        extra=", sequence bigint generated always as identity",  # PostgreSQL has no lasting order of rows
        schema="{schema}",
        schemas="select 1 from pg_catalog.pg_namespace where nspname = {schema}",
        keeps_tables="select 1",
        rights="select 1 where has_table_privilege({table}, 'INSERT') and has_table_privilege({table}, 'SELECT')",
        tells_case=True,  # there, "A" and "a" are two tables
    ),
}
"""The databases in which a target can hold this record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where our tables are: a schema in one database, with the prefix of the run's placement."""

    database: str
    schema: str = SCHEMA

    def table(self, table: str) -> str:
        """Return the qualified name of a table of ours."""
        return f"{quoted(self.database)}.{quoted(self.schema)}.{quoted(table)}"


def own_tables(placement: Placement) -> frozenset[tuple[str, str]]:
    """Return the tables of elt by schema and name; they do not belong to the project."""
    return frozenset((schema, table) for schema in (SCHEMA, placement.schema(SCHEMA)) for table in COLUMNS)


def asks_for_schema(dialect: RecordDialect, home: Home) -> str:
    """Return the query for whether our schema exists."""
    return dialect.schemas.format(database=literal(home.database.lower()), schema=literal(home.schema))


def asks_for_columns(home: Home) -> str:
    """Return the query for all columns in our schema: table, column, type."""
    return (
        "select table_name, column_name, lower(data_type) from information_schema.columns"  # noqa: S608  # literals
        f" where lower(table_catalog) = {literal(home.database.lower())} and table_schema = {literal(home.schema)}"
    )


def asks_for_others(database: str) -> str:
    """Return the query for whether a database contains any table or view."""
    return (
        f"select 1 from information_schema.tables where lower(table_catalog) = {literal(database.lower())}"  # noqa: S608  # literals
        " and table_schema not in ('information_schema', 'pg_catalog') limit 1"
    )


def asks_for_rights(dialect: RecordDialect, home: Home, table: str) -> str:
    """Return the query for whether a table of ours, which another user may have created, can be written and read."""
    return dialect.rights.format(table=literal(f"{quoted(home.schema)}.{quoted(table)}"))


def makes_schema(dialect: RecordDialect, home: Home) -> str:
    """Return the statement that creates our schema."""
    named = dialect.schema.format(database=quoted(home.database), schema=quoted(home.schema))
    return f"create schema if not exists {named}"


def makes_table(dialect: RecordDialect, home: Home, table: str) -> str:
    """Return the statement that creates a table of ours."""
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in COLUMNS[table].items())
    return f"create table if not exists {home.table(table)} ({columns}{dialect.extra})"


def adds_column(home: Home, table: str, column: str) -> str:
    """Return the statement that adds a column that a table of an earlier elt lacks."""
    added = f"{quoted(column)} {COLUMNS[table][column]}"
    return f"alter table {home.table(table)} add column if not exists {added}"


def renames_table(home: Home, table: str, aside: str) -> str:
    """Return the statement that renames a table, to set it aside."""
    return f"alter table {home.table(table)} rename to {quoted(aside)}"


def adds_marker(
    home: Home,
    relation: str,
    request: Request,
    mark: Mark,
    *,
    is_whole: bool,
    batch: MarkedBatch | None = None,
    content: str | None = None,
) -> str:
    """Return the insert of a build's marker; in the build's own transaction it is committed only with the data."""
    values: dict[str, str | int | datetime | None] = {
        "step_id": request.step.id,
        "relation": relation,
        "run_id": request.run_id,
        "attempt": request.attempt,
        "digest": mark.digest,
        "identity": mark.identity,
        "built_at": datetime.now(UTC),
        "is_whole": is_whole,
        "batch": None if batch is None else batch.start.isoformat(),
        "batches": None if batch is None else f"{batch.first.isoformat()}/{batch.end.isoformat()}",
        "content": content,
    }
    names = ", ".join(quoted(name) for name in values)
    written = ", ".join(literal(value) for value in values.values())
    return f"insert into {home.table(STANDING)} ({names}) values ({written})"  # noqa: S608  # quoted


def doubts(home: Home, relation: Relation, request: Request) -> str:
    """Return the insert of a marker that revokes the earlier ones: the relation is not what its node builds."""
    mark = Mark(digest=DOUBTED, identity=DOUBTED)
    named = ".".join(map(quoted, (home.database, relation.schema, relation.identifier)))
    return adds_marker(home, named, request, mark, is_whole=False)


_OF_MARKERS = ("step_id", "relation", "run_id", "attempt", "digest", "identity", "built_at", "is_whole")


def asks_for_markers(dialect: RecordDialect, home: Home, *, with_content: bool) -> str:
    """Return the query for the newest marker of each relation, oldest first.

    `with_content`: whether the table has that column.
    """
    names = ", ".join(map(quoted, _OF_MARKERS))
    content = quoted("content") if with_content else f"cast(null as {_TEXT}) as content"
    newest = f"row_number() over (partition by relation order by {dialect.order} desc) as newest"
    ordered = f"select {names}, {content}, {dialect.order} as written, {newest} from {home.table(STANDING)}"  # noqa: S608  # quoted names
    return f"select {names}, content from ({ordered}) as ordered where newest = 1 order by written"  # noqa: S608  # as above


def asks_for_batches(home: Home, run_id: str, step_id: str) -> str:
    """Return the query for the batches of a model that were done in a run."""
    return (
        f"select distinct batch, batches from {home.table(STANDING)}"  # noqa: S608  # as above
        f" where run_id = {literal(run_id)} and step_id = {literal(step_id)} and batch is not null"
    )


def counts_markers(home: Home) -> str:
    """Return the query for the number of markers, and the number of distinct relations and batches."""
    return f"select count(*), count(distinct relation || coalesce(batch, '')) from {home.table(STANDING)}"  # noqa: S608  # as above


def forgets_markers(dialect: RecordDialect, home: Home) -> str:
    """Return the delete of all but the newest marker of each relation, or of each of its batches."""
    table = home.table(STANDING)
    kept = f"select max({dialect.order}) from {table} group by relation, batch"  # noqa: S608  # as above
    return f"delete from {table} where {dialect.order} not in ({kept})"  # noqa: S608  # as above


def asks_for_left_over(database: str, relation: Relation) -> str:
    """Return the query for the relations that dbt makes during a build and drops after the commit: name and kind."""
    names = ", ".join(literal(relation.identifier + suffix) for suffix in _BESIDE)
    return (
        "select table_name, table_type from information_schema.tables"  # noqa: S608  # literals
        f" where lower(table_catalog) = {literal(database.lower())} and table_schema = {literal(relation.schema)}"
        f" and table_name in ({names})"
    )


def drops(database: str, schema: str, name: str, kind: str) -> str:
    """Return the statement that drops a table or view with its dependents, as dbt does."""
    what = "view" if kind == "VIEW" else "table"
    return f"drop {what} if exists {quoted(database)}.{quoted(schema)}.{quoted(name)} cascade"


def fits(table: str, there: Mapping[str, str]) -> bool:
    """Return whether a table has the expected columns, except those that are `missing`; extra columns do no harm."""
    found = {name: _SPELLED.get(kind, kind) for name, kind in there.items()}
    wanted = COLUMNS[table].keys() - missing(table, there)
    return all(found.get(name) == COLUMNS[table][name] for name in wanted)


def missing(table: str, there: Collection[str]) -> list[str]:
    """Return the columns that a table of an earlier elt lacks."""
    return sorted(ADDED.get(table, frozenset()).difference(there))


def is_ours(table: str, there: Collection[str]) -> bool:
    """Return whether a table is one of ours that was edited, rather than another table with the same name."""
    own = COLUMNS[table]
    return 2 * len(own.keys() & set(there)) >= len(own)  # half of them: a user may have changed some


_NAME = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')


def names_in(relation: str, dialect: RecordDialect) -> tuple[str, str]:
    """Return schema and identifier of a relation that is written as SQL, in the form of `names_of`."""
    parts = [
        quoted_part.replace('""', '"') if plain == "" else plain.lower()
        for quoted_part, plain in _NAME.findall(relation)
    ]
    schema, identifier = ["", "", *parts][-2:]  # padded: an edited row may have fewer parts
    return (schema, identifier) if dialect.tells_case else (schema.lower(), identifier.lower())


def names_of(relation: Relation, dialect: RecordDialect) -> set[tuple[str, str]]:
    """Return the possible names of a relation: as written, and in lower case in case dbt does not quote it."""
    return {relation.key(), (relation.schema, relation.identifier)} if dialect.tells_case else {relation.key()}
