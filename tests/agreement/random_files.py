"""Writes a random project as files; what all random projects share is written and parsed once."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.agreement.projects import run_sql
from tests.agreement.random_nodes import PACKAGE, ROOT, Kind, Project
from tests.agreement.random_sql import model_sql, raw_sql, seed_csv, singular_sql, snapshot_sql
from tests.agreement.random_yaml import package_yaml

_HOOK = (
    "insert into audit.hooks values ('{0}')",
    "select case when count(*) > 0 then error('the hook says no') end from audit.broken where hook = '{0}'",
    "insert into audit.hooks values ('{0}, ended')",
)
# of the unit tests of one model, which of them ran may differ, as is declared: only how many did is told
_TOLD = """
{% macro told(results) %}
insert into audit.hooks
select unnest([
  {% for result in results %}
  {% set node = result.node %}
  '{{ node.unique_id if node.resource_type != 'unit_test' else node.unique_id.rsplit('.', 1)[0] }} {{ result.status }}',
  {% endfor %}
  ''
])
{% endmacro %}
"""
_PROFILES = """
drawn:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse.duckdb, schema: dev, threads: 4}
"""
_AT_LEAST = """
{% test at_least(model, column_name, least) %}
select {{ column_name }} from {{ model }} where {{ column_name }} < {{ least }}
{% endtest %}
"""
_TIME_SPINE = "{{ config(materialized='table') }}\nselect date '2024-01-01' as date_day\n"
_SPINE_YAML = """
models:
  - name: metricflow_time_spine
    time_spine: {standard_granularity_column: date_day}
    columns: [{name: date_day, granularity: day}]
"""


def shared_files(*, halting_hooks: bool) -> dict[str, str]:
    """Give the files that all random projects have."""
    flags = f"flags: {{skip_nodes_if_on_run_start_fails: {str(halting_hooks).lower()}}}\n"
    return {
        "profiles.yml": _PROFILES,
        "packages.yml": f"packages: [{{local: packages/{PACKAGE}}}]\n",
        "dbt_project.yml": _project_yaml(ROOT) + "profile: drawn\n" + flags,
        f"dbt_packages/{PACKAGE}/dbt_project.yml": _project_yaml(PACKAGE),
        "macros/at_least.sql": _AT_LEAST,
        "macros/told.sql": _TOLD,
    }


def drawn_files(project: Project) -> dict[str, str]:
    """Give the files that a random project has of its own."""
    files = {}
    for node in project.nodes:
        root = "" if node.package == ROOT else f"dbt_packages/{PACKAGE}/"
        if node.kind is Kind.SEED:
            files[f"{root}seeds/{node.name}.csv"] = seed_csv(node)
        elif node.kind is Kind.SNAPSHOT and node.variant == "sql":
            files[f"{root}snapshots/{node.name}.sql"] = snapshot_sql(project, node)
        elif node.is_model:
            for suffix in [f"_v{version}" for version in range(1, node.versions + 1)] or [""]:
                files[f"{root}models/{node.folder}/{node.name}{suffix}.sql"] = model_sql(project, node)
    for test in project.singular_tests:
        files[f"tests/{test.name}.sql"] = singular_sql(project, test)
    files["models/said.yml"] = package_yaml(project, ROOT)
    files[f"dbt_packages/{PACKAGE}/models/said_of_extras.yml"] = package_yaml(project, PACKAGE)
    if project.saved_query_on is not None:
        files["models/metricflow_time_spine.sql"] = _TIME_SPINE
        files["models/metricflow_time_spine.yml"] = _SPINE_YAML
    return files


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def write_random_project(project: Project, shared: Path, folder: Path) -> Path:
    """Write a random project over a copy of what is shared, with its raw tables."""
    shutil.copytree(shared, folder)
    write_files(folder, drawn_files(project))
    run_sql(folder, raw_sql(project))
    return folder


def _project_yaml(name: str) -> str:
    lines = [f"name: {name}", 'version: "1.0"']
    for when in ("start", "end"):
        lines.append(f"on-run-{when}:")
        lines += [f'  - "{statement.format(f"{when} {name}")}"' for statement in _HOOK]
    return "\n".join([*lines, f'  - "{{{{ {ROOT}.told(results) }}}}"']) + "\n"
