"""Runs, their steps and attempts, events, and requests.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first tables, and the views for users."""
    _make_runs()
    _make_steps()
    _make_happenings()
    for view in VIEWS:
        op.execute(view)


def _make_runs() -> None:
    op.create_table(
        "texts",
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the text"),
        sa.Column("kind", sa.String(length=32), nullable=False, comment="plan, manifest, fingerprint or parts"),
        sa.Column("compressed", sa.LargeBinary(), nullable=False, comment="zlib"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column(
            "status",
            sa.String(length=16),
            nullable=True,
            comment="null while the run is in progress, or if its process died",
        ),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("verb", sa.String(length=32), nullable=False),
        sa.Column("trigger", sa.String(length=32), nullable=False, comment="what started the run: cli, api, …"),
        sa.Column("command", sa.JSON(), nullable=False, comment="the command line, with secrets masked"),
        sa.Column("selected", sa.JSON(), nullable=False, comment="select, exclude, selector"),
        sa.Column("vars", sa.JSON(), nullable=False, comment="with secrets masked"),
        sa.Column("logical_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("plan_digest", sa.String(length=64), nullable=False),
        sa.Column("manifest_digest", sa.String(length=64), nullable=True),
        sa.Column("git_commit", sa.String(length=64), nullable=True),
        sa.Column("git_dirty", sa.Boolean(), nullable=True),
        sa.Column(
            "versions",
            sa.JSON(),
            nullable=False,
            comment="of elt, dbt, its adapter, dlt, Great Expectations and DuckDB",
        ),
        sa.Column("target", sa.String(length=255), nullable=False, comment="its name in profiles.yml"),
        sa.Column("target_identity", sa.Text(), nullable=False, comment="adapter, host or absolute file, database"),
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("user", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("process_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["manifest_digest"],
            ["texts.digest"],
        ),
        sa.ForeignKeyConstraint(
            ["plan_digest"],
            ["texts.digest"],
        ),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("runs_by_start", "runs", ["started_at"], unique=False)
    op.create_index("runs_by_target", "runs", ["target_identity", "status"], unique=False)


def _make_steps() -> None:
    op.create_table(
        "steps",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="in the plan"),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False, comment="why it is in the plan"),
        sa.Column("status", sa.String(length=16), nullable=True, comment="null until the step ends"),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("blame", sa.Text(), nullable=True, comment="the step at which the halt began"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "step_id"),
    )
    op.create_table(
        "attempts",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("tool_word", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("blame", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("rows_affected", sa.Integer(), nullable=True),
        sa.Column(
            "failures", sa.Integer(), nullable=True, comment="the number of rows or expectations that did not pass"
        ),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("compiled_path", sa.Text(), nullable=True),
        sa.Column("dbt_results", sa.JSON(), nullable=True, comment="dbt's own records"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "step_id", "attempt"),
    )
    op.create_table(
        "parts",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="a batch, an expectation, a loaded table"),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "step_id", "attempt", "position"),
    )


def _make_happenings() -> None:
    op.create_table(
        "events",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "sequence"),
    )
    op.create_table(
        "requests",
        sa.Column("request_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="cancel"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_index("requests_by_run", "requests", ["run_id", "taken_at"], unique=False)


VIEWS = (
    """
    create view history_runs as
    select run_id, coalesce(status, 'running') as status, verb, trigger, target, database, started_at, ended_at,
        git_commit, steps, exit_code
    from runs
    """,
    """
    create view history_steps as
    select s.run_id, s.step_id, s.kind, s.name, s.status, s.reason, s.blame, s.why, s.path, a.attempts, l.started_at,
        l.ended_at, l.tool_word, l.message, l.rows_affected, l.failures, l.compiled_path
    from steps s
    left join (select run_id, step_id, max(attempt) as attempts from attempts group by run_id, step_id) a
        on a.run_id = s.run_id and a.step_id = s.step_id
    left join attempts l on l.run_id = s.run_id and l.step_id = s.step_id and l.attempt = a.attempts
    """,
    """
    create view history_parts as
    select p.run_id, p.step_id, s.kind, s.name as step, p.attempt, p.name, p.status, p.message, p.rows
    from parts p join steps s on s.run_id = p.run_id and s.step_id = p.step_id
    """,
    """
    create view history_events as
    select run_id, sequence, at, kind, step_id, attempt, body from events
    """,
)
