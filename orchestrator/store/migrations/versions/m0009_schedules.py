"""The schedules: since when they exist, what is paused, and each of their times.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the tables of schedules."""
    op.create_table(
        "schedules",
        sa.Column("project", sa.String(length=255), nullable=False, comment="the name in dbt_project.yml"),
        sa.Column("schedule", sa.String(length=255), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="earlier times are not due"),
        sa.Column("definition", sa.Text(), nullable=False, comment="the cron expressions and the zone"),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("project", "schedule"),
    )
    op.create_table(
        "schedule_versions",
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("schedule", sa.String(length=255), nullable=False),
        sa.Column(
            "name", sa.String(length=1024), nullable=False, comment="a file or a node; empty for the first look itself"
        ),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project", "schedule", "name"),
    )
    op.create_table(
        "schedule_times",
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("schedule", sa.String(length=255), nullable=False),
        sa.Column("logical_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("interval_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("interval_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="pending, running, ended or skipped"),
        sa.Column("cause", sa.String(length=16), nullable=True, comment="why it was skipped"),
        sa.Column("note", sa.Text(), nullable=False, comment="the reason in words"),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.String(length=64), nullable=True, comment="the run itself may have been pruned"),
        sa.Column("starts", sa.Integer(), nullable=False, comment="how often a run was started for it"),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=True, comment="when it is started again"),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beaten_at", sa.DateTime(timezone=True), nullable=False, comment="the last heartbeat"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("process_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project", "schedule", "logical_time"),
    )
    op.create_index("schedule_times_by_state", "schedule_times", ["project", "state"])
