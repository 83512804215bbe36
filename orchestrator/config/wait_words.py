"""Reads a condition in its short form: `file:/in/*.csv every=30s within=2h otherwise=skip`."""

import re
from pathlib import Path

from orchestrator.config.mistakes import meant
from orchestrator.config.sections import Entry, KeyPath, given, readers_of
from orchestrator.config.wait_settings import KINDS, WaitSettings, problems_of

_SETTINGS = ("every", "within", "otherwise", "status", "field", "equals", "connection")
_SETTING = re.compile(rf'\s+(?P<name>{"|".join(_SETTINGS)})=(?P<value>"[^"]*"|\S+)$')
_HEAD = re.compile(r"(?P<kind>[A-Za-z_]+):(?P<rest>.*)", re.DOTALL)
_UNKNOWN = re.compile(r"\s(?P<name>[A-Za-z_]\w*)\s*=")
_QUOTED = re.compile(r'file:\s*"(?P<path>[^"]+)"(?=\s|$)')
_FORMS = "expected file:PATH, https://…, sql:QUERY, source:NAME or schedule:NAME"


def wait_of_words(words: str, folder: Path) -> WaitSettings:
    """Return the condition that the short form describes; its settings follow it, each as `name=value`.

    A relative path of a file starts at the folder. A path in quotes may contain what looks like a setting.

    Raises:
        ValueError: It is not a condition.
    """
    left, values = words.strip(), dict[str, str]()
    quoted = _QUOTED.match(left)
    start = quoted.end() if quoted is not None else 0
    while (found := _SETTING.search(left, start)) is not None:
        if found["name"] in values:
            raise ValueError(f"'{found['name']}' is set twice")
        values[found["name"]] = found["value"].strip('"')
        left = left[: found.start()].rstrip()
    head = _HEAD.fullmatch(left)
    if head is None:
        raise ValueError(_FORMS)
    kind, rest = head["kind"], head["rest"]
    if kind != "sql":  # a query may compare
        _require_no_setting(left[start:])
    if quoted is not None:
        if left[start:]:
            raise ValueError(f"'{left[start:].strip()}' is not a setting; known here: " + ", ".join(_SETTINGS))
        rest = quoted["path"]
    if kind in {"http", "https"}:
        kind, rest = "http", rest if "://" in rest else left
    elif kind not in KINDS:
        raise ValueError(f"'{kind}' is not a kind of condition{meant(kind, KINDS)}")
    rest = _absolute(rest.strip(), folder) if kind == "file" and rest.strip() else rest.strip()
    wait = _read({kind: rest, **values})
    for problem in problems_of(wait):
        raise ValueError(problem)
    return wait


def _require_no_setting(text: str) -> None:
    """Raise ValueError for what looks like a setting and is none: it would silently be a part of the path."""
    found = _UNKNOWN.search(text)
    if found is None:
        return
    name = found["name"]
    if name in _SETTINGS:
        raise ValueError(
            f"'{name}': write one word, such as {name}=5s, or a value in quotes, without spaces around '='"
        )
    raise ValueError(
        f"'{name}' is not a key of a condition{meant(name, _SETTINGS)} (a path with it is written in quotes)"
    )


def _read(values: dict[str, str]) -> WaitSettings:
    readers, entries = dict(readers_of(WaitSettings)), dict[KeyPath, Entry]()
    for name, value in values.items():
        try:
            entries[name,] = Entry(value=readers[name](value), line=0)
        except ValueError as error:
            raise ValueError(f"'{name}': {error}") from None
    return WaitSettings(**given(WaitSettings, entries, []))


def _absolute(place: str, folder: Path) -> str:
    return place if "://" in place or place.startswith("${") else str(folder / Path(place).expanduser())
