"""Why a time of a schedule was put off, which was only known from the text of its note.

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_NOTES = {"its process was asked to end": "stopped", "a disk was full": "no_room"}


def upgrade() -> None:
    """Add the column, and fill it for the times that are put off now."""
    comment = "why it is started again without using up a retry"
    op.add_column("schedule_times", sa.Column("put_off", sa.String(length=16), nullable=True, comment=comment))
    times = sa.table("schedule_times", sa.column("state"), sa.column("note"), sa.column("put_off"))
    for note, value in _NOTES.items():
        op.execute(sa.update(times).where(times.c.state == "ended", times.c.note == note).values(put_off=value))
