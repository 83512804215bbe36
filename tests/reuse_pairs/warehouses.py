"""The databases of a pair: what the harness writes into them, how they are copied, and all that they hold."""

import io
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import psycopg2

from tests.functional.postgres.server import PASSWORD, Server

FILE = "wh.duckdb"
LOADED = "_raw"
"""How the names of schemas end that dlt loads."""
OF_A_SNAPSHOT = frozenset({"dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All that a reader finds in a relation."""

    kind: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[str, ...]
    """The rows as text, sorted; of a snapshot without the moments, but with whether a row is valid."""
    beside: tuple[str, ...] = ()
    """Comments and indexes."""


@dataclass(frozen=True)
class DuckDb:
    """A DuckDB file in the folder of the project."""

    root: Path
    schema: str = field(default="main", init=False)

    def environment(self) -> dict[str, str]:
        """Return the variables that the profile reads."""
        return {}

    def sql(self, statement: str) -> None:
        """Run statements as somebody else would."""
        with duckdb.connect(str(self.root / FILE)) as connection:
            connection.execute(statement.replace("{root}", str(self.root)))

    def copied(self, root: Path) -> "DuckDb":
        """Return the database in another folder, into which the whole project was copied."""
        return DuckDb(root)

    def dropped(self) -> None:
        """Leave the file to the folder, which goes with it."""

    def bring(self, other: "DuckDb") -> None:
        """Replace what dlt loaded by what it loaded into another database, ids included."""
        with duckdb.connect(str(self.root / FILE)) as connection:
            connection.execute(f"attach '{other.root / FILE}' as other (read_only)")
            found = connection.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'other' and"
                f" ends_with(schema_name, '{LOADED}')"
            ).fetchall()
            for schema, table in found:
                connection.execute(f'create schema if not exists "{schema}"')
                connection.execute(f'create or replace table "{schema}"."{table}" as from other."{schema}"."{table}"')

    def contents(self) -> dict[str, Content]:
        """Return all relations that dbt may have made."""
        with duckdb.connect(str(self.root / FILE)) as connection:
            connection.execute(f"set file_search_path = '{self.root}'")
            found = connection.execute(
                "select schema_name, table_name, 'table', comment from duckdb_tables() where not internal union all"
                " select schema_name, view_name, 'view', comment from duckdb_views() where not internal"
            ).fetchall()
            attached = connection.execute(
                "select schema_name || '.' || table_name, column_name || ': ' || comment from duckdb_columns()"
                " where comment is not null union all"
                " select schema_name || '.' || table_name, 'index on ' || expressions from duckdb_indexes()"
            ).fetchall()
            return {
                f"{schema}.{name}": _read(
                    lambda sql: _rows_of_duckdb(connection, sql),
                    f'"{schema}"."{name}"',
                    kind,
                    (str(comment), *sorted(str(word) for table, word in attached if table == f"{schema}.{name}")),
                )
                for schema, name, kind, comment in found
                if _is_ours(schema)
            }


def _rows_of_duckdb(connection, sql: str):
    answer = connection.execute(sql)
    columns = tuple((column[0], str(column[1])) for column in answer.description)
    return columns, answer.fetchall()


@dataclass(frozen=True)
class Postgres:
    """A database on the server of the harness."""

    server: Server
    name: str
    schema: str = field(default="analytics", init=False)

    def environment(self) -> dict[str, str]:
        """Return the variables that the profile reads."""
        return {
            "PAIRS_HOST": self.server.host,
            "PAIRS_PORT": str(self.server.port),
            "PAIRS_PASSWORD": PASSWORD,
            "PAIRS_DATABASE": self.name,
        }

    def sql(self, statement: str) -> None:
        """Run statements as somebody else would."""
        self.server.rows(statement, self.name)

    def copied(self, root: Path) -> "Postgres":
        """Return a copy of the database."""
        name = f"{self.name}_{root.name}"
        self.server.rows(f"create database {name} template {self.name}")
        return Postgres(self.server, name)

    def dropped(self) -> None:
        """Drop the database."""
        self.server.rows(f"drop database if exists {self.name} with (force)")

    def bring(self, other: "Postgres") -> None:
        """Replace what dlt loaded by what it loaded into another database, ids included."""
        tables = other.server.rows(
            "select table_schema, table_name from information_schema.tables"
            f" where table_schema like '%\\{LOADED}' and table_type = 'BASE TABLE'",
            other.name,
        )
        for schema, table in tables:
            columns = other.server.rows(
                "select column_name, data_type from information_schema.columns where"
                f" table_schema = '{schema}' and table_name = '{table}' order by ordinal_position",
                other.name,
            )
            self.sql(f'create schema if not exists "{schema}"; create table if not exists "{schema}"."{table}" ()')
            for column, kind in columns:
                self.sql(f'alter table "{schema}"."{table}" add column if not exists "{column}" {kind}')
            self._copy(other, schema, table, ", ".join(f'"{column}"' for column, _ in columns))

    def _copy(self, other: "Postgres", schema: str, table: str, columns: str) -> None:
        text = io.StringIO()
        with closing(other.server.connect(other.name)) as connection, connection.cursor() as cursor:
            cursor.copy_expert(f'copy (select {columns} from "{schema}"."{table}") to stdout', text)
        text.seek(0)
        self.sql(f'truncate "{schema}"."{table}"')
        with closing(self.server.connect(self.name)) as connection, connection.cursor() as cursor:
            cursor.copy_expert(f'copy "{schema}"."{table}" ({columns}) from stdin', text)

    def contents(self) -> dict[str, Content]:
        """Return all relations that dbt may have made."""
        found = self.server.rows(
            "select n.nspname, c.relname, c.relkind, coalesce(obj_description(c.oid), '') || coalesce((select"
            " string_agg(a.attname || ': ' || col_description(c.oid, a.attnum), ', ' order by a.attnum)"
            " from pg_attribute a where a.attrelid = c.oid and a.attnum > 0), ''),"
            " (select count(*) from pg_index i where i.indrelid = c.oid)"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'v', 'm')",
            self.name,
        )
        with closing(self.server.connect(self.name)) as connection, connection.cursor() as cursor:
            return {
                f"{schema}.{name}": _read(
                    lambda sql: _rows_of_postgres(cursor, sql),
                    f'"{schema}"."{name}"',
                    kind,
                    (said, f"{indexes} indexes"),
                )
                for schema, name, kind, said, indexes in found
                if _is_ours(schema)
            }


