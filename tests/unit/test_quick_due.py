"""The note that nothing is due, which saves a look at the record every minute."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.quick_due import note_nothing_due, nothing_is_due

DUE = ["schedule", "run", "--due"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in whose folder the command is called."""
    (tmp_path / ".elt").mkdir()
    (tmp_path / "elt.yml").write_text("schedules: {}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def note(project: Path, *, seconds: float = 60) -> None:
    """Note that nothing is due for a while; it depends on elt.yml, and on a store that does not exist yet."""
    until = time.time() + seconds
    note_nothing_due(project, until=until, files=[project / "elt.yml", project / ".elt/history.db"])


def test_without_a_note_anything_may_be_due(project: Path) -> None:
    """As after the first installation."""
    assert not nothing_is_due(DUE)


def test_a_note_holds_in_the_folder_of_the_project(project: Path) -> None:
    """Which the command line may name."""
    note(project)
    assert nothing_is_due(DUE)
    assert nothing_is_due([*DUE, "--project-dir", str(project)])
    assert not nothing_is_due([*DUE, "--project-dir", str(project.parent)])


@pytest.mark.parametrize("words", [[], ["schedule"], ["schedule", "run"], [*DUE, "nightly"], ["schedule", "list"]])
def test_a_note_answers_only_what_was_asked(project: Path, words: list[str]) -> None:
    """Everything else is a command of its own."""
    note(project)
    assert not nothing_is_due(words)


def test_a_note_ends_at_the_next_time(project: Path) -> None:
    """Then the look is made."""
    note(project, seconds=-1)
    assert not nothing_is_due(DUE)


@pytest.mark.parametrize("name", ["elt.yml", ".elt/history.db"])
def test_a_note_ends_when_a_file_changes(project: Path, name: str) -> None:
    """Also when one appears that was not there."""
    note(project)
    (project / name).write_text("something else")
    assert not nothing_is_due(DUE)


def test_a_note_ends_when_the_clock_is_set_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what is due then."""
    note(project)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    assert not nothing_is_due(DUE)


@pytest.mark.parametrize("text", ["", "\n", "0.1.0 x y\n", "0.0.0 1 9999999999\n"])
def test_a_damaged_note_and_one_of_another_version_are_ignored(project: Path, text: str) -> None:
    """The next look writes a new one."""
    (project / ".elt/schedule-due").write_text(text)
    assert not nothing_is_due(DUE)


def test_a_folder_that_cannot_be_written_is_no_error(project: Path) -> None:
    """The note only saves time."""
    (project / ".elt").rename(project / "moved")
    note(project)
    assert not nothing_is_due(DUE)


def test_with_a_note_nothing_else_is_imported(project: Path) -> None:
    """Neither click nor the rest of elt: the answer takes milliseconds."""
    note(project)
    code = (
        "import sys; sys.argv = ['elt', 'schedule', 'run', '--due']; from orchestrator.__main__ import main; main();"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in {'orchestrator', 'click', 'yaml', 'sqlalchemy'}))"
    )
    root = str(Path(__file__).parents[2])
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": root}
    )
    assert said.stdout.strip() == "['orchestrator', 'orchestrator.__main__', 'orchestrator.quick_due']"
