"""Reads an elt.yml: defines its keys with typed readers, and returns the value of each."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestrator.config.mistakes import Mistakes, near
from orchestrator.config.readers import (
    Reader,
    duration,
    limit,
    one_of,
    portion,
    positive,
    positive_or_none,
    text,
    times,
    truth,
)
from orchestrator.config.repeats import PARTS
from orchestrator.config.settings import OnBusy, OnNoData, OnOpen, OnRunStart
from orchestrator.config.substitution import UnsetError, substitute

KEYS: Mapping[str, Reader] = {
    "dbt_project": text,
    "ingestion.folder": text,
    "ingestion.threads": positive,
    "ingestion.python": text,
    "ingestion.python.*": text,
    "ingestion.schemas.*": text,
    "expectations.folder": text,
    "on_run_start": one_of(OnRunStart),
    "on_no_data": one_of(OnNoData),
    "lock_timeout": duration,
    "repeats.*": times,
    **{f"repeats.*.{part}": reader for part, reader in PARTS.items()},
    "time_limits.*": limit,
    "circuit_breaker.after": times,
    "circuit_breaker.try_again_after": duration,
    "circuit_breaker.below": one_of(OnOpen),
    "on_busy": one_of(OnBusy),
    "state_in_target": truth,
    "content.rows": positive,
    "content.time": duration,
    "store": text,
    "keep_runs": positive_or_none,
    "protected_targets": text,
    "publish_copy.*": text,
    "verify_reuse": portion,
}
"""Every key by its path; `*` is a name that the user chooses. A key that has subkeys may also take one value."""

_LISTS = frozenset({"protected_targets"})
"""The keys that take a list of values. One value alone is a list of one. The result is a tuple."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The value of one key, and its line in the file."""

    value: object
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What reading one file needs at every level."""

    file: Path
    environ: Mapping[str, str]
    mistakes: Mistakes
    entries: dict[str, Entry]


def read_document(file: Path, environ: Mapping[str, str], mistakes: Mistakes) -> dict[str, Entry]:
    """Return every key in the file, and record every mistake with its line."""
    reading = _Reading(file=file, environ=environ, mistakes=mistakes, entries={})
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        mistakes.in_file(file, 1, f"the file cannot be read: {error}")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        mistakes.in_file(file, mark.line + 1 if mark else 1, f"not YAML: {error.problem}")
    except yaml.YAMLError as error:
        mistakes.in_file(file, 1, f"not YAML: {error}")
    else:
        if root is not None and not _is_null(root):
            _read_mapping(reading, root, "", "")
    return reading.entries


def _read_mapping(reading: _Reading, node: yaml.Node, prefix: str, pattern: str) -> None:
    """Read the keys of one mapping, each by its reader or as a nested mapping; `pattern` is its path among KEYS."""
    if not isinstance(node, yaml.MappingNode):
        what = f"'{prefix.rstrip('.')}' takes keys" if prefix else "the file takes keys"
        _note(reading, node, f"expected 'key: value' lines: {what}, this is {_kind(node)}")
        return
    known = tuple(dict.fromkeys(key[len(pattern) :].split(".")[0] for key in KEYS if key.startswith(pattern)))
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else _kind(key_node)
        if name in seen:
            _note(reading, key_node, f"'{prefix}{name}' is set twice, first on line {seen[name]}")
        elif known != ("*",) and name not in known:
            _note(reading, key_node, f"unknown key '{prefix}{name}'; {near(name, known)}")
        else:
            _read_value(reading, value_node, prefix + name, pattern + ("*" if known == ("*",) else name))
        seen.setdefault(name, key_node.start_mark.line + 1)


def _read_value(reading: _Reading, node: yaml.Node, key: str, pattern: str) -> None:
    """Read what a key holds: one value, or subkeys, or either."""
    has_keys = any(other.startswith(f"{pattern}.") for other in KEYS)
    if has_keys and (isinstance(node, yaml.MappingNode) or pattern not in KEYS):
        if not _is_null(node):
            _read_mapping(reading, node, f"{key}.", f"{pattern}.")
    elif pattern in _LISTS:
        _read_list(reading, node, key, KEYS[pattern])
    elif (value := _read_scalar(reading, node, key, KEYS[pattern])) is not None:
        reading.entries[key] = Entry(value=value[0], line=node.start_mark.line + 1)


def _read_list(reading: _Reading, node: yaml.Node, key: str, reader: Reader) -> None:
    """Read the values of a list, or one value as a list of one."""
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    found = [value for one in nodes if (value := _read_scalar(reading, one, key, reader)) is not None]
    reading.entries[key] = Entry(value=tuple(value for (value,) in found), line=node.start_mark.line + 1)


def _read_scalar(reading: _Reading, node: yaml.Node, key: str, reader: Reader) -> tuple[object] | None:
    """Return one value in a tuple, as it may be None; an empty value counts as not set."""
    if not isinstance(node, yaml.ScalarNode):
        _note(reading, node, f"'{key}' takes one value, this is {_kind(node)}")
        return None
    if _is_null(node):
        return None
    try:
        return (reader(_scalar(node, reading.environ)),)
    except UnsetError as error:
        _note(reading, node, f"'{key}': {error}")
    except ValueError as error:
        # The value is shown as written in the file, because the value of a variable may be secret.
        _note(reading, node, f"'{key}' is '{node.value}': {error}")
    return None


def _scalar(node: yaml.ScalarNode, environ: Mapping[str, str]) -> str | int | float | bool | None:
    """Return the scalar as text, number or boolean, with the environment's values filled in; None for anything else."""
    if node.tag == "tag:yaml.org,2002:bool":
        return bool(yaml.SafeLoader("").construct_yaml_bool(node))
    filled = substitute(node.value, environ)
    plainly_referenced = filled != node.value and node.style is None
    if node.tag == "tag:yaml.org,2002:str" and not plainly_referenced:
        return filled
    for number in (int, float):
        with suppress(ValueError):
            return number(filled)
    return filled if plainly_referenced else None


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _kind(node: yaml.Node) -> str:
    match node:
        case yaml.MappingNode():
            return "a mapping"
        case yaml.SequenceNode():
            return "a list"
        case _:
            return "a single value"


def _note(reading: _Reading, node: yaml.Node, problem: str) -> None:
    reading.mistakes.in_file(reading.file, node.start_mark.line + 1, problem)
