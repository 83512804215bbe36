"""Migrates a store to a newer version, one numbered migration after another, in the transaction of the caller."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(connection: Connection, version_table: str, to: str = "head") -> None:
    """Run the migrations from the current version of the store to `to`, by default the newest."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(
        config,
        script,
        fn=lambda revision, _context: script._upgrade_revs(to, revision),  # noqa: SLF001  # as its own command does
    ) as environment:
        # Not in alembic's own transactions: all migrations belong to that of the caller, which has the store locked.
        environment.configure(connection=connection, version_table=version_table, transactional_ddl=False)
        environment.run_migrations()
