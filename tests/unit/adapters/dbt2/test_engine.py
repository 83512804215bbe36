"""A program is asked which dbt it is; what is installed as a Python package plays no part."""

import subprocess

import pytest

from orchestrator.adapters.dbt2.engine import ask_dbt, version_in
from orchestrator.errors import DbtCommandError

CORE = """Core:
  - installed: 1.11.4
  - latest:    1.12.6  - Update available!

Plugins:
  - duckdb: 1.10.0 - Up to date!
"""


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("dbt-fusion 2.0.0-preview.45\n", "2.0.0-preview.45"),
        ("dbt Fusion 2.0.0-preview.126\n", "2.0.0-preview.126"),
        ("dbt-core 2.0.0-alpha.4\n", "2.0.0-alpha.4"),
        ("dbt 2.0.1\n", "2.0.1"),
        ("dbt=2.1.0", "2.1.0"),
        ("\x1b[1mdbt-fusion\x1b[0m 2.0.0\n   A new version is available: 2.0.1\n", "2.0.0"),
        (CORE, "1.11.4"),
        ("installed version: 0.18.1\n   latest version: 0.18.1\n", "0.18.1"),
        ("dbt Cloud CLI - 0.38.7 (abc 2024-05-01)\n", None),
        ("zsh: command not found: dbt", None),
        ("Python 3.11.4", None),
        ("", None),
    ],
)
def test_a_version_is_found_in_what_every_dbt_says(answer, version):
    """As the programs say it, and as the documentation shows it."""
    assert version_in(answer) == version


@pytest.fixture
def program(tmp_path):
    """Write a program that says something and ends with a code."""

    def write(says: str, code: int = 0, stream: int = 1) -> str:
        file = tmp_path / "bin" / "dbt2"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\ncat <<'END' >&{stream}\n{says}\nEND\nexit {code}\n")
        file.chmod(0o755)
        return str(file)

    return write


def test_the_program_is_found_relative_to_elt_yml(tmp_path, program):
    """As every path in that file."""
    program("dbt 2.0.1")
    found = ask_dbt("bin/dbt2", tmp_path / "elt.yml", tmp_path)
    assert (found.words, found.version, found.name) == ((str(tmp_path / "bin" / "dbt2"),), "2.0.1", "dbt 2.0.1")


def test_the_program_is_found_on_the_path(tmp_path, program, monkeypatch):
    """By its name alone."""
    program("dbt 2.0.1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    assert ask_dbt("dbt2", None, tmp_path).words == ("dbt2",)


def test_a_version_that_is_said_on_stderr_counts(tmp_path, program):
    """Some programs print it there."""
    assert ask_dbt(program("dbt 2.3.0", stream=2), None, tmp_path).version == "2.3.0"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (CORE, ["which is dbt 1.11.4", "drives only dbt 2.x"]),
        ("dbt 3.0.0", ["which is dbt 3.0.0", "drives only dbt 2.x"]),
        ("dbt Cloud CLI - 0.38.7", ["no dbt that elt knows", "dbt Cloud CLI - 0.38.7"]),
        ("", ["it said 'nothing'"]),
    ],
)
def test_anything_but_dbt_2_is_refused_with_what_it_said(tmp_path, program, says, words):
    """The message names the file, the key and the way back."""
    with pytest.raises(DbtCommandError) as caught:
        ask_dbt(program(says, 1), tmp_path / "elt.yml", tmp_path)
    for word in [*words, f"{tmp_path / 'elt.yml'}: 'dbt.command'", "remove the key"]:
        assert word in str(caught.value)


@pytest.mark.parametrize(("make", "why"), [(False, "No such file"), (True, "Permission denied")])
def test_a_program_that_cannot_be_started_is_refused(tmp_path, make, why):
    """It is missing, or not executable."""
    if make:
        (tmp_path / "dbt2").write_text("")
    with pytest.raises(DbtCommandError, match=why):
        ask_dbt("./dbt2", tmp_path / "elt.yml", tmp_path)


def test_a_program_that_does_not_answer_is_refused(tmp_path, program, monkeypatch):
    """It may wait for input that never comes."""

    def wait(*_words, **options):
        raise subprocess.TimeoutExpired("dbt2", options["timeout"])

    monkeypatch.setattr("orchestrator.adapters.dbt2.engine.subprocess.run", wait)
    with pytest.raises(DbtCommandError, match="does not answer"):
        ask_dbt(program("dbt 2.0.1"), None, tmp_path)
