"""The options that a schedule can give to its verb."""

import click
import pytest

from orchestrator.cli import freshness_verb, run_verb, test_verb
from orchestrator.config.schedule_options import LISTS, OF_VERB, SWITCHES, VALUES, option_mistakes, option_words

VERBS = {"run": run_verb.command, "test": test_verb.command, "freshness": freshness_verb.command}
ELSEWHERE = {"project_dir", "json", "json_lines", "log_format", "on_busy", "wait_for"}
"""Options that say where and how a run is shown, or that are keys of the schedule itself."""


def options_of(verb: str) -> dict[str, click.Option]:
    """Give the options of a verb by the name that a schedule uses."""
    return {one.name: one for one in VERBS[verb].params if isinstance(one, click.Option) and one.name not in ELSEWHERE}


@pytest.mark.parametrize("verb", VERBS)
def test_a_schedule_accepts_exactly_the_options_of_its_verb(verb: str) -> None:
    """An option that the verb gets later is missed here."""
    assert set(options_of(verb)) == OF_VERB[verb]


@pytest.mark.parametrize("verb", VERBS)
def test_each_option_is_of_the_kind_that_the_verb_declares(verb: str) -> None:
    """A flag is written without a value, a list once for each element."""
    for name, option in options_of(verb).items():
        assert (name in LISTS) == option.multiple, name
        assert (name in VALUES) == (not option.is_flag and not option.multiple), name
        assert (name in SWITCHES) == bool(option.secondary_opts), name


def test_options_become_words_of_the_command_line() -> None:
    """Names have hyphens there; a mapping is JSON, which is YAML."""
    options = {"select": ["marts", "tag:daily"], "skip_unchanged": True, "defer": False, "vars": {"a": 1}, "yes": False}
    assert list(option_words(options)) == [
        *("--select", "marts", "--select", "tag:daily", "--skip-unchanged", "--no-defer", "--vars", '{"a": 1}')
    ]


@pytest.mark.parametrize(
    ("verb", "options", "said"),
    [
        ("run", {"selects": ["a"]}, "'options.selects' is not an option of `elt run`. Did you mean 'select'"),
        ("test", {"full_refresh": True}, "'options.full_refresh' is not an option of `elt test`"),
        ("run", {"skip_unchanged": "often"}, "'options.skip_unchanged' is 'often': expected true or false"),
        ("run", {"on_busy": "wait"}, "'options.on_busy': write 'on_busy' beside 'options'"),
        ("run", {"target": ["dev", "prod"]}, "'options.target': expected one value"),
        ("run", {"vars": [1]}, "'options.vars' is '[1]': expected keys with values"),
        ("run", {"threads": "many"}, "'options.threads' is 'many': expected a whole number from 1"),
        ("test", {"threads": 0}, "'options.threads' is '0': expected a whole number from 1"),
        ("run", {"select": {"a": 1}}, "'options.select': expected a list"),
    ],
)
def test_an_option_that_cannot_be_given_is_a_mistake(verb: str, options: dict[str, object], said: str) -> None:
    """The message names the option as elt.yml writes it."""
    (mistake,) = option_mistakes(verb, options)
    assert mistake.startswith(said)
