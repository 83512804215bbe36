"""The documentation names every verb, every option of ours and every exit code."""

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import click
import pytest

from orchestrator.cli.dbt_options import ALL
from orchestrator.cli.verbs import PASSED, VERBS
from orchestrator.execution.verdict import ExitCode

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = (DOCS / "commands.md").read_text()
README = (DOCS.parent / "README.md").read_text()
OF_DBT = {name for option in ALL for name in (*option.names, option.off)} | {"--output", "--output-keys"}


def command(verb: str) -> click.Command:
    return import_module(VERBS[verb][0]).command


@pytest.mark.parametrize("verb", [*VERBS, *PASSED])
def test_every_verb_is_documented(verb: str) -> None:
    """Each verb stands in the table of docs/commands.md."""
    assert f"`elt {verb}" in COMMANDS


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_ours_is_documented_and_has_help(verb: str) -> None:
    """Each option that is not dbt's stands in docs/commands.md; every option says what it does."""
    for parameter in command(verb).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            ours = [name for name in parameter.opts if name.startswith("--") and name not in OF_DBT]
            assert all(f"`{name}" in COMMANDS for name in ours), ours


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_documented(code: ExitCode) -> None:
    """Each exit code has its line in the table of docs/commands.md, and stands in the README."""
    assert f"\n| {code.value} | " in COMMANDS
    assert f"{code.value} " in README


def test_every_page_can_be_reached_from_the_readme() -> None:
    """README and the pages that it leads to have a link to each page of docs."""
    found, unread = set(), [DOCS.parent / "README.md"]
    while unread:
        page = unread.pop()
        found.add(page)
        links = {(page.parent / link).resolve() for link in re.findall(r"\]\(([^)#]+\.md)", page.read_text())}
        unread += [link for link in links if link not in found and link.exists()]
    assert {page for page in DOCS.glob("*.md") if not page.name.endswith(".part.md")} <= found


def test_links_of_the_documentation_lead_somewhere() -> None:
    """Each relative link of README and docs names a file or folder that exists, and a heading of it."""
    for page in [DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md", *DOCS.rglob("*.md")]:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            target, _, heading = link.partition("#")
            if "://" not in link:
                linked = page.parent / target if target else page
                assert linked.exists(), f"{page.name}: {link}"
                assert not heading or heading in headings(linked), f"{page.name}: {link}"


@cache
def headings(page: Path) -> frozenset[str]:
    """Return the names of a page's headings, as links have them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found)
