"""Records and leases by place: the full name of what a step writes, in addition to the target and the step.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

PLACE = "the full name of the relation that the step writes, or where it works"


def upgrade() -> None:
    """Add the place to the key of step records, and let a run lease what it writes instead of the whole target.

    For existing rows the place is unknown, and so is whether another step has written there since. They are dropped:
    that costs one build, whereas keeping them could reuse a table that another project or user built. A lease that is
    held during the migration becomes a lease on the whole target.
    """
    op.drop_table("standing")
    op.drop_table("last_tries")
    op.create_table(
        "standing",
        sa.Column("target_identity", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False, comment=PLACE),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False, comment="the run itself may have been pruned"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("parts_digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["parts_digest"], ["texts.digest"]),
        sa.PrimaryKeyConstraint("target_identity", "place", "step_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "last_tries",
        sa.Column("target_identity", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False, comment=PLACE),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False, comment="the run itself may have been pruned"),
        sa.Column("status", sa.String(length=16), nullable=True, comment="null while the attempt is in progress"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("target_identity", "place", "step_id"),
        sqlite_with_rowid=False,
    )
    place = sa.Column("place", sa.Text(), nullable=False, server_default="", comment="empty in runs of older versions")
    op.add_column("steps", place)
    op.rename_table("leases", "leases_before")
    op.create_table(
        "leases",
        sa.Column("target_identity", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column(
            "names", sa.JSON(), nullable=False, comment="the names of what the run may write; * for the whole target"
        ),
        sa.Column("user", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("process_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beaten_at", sa.DateTime(timezone=True), nullable=False, comment="the last heartbeat"),
        sa.PrimaryKeyConstraint("target_identity", "run_id"),
    )
    op.execute(COPY)
    op.drop_table("leases_before")


COPY = """
    insert into leases (target_identity, run_id, names, "user", host, process, process_started_at, taken_at, beaten_at)
    select target_identity, run_id, '["*"]', "user", host, process, process_started_at, taken_at, beaten_at
    from leases_before
    """
