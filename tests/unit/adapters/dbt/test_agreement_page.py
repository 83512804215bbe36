"""docs/agreement.md points at tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "agreement.md").read_text()
NAMED = sorted(set(re.findall(r"`(test_\w+|tests/[\w/]+|test_\w+)(?:\.py|/)?`", PAGE)))


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Every test function, test module and folder of tests."""
    modules = list((ROOT / "tests").rglob("test_*.py"))
    functions = {
        name for module in modules for name in re.findall(r"^def (test_\w+)", module.read_text(), re.MULTILINE)
    }
    paths = {str(module.relative_to(ROOT).with_suffix("")) for module in modules}
    folders = {str(folder.relative_to(ROOT)) for folder in (ROOT / "tests").rglob("*") if folder.is_dir()}
    return functions | paths | folders | {module.stem for module in modules}


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(known: set[str], name: str) -> None:
    """Each agreement and each difference is checked by a test of the name that the page gives."""
    assert name.rstrip("/") in known


def test_the_page_names_tests() -> None:
    """The names are found in the page."""
    assert len(NAMED) > 20
