"""Publishes the copy of the database for readers after a green run."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.adapters.duckdb.database_copy import why_not_copied
from orchestrator.adapters.duckdb.duckdb_warehouse import DuckdbWarehouse
from orchestrator.errors import ConfigurationError, WarehouseError
from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.verdict import ExitCode
from orchestrator.plan.request import Verb
from orchestrator.report.words import size_words
from orchestrator.wiring.open_project import OpenProject

_AGAIN = "The next green run writes it; if nothing else has changed: elt run --skip-unchanged"


def copy_of(project: OpenProject, verb: Verb) -> Path | None:
    """Return the path for the copy of the target after a green run of a verb; None if no copy is configured.

    Raises ConfigurationError if no copy can be written there.
    """
    target = project.target
    is_for_readers = verb is Verb.BUILD and not project.graph.placement.prefix  # a sandbox is not for readers
    copy = project.settings.publish_copy.get(target.name) if is_for_readers else None
    if copy is None:
        return None
    if not target.is_file or target.path is None:
        of = "in memory" if target.path == ":memory:" else f"{target.description}"
        reason = f"the target {target.name} is {of}: only a DuckDB file on this machine can be copied"
        raise _refused(project, reason, "Remove the target from `publish_copy`, or let it be a DuckDB file.")
    if not target.is_shared:
        reason = "only dbt 2.x opens the database, and a copy needs it open in elt"
        raise _refused(project, reason, "Remove the target from `publish_copy`, or remove `dbt.command`.")
    attached = project.dbt.credentials().get("attach") or ()
    # The copy must not replace a database that the run itself attaches.
    others = [Path(str(path)) for one in attached if (path := one.get("path"))]
    if reason := why_not_copied(Path(target.path), copy, others):
        raise _refused(
            project, reason, "Correct the path in elt.yml, create its folder, or remove what is in its place."
        )
    return copy


def publish(project: OpenProject, copy: Path, tell: Callable[[Noticed], None]) -> ExitCode:
    """Copy the database after a green run, and report the result."""
    warehouse = project.warehouse()
    if not isinstance(warehouse, DuckdbWarehouse):
        raise TypeError(f"{type(warehouse).__name__} cannot be copied")
    code, kind = ExitCode.SUCCESS, NoticeKind.NOTE
    try:
        made = warehouse.copy_to(copy)
        message = f"the copy of the database is {made.path} ({size_words(made.size)})"
        message += "" if made.is_new else ": it was of this state already"
    except WarehouseError as error:
        # The steps and their record stay a success. The exit code and a warning show that readers have an older copy.
        code, kind = ExitCode.NOT_GREEN, NoticeKind.WARNING
        message = f"every step succeeded, but the database could not be copied to {copy}: {error.message}. {_AGAIN}"
    tell(Noticed(at=datetime.now(UTC), kind=kind, message=message))
    return code


def _refused(project: OpenProject, reason: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"{project.settings.elt_yml}: 'publish_copy.{project.target.name}': {reason}.", hint=hint)
