"""The table of what elt can do in a database agrees with the code, and the documentation with the table."""

import re
from pathlib import Path

import pytest

from orchestrator.adapters.comparison_sql import COMPARING
from orchestrator.adapters.record_sql import DIALECTS as RECORDING
from orchestrator.nodes.abilities import ABILITIES, Ability, TargetKind, has, kind_of, missing_abilities
from orchestrator.nodes.target import Target
from orchestrator.reuse.fingerprints.statement_functions import function_list

DOCS = Path(__file__).parents[3] / "docs"
PAGES = [page.read_text() for page in sorted(DOCS.glob("versions*.md"))]


def target(adapter: str, path: str | None = None) -> Target:
    return Target(name="dev", adapter=adapter, threads=1, database="db", path=path)


TARGETS = {
    TargetKind.DUCKDB: target("duckdb", "/data/shop.duckdb"),
    TargetKind.MEMORY: target("duckdb", ":memory:"),
    TargetKind.MOTHERDUCK: target("duckdb", "md:shop"),
    TargetKind.POSTGRES: target("postgres"),
    TargetKind.OTHER: target("snowflake"),
}


@pytest.mark.parametrize("kind", TargetKind)
def test_a_target_is_of_one_kind(kind: TargetKind) -> None:
    """By its adapter, and for DuckDB by its path."""
    assert kind_of(TARGETS[kind]) is kind


@pytest.mark.parametrize("kind", TargetKind)
def test_what_needs_an_open_database_is_there_where_elt_can_open_one(kind: TargetKind) -> None:
    """And where it knows how to record, compare and understand."""
    one = TARGETS[kind]
    assert one.is_shared == has(one, Ability.LOADS) == has(one, Ability.VALIDATIONS) == has(one, Ability.LOAD_FRESHNESS)
    assert has(one, Ability.MARKERS) == (one.is_shared and one.adapter in RECORDING)
    assert has(one, Ability.SHADOW_BUILDS) == (one.is_shared and one.adapter in COMPARING)
    assert has(one, Ability.REUSE) == (one.is_shared and function_list(one.adapter) is not None)


def test_a_plan_says_what_is_missing() -> None:
    """In one line; on DuckDB files and PostgreSQL nothing is."""
    assert [kind for kind, one in TARGETS.items() if missing_abilities(one) is None] == [
        TargetKind.DUCKDB,
        TargetKind.POSTGRES,
    ]
    assert missing_abilities(TARGETS[TargetKind.OTHER]) == (
        "on the adapter snowflake, elt runs dbt's part, without loads, suites, reuse, markers and `elt adopt`"
        " (docs/versions.md)"
    )
    assert "on MotherDuck," in missing_abilities(TARGETS[TargetKind.MOTHERDUCK])


def test_the_documentation_has_the_table() -> None:
    """Each ability with the kinds that have it, and what happens without it."""
    header = f"| | {' | '.join(TargetKind)} | without it |"
    rows = {
        f"| {ability.value.name} | {' | '.join('yes' if kind in kinds else 'no' for kind in TargetKind)}"
        f" | {ability.value.without if len(kinds) < len(TargetKind) else ''} |"
        for ability, kinds in ABILITIES.items()
    }
    page = "\n".join(PAGES)
    assert header in page
    found = set(re.findall(r"^\| [^|]+(?: \| (?:yes|no)){5} \|.*$", page, re.MULTILINE))
    assert {re.sub(r"\s+\|$", " |", row) for row in found} == {re.sub(r"\s+\|$", " |", row) for row in rows}


def test_every_ability_is_in_the_table() -> None:
    """A new one is decided for each kind."""
    assert set(ABILITIES) == set(Ability)
