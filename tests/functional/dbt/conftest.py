"""The project `everything` and its broken sister, parsed once and copied by whoever runs them."""

from pathlib import Path

import pytest

from tests.functional.dbt.sides import BROKEN, dbt, write_project


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a node of every kind, parsed."""
    folder = write_project(tmp_path_factory.mktemp("everything") / "project")
    assert dbt(folder, "parse").exit_code == 0
    return folder


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a defect of every kind, parsed."""
    folder = write_project(tmp_path_factory.mktemp("broken") / "project", BROKEN)
    assert dbt(folder, "parse").exit_code == 0
    return folder
