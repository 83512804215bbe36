"""The project whose tests and macros grow together."""

import re
from pathlib import Path

import yaml

from benchmarks.wide_macros import write_wide_project


def test_every_test_reaches_every_macro(tmp_path: Path) -> None:
    """Through the materialization that all tests share, and a chain."""
    write_wide_project(tmp_path / "wide", tests=5, macros=10)
    chain = (tmp_path / "wide/macros/chain.sql").read_text()
    names = re.findall(r"{% macro (\w+)\(\) %}", chain)
    called = re.findall(r"{{ (\w+)\(\) }}", (tmp_path / "wide/macros/override.sql").read_text() + chain)
    assert called[0] == names[0]
    assert sorted(called) == sorted(names)
    assert len(names) == 10
    (model,) = yaml.safe_load((tmp_path / "wide/models/wide.yml").read_text())["models"]
    assert [column["data_tests"] for column in model["columns"]] == [["not_null"]] * 5
