"""Defines the tables of notifications, as the newest migration leaves them."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text

from orchestrator.store.tables import Moment, metadata

happenings = Table(
    "happenings",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("project", String(255), nullable=False, comment="the name in dbt_project.yml"),
    Column("kind", String(16), nullable=False, comment="ended, not_started, lost, late or skipped"),
    Column("run_id", String(64)),
    Column("at", Moment, nullable=False),
    Column("body", JSON, nullable=False),
    Column("settled_at", Moment, comment="when it was decided who is told"),
    Index("happenings_by_state", "project", "settled_at"),
)

causes = Table(
    "causes",
    metadata,
    Column("project", String(255), primary_key=True),
    Column("cause_id", String(16), primary_key=True),
    Column("target_identity", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("step_id", Text, nullable=False),
    Column("event", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("schedule", String(255), nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("times", Integer, nullable=False, comment="consecutive runs that had it"),
    Column("last_run", String(64), nullable=False),
    Column("resolved_at", Moment),
)

outbox = Table(
    "notifications",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("project", String(255), nullable=False),
    Column("destination", String(255), nullable=False, comment="its name, never its URL"),
    Column("kind", String(16), nullable=False),
    Column("causes", JSON, nullable=False, comment="the ids of the causes that it is about"),
    Column("run_id", String(64), nullable=False),
    Column("schedule", String(255), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("level", String(16), nullable=False),
    Column("incident", String(255), nullable=False),
    Column("state", String(16), nullable=False, comment="waiting, sent, withdrawn or given_up"),
    Column("tries", Integer, nullable=False),
    Column("sent_at", Moment),
    Column("error", Text, nullable=False, comment="with secrets masked"),
    Column("claimed_until", Moment),
    Index("notifications_by_state", "project", "state", "due_at"),
)
