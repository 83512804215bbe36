"""Names the dialect that bounds what waits for a server, and lifts its limit; only a server's store imports it."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

from sqlalchemy import Connection
from sqlalchemy.dialects import registry

DRIVER = "postgresql+elt_bounded"
"""The name of the dialect in a database URL."""

registry.register("postgresql.elt_bounded", "orchestrator.store.bounded_dialect", "BoundedDialect")


@contextmanager
def without_limit(connection: Connection) -> Iterator[None]:
    """Let statements take as long as they need: a migration of a large record, a query of the user."""
    dialect = connection.dialect
    before = getattr(dialect, "most_seconds", None)
    if before is None:  # another dialect has no limit
        yield
        return
    dialect.most_seconds = inf
    try:
        yield
    finally:
        dialect.most_seconds = before
