"""The class of the error that each attempt ended in, and a view of the attempts.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the class of an error, and show it in the views."""
    op.add_column(
        "attempts",
        sa.Column("error_class", sa.String(length=16), nullable=True, comment="transient, permanent or data"),
    )
    op.execute("drop view history_steps")
    for view in VIEWS:
        op.execute(view)


VIEWS = (
    """
    create view history_steps as
    select s.run_id, s.step_id, s.kind, s.name, s.status, s.reason, s.blame, s.why, s.path, a.attempts, l.started_at,
        l.ended_at, l.tool_word, l.message, l.rows_affected, l.failures, l.compiled_path, l.error_class
    from steps s
    left join (select run_id, step_id, max(attempt) as attempts from attempts group by run_id, step_id) a
        on a.run_id = s.run_id and a.step_id = s.step_id
    left join attempts l on l.run_id = s.run_id and l.step_id = s.step_id and l.attempt = a.attempts
    """,
    """
    create view history_attempts as
    select a.run_id, a.step_id, s.kind, s.name, a.attempt, a.status, a.reason, a.error_class, a.started_at, a.ended_at,
        a.tool_word, a.message, a.rows_affected, a.failures, a.compiled_path
    from attempts a join steps s on s.run_id = a.run_id and s.step_id = a.step_id
    """,
)
