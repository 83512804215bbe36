"""What a start of dbt is spared changes nothing of what dbt sees."""

import pytest
from dbt.artifacts.resources import SnapshotConfig, TestConfig
from dbt.contracts.graph.unparsed import UnparsedModelUpdate, UnparsedSourceDefinition
from dbt.contracts.project import Project
from dbt_common import behavior_flags
from mashumaro.jsonschema import build_json_schema, schema

from orchestrator.adapters.dbt.bridge.replacements import replace_functions

CHECKED = (SnapshotConfig, TestConfig, UnparsedModelUpdate, UnparsedSourceDefinition, Project)


@pytest.mark.parametrize("checked", CHECKED)
def test_the_schemas_that_dbt_checks_a_project_with_stay_the_same(checked, monkeypatch):
    """With their defaults, whether mashumaro compiles a class for each or a plain one is taken as it is."""
    replace_functions()
    quick = build_json_schema(checked).to_dict()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_default", compiled(schema._default))
        assert build_json_schema(checked).to_dict() == quick
    assert "'default': " in repr(quick)


def compiled(quick):
    """Give mashumaro's own function, which the quick one falls back to."""
    return quick.__closure__[0].cell_contents


def test_a_behavior_flag_names_the_package_that_declares_it():
    """By the module, as dbt finds it in the stack."""
    replace_functions()
    flag = {"name": "a_flag", "default": True, "docs_url": "somewhere"}
    assert behavior_flags.BehaviorFlagRendered(flag, {})._behavior_change_event.flag_source == __name__
