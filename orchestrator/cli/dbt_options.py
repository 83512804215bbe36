"""Declares dbt's own options under dbt's names without importing dbt; they are passed to dbt unchanged.

A test compares this table with the options that dbt declares. dbt itself reads the values from `DBT_*` variables and
from the flags of dbt_project.yml.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from orchestrator.cli.completion import (
    complete_folder,
    complete_profiles,
    complete_selection,
    complete_selectors,
    complete_targets,
)

BUILD, TEST, FRESHNESS, LIST = "build", "test", "source freshness", "list"
_RUNNING = frozenset({BUILD, TEST, FRESHNESS})
_ALL = _RUNNING | {LIST}


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtOption:
    """One option of dbt: its names, its value, and the commands that accept it."""

    names: tuple[str, ...]
    """The long name first, then short forms and dbt's synonyms."""
    help: str
    off: str | None = None
    """The name that switches a flag off."""
    value: str | None = None
    """The name of the value in the help; None for a flag."""
    choices: tuple[str, ...] = ()
    many: bool = False
    """Whether the option takes several values after one name."""
    commands: frozenset[str] = _ALL
    is_path: bool = False
    """Whether the value is a path in the working folder; dbt works in the folder of the project."""
    since: str = ""
    """The release of dbt that introduced it; earlier ones refuse it themselves."""

    @property
    def key(self) -> str:
        """Return the name of the parameter."""
        return self.names[0].removeprefix("--").replace("-", "_")

    @property
    def shown_help(self) -> str:
        """Return the help, with the release if not every supported one has the option."""
        return f"{self.help} (dbt {self.since})" if self.since else self.help


_LEVELS = ("debug", "info", "warn", "error", "none")
_FORMATS = ("text", "debug", "json", "default")
_TYPES = (
    *("metric", "semantic_model", "saved_query", "source", "analysis", "function", "model", "test", "unit_test"),
    *("exposure", "snapshot", "seed", "default", "all"),
)
_BUILD = frozenset({BUILD})

SELECTION = (
    DbtOption(
        names=("--select", "-s", "--models", "--model", "-m"),
        help="What to run: dbt's selection syntax, and ingest:, expectation: and step:.",
        value="EXPRESSION",
        many=True,
    ),
    DbtOption(names=("--exclude",), help="What to exclude.", value="EXPRESSION", many=True),
    DbtOption(names=("--selector",), help="A selector of selectors.yml.", value="NAME"),
    DbtOption(
        names=("--indirect-selection",),
        help="Which tests come with the selected nodes.",
        value="MODE",
        choices=("eager", "cautious", "buildable", "empty"),
    ),
    DbtOption(
        names=("--resource-type", "--resource-types"),
        help="Keep only these types.",
        value="TYPE",
        choices=_TYPES,
        many=True,
        commands=frozenset({BUILD, TEST, LIST}),
    ),
    DbtOption(
        names=("--exclude-resource-type", "--exclude-resource-types"),
        help="Exclude these types.",
        value="TYPE",
        choices=_TYPES[:-1],
        many=True,
        commands=frozenset({BUILD, TEST, LIST}),
    ),
)

