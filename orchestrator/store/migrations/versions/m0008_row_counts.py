"""The row count of a table after each build, and row counts beyond 32 bits.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column, widen the others, and show the new one in the views."""
    for name in ("history_steps", "history_attempts", "history_parts"):
        op.execute(f"drop view {name}")
    op.add_column(
        "attempts",
        sa.Column("row_count", sa.BigInteger(), nullable=True, comment="the number of rows in the table after a build"),
    )
    if op.get_bind().dialect.name != "sqlite":  # SQLite integers have 64 bits in any case
        op.alter_column("attempts", "rows_affected", type_=sa.BigInteger())
        op.alter_column("parts", "rows", type_=sa.BigInteger())
    for view in VIEWS:
        op.execute(view)


VIEWS = (
    """
    create view history_steps as
    select s.run_id, s.step_id, s.kind, s.name, s.status, s.reason, s.blame, s.why, s.path, a.attempts, l.started_at,
        l.ended_at, l.tool_word, l.message, l.rows_affected, l.row_count, l.failures, l.compiled_path, l.error_class,
        l.bytes_processed, l.query_seconds, l.log
    from steps s
    left join (select run_id, step_id, max(attempt) as attempts from attempts group by run_id, step_id) a
        on a.run_id = s.run_id and a.step_id = s.step_id
    left join attempts l on l.run_id = s.run_id and l.step_id = s.step_id and l.attempt = a.attempts
    """,
    """
    create view history_attempts as
    select a.run_id, a.step_id, s.kind, s.name, a.attempt, a.status, a.reason, a.error_class, a.started_at, a.ended_at,
        a.tool_word, a.message, a.rows_affected, a.row_count, a.failures, a.compiled_path, a.bytes_processed,
        a.query_seconds, a.log
    from attempts a join steps s on s.run_id = a.run_id and s.step_id = a.step_id
    """,
    """
    create view history_parts as
    select p.run_id, p.step_id, s.kind, s.name as step, p.attempt, p.name, p.status, p.message, p.rows
    from parts p join steps s on s.run_id = p.run_id and s.step_id = p.step_id
    """,
)
