"""Bytes and seconds of each attempt, and the log of an attempt that did not succeed.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns, and show them in the views."""
    for column in (
        sa.Column("bytes_processed", sa.BigInteger(), nullable=True, comment="bytes read by a query, or loaded"),
        sa.Column("query_seconds", sa.Double(), nullable=True, comment="the execution time in the tool"),
        sa.Column("log", sa.Text(), nullable=True, comment="the end of the tool's log, if the attempt did not succeed"),
    ):
        op.add_column("attempts", column)
    op.execute("drop view history_steps")
    op.execute("drop view history_attempts")
    for view in VIEWS:
        op.execute(view)


VIEWS = (
    """
    create view history_steps as
    select s.run_id, s.step_id, s.kind, s.name, s.status, s.reason, s.blame, s.why, s.path, a.attempts, l.started_at,
        l.ended_at, l.tool_word, l.message, l.rows_affected, l.failures, l.compiled_path, l.error_class,
        l.bytes_processed, l.query_seconds, l.log
    from steps s
    left join (select run_id, step_id, max(attempt) as attempts from attempts group by run_id, step_id) a
        on a.run_id = s.run_id and a.step_id = s.step_id
    left join attempts l on l.run_id = s.run_id and l.step_id = s.step_id and l.attempt = a.attempts
    """,
    """
    create view history_attempts as
    select a.run_id, a.step_id, s.kind, s.name, a.attempt, a.status, a.reason, a.error_class, a.started_at, a.ended_at,
        a.tool_word, a.message, a.rows_affected, a.failures, a.compiled_path, a.bytes_processed, a.query_seconds, a.log
    from attempts a join steps s on s.run_id = a.run_id and s.step_id = a.step_id
    """,
)
