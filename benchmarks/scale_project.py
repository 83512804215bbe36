"""Writes a large dbt project: thousands of models and tests, packages of macros, sources that mostly nobody reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.layered_project import PROFILE, PROJECT, Model, draw_models

LAYERS = 12
PACKAGES = 4
SOURCES_PER_MODEL = 1 / 10
USED_SOURCES = 95 / 300
MACROS_PER_MODEL = 2 / 3
MACROS_A_FILE = 10
TABLES_A_SOURCE = 30
RAW_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleProject:
    """What was written."""

    models: tuple[Model, ...]
    tests: int
    macros: int
    sources: int
    used_sources: int


def draw_scale_project(models: int) -> ScaleProject:
    """Draw the project with `models` models: 2 tests each, 2,000 macros, 300 sources, 95 of them read, for 3,000."""
    sources = max(2, round(models * SOURCES_PER_MODEL))
    return ScaleProject(
        models=draw_models(models, layers=LAYERS),
        tests=2 * models,
        macros=max(PACKAGES, round(models * MACROS_PER_MODEL)),
        sources=sources,
        used_sources=max(1, round(sources * USED_SOURCES)),
    )


def write_scale_project(folder: Path, models: int) -> ScaleProject:
    """Draw the project and write it with its profile, and as `raw.sql` the raw tables that it reads."""
    drawn = draw_scale_project(models)
    folder.mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILE)
    _write_packages(folder, drawn.macros)
    _write_sources(folder, drawn.sources, drawn.used_sources)
    _write_models(folder, drawn.models, drawn.macros, drawn.used_sources)
    return drawn


def _write_packages(folder: Path, macros: int) -> None:
    """Write the macros into packages that stand where `dbt deps` links local packages to."""
    listed = "".join(f"  - local: packages/tools{number}\n" for number in range(PACKAGES))
    (folder / "packages.yml").write_text(f"packages:\n{listed}")
    (folder / "dbt_packages").mkdir()
    for number in range(PACKAGES):
        package = folder / "packages" / f"tools{number}"
        (package / "macros").mkdir(parents=True)
        (package / "dbt_project.yml").write_text(f'name: tools{number}\nversion: "1.0"\nconfig-version: 2\n')
        (folder / "dbt_packages" / package.name).symlink_to(package)
        mine = range(number, macros, PACKAGES)
        for start in range(0, len(mine), MACROS_A_FILE):
            texts = map(_macro, mine[start : start + MACROS_A_FILE])
            (package / "macros" / f"part{start // MACROS_A_FILE:03}.sql").write_text("\n".join(texts))


def _macro(number: int) -> str:
    return (
        f"{{% macro scaled_{number:04}(column, factor={number % 9 + 1}) %}}\n"
        f"{{%- if factor == 1 -%}}{{{{ column }}}}\n"
        f"{{%- else -%}}({{{{ column }}}} * {{{{ factor }}}}) % 1000\n"
        f"{{%- endif -%}}\n{{% endmacro %}}\n"
    )


def _write_sources(folder: Path, sources: int, used: int) -> None:
    """Write the sources, and as SQL the raw tables of those that are read."""
    (folder / "models").mkdir()
    blocks: dict[str, list[str]] = {}
    for number in range(sources):
        blocks.setdefault(_source(number)[0], []).append(_source(number)[1])
    text = "version: 2\nsources:\n"
    for name, tables in blocks.items():
        text += f"  - name: {name}\n    schema: {name}\n    tables:\n"
        text += "".join(f"      - name: {table}\n        description: Raw rows of {table}.\n" for table in tables)
    (folder / "models" / "_sources.yml").write_text(text)
    statements = [f"create schema if not exists {name};" for name in blocks]
    for number in range(used):
        rows = f"select range as id, range % 7 as amount from range({RAW_ROWS})"
        statements.append(f"create or replace table {'.'.join(_source(number))} as {rows};")
    (folder / "raw.sql").write_text("\n".join(statements) + "\n")


def _source(number: int) -> tuple[str, str]:
    return f"raw{number // TABLES_A_SOURCE:02}", f"table{number:03}"


def _write_models(folder: Path, models: Sequence[Model], macros: int, used: int) -> None:
    texts: dict[str, list[str]] = {}
    for number, model in enumerate(models):
        layer = folder / "models" / f"layer{model.layer:02}"
        layer.mkdir(exist_ok=True)
        (layer / f"{model.name}.sql").write_text(_sql(model, number, macros, used))
        texts.setdefault(layer.name, []).append(_properties(model, number))
    for layer_name, written in texts.items():
        (folder / "models" / layer_name / "_models.yml").write_text("version: 2\nmodels:\n" + "".join(written))


def _sql(model: Model, number: int, macros: int, used: int) -> str:
    head = f"{{{{ config(materialized='{model.materialized}', tags=['layer{model.layer}']) }}}}\n"
    called = number % macros
    inputs = [f"ref('{parent}')" for parent in model.parents]
    inputs = inputs or ["source('{}', '{}')".format(*_source(number % used))]
    joins = "".join(f"join {{{{ {one} }}}} as p{at} using (id)\n" for at, one in enumerate(inputs[1:], start=1))
    amount = f"{{{{ tools{called % PACKAGES}.scaled_{called:04}('p0.amount') }}}} as amount"
    return f"{head}select id, {amount}\nfrom {{{{ {inputs[0]} }}}} as p0\n{joins}"


def _properties(model: Model, number: int) -> str:
    """Describe a model with two tests of its key: one in two is a relationship to a parent, which has two parents."""
    second = "unique"
    if number % 2 and model.parents:
        arguments = f"{{to: ref('{model.parents[0]}'), field: id}}"
        second = f"{{relationships: {{arguments: {arguments}}}}}"
    return (
        f"  - name: {model.name}\n    description: Amounts of layer {model.layer}, number {number}.\n"
        f"    columns:\n      - name: id\n        description: The key.\n        data_tests: [not_null, {second}]\n"
    )
