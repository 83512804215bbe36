"""Records that a scheduled run was repaired by hand: its schedule then neither retries it nor reports it."""

from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.errors import StoreError
from orchestrator.execution.verdict import ExitCode
from orchestrator.scheduling.claims import TimeKey, TimeState
from orchestrator.scheduling.scheduled_command import project_name
from orchestrator.wiring.project_store import open_store


def note_repair(project_dir: Path | None, run_id: str, exit_code: int) -> None:
    """Give the time of a schedule the exit code of a run that resumed or retried its run, if it had not succeeded.

    The process that runs a time records its end itself, so a time in progress is left alone.
    """
    settings = load_settings(project_dir)
    with suppress(StoreError), closing(open_store(settings)) as store:  # the run itself is recorded
        scheduled = store.reader().head(run_id).scheduled
        if scheduled is None:
            return
        record = store.schedule_record()
        key = TimeKey(
            project=project_name(settings.dbt_project_dir),
            schedule=scheduled.schedule,
            logical_time=scheduled.logical_time,
        )
        found = record.time(key)
        if found is None or found.state is not TimeState.ENDED or found.exit_code == ExitCode.SUCCESS:
            return
        again_at = None if exit_code == ExitCode.SUCCESS else found.again_at
        ended_at = datetime.now(UTC)
        # The note said why an earlier run could not start or was put off; what became of this one is in its record.
        repaired = replace(
            found, exit_code=exit_code, run_id=run_id, again_at=again_at, ended_at=ended_at, note="", put_off=None
        )
        record.claim(repaired, instead_of=found)
