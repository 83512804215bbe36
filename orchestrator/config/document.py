"""Reads an elt.yml: defines its keys with typed readers, and returns the value of each."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestrator.config.mistakes import Mistakes, meant
from orchestrator.config.node_wishes import OnNoData
from orchestrator.config.readers import (
    ListReader,
    Reader,
    anything,
    as_written,
    keeps_references,
    keys,
    limit,
    one_of,
    text,
)
from orchestrator.config.repeat_settings import PARTS
from orchestrator.config.sections import Entry, KeyPath, readers_of, sections_of
from orchestrator.config.settings import Settings
from orchestrator.config.substitution import UnsetError, substitute
from orchestrator.wording import similar

KEYS: Mapping[str, Reader] = {
    **dict(readers_of(Settings)),
    "ingestion.python.*": text,
    "ingestion.refresh_every.*": limit,
    "on_no_data.*": one_of(OnNoData),
    **{f"repeats.*.{part}": PARTS[part] for part in PARTS},
}
"""Every key by its path; `*` is a name that the user chooses. A key that has subkeys may also take one value."""

_SECTIONS: Mapping[str, bool] = dict(sections_of(Settings))
"""The keys of sections, such as `schedules.*`, and whether they are the elements of a list."""


_WHOLE = (anything, keys, as_written(anything), as_written(keys))
"""The readers that take a value with all that it contains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _DocumentReading:
    """What reading one file needs at every level."""

    file: Path
    environ: Mapping[str, str]
    mistakes: Mistakes
    entries: dict[KeyPath, Entry]


def read_document(file: Path, environ: Mapping[str, str], mistakes: Mistakes) -> dict[KeyPath, Entry]:
    """Return every key in the file, and record every mistake with its line."""
    reading = _DocumentReading(file=file, environ=environ, mistakes=mistakes, entries={})
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
            _read_mapping(reading, root, (), ())
    return reading.entries


def _read_mapping(reading: _DocumentReading, node: yaml.Node, path: KeyPath, pattern: KeyPath) -> None:
    """Read the keys of one mapping, each by its reader or as a nested mapping; `pattern` is its path in KEYS."""
    if not isinstance(node, yaml.MappingNode):
        what = f"'{'.'.join(path)}' takes keys" if path else "the file takes keys"
        _note(reading, node, f"expected 'key: value' lines: {what}, this is {_kind(node)}")
        return
    known = _keys_below(pattern)
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else _kind(key_node)
        key = ".".join((*path, name))
        if name in seen:
            _note(reading, key_node, f"'{key}' is set twice, first on line {seen[name]}")
        elif known != ("*",) and name not in known:
            _note(reading, key_node, f"unknown key '{key}'{meant(name, known)}")
            # The key that is meant counts as present: that it is missing would be a second mistake for one misspelling.
            reading.mistakes.keys.update((*path, one) for one in similar(name, known))
        else:
            _read_value(reading, value_node, (*path, name), (*pattern, "*" if known == ("*",) else name))
        seen.setdefault(name, key_node.start_mark.line + 1)


def _keys_below(pattern: KeyPath) -> tuple[str, ...]:
    depth = len(pattern)
    paths = (tuple(key.split(".")) for key in KEYS)
    return tuple(dict.fromkeys(key[depth] for key in paths if key[:depth] == pattern and len(key) > depth))


def _read_value(reading: _DocumentReading, node: yaml.Node, path: KeyPath, pattern: KeyPath) -> None:
    """Read what a key holds, and note the key if that is wrong."""
    before = len(reading.mistakes.found)
    _read_held(reading, node, path, pattern)
    if len(reading.mistakes.found) > before:
        reading.mistakes.keys.add(path)


