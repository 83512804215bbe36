"""What is missing is installed into the environment that lacks it."""

import sys

import pytest

from orchestrator import installing
from orchestrator.installing import install_hint, missing_module, module_hint


def test_the_command_is_of_the_interpreter_that_runs_elt():
    """Another pip on the path would install into another environment."""
    assert install_hint("dbt-postgres", "dbt-core<1.12") == (
        f"Install it into the environment {sys.prefix}: {sys.executable} -m pip install dbt-postgres 'dbt-core<1.12'"
    )


def test_an_environment_without_pip_is_installed_into_from_outside(monkeypatch):
    """uv makes environments without pip."""
    monkeypatch.setattr(installing, "_is_installed", lambda module: module != "pip")
    assert install_hint("x").endswith(f"uv pip install --python {sys.executable} x")


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("No module named 'yaml'", "yaml"),
        ("Python model failed: ModuleNotFoundError: No module named 'sklearn.linear_model'", "sklearn.linear_model"),
        ("cannot import name 'x' from 'y'", None),
    ],
)
def test_a_missing_module_is_recognized_from_pythons_message(text, module):
    """However they are wrapped."""
    assert missing_module(text) == module


@pytest.mark.parametrize(
    ("module", "package"),
    [("nowhere", "nowhere"), ("nowhere.far", "nowhere"), ("no_where", "no-where"), ("sklearn.svm", "scikit-learn")],
)
def test_a_module_is_installed_by_the_name_of_its_package(module, package):
    """The name of a package is not always the module's."""
    assert module_hint(module).endswith(f"-m pip install {package}")


def test_a_module_that_may_be_the_users_own_names_the_folders():
    """A file that was moved is no package to install."""
    hint = module_hint("helpers_of_mine", own_folders="ingestion/")
    assert hint.endswith("If it is a file of yours, put it into ingestion/.")


def test_a_name_missing_from_an_installed_package_asks_for_another_version():
    """The package is there, in a version without that module."""
    hint = module_hint("click.nowhere")
    assert hint.startswith(f"click is installed in {sys.prefix}, in a version without click.nowhere.")
    assert hint.endswith("pip install --upgrade click")
