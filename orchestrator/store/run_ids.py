"""Reads the ids of recorded runs without SQLAlchemy, so that shell completion is fast."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

_MOST = 50


def recent_runs(location: str, project_root: Path) -> tuple[tuple[str, str], ...]:
    """Return the ids of the newest runs with their status, newest first; empty for a store on a server."""
    if "://" in location:
        return ()
    file = (project_root / location).absolute()
    address = f"file:{quote(str(file))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=0.2)) as connection:
        found = connection.execute(
            "select run_id, coalesce(status, '') from runs order by started_at desc limit ?", (_MOST,)
        )
        return tuple((str(run), str(status)) for run, status in found)


def steps_of_last_run(location: str, project_root: Path) -> tuple[str, ...]:
    """Return the names of the steps of the newest run; empty for a store on a server."""
    newest = next(iter(recent_runs(location, project_root)), None)
    if newest is None:
        return ()
    address = f"file:{quote(str((project_root / location).absolute()))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=0.2)) as connection:
        found = connection.execute("select name from steps where run_id = ? order by position", (newest[0],))
        return tuple(str(name) for (name,) in found)
