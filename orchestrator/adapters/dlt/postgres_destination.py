"""Adapts dlt's postgres destination to the login of dbt's target: its jobs are marked, its connections are named."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, ClassVar

from dlt.common.destination import Destination
from dlt.destinations.impl.postgres.configuration import PostgresCredentials
from dlt.destinations.impl.postgres.factory import postgres
from dlt.destinations.impl.postgres.postgres import PostgresClient
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

from orchestrator.adapters.dlt.destinations import destination_type
from orchestrator.adapters.dlt.dlt_bridge import OwnConnection
from orchestrator.adapters.dlt.load_record import LoadRecord
from orchestrator.adapters.dlt.marked_jobs import MarkedJobs
from orchestrator.adapters.postgres.connection import connect
from orchestrator.adapters.postgres.counting import CountingConnection
from orchestrator.adapters.postgres.login import Login


class LoginSqlClient(OwnConnection, Psycopg2SqlClient):  # type: ignore[misc]  # dlt ships its types unchecked
    """dlt's Postgres SQL client with dbt's login."""

    login: ClassVar[Login]

    is_whole = False

    def open_connection(self) -> CountingConnection:
        """Open a connection, with the search path that dlt sets for its own connections."""
        path = f"{self.fully_qualified_dataset_name()},public"
        connection: CountingConnection = connect(self.login, search_path=path, connection_factory=CountingConnection)
        self.own_connection = connection
        return connection

    @property
    def inserted(self) -> int:
        """Return the number of rows inserted since the last `whole` began."""
        return self.own_connection.inserted if self.own_connection is not None else 0

    @contextmanager
    def begin_transaction(self) -> Iterator[Any]:
        """Begin a transaction, unless `whole` has already begun one."""
        if self.is_whole:
            yield self
            return
        with super().begin_transaction() as transaction:
            yield transaction

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Run everything inside in one transaction, even if dlt begins and commits transactions in between."""
        with super().begin_transaction():
            connection = self.own_connection
            if connection is None:
                raise RuntimeError("a job runs without a connection")
            self.is_whole, connection.inserted = True, 0
            try:
                yield
                if self.own_connection is not connection or connection.autocommit:
                    raise RuntimeError("the transaction of a load was lost on the way")  # dlt resets after an error
            finally:
                self.is_whole = False


class LoginPostgresClient(MarkedJobs, PostgresClient):  # type: ignore[misc]  # dlt ships its types unchecked
    """dlt's Postgres client with marked jobs; `login_destination` sets its class attributes."""

    sql_client: LoginSqlClient
    sql_client_class: ClassVar[type[LoginSqlClient]]
    marking: ClassVar[threading.Lock]
    marked_schemas: ClassVar[set[str]]

    def ensure_marks(self) -> None:
        """Create the table of marks on a separate connection, because the job's connection may be in a transaction."""
        with self.marking:
            if self.marks in self.marked_schemas:
                return
            with closing(connect(self.sql_client.login)) as connection, connection.cursor() as cursor:
                cursor.execute(
                    f"CREATE TABLE IF NOT EXISTS {self.marks}"
                    " (load_id VARCHAR, job VARCHAR, table_name VARCHAR, row_count BIGINT, PRIMARY KEY (load_id, job))"
                )
            self.marked_schemas.add(self.marks)

    def claim(self, load_id: str, job: str, table: str) -> bool:
        """Return whether the mark could be inserted; waits for the open transaction of a killed load at the server."""
        taken = self.sql_client.execute_sql(
            f"INSERT INTO {self.marks} VALUES (%s, %s, %s, 0) ON CONFLICT DO NOTHING RETURNING 1",  # noqa: S608
            load_id,
            job,
            table,
        )
        return bool(taken)

    def note(self, load_id: str, job: str, table: str, rows: int) -> None:  # noqa: ARG002  # `claim` wrote the mark
        """Record how many rows the job inserted, without its mark."""
        # The connection has also counted the row of the mark, which `claim` inserted.
        query = f"UPDATE {self.marks} SET row_count = %s WHERE load_id = %s AND job = %s"  # noqa: S608  # dlt's names
        self.sql_client.execute_sql(query, max(0, rows - 1), load_id, job)


def login_destination(login: Login, record: LoadRecord, *, exact_dataset: bool) -> Destination:
    """Return a dlt destination that loads with the login; its `loaded` has the row counts by package and table.

    With `exact_dataset`, the schema's name is used as it is, without dlt's normalization.
    """
    attributes = {
        "sql_client_class": type("LoggedInSqlClient", (LoginSqlClient,), {"login": login}),
        "marking": threading.Lock(),
        "marked_schemas": set(),
        "record": record,
        "loaded": {},
    }
    client = type("LoggedInPostgresClient", (LoginPostgresClient,), attributes)

    class LoginDestination(postgres):  # type: ignore[misc]  # dlt ships its types unchecked
        """Has the name of dlt's own destination, so that its state and configuration stay valid without elt."""

        loaded, record = attributes["loaded"], attributes["record"]
        destination_type = destination_type("postgres")
        client_class = client

    options = {"enable_dataset_name_normalization": False} if exact_dataset else {}
    return LoginDestination(credentials=_shown(login), **options)


def _shown(login: Login) -> PostgresCredentials:
    """Return credentials that identify the database for dlt, without the password: connections are opened here."""
    credentials = PostgresCredentials()
    credentials.database, credentials.host, credentials.port = login.database, login.host, login.port
    credentials.username, credentials.password = login.user, "not given to dlt"
    credentials.resolve()
    return credentials
