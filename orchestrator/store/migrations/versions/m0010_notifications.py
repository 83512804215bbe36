"""Notifications: what happened, which causes are open, and what was sent to whom about them.

Revision ID: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the tables of notifications."""
    op.create_table(
        "happenings",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=True),
        sa.Column("project", sa.String(length=255), nullable=False, comment="the name in dbt_project.yml"),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="ended, not_started, lost, late or skipped"),
        sa.Column("run_id", sa.String(length=64), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True, comment="when it was decided who is told"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("happenings_by_state", "happenings", ["project", "settled_at"])
    op.create_table(
        "causes",
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("cause_id", sa.String(length=16), nullable=False),
        sa.Column("target_identity", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("schedule", sa.String(length=255), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False, comment="consecutive runs that had it"),
        sa.Column("last_run", sa.String(length=64), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project", "cause_id"),
    )
    op.create_table(
        "notifications",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=True),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("destination", sa.String(length=255), nullable=False, comment="its name, never its URL"),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("causes", sa.JSON(), nullable=False, comment="the ids of the causes that it is about"),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("schedule", sa.String(length=255), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("incident", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="waiting, sent, withdrawn or given_up"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False, comment="with secrets masked"),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("notifications_by_state", "notifications", ["project", "state", "due_at"])
