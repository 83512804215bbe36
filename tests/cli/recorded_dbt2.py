"""What the tests of dbt 2.x read of recorded runs."""

import json
from pathlib import Path

from tests.cli.conftest import Said, start

_PATIENCE = 280  # seconds; a run has a dozen processes of dbt


def finished(process) -> Said:
    """Wait for the end of a run, which takes long on a busy machine."""
    out, err = process.communicate(timeout=_PATIENCE)
    return Said(process.returncode, out, err)


def steps_of(project: Path) -> dict[str, dict]:
    """Return the steps of the last recorded run, by name."""
    shown = finished(start("show", "--json", project=project))
    return {step["name"]: step for step in json.loads(shown.out)["plan"]}


def endings(project: Path) -> dict[str, tuple[str, str, str | None]]:
    """Return status, reason, and the step to blame of each step of the last run."""
    return {name: (step["status"], step["reason"], step["blame"]) for name, step in steps_of(project).items()}
