"""Opens the store of a project."""

from orchestrator.config.settings import Settings
from orchestrator.notifications.notification_ports import NotifyingStore
from orchestrator.wiring.log_files import log_dir


def open_store(settings: Settings, *, begins_run: bool = False) -> NotifyingStore:
    """Return the store that the settings name; nothing is read or written until the store is used.

    If the file is corrupt, a run that begins renames it, unless the project has schedules: with a new record they
    would begin again, and times that are due would be lost.
    """
    # Imported here, so that commands without a store do not import SQLAlchemy.
    from orchestrator.store.database import store_url
    from orchestrator.store.sql_store import SqlStore

    log_dir(settings)  # creates the .elt folder, which git ignores
    begins_run = begins_run and not settings.schedules
    return SqlStore(store_url(settings.store, settings.project_root), begins_run=begins_run)


def query_store(settings: Settings, statement: str) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
    """Query the store on a read-only connection, and return the column names and the rows.

    Raises:
        StoreError: There is no store, or it rejects the statement.
    """
    from orchestrator.store.database import store_url
    from orchestrator.store.query import query

    return query(store_url(settings.store, settings.project_root), statement)
