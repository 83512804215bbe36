"""Defines the errors of what a command works on: the warehouse, other runs, and the record of runs."""

from orchestrator.errors.elt_error import EltError


class WarehouseError(EltError):
    """The database cannot be opened, read or written.

    A DuckDB file is not a database, has no write permission, or is in a folder that does not exist. The message has the
    absolute path and the reason.
    """

    code = "E050"
    remedy = "Check the file, its permissions, and the target in profiles.yml."
    example = """
    Error [E050]: /data/shop.duckdb is not a DuckDB database.
    Set `path` in profiles.yml to another file, or move this one out of the way."""


class WarehouseLockedError(WarehouseError):
    """Another process has the database file open.

    `elt` names the process while it waits and when `--lock-timeout` has passed. `elt plan`, `elt ls` and `elt explain`
    [work all the same](plan.md#while-another-process-holds-the-database).
    """

    code = "E051"
    remedy = "Close the database in that process, or wait longer with `--lock-timeout`."
    example = """
    Error [E051]: The database /data/shop.duckdb is locked by process 4711 (duckdb shop.duckdb); waited 60 s for it.
    Wait longer with --lock-timeout DURATION, or close the database in that process."""

    def __init__(self, message: str, *, hint: str, pid: int, command: str) -> None:
        super().__init__(message, hint=hint)
        self.pid = pid
        self.command = command


class WarehouseConnectionError(WarehouseError):
    """The database server refused the connection, or does not answer.

    The message has host, port, user, database, target and profile, and the server's reason; never the password.
    """

    code = "E052"
    remedy = "Correct the key of profiles.yml that the message names, or start the server."
    example = """
    Error [E052]: Cannot connect to PostgreSQL at localhost, port 5432, database shop, user loader (target prod): \
password authentication failed
    Check `user` and `password` of the target in profiles.yml."""


class UnsupportedWarehouseError(WarehouseError):
    """The target's database cannot do what the command needs.

    Loads, validations, `--verify-reuse` and `elt adopt` need a DuckDB file or a PostgreSQL database.
    """

    code = "E053"
    remedy = "Choose another target with `--target`, or run only dbt's part: `--no-ingest --exclude 'expectation:*'`."
    example = """
    Error [E053]: The target dev has no database file (its path is :memory:), but the plan loads or validates.
    Set `path` of the target in profiles.yml to a file."""


class NewerDatabaseError(WarehouseError):
    """The installed DuckDB is too old to read the database file: a newer release created it in its own storage format.

    DuckDB 1.5 cannot read what DuckDB 2 creates, unless [`storage_version`](configuration.md#storage-format-of-duckdb)
    says so.
    """

    code = "E095"
    remedy = "Install the release that the message names, or copy the file into the older format with that release."
    example = """
    Error [E095]: DuckDB 1.5.6 is installed and cannot read the database /data/shop.duckdb: DuckDB 2.0.0 created it in \
a newer storage format.
    Install DuckDB 2.0.0 or later. Or copy the database into a new file with that release:
    ATTACH '/data/shop.duckdb' AS old; CHECKPOINT old; ATTACH 'new.duckdb' AS new (STORAGE_VERSION 'v1.5.0'); COPY \
FROM DATABASE old TO new;"""


class StorageVersionError(WarehouseError):
    """A database file has a newer storage format than `storage_version` in elt.yml promises to its readers.

    A file keeps the format that it was created with.
    """

    code = "E096"
    remedy = "Copy the database into a new file, as the message shows, or remove `storage_version`."
    example = """
    Error [E096]: The database /data/shop.duckdb has the storage format of DuckDB v2.0.0, and /data/elt.yml:3 has \
`storage_version: v1.5.0`. A file keeps its format, so DuckDB v1.5.0 could not read it.
    Copy it into a new file, and put that in its place, or remove `storage_version`. In DuckDB 2.0.0:
    ATTACH '/data/shop.duckdb' AS old; CHECKPOINT old; ATTACH 'new.duckdb' AS new (STORAGE_VERSION 'v1.5.0'); COPY \
FROM DATABASE old TO new;"""


class BusyError(EltError):
    """Another run writes to the same relations, and this run was told not to wait (`--on-busy refuse`)."""

    code = "E060"
    remedy = "Wait with `--on-busy wait`, or end the other run with `elt cancel`."
    example = """
    Error [E060]: The run 2b7c writes to the same relations: process 4711 on host ci, /data/shop.duckdb.
    Wait for it with --on-busy wait, or end it: elt cancel 2b7c"""


class ConditionError(EltError):
    """A condition that the run waits for (`wait_for`, `--wait-for`) did not come true in time. Nothing was run.

    The message says what was last seen: an answer that is not the expected one, or why there was none.
    """

    code = "E065"
    remedy = (
        "Look at what the message names. `within` sets how long a condition is waited for, `otherwise` what follows."
    )
    example = """
    Error [E065]: The condition did not come true within 1 h: file /in/orders_2026-11-28.csv: no file matches
    Nothing was run. A condition waits longer with `within`, or lets the run start with `otherwise: run`."""
    exit_code = 1


class ImpossibleConditionError(ConditionError):
    """A condition can never come true as it is written, so the wait ended at once.

    The place has an unknown scheme, a package or a driver is missing, a statement is not SQL, there is no such dbt
    source, or a variable of the environment is not set.
    """

    code = "E066"
    remedy = "Correct the condition as the message says, or install what is missing."
    example = """
    Error [E066]: The condition can never come true: file s3://in/orders.csv: the package s3fs is missing
    Install it into this environment: /venv/bin/python -m pip install s3fs"""
    exit_code = 2


