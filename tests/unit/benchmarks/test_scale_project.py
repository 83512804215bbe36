"""The large project of the benchmarks is what its figures say."""

import re

import pytest
import yaml

from benchmarks.scale_project import draw_scale_project, write_scale_project


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A project of 300 models, a tenth of the full size."""
    folder = tmp_path_factory.mktemp("scale") / "project"
    return folder, write_scale_project(folder, 300)


def _texts(folder, pattern):
    return [path.read_text() for path in sorted(folder.glob(pattern))]


def test_the_project_has_the_expected_number_of_everything(written):
    """A tenth of 3,000 models, 6,000 tests, 2,000 macros in packages, 300 sources."""
    folder, project = written
    models = [yaml.safe_load(text)["models"] for text in _texts(folder, "models/*/_models.yml")]
    tests = [test for of_layer in models for model in of_layer for test in model["columns"][0]["data_tests"]]
    macros = re.findall(r"{% macro (\w+)", "".join(_texts(folder, "packages/*/macros/*.sql")))
    sources = [source["tables"] for source in yaml.safe_load(_texts(folder, "models/_sources.yml")[0])["sources"]]
    assert len(_texts(folder, "models/*/*.sql")) == len(project.models) == 300
    assert len(tests) == project.tests == 600
    assert len(set(macros)) == len(macros) == project.macros == 200
    assert sum(map(len, sources)) == project.sources == 30


def test_most_sources_are_read_by_no_model(written):
    """As many sources are read as are said to be, and these have raw tables."""
    folder, project = written
    read = set(re.findall(r"source\('(\w+)', '(\w+)'\)", "".join(_texts(folder, "models/*/*.sql"))))
    raw = set(re.findall(r"create or replace table (\w+)\.(\w+) ", (folder / "raw.sql").read_text()))
    assert len(read) == project.used_sources == 10
    assert read == raw


def test_every_called_macro_is_in_the_package_that_is_named(written):
    """The calls of models find their macros where `dbt deps` would have put them."""
    folder, _ = written
    called = set(re.findall(r"(tools\d)\.(scaled_\d+)", "".join(_texts(folder, "models/*/*.sql"))))
    for package in {package for package, _ in called}:
        macros = "".join(_texts(folder, f"dbt_packages/{package}/macros/*.sql"))
        assert {name for of, name in called if of == package} <= set(re.findall(r"{% macro (\w+)", macros))


def test_the_full_size_is_the_promised_one():
    """3,000 models come with 6,000 tests, 2,000 macros and 300 sources, 95 of them read."""
    project = draw_scale_project(3000)
    assert (project.tests, project.macros, project.sources, project.used_sources) == (6000, 2000, 300, 95)
