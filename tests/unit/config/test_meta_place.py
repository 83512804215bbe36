"""The file and line at which a node's `meta.elt` is written."""

from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.config.meta_place import place_of_meta

FILES = {
    "m.yml": """\
        models:
          - name: other
            meta: {elt: {nope: 1}}
          - name: stg
            config:
              meta:
                elt:
                  repeats: {time: 3}
                  nope: 1
          - name: two
            meta: {elt: 3}
        """,
    "sources.yml": """\
        sources:
          - name: raw
            tables:
              - name: stg
                config: {meta: {elt: {nope: 1}}}
        """,
    "stg.sql": "select 1 as a\n{{ config(meta={'elt': {'volatil': 1}}) }}",
    "dbt_project.yml": "models:\n  shop:\n    +meta: {elt: {late: 1}}\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(dedent(text))
    return tmp_path


@pytest.mark.parametrize(
    ("files", "name", "key", "place"),
    [
        (("m.yml", "stg.sql"), "stg", ".nope", "m.yml:9"),
        (("m.yml", "stg.sql"), "stg", ".repeats.time", "m.yml:8"),
        (("m.yml", "two.sql"), "two", "", "m.yml:11"),
        (("m.yml", "stg.sql"), "stg", ".volatil", "stg.sql:2"),
        (("m.yml", "stg.sql", "dbt_project.yml"), "stg", ".late", "dbt_project.yml:3"),
        (("", "stg.sql"), "stg", ".volatil", "stg.sql:2"),
        (("sources.yml",), "stg", ".nope", "sources.yml:5"),
        (("m.yml", "stg.sql"), "stg", ".absent", "m.yml"),
        (("gone.yml", "stg.sql"), "stg", ".absent", "gone.yml"),
        (("m.yml",), "unique_stg", ".repeats.time", "m.yml:8"),
        (("m.yml",), "unique_stg", ".nope", "m.yml"),
    ],
)
def test_the_line_of_the_key_is_found(folder, files, name, key, place):
    """In the YAML file, the node's own file or dbt_project.yml; no line if several could be meant."""
    assert place_of_meta(folder, files, name, f"unknown key 'meta.elt{key}'; known here: repeats") == place
