"""Words that are handed on to dbt."""

from pathlib import Path

import pytest

from orchestrator.api import dbt_writer
from orchestrator.cli.dbt_verb import _from_here
from orchestrator.cli.docs_verb import _only, _without


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("--port", "8000", "--target", "ci"), ("--target", "ci")),
        (("--port=8000", "--no-browser", "-q"), ("-q",)),
        (("--host", "0.0.0.0", "--vars", "{a: b}", "--browser"), ("--vars", "{a: b}")),  # not bound
        (("--port",), ()),
    ],
)
def test_docs_are_generated_without_the_options_of_the_server(words: tuple[str, ...], left: tuple[str, ...]) -> None:
    """`dbt docs generate` knows neither the port nor the browser."""
    assert tuple(_without(words)) == left


def test_the_site_is_found_through_the_options_that_locate_it() -> None:
    """Written with or without `=`; the rest is of `generate` alone."""
    words = ("--static", "--target-path=x", "--select", "a", "--target", "ci", "--profile")
    assert tuple(_only(words, ("--target-path", "--target", "--profile"))) == (
        *("--target-path=x", "--target", "ci", "--profile"),
    )


def test_folders_are_named_from_the_working_folder() -> None:
    """dbt works in the folder of the project; only values that are folders are made absolute."""
    here = Path.cwd()
    words = ("--state", "before", "--defer-state=/abs", "--select", "before", "--profiles-dir=p")
    assert tuple(_from_here(words)) == (
        *("--state", f"{here}/before", "--defer-state=/abs", "--select", "before", f"--profiles-dir={here}/p"),
    )


@pytest.mark.parametrize(
    ("words", "writer"),
    [
        (("run",), "run"),
        (("--quiet", "build", "--select", "x"), "build"),
        (("list", "--select", "run"), None),
        (("compile",), None),
        (("run-operation", "grant"), "run-operation"),
        ((), None),
    ],
)
def test_the_commands_with_which_dbt_writes_are_known(words: tuple[str, ...], writer: str | None) -> None:
    """By the command, not by a value that has its name."""
    assert dbt_writer(words) == writer


@pytest.mark.parametrize("option", [("--log-level", "debug"), ("--log-path", "docs")])
def test_a_value_spelled_like_a_command_hides_no_writing_command(option):
    """dbt's own command line decides what the command is."""
    assert dbt_writer((*option, "run", "--full-refresh")) == "run"
    assert dbt_writer(("ls", "--select", "run")) is None
