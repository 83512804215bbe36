"""The fingerprints of a run's dbt nodes, and the current result of each node in each target.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the fingerprints of a run's steps, and the last successful one of each node in a target."""
    op.create_table(
        "fingerprints",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column(
            "identity",
            sa.String(length=64),
            nullable=False,
            comment="identifies the result of the node for its children",
        ),
        sa.Column("parts_digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parts_digest"], ["texts.digest"]),
        sa.PrimaryKeyConstraint("run_id", "step_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "standing",
        sa.Column("target_identity", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False, comment="the run itself may have been pruned"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("parts_digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["parts_digest"], ["texts.digest"]),
        sa.PrimaryKeyConstraint("target_identity", "step_id"),
        sqlite_with_rowid=False,
    )
    op.execute(VIEW)


VIEW = """
    create view history_fingerprints as
    select f.run_id, f.step_id, s.kind, s.name, s.status, f.digest, f.identity
    from fingerprints f join steps s on s.run_id = f.run_id and s.step_id = f.step_id
    """
