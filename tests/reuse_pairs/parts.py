"""Values of a drawn pair: its parts, each a piece of a project with one edit, and the register of what can be drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.reuse_pairs.running import Bench

DUCKDB, POSTGRES = "duckdb", "postgres"
BOTH = (DUCKDB, POSTGRES)
SQL, JINJA, PYTHON, CONFIGURATION, DATA, VIEWS, RELATIONS, CHECKS, SEEDS, NOTHING = (
    *("SQL", "Jinja", "Python models", "configuration", "data", "views", "relations", "checks", "seeds"),
    "nothing",
)
BULLETS = (SQL, JINJA, PYTHON, CONFIGURATION, DATA, VIEWS, RELATIONS, CHECKS, SEEDS, NOTHING)


def _leave_it(bench: "Bench") -> None:
    """Edit nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a project, and one edit of it. Names begin with the prefix of the part, so that parts do not meet."""

    variant: str
    """What was drawn, in words."""
    files: Mapping[str, str]
    outputs: tuple[str, ...] = ()
    """Nodes to build on: they have the columns `id` and `v`, and leave the same rows for the same inputs."""
    edit: Callable[["Bench"], None] = _leave_it
    ddl: tuple[str, ...] = ()
    """What is made in the warehouse before the first run."""
    first: tuple[str, ...] = ()
    """Options of the first run."""
    second: tuple[str, ...] = ()
    """Options of the runs after the edit."""
    vars: tuple[Mapping[str, object], Mapping[str, object]] = field(default_factory=lambda: ({}, {}))
    """`--vars` of the first run and of those after the edit."""
    environment: tuple[Mapping[str, str], Mapping[str, str]] = field(default_factory=lambda: ({}, {}))
    project: Mapping[str, object] = field(default_factory=dict)
    """What it adds to dbt_project.yml."""
    profile: Mapping[str, object] = field(default_factory=dict)
    """What it adds to the target in profiles.yml."""
    must_run: tuple[str, ...] = ()
    """Nodes whose rows are others at each build, such as those of a clock: they are not compared, and must run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawer:
    """Draws parts of one kind."""

    bullet: str
    name: str
    draw: Callable[[Random, str, str], Part]
    adapters: tuple[str, ...]
    harmless: bool
    """Whether the edit has no effect on any result, so that reuse is expected."""
    slow: bool


DRAWERS: list[Drawer] = []


def drawer(
    bullet: str, *adapters: str, harmless: bool = False, slow: bool = False
) -> Callable[[Callable[[Random, str, str], Part]], Callable[[Random, str, str], Part]]:
    """Register a function that draws a part from a random number generator, a prefix and the name of an adapter."""

    def register(draw: Callable[[Random, str, str], Part]) -> Callable[[Random, str, str], Part]:
        DRAWERS.append(
            Drawer(
                bullet=bullet,
                name=draw.__name__,
                draw=draw,
                adapters=adapters or (DUCKDB,),
                harmless=harmless,
                slow=slow,
            )
        )
        return draw

    return register


ROWS = ((1, "a"), (2, "b"), (3, "c"))


def table(sql: str, config: str = "") -> str:
    """Return the text of a model that is a table."""
    return f"{{{{ config(materialized='table'{config and ', ' + config}) }}}}\n{sql}\n"


def view(sql: str) -> str:
    """Return the text of a model that is a view."""
    return f"{{{{ config(materialized='view') }}}}\n{sql}\n"


def built(draw: Random, sql: str) -> str:
    """Return the text of a model of any materialization that leaves the same rows when it runs again."""
    config = draw.choice(
        (
            *("materialized='table'",) * 3,
            "materialized='view'",
            "materialized='ephemeral'",
            "materialized='incremental', unique_key='id'",
        )
    )
    return f"{{{{ config({config}) }}}}\n{sql}\n"


def outside(name: str, rows: tuple[tuple[int, str], ...] = ROWS) -> tuple[str, ...]:
    """Return the statements that make a table which something else loads, in the schema `ext`."""
    values = ", ".join(f"({number}, '{text}')" for number, text in rows)
    return (f"create table ext.{name} (id integer, v varchar)", f"insert into ext.{name} values {values}")


def source_yml(p: str, table_name: str, more: str = "") -> str:
    """Return the YAML of the dbt source `{p}_ext` with one table in the schema `ext`."""
    return f"sources:\n  - name: {p}_ext\n    schema: ext\n    tables:\n      - name: {table_name}\n{more}"


def changed_rows(draw: Random, relation: str) -> tuple[str, str]:
    """Draw a change of the rows of a table with ROWS: what it is called, and its statement."""
    return draw.choice(
        (
            ("a row is added", f"insert into {relation} values (4, 'd')"),
            ("a row is changed", f"update {relation} set v = 'z' where id = 2"),
            ("a row is deleted", f"delete from {relation} where id = 3"),
            ("a row is doubled", f"insert into {relation} select * from {relation} where id = 1"),
            ("a row is added twice", f"insert into {relation} values (5, 'e'), (5, 'e')"),
            (
                "two values are exchanged",
                f"update {relation} set v = case v when 'a' then 'b' else 'a' end where id < 3",
            ),
            ("a value becomes null", f"update {relation} set v = null where id = 2"),
            ("null takes turns with an empty text", f"update {relation} set v = '' where id = 1"),
        )
    )