class RunSkippedError(ConditionError):
    """A condition did not come true in time, and it says `otherwise: skip`: the run does not start, and that is fine.

    The exit code is 0. One line says so; with `--json` it is the event `run_not_started`.
    """

    code = "E067"
    remedy = "Nothing needs to be done. With `otherwise: fail`, the same is an error."
    example = """
    Error [E067]: The condition did not come true within 1 h: file /in/orders_2026-11-28.csv: there is no such file"""
    exit_code = 0


class StoreError(EltError):
    """The store, which holds the record of runs, cannot be opened, read or written.

    The message has the file or the host, and the reason; never the password. A run that cannot be recorded does not
    start, and a run that can no longer be recorded starts no further step.
    """

    code = "E070"
    remedy = "Correct the permissions or the server, or set `store` in elt.yml to another place."
    example = """
    Error [E070]: The record of runs /data/shop/.elt/history.db cannot be written: Permission denied
    Make the folder writable, or set `store` in elt.yml to another place."""


class CorruptStoreError(StoreError):
    """The file with the record of runs is corrupt.

    If elt.yml has no schedules, `elt run` renames it with a timestamp, and the next run starts a new record. All other
    commands leave it unchanged. With schedules no command renames it, because the record decides which times are due.
    """

    code = "E071"
    remedy = "Put a backup of the file in its place, or move it and its journal away to start a new record."
    example = """
    Error [E071]: The record of runs /data/shop/.elt/history.db is corrupt: file is not a database. Nothing was changed.
    Put a backup in its place, or start a new record: mkdir /data/shop/.elt/corrupt-20261129T020000Z && mv …
    Schedules begin again with a new record: `elt schedule run NAME` runs the latest time of one."""


class NewerStoreError(StoreError):
    """The store was written by a newer `elt`. It was not changed."""

    code = "E072"
    remedy = "Use that newer `elt`, or set `store` in elt.yml to another place."
    example = """
    Error [E072]: The record of runs /data/shop/.elt/history.db was written by a newer elt: the store has \
version 0009, this elt supports 0008.
    Nothing was changed. Use the newer elt, or set `store` in elt.yml to another place."""


class NothingRecordedError(StoreError):
    """There is no record of runs yet, or only that of an older `elt`, which the next run upgrades."""

    code = "E073"
    remedy = "`elt run` creates or upgrades the record."
    example = """
    Error [E073]: Nothing is recorded yet: /data/shop/.elt/history.db does not exist.
    `elt run` creates the record."""


class UnknownRunError(StoreError):
    """No recorded run has this id."""

    code = "E074"
    remedy = "`elt history` lists the runs. The beginning of an id is enough."
    example = """
    Error [E074]: There is no run 2b7c.
    `elt history` lists the runs."""


class AmbiguousRunError(StoreError):
    """Several recorded runs have ids with this beginning."""

    code = "E075"
    remedy = "Type more of the id. `elt history` lists the runs."
    example = """
    Error [E075]: Several runs begin with 2b: 2b7c, 2bd1
    Type more of the id. `elt history` lists the runs."""


class RunTakenOverError(StoreError):
    """Another process continued this run, so this process no longer records it."""

    code = "E076"
    remedy = "`elt history` shows the state of the run."
    example = """
    Error [E076]: Another process has taken over the run 2b7c.
    `elt history` shows its state."""


class RecordQueryError(StoreError):
    """A statement of `elt sql` is not valid, or is not a query."""

    code = "E077"
    remedy = "Correct the statement. `elt sql --help` lists the views, and [history](history.md) their columns."
    example = "Error [E077]: SQL error: no such column: state"


class NotificationError(EltError):
    """A notification could not be sent: the service is unknown, cannot be reached, or does not accept it.

    Only `elt notify test` ends with this error. A run never does: what cannot be sent is retried later, and
    `elt notify status` shows why.
    """

    code = "E090"
    remedy = "Check the URL of the destination, then send a test: `elt notify test DESTINATION`."
    example = """
    Error [E090]: data-team: Failed to send Slack notification: Forbidden, error=403.
    Check the URL in SLACK_URL, then send a test again."""
    exit_code = 1


class DbtCommandError(EltError):
    """The program that `dbt.command` in elt.yml names cannot be used: it is missing, or is not dbt 2.x.

    `elt` asks it for its version. dbt 1.x is used as a Python library, without this key.
    """

    code = "E099"
    remedy = "Correct the name or the path, or remove `dbt.command` to use the dbt that is installed with `elt`."
    example = """
    Error [E099]: /data/shop/elt.yml: 'dbt.command' names dbtf, which cannot be started: No such file or directory.
    Install dbt 2.x, write the path of its program, or remove the key to use dbt 1.x."""


class DbtLimitError(EltError):
    """The command needs something that dbt 2.x cannot do, because it is a program of its own.

    `elt plan` lists what keeps a run from starting.
    """

    code = "E100"
    remedy = "Leave out what the message names, or remove `dbt.command` from elt.yml to use dbt 1.x."
    example = """
    Error [E100]: dbt 2.0.1 cannot run on-run-start hooks once: each of its processes would run them again.
    Remove the hooks, or remove `dbt.command` from elt.yml to use dbt 1.x."""
