"""dbt's options reach dbt 2.x, and what it does not have is refused by name."""

from pathlib import Path

import pytest

from orchestrator.adapters.dbt2.given_options import flags_of, read_options, vars_of
from orchestrator.cli.dbt_options import ALL
from orchestrator.errors import DbtLimitError, UsageError

HERE = Path("profiles")


def test_the_command_the_values_and_the_expressions_are_told_apart():
    """A name that takes several values takes all words up to the next option."""
    words = ["source", "freshness", "--target", "prod", "--full-refresh", "--select", "a", "tag:b", "-x"]
    options = read_options([*words, "--vars", "{day: 1}", "--vars={day: 2}"], "dbt 2.0.1")
    assert options.command == "source freshness"
    assert options.values["--select"] == ("a", "tag:b")
    assert options.one("--target") == "prod"
    assert options.has("--fail-fast")
    assert vars_of(options) == {"day": 2}


def test_a_value_may_look_like_an_option():
    """A period of --vars, for example, may begin with a hyphen."""
    assert read_options(["build", "--vars", "-1"], "dbt").one("--vars") == "-1"


def test_every_option_of_elt_is_passed_on_handled_or_refused():
    """A new option of dbt in elt's table has to be decided on."""
    refused = set()
    for option in ALL:
        for name in filter(None, (*option.names, option.off)):
            try:
                read_options(["build", name, *(["1"] if option.value and name != option.off else [])], "dbt 2.0.1")
            except DbtLimitError as error:
                refused.add(error.message.split()[2])
    assert refused == {"--defer", "--favor-state", "--defer-state"}


def test_an_unknown_option_is_refused():
    """It would otherwise be lost."""
    with pytest.raises(DbtLimitError, match="--unheard-of"):
        read_options(["build", "--unheard-of"], "dbt 2.0.1")


def test_an_option_without_its_value_is_refused():
    """As dbt does."""
    with pytest.raises(UsageError, match="--target needs a value"):
        read_options(["build", "--target"], "dbt 2.0.1")


def test_the_process_of_a_command_has_only_the_options_that_the_command_takes():
    """dbt 2.x refuses an option that a command does not have."""
    options = read_options(["build", "--threads", "3", "--empty", "--target", "prod", "--quiet"], "dbt")
    assert options.of_run("build") == ("--threads", "3", "--empty")
    assert options.of_run("test") == ("--threads", "3")
    assert options.of_run("source freshness") == ("--threads", "3")
    assert options.of_project() == ("--target", "prod")


@pytest.mark.parametrize("text", ["[1, 2]", "word", "{a: [}"])
def test_vars_that_are_no_mapping_are_refused(text):
    """The text is not repeated: it may hold a secret."""
    with pytest.raises(UsageError, match="--vars") as caught:
        vars_of(read_options(["build", "--vars", text], "dbt"))
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "environ", "project", "expected"),
    [
        (["--full-refresh"], {}, None, ("full_refresh",)),
        ([], {"DBT_FULL_REFRESH": "True"}, None, ("full_refresh",)),
        ([], {"DBT_ENGINE_FULL_REFRESH": "1"}, None, ("full_refresh",)),
        ([], {"DBT_FULL_REFRESH": "0"}, None, ()),
        ([], {}, {"fail_fast": True}, ("fail_fast",)),
        (["--no-fail-fast"], {"DBT_FAIL_FAST": "1"}, {"fail_fast": True}, ()),
        (["--warn-error"], {}, None, ("warns_are_errors",)),
        (["--sample", "3 days"], {}, None, ("sample",)),
    ],
)
def test_flags_come_from_the_options_the_environment_and_the_project(words, environ, project, expected):
    """In this order: consent to --full-refresh is asked wherever it is set."""
    flags = flags_of(read_options(["build", *words], "dbt"), HERE, environ, project)
    assert flags.given("full_refresh", "fail_fast", "warns_are_errors", "empty", "sample") == expected
