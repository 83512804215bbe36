"""The project `everything` and its broken sister, parsed and built once and copied by whoever runs them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.api import Upstream
from tests.functional.dbt.sharing import made_once
from tests.functional.dbt.sides import BROKEN, Sides, copied, dbt, elt, write_project


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a node of every kind, parsed."""
    return made_once(tmp_path_factory, "everything", _parsed(), lambda _, own: own / "project")


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a defect of every kind, parsed."""
    return made_once(tmp_path_factory, "broken", _parsed(BROKEN), lambda _, own: own / "project")


@pytest.fixture(scope="session")
def sound(everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """The sound project, built from nothing."""
    return made_once(tmp_path_factory, "sound", lambda root: _sides(everything, root), _moved)


@pytest.fixture(scope="session")
def halted(broken: Path, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """The broken project, built from nothing."""
    return made_once(tmp_path_factory, "halted", lambda root: _sides(broken, root), _moved)


def _parsed(*more: Path) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        folder = write_project(root / "project", *more)
        assert dbt(folder, "parse").exit_code == 0
        return folder

    return make


def _sides(project: Path, root: Path) -> Sides:
    return Sides(
        dbt(copied(project, root / "dbt"), "build"),
        elt(copied(project, root / "none")),
        elt(copied(project, root / "all"), upstream=Upstream.ALL),
    )


def _moved(sides: Sides, own: Path) -> Sides:
    return Sides(*(replace(side, folder=own / side.folder.name) for side in sides))
