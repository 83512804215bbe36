"""The outcome of the last attempt of each step in a target, successful or not.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the last attempts, one for each step and target; earlier attempts are not known."""
    op.create_table(
        "last_tries",
        sa.Column("target_identity", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False, comment="the run itself may have been pruned"),
        sa.Column("status", sa.String(length=16), nullable=True, comment="null while the attempt is in progress"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("target_identity", "step_id"),
        sqlite_with_rowid=False,
    )
