"""dbt-loom brings public models of a manifest that elt wrote into another project, which elt builds."""

from pathlib import Path

import duckdb
import pytest
from built import Built, build, command

PROJECT = """
name: below
version: "1.0"
profile: everything
"""
LOOM = """
manifests:
  - {{name: everything, type: file, config: {{path: {manifest}}}}}
"""


@pytest.fixture
def below(sound: Built, tmp_path: Path) -> Path:
    """A project of its own, in the same warehouse."""
    folder = tmp_path / "below"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "dbt_loom.config.yml").write_text(LOOM.format(manifest=sound.target / "manifest.json"))
    profiles = (sound.folder / "profiles.yml").read_text()
    (folder / "profiles.yml").write_text(profiles.replace("warehouse.duckdb", str(sound.folder / "warehouse.duckdb")))
    return folder


def test_a_public_model_is_read(below: Path, sound: Built) -> None:
    """A model may read a public model of the other project, which is not built; what is listed is what dbt lists."""
    (below / "models" / "reads.sql").write_text("select * from {{ ref('everything', 'stg_events') }}")
    built = build(below)
    assert (built.exit_code, built.words()) == (0, {"model.below.reads": "success"})
    with duckdb.connect(str(sound.folder / "warehouse.duckdb")) as connection:
        rows = connection.execute("select count(*) from main.reads").fetchall()
    assert rows == sound.ask("select count(*) from main.stg_events")
    listed, expected = command(below, "elt", "ls"), command(below, "dbt", "--quiet", "ls")
    assert sorted(listed.stdout.split()) == sorted(expected.stdout.split())
    assert "below.reads" in listed.stdout.split()


def test_a_protected_model_is_refused(below: Path) -> None:
    """A model that the other project keeps to itself is refused with dbt's words, as a mistake of the project."""
    (below / "models" / "reads.sql").write_text("select * from {{ ref('everything', 'fct_orders') }}")
    refused = command(below, "elt", "build")
    assert refused.returncode == 2
    assert "protected to the 'everything' package" in refused.stderr


def test_a_manifest_that_dbt_cannot_link_is_refused(below: Path, broken: Built) -> None:
    """dbt-loom brings no functions: models that read one are refused with dbt's words, not as a bug of elt."""
    (below / "dbt_loom.config.yml").write_text(LOOM.format(manifest=broken.target / "manifest.json"))
    (below / "models" / "reads.sql").write_text("select 1 as one")
    refused = command(below, "elt", "ls")
    assert refused.returncode == 2
    assert "'function.everything.twice' which is not in the graph" in refused.stderr
