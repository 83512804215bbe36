"""Writes a dbt project of N cheap models in layers, with two tests each; the same seed gives the same files."""

import random
from dataclasses import dataclass
from pathlib import Path

LAYERS = 6
ROWS = 50
MOST_PARENTS = 3
DATABASE = "warehouse.duckdb"
SCHEMA = "generated"
PROJECT = """name: bench
profile: bench
version: "1.0"
config-version: 2
flags:
  send_anonymous_usage_stats: false
"""
PROFILE = f"""bench:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: {DATABASE}
      schema: {SCHEMA}
      threads: 4
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: its layer, how it is kept, and the models it reads."""

    name: str
    layer: int
    materialized: str
    parents: tuple[str, ...]


def draw_models(count: int, *, seed: int = 2013, layers: int = LAYERS) -> tuple[Model, ...]:
    """Draw models in layers: the first reads nothing, any other one to three, mostly of the layer above."""
    chance = random.Random(seed)
    drawn: list[Model] = []
    for number in range(count):
        layer = number * layers // count
        earlier = [model for model in drawn if model.layer < layer]
        drawn.append(
            Model(
                name=f"layer{layer}_model{number:04}",
                layer=layer,
                materialized=chance.choice(("table", "view")),
                parents=_draw_parents(chance, layer, earlier),
            )
        )
    return tuple(drawn)


def write_project(folder: Path, count: int, *, seed: int = 2013) -> tuple[Model, ...]:
    """Write the project and its profile, and give the models; each has the tests not_null and unique on its key."""
    models = draw_models(count, seed=seed)
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILE)
    for model in models:
        layer = folder / "models" / f"layer{model.layer}"
        layer.mkdir(exist_ok=True)
        (layer / f"{model.name}.sql").write_text(_sql(model))
    for layer_number in sorted({model.layer for model in models}):
        of_layer = [model for model in models if model.layer == layer_number]
        (folder / "models" / f"layer{layer_number}" / "_tests.yml").write_text(_tests(of_layer))
    return models


def _draw_parents(chance: random.Random, layer: int, earlier: list[Model]) -> tuple[str, ...]:
    if not earlier:
        return ()
    above = [model.name for model in earlier if model.layer == layer - 1]
    further = [model.name for model in earlier]
    wanted = chance.randint(1, MOST_PARENTS)
    picked = [chance.choice(above if chance.random() < 0.8 else further) for _ in range(wanted)]
    return tuple(dict.fromkeys(picked))


def _sql(model: Model) -> str:
    head = f"{{{{ config(materialized='{model.materialized}') }}}}\n"
    if not model.parents:
        return f"{head}select range as id, range % 7 as amount from range({ROWS})\n"
    first, *others = model.parents
    amounts = " + ".join(f"p{number}.amount" for number in range(len(model.parents)))
    joins = "".join(
        f"join {{{{ ref('{name}') }}}} as p{number} using (id)\n" for number, name in enumerate(others, start=1)
    )
    return f"{head}select id, {amounts} as amount\nfrom {{{{ ref('{first}') }}}} as p0\n{joins}"


def _tests(models: list[Model]) -> str:
    head = "version: 2\nmodels:\n"
    return head + "".join(
        f"  - name: {model.name}\n    columns:\n      - name: id\n        data_tests: [not_null, unique]\n"
        for model in models
    )
