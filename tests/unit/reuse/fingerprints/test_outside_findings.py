"""What a fingerprint cannot cover: relations that dbt makes besides, and code outside of the project."""

from dataclasses import replace

import pytest

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.reuse.fingerprints.outside_findings import outside_findings
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from tests.unit.reuse.fingerprints.making import model

BY_DEFAULT = Surroundings(settings={"flags": {"latest_version_pointer_enabled_by_default": True}})


def version_of(*, enabled: bool | None, is_latest: bool = True) -> DbtNode:
    config = {"latest_version_pointer": {"enabled": enabled, "alias": None}}
    return replace(model("model.a", config=config), version="2", is_latest_version=is_latest)


def found(node: DbtNode, around: Surroundings) -> list[str]:
    return [finding.what for finding in outside_findings(node, around)]


@pytest.mark.parametrize(
    ("node", "around"),
    [(version_of(enabled=True), Surroundings()), (version_of(enabled=None), BY_DEFAULT)],
    ids=["by the model", "by the flag"],
)
def test_the_view_of_the_latest_version_is_not_understood(node: DbtNode, around: Surroundings) -> None:
    """Whether it still exists is not known, so the model runs."""
    assert found(node, around) == ["the view that latest_version_pointer makes beside the model"]


@pytest.mark.parametrize(
    ("node", "around"),
    [
        (version_of(enabled=None), Surroundings()),
        (version_of(enabled=False), BY_DEFAULT),
        (version_of(enabled=True, is_latest=False), BY_DEFAULT),
        (model("model.a"), BY_DEFAULT),
    ],
    ids=["unset", "switched off", "an earlier version", "without versions"],
)
def test_a_model_without_such_a_view_is_understood(node: DbtNode, around: Surroundings) -> None:
    """As on dbt 1.11, which makes none."""
    assert found(node, around) == []


def test_what_the_profile_has_and_elt_does_not_find_is_not_understood() -> None:
    """Such as a plugin."""
    assert found(model("model.a"), Surroundings(not_understood=("the plugin x",))) == ["the plugin x"]