def _rows_of_postgres(cursor, sql: str):
    cursor.execute(sql)
    columns = tuple((column.name, str(column.type_code)) for column in cursor.description)
    return columns, cursor.fetchall()


def _is_ours(schema: str) -> bool:
    if schema in {"ext", "information_schema"} or schema.startswith(("_elt", "pg_")):
        return False
    return not schema.endswith((LOADED, f"{LOADED}_staging"))


def _read(ask, relation: str, kind: str, beside: tuple[str, ...]) -> Content:
    try:
        columns, rows = ask(f"select * from {relation}")
    except (duckdb.Error, psycopg2.Error) as error:
        return Content(kind=kind, columns=(("cannot be read", type(error).__name__),), rows=(), beside=beside)
    names = [name for name, _ in columns]
    kept = [place for place, name in enumerate(names) if name not in OF_A_SNAPSHOT]
    valid = names.index("dbt_valid_to") if "dbt_valid_to" in names else None
    told = sorted(
        repr([*(row[place] for place in kept), *([] if valid is None else [row[valid] is None])]) for row in rows
    )
    return Content(kind=kind, columns=columns, rows=tuple(told), beside=beside)


def copy_project(root: Path, to: Path) -> None:
    """Copy a project with its database file, records and artifacts."""
    shutil.copytree(root, to, symlinks=True)
