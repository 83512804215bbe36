"""Defines the tables of the store, as the newest migration leaves them, for SQLite and PostgreSQL."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):  # type: ignore[misc]  # read without types, as in the whole tree
    """A timezone-aware time, stored in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return a time in UTC."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return a stored time with its time zone, which SQLite does not store."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


_Widened = BigInteger().with_variant(Integer, "sqlite")
"""A column that used to have 32 bits; SQLite integers have 64 bits in any case."""

metadata = MetaData()

texts = Table(
    "texts",
    metadata,
    Column("digest", String(64), primary_key=True, comment="SHA-256 of the text"),
    Column("kind", String(32), nullable=False, comment="plan, manifest, fingerprint or parts"),
    Column("compressed", LargeBinary, nullable=False, comment="zlib"),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("status", String(16), comment="null while the run is in progress, or if its process died"),
    Column("exit_code", Integer),
    Column("verb", String(32), nullable=False),
    Column("trigger", String(32), nullable=False, comment="what started the run: cli, api, …"),
    Column("command", JSON, nullable=False, comment="the command line, with secrets masked"),
    Column("selected", JSON, nullable=False, comment="select, exclude, selector"),
    Column("vars", JSON, nullable=False, comment="with secrets masked"),
    Column("logical_date", Moment),
    Column("plan_digest", ForeignKey("texts.digest"), nullable=False),
    Column("manifest_digest", ForeignKey("texts.digest")),
    Column("git_commit", String(64)),
    Column("git_dirty", Boolean),
    Column("versions", JSON, nullable=False, comment="of elt, dbt, its adapter, dlt, Great Expectations and DuckDB"),
    Column("target", String(255), nullable=False, comment="its name in profiles.yml"),
    Column("target_identity", Text, nullable=False, comment="adapter, host or absolute file, database"),
    Column("database", Text, nullable=False),
    Column("user", String(255), nullable=False),
    Column("host", String(255), nullable=False),
    Column("process", Integer, nullable=False),
    Column("process_started_at", Moment),
    Column("started_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("steps", Integer, nullable=False),
    Index("runs_by_start", "started_at"),
    Index("runs_by_target", "target_identity", "status"),
)

steps = Table(
    "steps",
    metadata,
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("step_id", Text, primary_key=True),
    Column("position", Integer, nullable=False, comment="in the plan"),
    Column("kind", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("why", Text, nullable=False, comment="why it is in the plan"),
    Column("status", String(16), comment="null until the step ends"),
    Column("reason", String(32)),
    Column("blame", Text, comment="the step at which the halt began"),
    Column("place", Text, nullable=False, server_default="", comment="empty in runs of older versions"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("step_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("status", String(16)),
    Column("tool_word", String(64)),
    Column("reason", String(32)),
    Column("blame", Text),
    Column("message", Text),
    Column("rows_affected", _Widened),
    Column("failures", Integer, comment="the number of rows or expectations that did not pass"),
    Column("path", Text),
    Column("compiled_path", Text),
    Column("dbt_results", JSON, comment="dbt's own records"),
    Column("error_class", String(16), comment="transient, permanent or data"),
    Column("bytes_processed", BigInteger, comment="bytes read by a query, or loaded"),
    Column("query_seconds", Double, comment="the execution time in the tool"),
    Column("log", Text, comment="the end of the tool's log, if the attempt did not succeed"),
    Column("row_count", BigInteger, comment="the number of rows in the table after a build"),
)

parts = Table(
    "parts",
    metadata,
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("step_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False, comment="a batch, an expectation, a loaded table"),
    Column("status", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("rows", _Widened),
    Column("detail", JSON, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("step_id", Text),
    Column("attempt", Integer),
    Column("body", JSON, nullable=False),
)

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("step_id", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("identity", String(64), nullable=False, comment="identifies the result of the node for its children"),
    Column("parts_digest", ForeignKey("texts.digest"), nullable=False),
    sqlite_with_rowid=False,
)

last_success = Table(
    "standing",
    metadata,
    Column("target_identity", Text, primary_key=True),
    Column(
        "place", Text, primary_key=True, comment="the full name of the relation that the step writes, or where it works"
    ),
    Column("step_id", Text, primary_key=True),
    Column("run_id", String(64), nullable=False, comment="the run itself may have been pruned"),
    Column("ended_at", Moment),
    Column("status", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("identity", String(64), nullable=False),
    Column("parts_digest", ForeignKey("texts.digest"), nullable=False),
    sqlite_with_rowid=False,  # the end of a step writes one page; a table with a separate key writes two
)

last_attempts = Table(
    "last_tries",
    metadata,
    Column("target_identity", Text, primary_key=True),
    Column(
        "place", Text, primary_key=True, comment="the full name of the relation that the step writes, or where it works"
    ),
    Column("step_id", Text, primary_key=True),
    Column("run_id", String(64), nullable=False, comment="the run itself may have been pruned"),
    Column("status", String(16), comment="null while the attempt is in progress"),
    Column("ended_at", Moment),
    sqlite_with_rowid=False,
)

leases = Table(
    "leases",
    metadata,
    Column("target_identity", Text, primary_key=True),
    Column("run_id", String(64), primary_key=True),
    Column("names", JSON, nullable=False, comment="the names of what the run may write; * for the whole target"),
    Column("user", String(255), nullable=False),
    Column("host", String(255), nullable=False),
    Column("process", Integer, nullable=False),
    Column("process_started_at", Moment),
    Column("taken_at", Moment, nullable=False),
    Column("beaten_at", Moment, nullable=False, comment="the last heartbeat"),
)

requests = Table(
    "requests",
    metadata,
    Column("request_id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False, comment="cancel"),
    Column("asked_at", Moment, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("taken_at", Moment),
    Index("requests_by_run", "run_id", "taken_at"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("project", String(255), primary_key=True, comment="the name in dbt_project.yml"),
    Column("schedule", String(255), primary_key=True),
    Column("since", Moment, nullable=False, comment="earlier times are not due"),
    Column("definition", Text, nullable=False, comment="the cron expressions and the zone"),
    Column("paused_at", Moment),
    Column("paused_by", String(255), nullable=False),
)

schedule_versions = Table(
    "schedule_versions",
    metadata,
    Column("project", String(255), primary_key=True),
    Column("schedule", String(255), primary_key=True),
    Column("name", String(1024), primary_key=True, comment="a file or a node; empty for the first look itself"),
    Column("version", Text, nullable=False),
)

schedule_times = Table(
    "schedule_times",
    metadata,
    Column("project", String(255), primary_key=True),
    Column("schedule", String(255), primary_key=True),
    Column("logical_time", Moment, primary_key=True),
    Column("interval_start", Moment, nullable=False),
    Column("interval_end", Moment, nullable=False),
    Column("state", String(16), nullable=False, comment="pending, running, ended or skipped"),
    Column("cause", String(16), comment="why it was skipped"),
    Column("note", Text, nullable=False, comment="the reason in words"),
    Column("exit_code", Integer),
    Column("run_id", String(64), comment="the run itself may have been pruned"),
    Column("starts", Integer, nullable=False, comment="how often a run was started for it"),
    Column("again_at", Moment, comment="when it is started again"),
    Column("claimed_at", Moment, nullable=False),
    Column("beaten_at", Moment, nullable=False, comment="the last heartbeat"),
    Column("ended_at", Moment),
    Column("user", String(255), nullable=False),
    Column("host", String(255), nullable=False),
    Column("process", Integer, nullable=False),
    Column("process_started_at", Moment),
    Column("put_off", String(16), comment="why it is started again without using up a retry"),
    Index("schedule_times_by_state", "project", "state"),
)
