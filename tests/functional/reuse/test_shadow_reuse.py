"""`--shadow-reuse` runs everything, and says what would have been reused and whether that would have been right."""

from pathlib import Path

import pytest

from orchestrator.api import Command, FinishedRun, run
from orchestrator.execution.events import Event, Noticed
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep
from tests.functional.reuse.stall import ask, write_stall

pytestmark = pytest.mark.functional


class Heard:
    """Keeps the notices of a run."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def hear(self, event: Event) -> None:
        """Keep what was said."""
        if isinstance(event, Noticed):
            self.said.append(event.message)


@pytest.fixture(scope="module")
def stall(tmp_path_factory) -> Path:
    """A project that was run."""
    root = write_stall(tmp_path_factory.mktemp("stall"))
    run(Command(project_dir=root, profiles_dir=root))
    return root


def in_the_shadow(root: Path) -> tuple[FinishedRun, list[str]]:
    """Run with `--shadow-reuse`."""
    heard = Heard()
    ran = run(Command(project_dir=root, profiles_dir=root, shadow_reuse=True), [heard])
    return ran, heard.said


def test_everything_runs_and_what_would_have_been_reused_is_counted(stall):
    """Nothing changed: whatever would have been reused would have been right; a hook's node would have run."""
    ran, said = in_the_shadow(stall)
    assert {outcome.status for outcome in ran.outcomes} == {Status.SUCCESS}
    assert any("7 of 8 steps would have been reused: 7 rightly, 0 wrongly" in one for one in said), said
    assert ran.exit_code == 0


def test_wrong_reuse_is_named_and_fails_the_run(stall):
    """`stray` is declared deterministic and reads a table without ref(), whose rows changed."""
    ask(stall, "update outside set tax = 9 where code = 'B'")
    ran, said = in_the_shadow(stall)
    assert any(one.startswith("stray (models/stray.sql) would have been reused") for one in said), said
    assert ran.exit_code == 1
    assert ask(stall, "select tax from stray order by 1") == [(1,), (9,)]


def test_the_next_run_decides_as_after_any_other_run(stall):
    """What ran in the shadow was recorded: it is reused now."""
    ran = run(Command(project_dir=stall, profiles_dir=stall, skip_unchanged=True))
    builds = {ran.plan.by_id[one.step_id].name: one.status for one in ran.outcomes if is_build(ran, one.step_id)}
    assert {name for name, status in builds.items() if status is not Status.REUSED} <= {"marked", "stamped"}


def is_build(ran: FinishedRun, step_id: str) -> bool:
    return isinstance(ran.plan.by_id[step_id], BuildStep)
