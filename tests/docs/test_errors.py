"""Every error has a code that never changes, and docs/errors.md describes each of them."""

import re
from pathlib import Path

from docs.error_page import PAGE, error_classes, page_with_sections

PACKAGE = Path(__file__).parents[2] / "orchestrator"
CODES = {
    "E001": "InternalError",
    "E002": "OutputError",
    "E003": "FullDiskError",
    "E010": "MissingExtraError",
    "E011": "UnsupportedVersionError",
    "E020": "UsageError",
    "E021": "CommandLineError",
    "E022": "ProtectedTargetError",
    "E023": "UnknownNodeError",
    "E024": "RepairError",
    "E025": "ArtifactsError",
    "E026": "AdoptionError",
    "E027": "UnknownScheduleError",
    "E028": "InstallError",
    "E030": "ConfigurationError",
    "E031": "ProjectError",
    "E032": "NoProjectError",
    "E033": "ProfileError",
    "E034": "MissingPackagesError",
    "E035": "ParseError",
    "E036": "ManifestError",
    "E037": "GraphCycleError",
    "E040": "SelectionError",
    "E041": "EmptySelectionError",
    "E042": "IngestionError",
    "E043": "LoadConfigurationError",
    "E044": "SuiteError",
    "E050": "WarehouseError",
    "E051": "WarehouseLockedError",
    "E052": "WarehouseConnectionError",
    "E053": "UnsupportedWarehouseError",
    "E060": "BusyError",
    "E065": "ConditionError",
    "E066": "ImpossibleConditionError",
    "E067": "RunSkippedError",
    "E070": "StoreError",
    "E071": "CorruptStoreError",
    "E072": "NewerStoreError",
    "E073": "NothingRecordedError",
    "E074": "UnknownRunError",
    "E075": "AmbiguousRunError",
    "E076": "RunTakenOverError",
    "E077": "RecordQueryError",
    "E090": "NotificationError",
    "E091": "V2ParserError",
    "E092": "UnsupportedPlatformError",
    "E095": "NewerDatabaseError",
    "E096": "StorageVersionError",
    "E097": "EnvFileError",
    "E099": "DbtCommandError",
    "E100": "DbtLimitError",
}
"""Append to this table; never change or reuse an entry."""
INTERNAL = {"OutOfTimeError"}
"""Errors that are always handled before a user could see them."""


def test_the_codes_are_those_of_the_table() -> None:
    """A code belongs to one class for ever; the code of a removed class is not used again."""
    assert {each.code: each.__name__ for each in error_classes()} == CODES


def test_every_error_that_a_user_can_see_has_a_code_of_its_own() -> None:
    """No class outside the table inherits the code of another."""
    source = "\n".join(module.read_text() for module in PACKAGE.rglob("*.py"))
    bases = {name: set(of.split(", ")) for name, of in re.findall(r"^class (\w+)\(([\w, ]+)\):", source, re.MULTILINE)}
    found: set[str] = set()
    while more := {name for name, of in bases.items() if of & {"EltError", *found}} - found:
        found |= more
    assert found == {*CODES.values(), *INTERNAL}


def test_every_example_is_a_message_with_the_code_of_its_class() -> None:
    """The section of a code shows what to search for."""
    for each in error_classes():
        assert f"rror [{each.code}]: " in each.example, each
        assert each.remedy.endswith("."), each


def test_the_page_describes_the_errors_as_they_are() -> None:
    """docs/errors.md is up to date; otherwise `make docs` writes it again."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with_sections(page)


def test_each_code_is_an_anchor_of_the_page() -> None:
    """errors.md#e042 leads to the section."""
    headings = {line.removeprefix("### ") for line in PAGE.read_text().splitlines() if line.startswith("### ")}
    assert headings == set(CODES)
