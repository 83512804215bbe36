"""Whether great-expectations is installed is known without importing it."""

import sys

import pytest

from orchestrator.adapters.great_expectations.gx_extra import require_installed
from orchestrator.errors import MissingExtraError


def test_an_installed_extra_is_enough():
    """Nothing is raised when the tools are there."""
    assert require_installed() is None


def test_a_missing_extra_is_named(monkeypatch):
    """The hint is the command that installs it."""
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    monkeypatch.delitem(sys.modules, "great_expectations")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if "Path" in str(finder)])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(MissingExtraError) as raised:
        require_installed()
    assert "great_expectations" in raised.value.message
    assert "'elt-orchestrator[gx]'" in raised.value.hint


def test_a_folder_with_the_tools_name_is_not_the_tool(monkeypatch, tmp_path):
    """A project may keep a folder called great_expectations; Python would take it for an empty package."""
    (tmp_path / "great_expectations").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "great_expectations", raising=False)
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if "PathFinder" in str(finder)])
    with pytest.raises(MissingExtraError):
        require_installed()
