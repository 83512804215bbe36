"""Converts a command to what the record keeps of it, and a recorded run back to a command."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import RepairError
from orchestrator.execution.recorded import RecordedRun
from orchestrator.execution.recorded_schedule import schedule_asked, scheduled_of
from orchestrator.masking import MASK, Masker
from orchestrator.plan.command import Command
from orchestrator.plan.request import Upstream, Verb
from orchestrator.timetable.scheduled_time import ScheduledTime

_SWITCHES = ("has_selector", "ingest", "freshness", "tests", "allow_empty")


def asked_of(command: Command, masker: Masker, shown_vars: str) -> dict[str, object]:
    """Return what is recorded of a command, with secrets masked."""
    return {
        "dbt_options": list(masker.words(command.dbt_options, shown_vars)),
        "select": list(command.select),
        "exclude": list(command.exclude),
        "upstream": command.upstream.value,
        "profiles_dir": str(command.profiles_dir) if command.profiles_dir else None,
        "skip_unchanged": command.skip_unchanged,
        "shadow_reuse": command.shadow_reuse,
        "plain": command.plain,
        "schema_prefix": command.schema_prefix,
        **{name: getattr(command, name) for name in _SWITCHES},
        **schedule_asked(command.scheduled),
    }


def vars_text(variables: object) -> str:
    """Return variables as text for `--vars`: in JSON, or in YAML if one is a date, which JSON does not have."""
    try:
        return json.dumps(variables)
    except TypeError:
        return yaml.safe_dump(variables, default_flow_style=True, sort_keys=False, width=math.inf).strip()


def command_of(run: RecordedRun, again: Command) -> Command:
    """Return the command of a recorded run; the folders, and `--vars` if given, come from `again`.

    Raises:
        UsageError: An older elt recorded the run without all of its options, or one of its values was masked.
    """
    asked: Mapping[str, Any] = run.asked
    if run.head.verb not in set(Verb):
        raise RepairError(
            f"The run {run.head.run_id} was `elt {run.head.verb}`, which cannot be repeated.",
            hint="Name another run. `elt history` lists them.",
        )
    if "dbt_options" not in asked:
        raise RepairError(
            f"The run {run.head.run_id} was recorded by an older elt, which did not keep its options.",
            hint="Start a new run with `elt run`.",
        )
    prefix = str(asked.get("schema_prefix") or "")
    if again.schema_prefix not in {"", prefix}:
        built = f"in schemas with the prefix {prefix}" if prefix else "without a schema prefix"
        raise RepairError(
            f"The run {run.head.run_id} works {built}, not with the prefix {again.schema_prefix}.",
            hint="Omit --schema-prefix: a run keeps its own. Another prefix needs a new run.",
        )
    recorded = tuple(asked["dbt_options"])
    options = recorded
    for name in (word for word in again.dbt_options if word.startswith("--")):
        options = without_option(options, name)
    options = (*options, *again.dbt_options)
    # The mask must not be used as a value: dbt would accept it, and build something else.
    if any(MASK in word for word in options):
        raise RepairError(
            f"A secret of the run {run.head.run_id} was masked in its record, so its options are not known.",
            hint="Give it again: --vars '{name: value}'. Values from the environment need not be given.",
        )
    return replace(
        again,
        verb=Verb(run.head.verb),
        dbt_options=options,
        select=tuple(asked["select"]),
        exclude=tuple(asked["exclude"]),
        upstream=Upstream(asked["upstream"]),
        profiles_dir=again.profiles_dir or (Path(asked["profiles_dir"]) if asked["profiles_dir"] else None),
        **{name: asked[name] for name in _SWITCHES},
        skip_unchanged=bool(asked.get("skip_unchanged")),
        shadow_reuse=bool(asked.get("shadow_reuse")),
        plain=bool(asked.get("plain")),
        schema_prefix=prefix,
        verify_reuse=asked.get("verify_reuse"),
        scheduled=_scheduled(asked, again),
    )


def _scheduled(asked: Mapping[str, Any], again: Command) -> ScheduledTime | None:
    """Return the recorded time, also for a retry by hand: the data interval belongs to what the run processes."""
    recorded = scheduled_of(asked)
    if recorded is None or again.scheduled is None:
        return recorded
    return replace(recorded, attempt=again.scheduled.attempt)


def require_same_vars(run: RecordedRun, again: Command) -> None:
    """Raise RepairError if `--vars` is given again with other values than those of the recorded run.

    A value that was masked in the record cannot be compared, so any value may be given for it.
    """
    text, options = _value(again.dbt_options, "--vars"), run.asked["dbt_options"]
    if text is None or not isinstance(options, list):
        return
    try:
        given = yaml.safe_load(text) or {}
    except yaml.YAMLError:  # dbt reports it
        return
    recorded = yaml.safe_load(_value(tuple(options), "--vars") or "{}")
    if _is_same(recorded, given):
        return
    shown = vars_text(Masker(os.environ).value(given))
    raise RepairError(
        f"The run {run.head.run_id} has the --vars {vars_text(recorded)}, not {shown}.",
        hint="A resumed run keeps its variables: omit --vars, or give the same values (a masked one must be given)."
        " For other values, start a new run, or repair this one with: elt retry --vars …",
    )


def _is_same(recorded: object, given: object) -> bool:
    match recorded, given:
        case Mapping(), Mapping():
            return recorded.keys() == given.keys() and all(_is_same(recorded[name], given[name]) for name in recorded)
        case list(), list():
            return len(recorded) == len(given) and all(map(_is_same, recorded, given))
        case str(), _ if MASK in recorded:
            return True
        case _:
            return type(recorded) is type(given) and recorded == given


def compared_with(command: Command, folder: Path) -> Command:
    """Return the command with the manifest in `folder` as its `--state`; its own state or defer state is kept.

    dbt knows two states: `--state` defines what is modified, `--defer-state` what is read in place of nodes that are
    not built.
    """
    options = command.dbt_options
    state = _value(options, "--state") or os.environ.get("DBT_STATE")
    # Without --defer-state dbt defers to --state, which is replaced here, so the value is passed on under its own name.
    if state and not (_value(options, "--defer-state") or os.environ.get("DBT_DEFER_STATE")):
        options = (*options, "--defer-state", state)
    return replace(command, dbt_options=(*without_option(options, "--state"), "--state", str(folder)))


def without_option(words: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Return a recorded command line (long names, then values) without an option and its value."""
    found = []
    before = ""
    for word in words:
        if word != name and (before != name or word.startswith("--")):
            found.append(word)
        before = word
    return tuple(found)


def _value(words: tuple[str, ...], name: str) -> str | None:
    return words[words.index(name) + 1] if name in words[:-1] else None
