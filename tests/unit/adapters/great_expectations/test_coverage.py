"""The documentation says how each expectation is evaluated."""

from pathlib import Path

from orchestrator.adapters.great_expectations.coverage import WAYS

PAGE = Path(__file__).parents[4] / "docs" / "validations.md"


def test_the_documentation_lists_every_expectation_and_its_way():
    """The table of the page is the table of the code, row by row."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith(("| `expect_", "| `unexpected_"))]
    assert rows == [f"| `{type_}` | {way} |" for type_, way in sorted(WAYS.items())]
