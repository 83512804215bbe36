"""Every internal attribute that a bridge lists exists in its tool; the probe names it when it is missing."""

import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.adapters import probe
from orchestrator.adapters.dbt.bridge import needed as dbt
from orchestrator.adapters.dbt.bridge.releases import installed_release
from orchestrator.adapters.dlt import dlt_bridge as dlt
from orchestrator.adapters.dlt import dlt_child
from orchestrator.adapters.great_expectations import gx_bridge as gx
from orchestrator.adapters.great_expectations import gx_child
from orchestrator.adapters.probe import ToolAttribute, listed, require_attributes
from orchestrator.errors import MissingExtraError, UnsupportedVersionError

NEEDED = [
    *dbt.NEEDED,
    *(each for table in dbt.NEEDED_ON.values() for each in table),
    *installed_release().needed,
    *dlt.NEEDED,
    *(each for table in dlt.NEEDED_ON.values() for each in table),
    *gx.NEEDED,
]


@pytest.mark.parametrize("attribute", NEEDED, ids=str)
def test_an_internal_attribute_exists(attribute: ToolAttribute) -> None:
    """In the tool's installed release; the entry says what elt needs it for."""
    assert attribute.exists()
    assert attribute.purpose.startswith("to ")


@pytest.mark.parametrize("attribute", NEEDED, ids=str)
def test_the_probe_names_a_missing_attribute(attribute: ToolAttribute, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its purpose, so that nothing silently stops working."""
    take_away(attribute, monkeypatch)
    with pytest.raises(UnsupportedVersionError) as raised:
        require_attributes([attribute], attribute.tool)
    installed = version(attribute.tool)
    assert raised.value.message == (
        f"{attribute.tool} has no {attribute}, which elt needs {attribute.purpose}."
        f" Installed: {attribute.tool} {installed}."
    )
    assert f"<{installed}'" in raised.value.hint


def take_away(attribute: ToolAttribute, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a module in the place of the tool's own that lacks the name, or whose class lacks the member."""
    names = dict(vars(import_module(attribute.module)))
    first, _, member = attribute.path.partition(".")
    names[first] = type(first, (), {})
    if not member:
        del names[first]
    monkeypatch.setitem(sys.modules, attribute.module, SimpleNamespace(**names))


def test_the_message_names_all_missing_attributes_and_all_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint is one command that installs earlier releases of the tools that changed."""
    monkeypatch.setattr(probe, "version", {"dbt-core": "1.11.99", "dbt-common": "1.39.9", "duckdb": "2.0.0"}.get)
    monkeypatch.setattr(probe, "stated_bounds", lambda: {"dbt-core": [">=1.11.2", "<1.12"], "dbt-common": []})
    attributes = listed(
        {
            "to parse": ("dbt.gone:parse", "dbt_common.context:_GONE"),
            "to run": ("dbt.task.run:ModelRunner", "dbt.task.run:ModelRunner.gone"),
        }
    )
    with pytest.raises(UnsupportedVersionError) as raised:
        require_attributes(attributes, "dbt-core", "dbt-common", "duckdb")
    assert raised.value.message == (
        "dbt-core has no dbt.gone.parse, which elt needs to parse;"
        " dbt-common has no dbt_common.context._GONE, which elt needs to parse;"
        " dbt-core has no dbt.task.run.ModelRunner.gone, which elt needs to run."
        " Installed: dbt-core 1.11.99, dbt-common 1.39.9, duckdb 2.0.0."
    )
    assert "earlier releases of dbt-common and dbt-core" in raised.value.hint
    assert raised.value.hint.endswith(" 'dbt-common<1.39.9' 'dbt-core>=1.11.2,<1.11.99'")
    assert raised.value.exit_code == 2


GONE = listed({"to do its work": ("dbt.gone:away",)})
REFUSAL = "dbt-core has no dbt.gone.away, which elt needs to do its work."


def test_a_child_that_imports_dlt_refuses_an_unknown_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers a request with the sentence, before it imports what would fail."""
    monkeypatch.setitem(dlt.NEEDED_ON, "duckdb", GONE)
    monkeypatch.chdir(".")
    answer = dlt_child.answer({"verb": "load", "kind": "duckdb", "project_root": "."}, None, None)
    assert str(answer["error"]).startswith(REFUSAL)


def test_the_child_that_imports_great_expectations_refuses_an_unknown_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers every request with the sentence and the command."""
    monkeypatch.setattr(gx_child, "NEEDED", GONE)
    gx_child._refusal.cache_clear()
    for _ in range(2):
        assert str(gx_child.answer({}, None, None)["error"]).startswith(REFUSAL)
    gx_child._refusal.cache_clear()


def test_names_of_one_place_share_its_class() -> None:
    """A line of a table names several members of one class, or several names of one module."""
    found = listed({"to work": ("dbt.task.run:ModelRunner.execute compile", "dbt.flags:get_flags set_flags")})
    assert [(each.module, each.path) for each in found] == [
        ("dbt.task.run", "ModelRunner.execute"),
        ("dbt.task.run", "ModelRunner.compile"),
        ("dbt.flags", "get_flags"),
        ("dbt.flags", "set_flags"),
    ]


def test_an_attribute_of_instances_counts() -> None:
    """One that a constructor assigns, also of a base class; one that it only reads does not."""

    class Base:
        def __init__(self, other: object) -> None:
            self.kept = other.read

    class Derived(Base):
        def __init__(self) -> None:
            super().__init__(self)

    module = SimpleNamespace(Derived=Derived)
    sys.modules["a_tool_of_this_test"] = module
    try:
        assert ToolAttribute("a_tool_of_this_test", "Derived.kept", "").exists()
        assert not ToolAttribute("a_tool_of_this_test", "Derived.read", "").exists()
    finally:
        del sys.modules["a_tool_of_this_test"]


def test_a_package_that_a_tool_imports_and_that_is_missing_is_named_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt-core 1.12 can be installed without its requirements. Each of its attributes would be reported as missing."""
    (tmp_path / "a_tool_of_this_test.py").write_text("import a_package_that_is_missing.inside")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(probe, "_DISTRIBUTIONS", (("a_tool_of_this_test", "a-tool"),))
    with pytest.raises(MissingExtraError, match=r"^a-tool needs the package a_package_that_is_missing,") as raised:
        require_attributes([ToolAttribute("a_tool_of_this_test", name, "to work") for name in "ab"])
    assert "install a-package-that-is-missing" in raised.value.hint


def test_a_module_of_the_tool_that_is_missing_is_a_missing_attribute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The release has moved it."""
    (tmp_path / "a_tool_of_this_test.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(probe, "_DISTRIBUTIONS", (("a_tool_of_this_test", "a-tool"),))
    assert not ToolAttribute("a_tool_of_this_test.inside", "a", "to work").exists()