PROJECT = (
    DbtOption(names=("--target", "-t"), help="The target of the profile.", value="NAME"),
    DbtOption(names=("--profile",), help="The profile to use.", value="NAME"),
    DbtOption(names=("--profiles-dir",), help="The folder of profiles.yml.", value="FOLDER"),
    DbtOption(names=("--project-dir",), help="The dbt project, or a folder that holds it.", value="FOLDER"),
    DbtOption(names=("--target-path",), help="Where the artifacts go.", value="FOLDER"),
    DbtOption(names=("--vars",), help="Variables of the project, as YAML.", value="YAML"),
    DbtOption(names=("--state",), help="Artifacts of an earlier run to compare with.", value="FOLDER", is_path=True),
    DbtOption(names=("--defer",), off="--no-defer", help="Read what is not selected from the state's manifest."),
    DbtOption(
        names=("--defer-state",), help="The state to defer to, when it is not --state.", value="FOLDER", is_path=True
    ),
    DbtOption(
        names=("--favor-state",), off="--no-favor-state", help="Defer even where a relation exists in this target."
    ),
    DbtOption(names=("--partial-parse",), off="--no-partial-parse", help="Parse only what changed (dbt's default)."),
    DbtOption(names=("--static-parser",), off="--no-static-parser", help="dbt's static parser."),
    DbtOption(
        names=("--use-experimental-parser",), off="--no-use-experimental-parser", help="dbt's experimental parser."
    ),
    DbtOption(
        names=("--use-v2-parser",),
        off="--no-use-v2-parser",
        help="Refused: elt needs dbt-core's own parser.",
        since="1.12",
    ),
    DbtOption(
        names=("--maximum-seed-size-mib",), help="Hash seeds up to this size, 0 for all.", value="N", since="1.12"
    ),
    DbtOption(names=("--version-check",), off="--no-version-check", help="Check require-dbt-version."),
    DbtOption(names=("--cache-selected-only",), off="--no-cache-selected-only", help="Cache only selected schemas."),
    DbtOption(names=("--populate-cache",), off="--no-populate-cache", help="Fill the relation cache first."),
    DbtOption(names=("--write-json",), off="--no-write-json", help="Write the artifacts (dbt's default)."),
)

RUNNING = (
    DbtOption(names=("--threads",), help="How many dbt steps run at once.", value="N", commands=_RUNNING),
    DbtOption(
        names=("--full-refresh", "-f"),
        help="Rebuild incremental models and seeds that were named.",
        commands=_BUILD,
    ),
    DbtOption(names=("--fail-fast", "-x"), off="--no-fail-fast", help="Stop at the first failure."),
    DbtOption(names=("--warn-error",), help="Treat dbt's warnings as errors."),
    DbtOption(names=("--warn-error-options",), help="Which of dbt's warnings are errors, as YAML.", value="YAML"),
    DbtOption(names=("--empty",), off="--no-empty", help="Limit every input to no rows.", commands=_BUILD),
    DbtOption(names=("--sample",), help="Run on a sample of the rows by event time.", value="WINDOW", commands=_BUILD),
    DbtOption(names=("--event-time-start",), help="Microbatch: from this time.", value="TIME", commands=_BUILD),
    DbtOption(names=("--event-time-end",), help="Microbatch: until this time.", value="TIME", commands=_BUILD),
    DbtOption(
        names=("--store-failures",), help="Keep failing rows in the database.", commands=frozenset({BUILD, TEST})
    ),
)

OUTPUT = (
    DbtOption(names=("--quiet", "-q"), off="--no-quiet", help="Show only what failed."),
    DbtOption(
        names=("--debug", "-d"),
        off="--no-debug",
        help="Show tracebacks and elt's debug log; dbt's goes to its file.",
    ),
    DbtOption(names=("--log-format",), help="`json`: one JSON object a line.", value="FORMAT", choices=_FORMATS),
    DbtOption(names=("--log-format-file",), help="Of dbt's log file.", value="FORMAT", choices=_FORMATS),
    DbtOption(names=("--log-level",), help="Of dbt's log.", value="LEVEL", choices=_LEVELS),
    DbtOption(names=("--log-level-file",), help="Of dbt's log file.", value="LEVEL", choices=_LEVELS),
    DbtOption(names=("--log-path",), help="The folder of dbt's log file.", value="FOLDER"),
    DbtOption(names=("--log-cache-events",), off="--no-log-cache-events", help="Log dbt's relation cache."),
    DbtOption(names=("--print",), off="--no-print", help="Show what models print()."),
    DbtOption(names=("--printer-width",), help="dbt's line width.", value="N"),
    DbtOption(names=("--use-colors",), off="--no-use-colors", help="Colours on the terminal."),
    DbtOption(names=("--use-colors-file",), off="--no-use-colors-file", help="Colours in dbt's log file."),
    DbtOption(
        names=("--hints-enabled",), off="--no-hints-enabled", help="Accepted: elt shows no hints of dbt.", since="1.12"
    ),
    DbtOption(names=("--show-all-deprecations",), off="--no-show-all-deprecations", help="Show each deprecation."),
    DbtOption(
        names=("--send-anonymous-usage-stats",),
        off="--no-send-anonymous-usage-stats",
        help="Accepted and ignored: nothing is ever sent.",
    ),
)

