"""The extra that ingestion needs."""

import pytest

from orchestrator.adapters.dlt import dlt_extra as extra
from orchestrator.errors import MissingExtraError
from orchestrator.installing import install_hint


def test_a_missing_library_names_the_extra(monkeypatch):
    """Without dlt the error says what to install."""
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == "dlt" else name)
    with pytest.raises(MissingExtraError, match="Ingestion needs dlt") as raised:
        extra.require_installed()
    assert raised.value.hint == install_hint("elt-orchestrator[ingest]")


def test_with_the_extra_nothing_happens():
    """Where everything is installed, the check is silent."""
    assert extra.require_installed() is None
