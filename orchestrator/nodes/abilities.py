"""The table of what elt can do in a database, by the kind of the target; docs/versions.md shows it to users.

dbt's part runs on every adapter: plans, builds, tests, hooks, freshness by dbt's query, retry and resume.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from orchestrator.nodes.target import Target


class TargetKind(StrEnum):
    """The kinds of targets that elt tells apart."""

    DUCKDB = "DuckDB file"
    MEMORY = "DuckDB in memory"
    MOTHERDUCK = "MotherDuck"
    POSTGRES = "PostgreSQL"
    OTHER = "any other adapter"


@dataclass(frozen=True, slots=True, kw_only=True)
class AbilityWords:
    """How an ability is described."""

    name: str
    without: str
    """What happens in a target that lacks it."""
    noted: str = ""
    """The word for it in the note of a plan; empty if a plan does not note that it is missing."""


class Ability(Enum):
    """What elt does beside dbt, or better than dbt alone."""

    LOADS = AbilityWords(
        name="loads by dlt, each row exactly once", without="a plan with loads is refused", noted="loads"
    )
    VALIDATIONS = AbilityWords(name="expectation suites", without="a plan with suites is refused", noted="suites")
    LOAD_FRESHNESS = AbilityWords(
        name="freshness by the last load",
        without="only sources with `loaded_at_field` or `loaded_at_query` are checked",
    )
    REUSE = AbilityWords(name="reuse of unchanged nodes", without="every planned node runs", noted="reuse")
    MARKERS = AbilityWords(
        name="markers: what a killed run committed is recovered",
        without="a step that was running when a process died runs again",
        noted="markers",
    )
    SHADOW_BUILDS = AbilityWords(
        name="shadow builds (`--verify-reuse`) and `elt adopt`",
        without="nothing is reused that could be verified; `elt adopt` is refused",
        noted="`elt adopt`",
    )
    SEPARATE_LEASES = AbilityWords(
        name="runs of different relations at once", without="the runs of one target wait for each other"
    )
    QUERY_CANCEL = AbilityWords(
        name="Ctrl-C and time limits end single queries",
        without="a query ends if the dbt adapter can cancel it",
    )
    SCHEMA_PREFIX = AbilityWords(name="`--schema-prefix` for what dbt builds", without="`--schema-prefix` is refused")


_SHARED = frozenset({TargetKind.DUCKDB, TargetKind.POSTGRES})
_EVERY = frozenset(TargetKind)
_BY_DUCKDB = frozenset({TargetKind.DUCKDB, TargetKind.MEMORY, TargetKind.MOTHERDUCK})

ABILITIES: Mapping[Ability, frozenset[TargetKind]] = {
    Ability.LOADS: _SHARED,
    Ability.VALIDATIONS: _SHARED,
    Ability.LOAD_FRESHNESS: _SHARED,
    Ability.REUSE: _SHARED,
    Ability.MARKERS: _SHARED,
    Ability.SHADOW_BUILDS: _SHARED,
    Ability.SEPARATE_LEASES: frozenset({TargetKind.POSTGRES}),
    Ability.QUERY_CANCEL: _BY_DUCKDB | {TargetKind.POSTGRES},
    Ability.SCHEMA_PREFIX: _EVERY,
}
"""Which kinds of targets have each ability."""


def kind_of(target: Target) -> TargetKind:
    """Return the kind of a target."""
    match target.adapter:
        case "postgres":
            return TargetKind.POSTGRES
        case "duckdb" if target.is_file:
            return TargetKind.DUCKDB
        case "duckdb" if target.path == ":memory:":
            return TargetKind.MEMORY
        case "duckdb":
            return TargetKind.MOTHERDUCK
        case _:
            return TargetKind.OTHER


def has(target: Target, ability: Ability) -> bool:
    """Return whether elt has an ability in a target."""
    return kind_of(target) in ABILITIES[ability]


def missing_abilities(target: Target) -> str | None:
    """Return a note about what elt cannot do in a target; None if it can do everything that a plan notes."""
    noted = [ability.value.noted for ability in ABILITIES if ability.value.noted and not has(target, ability)]
    if not noted:
        return None
    kind = kind_of(target)
    where = f"the adapter {target.adapter}" if kind is TargetKind.OTHER else kind.value
    return f"on {where}, elt runs dbt's part, without {', '.join(noted[:-1])} and {noted[-1]} (docs/versions.md)"