ALL = (*SELECTION, *PROJECT, *RUNNING, *OUTPUT)
_HANDLED_HERE = frozenset({"select", "exclude", "project_dir", "profiles_dir", "send_anonymous_usage_stats"})
_REPEATED = frozenset({"vars", "threads", "project_dir", "profiles_dir"})
_COMPLETIONS = {
    "EXPRESSION": complete_selection,
    "FOLDER": complete_folder,
    "profile": complete_profiles,
    "selector": complete_selectors,
    "target": complete_targets,
}
_MANY = frozenset({"--output-keys"}.union(*(option.names for option in ALL if option.many)))


def dbt_options(command: str, *, selecting: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds every option of dbt's `command`, those for selection only if `selecting`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(ALL):
            if command in option.commands and (selecting or option not in SELECTION):
                function = _declare(option)(function)
        return function

    return decorate


def repeated_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command that repeats a recorded one with the options that may be given again."""
    for option in reversed(ALL):
        if option.key in _REPEATED or option in OUTPUT:
            function = _declare(option)(function)
    return function


def _declare(option: DbtOption) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    if option.value is None:
        names = [f"{option.names[0]}/{option.off}" if option.off else option.names[0], *option.names[1:]]
        return click.option(*names, option.key, is_flag=True, default=None, help=option.shown_help)
    kind: click.ParamType[Any] = click.Choice(option.choices) if option.choices else click.STRING
    complete = _COMPLETIONS.get(option.key) or _COMPLETIONS.get(option.value)
    return click.option(
        *option.names,
        option.key,
        type=kind,
        multiple=option.many,
        metavar=option.value,
        help=option.shown_help,
        shell_complete=complete,
    )


def given(context: click.Context) -> tuple[str, ...]:
    """Return dbt's options as written on the command line, without those that elt handles itself."""
    words: list[str] = []
    for option in ALL:
        is_given = context.get_parameter_source(option.key) is ParameterSource.COMMANDLINE
        if is_given and option.key not in _HANDLED_HERE:
            words.extend(_written(option, context.params))
    return tuple(words)


def _written(option: DbtOption, values: Mapping[str, Any]) -> Iterator[str]:
    value = values[option.key]
    if option.value is None:
        yield option.names[0] if value or option.off is None else option.off
    elif option.many:
        for one in value:
            yield from (option.names[0], str(one))
    else:
        yield from (option.names[0], str(Path(value).absolute() if option.is_path else value))


def option_being_filled(words: Sequence[str]) -> str | None:
    """Return the option with several values that the next word belongs to, as dbt parses words; None if none."""
    last = next((word for word in reversed(words) if word.startswith("-") and word != "-"), None)
    return last if last in _MANY else None


def spread(words: list[str]) -> list[str]:
    """Return the words with `--select a b` rewritten as `--select a --select b`.

    dbt's options with several values take every word up to the next option; click's take one word each.
    """
    result: list[str] = []
    name: str | None = None
    waiting = False  # the option has no value yet: keep it, so that click reports the error
    for word in words:
        if word.startswith("-") and word != "-":
            if waiting and name:
                raise click.BadOptionUsage(name, f"Option {name!r} requires an argument.")
            name, waiting = (word, True) if word in _MANY else (None, False)
            result.extend([] if name else [word])
        elif name is None:
            result.append(word)
        else:
            result.extend((name, word))
            waiting = False
    return [*result, name] if waiting and name else result
