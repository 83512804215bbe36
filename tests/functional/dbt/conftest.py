"""The project `everything` and its broken sister, parsed once and copied by whoever runs them."""

import shutil
from pathlib import Path

import pytest

from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.api import Upstream
from tests.functional.dbt.sides import BROKEN, Sides, copied, dbt, elt, write_project


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a node of every kind, parsed."""
    folder = write_project(tmp_path_factory.mktemp("everything") / "project")
    assert dbt(folder, "parse").exit_code == 0
    return folder


@pytest.fixture(scope="session")
def broken(everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a defect of every kind; dbt parses what is added."""
    folder = copied(everything, tmp_path_factory.mktemp("broken") / "project")
    shutil.copytree(BROKEN, folder, dirs_exist_ok=True)
    assert dbt(folder, "parse").exit_code == 0
    return folder


@pytest.fixture(scope="session")
def sound(everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """The sound project, built from nothing."""
    return _sides(everything, tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="session")
def halted(broken: Path, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """The broken project, built from nothing."""
    return _sides(broken, tmp_path_factory.mktemp("halted"))


def _sides(project: Path, root: Path) -> Sides:
    return Sides(
        dbt(copied(project, root / "dbt"), "build"),
        elt(copied(project, root / "none")),
        elt(copied(project, root / "all"), upstream=Upstream.ALL),
    )


@pytest.fixture
def opened(monkeypatch) -> list[tuple[str, ...]]:
    """The command lines for which dbt was opened."""
    found: list[tuple[str, ...]] = []
    really_open = DbtSession.open

    def noted(session, args, run_vars=None):
        found.append(tuple(args))
        return really_open(session, args, run_vars or {})

    monkeypatch.setattr(DbtSession, "open", noted)
    return found
