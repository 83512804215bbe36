"""Versions outside of the bounds that elt's own distribution states are refused in one sentence."""

import sys
import tomllib
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from orchestrator.adapters import versions
from orchestrator.adapters.dbt.bridge.needed import TOOLS
from orchestrator.adapters.versions import DISTRIBUTION, require_supported, supported
from orchestrator.errors import UnsupportedVersionError

OPTIONAL = ("dlt", "pyarrow", "great-expectations", "sqlalchemy")


def _written() -> list[str]:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["name"] == DISTRIBUTION
    return [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]


@pytest.mark.parametrize("tool", [*TOOLS, *OPTIONAL])
def test_the_bounds_of_each_tool_are_stated(tool: str) -> None:
    """Each tool that an adapter asks for has bounds in pyproject.toml, and what is installed here keeps them."""
    assert supported(_written())[tool]
    require_supported(tool)


@pytest.mark.parametrize("stated", ["dbt-core<1.0", 'dbt-core<1.0 ; extra == "x"'])
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, stated: str) -> None:
    """The message is one sentence: the tool, its version, the bounds; the hint is the command that helps."""
    monkeypatch.setattr(versions, "stated_bounds", lambda: supported([stated, "duckdb>=1"]))
    with pytest.raises(UnsupportedVersionError) as raised:
        require_supported("dbt-core", "duckdb")
    installed = version("dbt-core")
    assert raised.value.message == f"dbt-core {installed} is installed, this elt supports <1.0."
    assert sys.executable in raised.value.hint  # with pip, or with uv in an environment that has none
    assert raised.value.hint.endswith(" 'dbt-core<1.0'")
    assert raised.value.exit_code == 2


def test_all_of_them_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tools of wrong versions make one message and one command."""
    monkeypatch.setattr(versions, "stated_bounds", lambda: supported(["dbt-core>=99,<100", "duckdb>=99"]))
    with pytest.raises(UnsupportedVersionError, match=r"dbt-core .* supports >=99,<100; duckdb .*>=99\.") as raised:
        require_supported("dbt-core", "duckdb")
    assert raised.value.hint.endswith(" 'dbt-core>=99,<100' 'duckdb>=99'")


def test_packages_that_are_not_installed_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing tool is told of elsewhere, with the extra that brings it; one without bounds may be of any version."""
    monkeypatch.setattr(versions, "stated_bounds", lambda: supported(["a-tool-that-nobody-made>=1"]))
    require_supported("a-tool-that-nobody-made", "click")


def test_bounds_of_the_extras_count_together() -> None:
    """A tool that two extras name keeps the bounds of both; names are compared as installers compare them."""
    found = supported(['dlt[duckdb]>=1.2 ; extra == "ingest"', 'DLT<2 ; extra == "postgres"'])
    assert found == {"dlt": SpecifierSet(">=1.2,<2")}


@pytest.mark.parametrize(("number", "shown"), [(None, "without a version"), ("of yesterday", "of yesterday")])
def test_a_broken_installation_is_refused_like_another_version(
    monkeypatch: pytest.MonkeyPatch, number: str | None, shown: str
) -> None:
    """An interrupted pip leaves metadata without a version."""
    monkeypatch.setattr(versions, "version", lambda _tool: number)
    monkeypatch.setattr(versions, "stated_bounds", lambda: supported(["dbt-core>=1,<2"]))
    with pytest.raises(UnsupportedVersionError, match=f"dbt-core {shown} is installed, this elt supports >=1,<2"):
        require_supported("dbt-core")
