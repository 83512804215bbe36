"""Declares the keys of a section of elt.yml as fields of a dataclass, and builds the dataclass from what was read.

A field holds one value (`at`), sections under names that the user chooses (`named`), a list of sections (`listed`), or
one section of its own (its default is a dataclass, whose fields have full keys).
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any

from orchestrator.config.readers import Reader

KeyPath = tuple[str, ...]
"""A key of a file with its subkeys, such as `("repeats", "my.model", "after")`; an element of a list by its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The value of one key, and its line in the file. A section has an entry of its own, without a value."""

    value: object
    line: int


Entries = Mapping[KeyPath, Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionMistake:
    """What is wrong with a section that was read, and the line."""

    line: int
    text: str
    missed: tuple[KeyPath, ...] = ()
    """The keys that are not set. It is no mistake if one of them is, and its value is wrong."""


def missing(above: KeyPath, *keys: str) -> tuple[KeyPath, ...]:
    """Return the paths of the keys that a mistake in a section misses."""
    return tuple((*above, *key.split(".")) for key in keys)


def at(key: str, reader: Reader) -> dict[str, object]:
    """Return the metadata of a field: its key in elt.yml, where `*` is a name that the user chooses, and its reader."""
    return {"key": key, "reader": reader}


def named(key: str, kind: type) -> dict[str, object]:
    """Return the metadata of a mapping of sections, each under a name that the user chooses."""
    return {"key": f"{key}.*", "sections": kind}


def listed(key: str, kind: type) -> dict[str, object]:
    """Return the metadata of a tuple of sections, which elt.yml writes as a list; one alone is a list of one."""
    return {"key": f"{key}.*", "sections": kind, "is_list": True}


def readers_of(kind: type, above: str = "") -> Iterator[tuple[str, Reader]]:
    """Yield every key of a dataclass of settings with the reader of its value."""
    for one in fields(kind):
        if is_dataclass(one.default):
            yield from readers_of(type(one.default), above)
        elif "reader" in one.metadata:
            yield above + one.metadata["key"], one.metadata["reader"]
        elif "sections" in one.metadata:
            yield from readers_of(one.metadata["sections"], f"{above}{one.metadata['key']}.")


def sections_of(kind: type, above: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the key of all sections of each kind, such as `schedules.*`, and whether they are a list."""
    for one in fields(kind):
        if is_dataclass(one.default):
            yield from sections_of(type(one.default), above)
        elif "sections" in one.metadata:
            key = above + one.metadata["key"]
            yield key, bool(one.metadata.get("is_list"))
            yield from sections_of(one.metadata["sections"], f"{key}.")


def given(kind: type[Any], entries: Entries, mistakes: list[SectionMistake], path: KeyPath = ()) -> dict[str, Any]:
    """Return the value of each field of a dataclass that is set, as it was read; `path` is where its keys begin."""
    found: dict[str, Any] = {}
    for one in fields(kind):
        key: KeyPath = (*path, *one.metadata.get("key", "").split("."))
        if is_dataclass(one.default):
            section: Any = type(one.default)
            found[one.name] = section(**given(section, entries, mistakes, path))
        elif "sections" in one.metadata:
            made = _sections(one, entries, mistakes, key[:-1])
            found[one.name] = tuple(made.values()) if one.metadata.get("is_list") else MappingProxyType(made)
        elif key[-1] == "*":
            found[one.name] = MappingProxyType({name[0]: value for name, value, _ in below(entries, *key[:-1])})
        elif key in entries:
            found[one.name] = entries[key].value
    return found


def below(entries: Entries, *path: str) -> list[tuple[KeyPath, Any, int]]:
    """Return the rest of the path, the value and the line of every key below one."""
    depth = len(path)
    return [(key[depth:], entry.value, entry.line) for key, entry in entries.items() if key[:depth] == path]


def _sections(one: "Field[Any]", entries: Entries, mistakes: list[SectionMistake], path: KeyPath) -> dict[str, Any]:
    """Return the sections below a path by their names, without those that lack a required key."""
    kind, depth = one.metadata["sections"], len(path)
    made = {}
    for key, entry in entries.items():
        if key[:depth] != path or len(key) != depth + 1:
            continue
        values = given(kind, entries, mistakes, key)
        lacking = [part for part in _required(kind) if part.name not in values]
        for part in lacking:
            own, needed = part.metadata["key"], f"'{'.'.join(key)}' needs the key '{part.metadata['key']}'"
            mistakes.append(SectionMistake(line=entry.line, text=needed, missed=missing(key, own)))
        if not lacking:
            made[key[-1]] = kind(**_named(kind, key[-1]), **values, line=entry.line)
    return made


def _required(kind: type) -> list["Field[Any]"]:
    wanted = (one for one in fields(kind) if "key" in one.metadata)
    return [one for one in wanted if one.default is MISSING and one.default_factory is MISSING]


def _named(kind: type, name: str) -> dict[str, str]:
    return {"name": name} if any(one.name == "name" and not one.metadata for one in fields(kind)) else {}


def line_of_key() -> Any:  # noqa: ANN401  # the field of a dataclass
    """Return the field that holds the line of a section, which is no part of its value."""
    return field(default=0, compare=False)
