"""A table whose contract refers to a rebuilt table runs too: dbt-duckdb drops it before it swaps the other one."""

from importlib.metadata import version
from pathlib import Path
from textwrap import dedent

import duckdb
import pytest

from orchestrator.api import Command, FinishedRun, run
from orchestrator.plan.status import Status

pytestmark = pytest.mark.functional
FILES = {
    "dbt_project.yml": "{name: keys, version: '1.0', profile: keys, models: {keys: {+materialized: table}}}\n",
    "profiles.yml": "keys: {target: dev, outputs: {dev: {type: duckdb, path: keys.duckdb, threads: 1}}}\n",
    "models/a.sql": "{{ config(contract={'enforced': true}) }} select 1 as id, 2 as more\n",
    "models/b.sql": "{{ config(contract={'enforced': true}) }} select 1 as id from {{ ref('a') }}\n",
    "models/keys.yml": """
        models:
          - name: a
            columns:
              - {name: id, data_type: integer, constraints: [{type: primary_key}]}
              - {name: more, data_type: integer}
          - name: b
            columns:
              - name: id
                data_type: integer
                constraints: [{type: foreign_key, to: ref('a'), to_columns: [id]}]
        """,
}


@pytest.mark.skipif(version("dbt-duckdb") < "1.11.1", reason="dbt-duckdb 1.11.0 cannot rebuild such tables")
def test_a_table_with_a_foreign_key_is_rebuilt_with_the_table_that_it_refers_to(tmp_path: Path) -> None:
    """Its own inputs are the same, for the same rows are built again; but it is gone."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(text))
    assert statuses(run(Command(project_dir=tmp_path, profiles_dir=tmp_path))) == {"a": "success", "b": "success"}
    with duckdb.connect(str(tmp_path / "keys.duckdb")) as connection:
        connection.execute("update a set more = 3")
    again = run(Command(project_dir=tmp_path, profiles_dir=tmp_path, skip_unchanged=True))
    assert statuses(again) == {"a": "success", "b": "success"}
    with duckdb.connect(str(tmp_path / "keys.duckdb")) as connection:
        assert connection.execute("select a.more, b.id from a join b using (id)").fetchall() == [(2, 1)]
    quiet = run(Command(project_dir=tmp_path, profiles_dir=tmp_path, skip_unchanged=True))
    assert set(statuses(quiet).values()) == {Status.REUSED}


def statuses(ran: FinishedRun) -> dict[str, str]:
    """Return the status of each model."""
    return {ran.plan.by_id[one.step_id].name: one.status.value for one in ran.outcomes}
