"""dbt's options have dbt's names here, and reach dbt as they were written."""

from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from dbt.cli.main import cli as dbt_cli
from hypothesis import given as for_all
from hypothesis import strategies as st
from packaging.version import Version

from orchestrator.cli.dbt_options import ALL, BUILD, FRESHNESS, LIST, TEST, DbtOption, dbt_options, given, spread
from orchestrator.cli.shared import DbtCommand

OMITTED = (Path(__file__).parents[3] / "docs" / "commands.md").read_text()
OURS = {LIST: {"--output", "--output-keys"}}


def commands_of_dbt(name: str) -> click.Command:
    command = dbt_cli
    for word in name.split():
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return command


def names(option: DbtOption) -> set[str]:
    return {*option.names, *([option.off] if option.off else [])}


@pytest.mark.parametrize("command", [BUILD, TEST, FRESHNESS, LIST])
def test_every_option_of_dbt_is_here_or_its_omission_is_documented(command: str) -> None:
    """Each visible option of dbt's command has its name here, or a line in docs/commands.md."""
    ours = {name for option in ALL if command in option.commands for name in names(option)} | OURS.get(command, set())
    for parameter in commands_of_dbt(command).params:
        if isinstance(parameter, click.Option) and not parameter.hidden and parameter.opts[0] != "--version":
            for name in (*parameter.opts, *parameter.secondary_opts):
                assert name in ours or f"`{name}`" in OMITTED, f"{command} {name}"


@pytest.mark.parametrize("command", [BUILD, TEST, FRESHNESS, LIST])
def test_no_dbt_option_is_invented(command: str) -> None:
    """Each option that is handed on to dbt's command is one that dbt's command has."""
    theirs = {name for parameter in commands_of_dbt(command).params for name in parameter.opts}
    theirs |= {name for parameter in commands_of_dbt(command).params for name in parameter.secondary_opts}
    ours = {name for option in ALL if command in option.commands and is_known(option) for name in names(option)}
    assert ours <= theirs


def is_known(option: DbtOption) -> bool:
    """Return whether the installed release of dbt has the option."""
    return not option.since or Version(version("dbt-core")) >= Version(option.since)


@pytest.mark.parametrize("option", [option for option in ALL if option.since], ids=lambda option: option.key)
def test_an_option_of_a_newer_dbt_says_so_and_is_unknown_to_an_older_one(option: DbtOption) -> None:
    """In the help; a release without it refuses the option itself."""
    assert option.shown_help.endswith(f"(dbt {option.since})")
    theirs = {name for parameter in commands_of_dbt(BUILD).params for name in parameter.opts}
    assert (option.names[0] in theirs) is is_known(option)


def written(words: list[str]) -> tuple[str, ...]:
    found: list[tuple[str, ...]] = []

    @click.command(cls=DbtCommand)
    @dbt_options(BUILD)
    @click.pass_context
    def command(context: click.Context, **_: object) -> None:
        found.append((*given(context), *context.params["select"]))

    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return found[0]


def test_options_reach_dbt_as_they_were_written() -> None:
    """A flag, its opposite, a value and a list of types go on; selections and folders are handled here."""
    words = ["-x", "--no-partial-parse", "-t", "prod", "--resource-type", "model", "seed", "--select", "a", "b+"]
    assert written(words) == (
        *("--resource-type", "model", "--resource-type", "seed", "--target", "prod"),
        *("--no-partial-parse", "--fail-fast", "a", "b+"),
    )


def test_options_that_were_not_given_are_left_to_dbt() -> None:
    """Without options nothing is handed on, so that dbt's own variables and project flags decide."""
    assert written([]) == ()


@for_all(st.lists(st.text("abc+:", min_size=1), min_size=1))
def test_values_after_one_name_are_spread(values: list[str]) -> None:
    """`--select a b c` means `--select a --select b --select c`, and what follows is untouched."""
    words = spread(["--select", *values, "--threads", "4"])
    assert words == [word for value in values for word in ("--select", value)] + ["--threads", "4"]


def test_an_option_without_its_value_is_left_for_click_to_report() -> None:
    """Nothing is swallowed when the value is missing."""
    assert spread(["--select"]) == ["--select"]


def test_an_option_in_the_place_of_a_value_is_refused() -> None:
    """click would take the next option for the value."""
    with pytest.raises(click.BadOptionUsage, match="'--select' requires an argument"):
        spread(["--select", "--threads", "2"])


def test_folders_are_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt works in the folder of the project, and would look for a relative one there."""
    monkeypatch.chdir(tmp_path)
    assert written(["--state", "old", "--defer-state=../other", "--target-path", "out"]) == (
        *("--target-path", "out", "--state", str(tmp_path / "old"), "--defer-state", str(tmp_path / "../other")),
    )


def test_a_name_without_an_option_is_answered_with_how_to_select_it() -> None:
    """`elt run fct_orders` is what a newcomer types."""
    command = DbtCommand("run", params=[click.Option(["--select"])])
    with pytest.raises(click.UsageError, match="--select fct_orders dim_dates"):
        command.make_context("run", ["fct_orders", "dim_dates"])
