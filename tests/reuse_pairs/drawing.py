"""Draws pairs: one or two edits, the parts that they are of, and nodes, checks and hooks over these."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tests.reuse_pairs import (  # noqa: F401  # each registers its drawers
    edits_asking,
    edits_checks,
    edits_config,
    edits_data,
    edits_jinja,
    edits_places,
    edits_python,
    edits_reads,
    edits_relations,
    edits_seeds,
    edits_sql,
)
from tests.reuse_pairs.parts import DRAWERS, DUCKDB, NOTHING, POSTGRES, Drawer, Part

POSTGRES_EVERY = 8
KINDS = ("star", "star", "view", "table", "table", "table", "incremental", "ephemeral", "snapshot", "python")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A part, with the drawer that drew it and whether its edit takes place."""

    drawer: Drawer
    part: Part
    edited: bool

    def __str__(self) -> str:
        return f"{self.drawer.bullet}: {self.drawer.name} ({self.part.variant})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A project, its edits, and how it runs after them. The same seed and number draw the same pair everywhere."""

    seed: int
    number: int
    adapter: str
    drawn: tuple[Drawn, ...]
    files: Mapping[str, str]
    """Files of the nodes and checks over the parts."""
    mart: str | None
    """What is selected in a run of its own before everything runs; None: no such run."""

    @property
    def name(self) -> str:
        """Return what draws the pair again."""
        return f"SEED={self.seed} PAIR={self.number}"

    @property
    def edits(self) -> tuple[Drawn, ...]:
        """Return the parts whose edit takes place."""
        return tuple(drawn for drawn in self.drawn if drawn.edited)

    @property
    def harmless(self) -> bool:
        """Return whether no edit has an effect on any result."""
        return all(drawn.drawer.harmless for drawn in self.edits)


def draw_pair(seed: int, number: int) -> Pair:
    """Draw a pair: numbers that follow each other take the drawers in turn, so that each is drawn."""
    order = sorted(DRAWERS, key=lambda drawer: drawer.name)
    Random(f"order of {seed}").shuffle(order)
    draw = Random(f"pair {seed}:{number}")
    adapter = POSTGRES if number % POSTGRES_EVERY == POSTGRES_EVERY - 1 else DUCKDB
    possible = [drawer for drawer in order if adapter in drawer.adapters]
    # the pairs on PostgreSQL have a turn of their own, and leave no gap in that of the others
    turn = number // POSTGRES_EVERY if adapter == POSTGRES else number - number // POSTGRES_EVERY
    first = possible[turn % len(possible)]
    quick = [drawer for drawer in possible if not drawer.slow and drawer is not first]
    chosen = [(first, True)]
    if draw.random() < 0.4:
        beside = [drawer for drawer in quick if drawer.bullet == NOTHING] if first.harmless else quick
        chosen.append((draw.choice(beside), True))
    elif draw.random() < 0.5:
        chosen.append((draw.choice([drawer for drawer in quick if not drawer.name.startswith("full_")]), False))
    drawn = tuple(
        Drawn(drawer=drawer, part=_part(drawer, draw, prefix, adapter, edited=edited), edited=edited)
        for (drawer, edited), prefix in zip(chosen, ("a", "b"), strict=False)
    )
    files, mart = _above([name for one in drawn for name in one.part.outputs], draw, adapter)
    if any("--full-refresh" in one.part.second for one in drawn) or draw.random() < 0.5:
        mart = None  # a full refresh is for what is named, not for what is added above it
    return Pair(
        seed=seed,
        number=number,
        adapter=adapter,
        drawn=drawn,
        files=files,
        mart=mart,
    )


def _part(drawer: Drawer, draw: Random, prefix: str, adapter: str, *, edited: bool) -> Part:
    part = drawer.draw(draw, prefix, adapter)
    if edited:
        return part
    return Part(
        variant=part.variant,
        files=part.files,
        outputs=part.outputs,
        ddl=part.ddl,
        vars=(part.vars[0], part.vars[0]),
        environment=(part.environment[0], part.environment[0]),
        project=part.project,
        profile=part.profile,
        must_run=part.must_run,
    )


def _above(outputs: list[str], draw: Random, adapter: str) -> tuple[dict[str, str], str | None]:
    """Draw one to four nodes over the outputs of the parts; return their files and the last that can be selected."""
    if not outputs:
        return {}, None
    files: dict[str, str] = {}
    names, unstored, snapshots = list(outputs), set(outputs), set()
    mart = None
    kinds = [kind for kind in KINDS if adapter == DUCKDB or kind != "python"]
    for number in range(draw.randint(1, 4)):
        kind = draw.choice(kinds) if number else draw.choice(("table", "incremental", "star"))
        parents = draw.sample(names, min(len(names), draw.choice((1, 1, 2))))
        if not number:
            parents[0] = outputs[0]
        if kind == "python" and parents[0] in unstored:
            kind = "table"
        if kind == "star" and parents[0] in snapshots:
            kind = "view"
        name = f"n{number}"
        files.update(_node(name, kind, parents))
        files.update(_checks(name, kind, draw))
        names.append(name)
        if kind == "ephemeral":
            unstored.add(name)
        else:
            mart = name
        if kind == "snapshot":
            snapshots.add(name)
    return files, mart


def _node(name: str, kind: str, parents: list[str]) -> dict[str, str]:
    rows = " union all ".join(
        f"select cast(id as integer) as id, cast(v as varchar) as v from {{{{ ref('{parent}') }}}}"
        for parent in parents
    )
    single = f"select id, max(v) as v from ({rows}) q group by id"
    config = f"{{{{ config(materialized='{kind}') }}}}\n"
    match kind:
        case "star":
            text = f"{{{{ config(materialized='view') }}}}\nselect * from {{{{ ref('{parents[0]}') }}}}\n"
        case "view" | "ephemeral":
            text = f"{config}select id, v || '+' as v from ({rows}) q\n"
        case "table":
            text = f"{config}select id, count(*) as rows_of_it, max(v) as v from ({rows}) q group by id\n"
        case "incremental":
            text = f"{{{{ config(materialized='incremental', unique_key='id') }}}}\n{single}\n"
        case "snapshot":
            config = "{{ config(unique_key='id', strategy='check', check_cols=['v'], hard_deletes='invalidate') }}\n"
            return {f"snapshots/{name}.sql": f"{{% snapshot {name} %}}\n{config}{single}\n{{% endsnapshot %}}\n"}
        case _:
            return {f"models/{name}.py": _python(parents[0])}
    return {f"models/{name}.sql": text}


def _python(parent: str) -> str:
    return (
        'def model(dbt, session):\n    dbt.config(materialized="table")\n'
        f'    return dbt.ref("{parent}").project("id, v")\n'
    )


def _checks(name: str, kind: str, draw: Random) -> dict[str, str]:
    """Draw checks of a node: one that may change from pass to warn, and one that may fail."""
    chosen = draw.choice(("", "", "few", "bad", "both"))
    tests = []
    if chosen in {"few", "both"}:
        tests.append(f"{{at_most: {{arguments: {{most: {draw.randint(1, 4)}}}, config: {{severity: warn}}}}}}")
    if chosen in {"bad", "both"}:
        stored = draw.choice(("", ", store_failures: true"))
        tests.append(f"{{no_value: {{arguments: {{value: z}}, config: {{severity: error{stored}}}}}}}")
    if not tests:
        return {}
    folder, key = ("snapshots", "snapshots") if kind == "snapshot" else ("models", "models")
    return {f"{folder}/{name}.yml": f"{key}:\n  - {{name: {name}, data_tests: [{', '.join(tests)}]}}\n"}
