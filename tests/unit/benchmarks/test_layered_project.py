import pytest
import yaml

from benchmarks.layered_project import MOST_PARENTS, draw_models, write_project


def _files(folder):
    return {path.relative_to(folder): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_writes_the_same_project(tmp_path):
    """Two runs of the benchmark measure the same project, another seed another one."""
    write_project(tmp_path / "first", 30)
    write_project(tmp_path / "again", 30)
    write_project(tmp_path / "other", 30, seed=1)
    assert _files(tmp_path / "first") == _files(tmp_path / "again") != _files(tmp_path / "other")


@pytest.mark.parametrize("count", [1, 10, 100, 500])
def test_each_model_has_two_tests(tmp_path, count):
    """A project of N models has N SQL files, and not_null and unique on each key."""
    models = write_project(tmp_path / "project", count)
    documents = [yaml.safe_load(path.read_text()) for path in (tmp_path / "project").rglob("_tests.yml")]
    tested = {
        model["name"]: model["columns"][0]["data_tests"] for document in documents for model in document["models"]
    }
    assert len(models) == len(list((tmp_path / "project").rglob("*.sql"))) == count
    assert tested == {model.name: ["not_null", "unique"] for model in models}


@pytest.mark.parametrize("count", [10, 100, 500])
def test_a_model_reads_only_layers_above_its_own(count):
    """The graph has no cycle: every parent lies in an earlier layer; the first layer alone reads nothing."""
    models = draw_models(count)
    layer = {model.name: model.layer for model in models}
    assert all(layer[parent] < model.layer for model in models for parent in model.parents)
    assert all((model.layer == 0) == (not model.parents) for model in models)
    assert max(len(model.parents) for model in models) <= MOST_PARENTS


def test_tables_and_views_are_mixed():
    """Both ways to keep a model take part."""
    assert {model.materialized for model in draw_models(100)} == {"table", "view"}