def _read_held(reading: _DocumentReading, node: yaml.Node, path: KeyPath, pattern: KeyPath) -> None:
    """Read what a key holds: one value, a list of values, subkeys, a list of sections, or anything."""
    reader = KEYS.get(".".join(pattern))
    if reader is not None and reader in _WHOLE:
        if not _is_null(node):
            _read_whole(reading, node, path, reader)
    elif reader is None and _SECTIONS.get(".".join((*pattern, "*"))):
        elements = node.value if isinstance(node, yaml.SequenceNode) else [] if _is_null(node) else [node]
        for number, element in enumerate(elements):
            _read_section(reading, element, (*path, str(number)), (*pattern, "*"))
    elif ".".join(pattern) in _SECTIONS:
        _read_section(reading, node, path, pattern)
    elif reader is None or (isinstance(node, yaml.MappingNode) and _keys_below(pattern)):
        if not _is_null(node):
            _read_mapping(reading, node, path, pattern)
    else:
        _read_values(reading, node, path, reader)


def _read_section(reading: _DocumentReading, node: yaml.Node, path: KeyPath, pattern: KeyPath) -> None:
    """Read a section, which counts as set even if it has no keys."""
    reading.entries[path] = Entry(value=None, line=node.start_mark.line + 1)
    if not _is_null(node):
        _read_mapping(reading, node, path, pattern)


def _read_values(reading: _DocumentReading, node: yaml.Node, path: KeyPath, reader: Reader) -> None:
    is_list = isinstance(reader, ListReader)
    is_sequence = is_list and isinstance(node, yaml.SequenceNode)
    nodes = node.value if is_sequence else [node]
    if isinstance(reader, ListReader) and reader.alone is not None and not is_sequence:
        reader = reader.alone
    found = tuple(value for one in nodes for value in _read_scalar(reading, one, ".".join(path), reader))
    if found or is_list:
        value = found if is_list else found[0]
        reading.entries[path] = Entry(value=value, line=node.start_mark.line + 1)


def _read_whole(reading: _DocumentReading, node: yaml.Node, path: KeyPath, reader: Reader) -> None:
    try:
        value = reader(_plain(node, _environ(reading, reader)))
    except (UnsetError, ValueError, yaml.YAMLError) as error:
        _note(reading, node, f"'{'.'.join(path)}': {error}")
    else:
        reading.entries[path] = Entry(value=value, line=node.start_mark.line + 1)


def _environ(reading: _DocumentReading, reader: Reader) -> Mapping[str, str] | None:
    """Return the environment that fills in a value; None for a reader that takes it as it is written."""
    return None if keeps_references(reader) else reading.environ


def _plain(node: yaml.Node, environ: Mapping[str, str] | None) -> object:
    """Return a value of any kind, with the environment's values filled in, if it is given."""
    match node:
        case yaml.MappingNode():
            return {str(_plain(key, environ)): _plain(value, environ) for key, value in node.value}
        case yaml.SequenceNode():
            return [_plain(element, environ) for element in node.value]
        case yaml.ScalarNode() if _is_null(node):
            return None
        case yaml.ScalarNode():
            value = _scalar(node, environ)
            return node.value if value is None else value
        case _:
            raise TypeError(f"not a YAML node: {node}")


def _read_scalar(reading: _DocumentReading, node: yaml.Node, key: str, reader: Reader) -> Iterator[object]:
    """Yield the value of a scalar; nothing if it is empty, which counts as not set, or wrong."""
    if not isinstance(node, yaml.ScalarNode):
        _note(reading, node, f"'{key}' takes one value, this is {_kind(node)}")
    elif not _is_null(node):
        try:
            yield reader(_scalar(node, _environ(reading, reader)))
        except UnsetError as error:
            _note(reading, node, f"'{key}': {error}")
        except ValueError as error:
            # The value is shown as written in the file, because the value of a variable may be secret.
            shown = "" if keeps_references(reader) else f" is '{node.value}'"
            _note(reading, node, f"'{key}'{shown}: {error}")


def _scalar(node: yaml.ScalarNode, environ: Mapping[str, str] | None) -> str | int | float | bool | None:
    """Return the scalar as text, number or boolean, with the environment's values filled in; None for anything else."""
    if node.tag == "tag:yaml.org,2002:bool":
        return bool(yaml.SafeLoader("").construct_yaml_bool(node))
    filled = node.value if environ is None else substitute(node.value, environ)
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


def _note(reading: _DocumentReading, node: yaml.Node, problem: str) -> None:
    reading.mistakes.in_file(reading.file, node.start_mark.line + 1, problem)
