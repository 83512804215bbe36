"""Reads the options of dbt that a command of elt was given, and writes the command lines of dbt 2.x's processes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import DbtLimitError, UsageError
from orchestrator.nodes.dbt_flags import DbtFlags

_SHORT = dict(
    [
        *[(short, "--select") for short in ("-s", "-m", "--models", "--model")],
        *[("-t", "--target"), ("-f", "--full-refresh"), ("-x", "--fail-fast"), ("-q", "--quiet"), ("-d", "--debug")],
        ("--resource-types", "--resource-type"),
        ("--exclude-resource-types", "--exclude-resource-type"),
    ]
)
_OF_PROJECT = ("--target", "--profile", "--profiles-dir", "--vars")
_OF_SELECTION = ("--select", "--exclude", "--selector", "--indirect-selection")
_OF_TYPES = ("--resource-type", "--exclude-resource-type")
_OF_STATE = ("--state",)
_OF_RUN = ("--threads", "--empty", "--sample", "--event-time-start", "--event-time-end")
_CHECKED = ("--warn-error", "--warn-error-options", "--store-failures", "--version-check", "--no-version-check")
_REFUSED = frozenset({"--defer", "--favor-state", "--defer-state"})
_HANDLED = frozenset({"--full-refresh", "--fail-fast", "--no-fail-fast", "--project-dir", "--target-path"})
_WITHOUT_EFFECT = frozenset(
    {
        *("--quiet", "--no-quiet", "--debug", "--no-debug", "--print", "--no-print", "--no-defer", "--no-favor-state"),
        *("--use-colors", "--no-use-colors", "--use-colors-file", "--no-use-colors-file", "--no-empty"),
        *("--log-cache-events", "--no-log-cache-events", "--show-all-deprecations", "--no-show-all-deprecations"),
        *("--partial-parse", "--no-partial-parse", "--static-parser", "--no-static-parser", "--write-json"),
        *("--use-experimental-parser", "--no-use-experimental-parser", "--send-anonymous-usage-stats"),
        *("--no-send-anonymous-usage-stats", "--cache-selected-only", "--no-cache-selected-only"),
        *("--populate-cache", "--no-populate-cache", "--log-format", "--log-format-file", "--log-level"),
        *("--log-level-file", "--log-path", "--printer-width", "--no-write-json", "--maximum-seed-size-mib"),
        *("--hints-enabled", "--no-hints-enabled", "--use-v2-parser", "--no-use-v2-parser"),  # dbt 2.x has no other
    }
)
"""Options of dbt 1.x that change what it prints, or how fast it parses."""
_WITH_VALUE = frozenset(
    {
        *("--target", "--profile", "--profiles-dir", "--vars", "--selector", "--indirect-selection", "--state"),
        *("--threads", "--sample", "--event-time-start", "--event-time-end", "--warn-error-options"),
        *("--project-dir", "--target-path", "--defer-state", "--log-format", "--log-format-file", "--log-level"),
        *("--log-level-file", "--log-path", "--printer-width", "--output", "--maximum-seed-size-mib"),
    }
)
_MANY = frozenset({"--select", "--exclude", *_OF_TYPES, "--output-keys"})
_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOptions:
    """The command of dbt and its options, each with its values; a flag has none."""

    command: str
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """Return the last value of an option; empty without it."""
        return next(reversed(self.values.get(name, ())), "")

    def has(self, name: str) -> bool:
        """Return whether an option or a flag is given."""
        return name in self.values

    def words(self, *names: str) -> Iterator[str]:
        """Yield these options as they are written, those that are given."""
        for name in names:
            if name in self.values and name in _MANY:
                yield from (word for value in self.values[name] for word in (name, value))
            elif name in self.values:
                yield from (name, self.one(name)) if name in _WITH_VALUE else (name,)

    def without(self, name: str) -> "GivenOptions":
        """Return the options without one of them."""
        values = {key: found for key, found in self.values.items() if key != name}
        return GivenOptions(command=self.command, values=values)

    def of_project(self) -> tuple[str, ...]:
        """Return the options that every command of a project has."""
        return tuple(self.words(*_OF_PROJECT, "--version-check", "--no-version-check"))

    def of_run(self, command: str) -> tuple[str, ...]:
        """Return the options of a process that builds or tests."""
        only_builds = ("--empty", "--sample", "--event-time-start", "--event-time-end")
        named = [name for name in (*_OF_RUN, *_CHECKED) if command == "build" or name not in only_builds]
        if command == "source freshness":
            named = ["--threads"]
        return tuple(self.words(*(name for name in named if not name.endswith("version-check"))))


def read_options(words: Sequence[str], name: str) -> GivenOptions:
    """Return the options in a command line of dbt; `name` is the program, for messages.

    Raises:
        DbtLimitError: An option is one that dbt 2.x does not have here.
        UsageError: An option that needs a value has none.
    """
    command: list[str] = []
    values: dict[str, list[str]] = {}
    waiting = ""
    for word in words:
        if word.startswith("-") and word != "-" and waiting not in _WITH_VALUE:
            option, has_value, value = word.partition("=")
            option = _SHORT.get(option, option)
            _require_known(option, name)
            found = values.setdefault(option, [])
            waiting = option if option in _WITH_VALUE | _MANY and not has_value else ""
            found += [value] if has_value else []
        elif waiting:
            values[waiting].append(word)
            waiting = waiting if waiting in _MANY else ""
        else:
            command.append(word)
    if waiting in _WITH_VALUE:
        raise UsageError(f"dbt's option {waiting} needs a value.", hint=f"Give one, or leave {waiting} out.")
    return GivenOptions(command=" ".join(command), values={key: tuple(found) for key, found in values.items()})


def _require_known(option: str, name: str) -> None:
    known = {*_OF_PROJECT, *_OF_SELECTION, *_OF_TYPES, *_OF_STATE, *_OF_RUN, *_CHECKED, *_HANDLED, *_WITHOUT_EFFECT}
    if option in known or option in {"--output", "--output-keys"}:
        return
    reason = "elt cannot use it with" if option in _REFUSED else "elt does not know it for"
    raise DbtLimitError(
        f"The option {option} of dbt is not available: {reason} {name}.",
        hint=f"Leave {option} out, or remove `dbt.command` from elt.yml to use dbt 1.x.",
    )


def vars_of(options: GivenOptions) -> dict[str, Any]:
    """Return the vars of `--vars`; raises UsageError if they are not a mapping."""
    text = options.one("--vars")
    try:
        found = yaml.safe_load(text) if text else {}
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        raise UsageError("The value of --vars is not a mapping in YAML.", hint="Write for example: --vars '{day: 1}'")
    return {str(name): value for name, value in found.items()}


def flags_of(options: GivenOptions, profiles_dir: Path, environ: Mapping[str, str], project_flags: object) -> DbtFlags:
    """Return what the options, dbt's variables and the flags of dbt_project.yml mean for elt."""
    of_project = project_flags if isinstance(project_flags, dict) else {}

    def text(name: str) -> str:
        variable = name.removeprefix("--").upper().replace("-", "_")
        return options.one(name) or environ.get(f"DBT_{variable}", "") or environ.get(f"DBT_ENGINE_{variable}", "")

    def is_set(name: str) -> bool:
        if options.has(name):
            return True
        if options.has(f"--no-{name.removeprefix('--')}"):
            return False
        given = text(name)
        return given.lower() in _TRUE if given else bool(of_project.get(name.removeprefix("--").replace("-", "_")))

    return DbtFlags(
        profiles_dir=profiles_dir,
        vars=vars_of(options),
        fail_fast=is_set("--fail-fast"),
        full_refresh=is_set("--full-refresh"),
        empty=is_set("--empty"),
        sample=text("--sample"),
        event_time_start=text("--event-time-start"),
        event_time_end=text("--event-time-end"),
        store_failures=is_set("--store-failures"),
        warns_are_errors=is_set("--warn-error"),
    )
