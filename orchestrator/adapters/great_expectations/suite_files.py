"""Reads the expectation suites of a folder and checks their shape, without importing great-expectations."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.nodes.suite import Suite, suite_error, suite_id

SEVERITIES = ("critical", "warning", "info")
_LIST = re.compile(r'"expectations"\s*:\s*\[')


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFile:
    """The contents of a suite's file."""

    name: str
    path: str
    expectations: tuple[Mapping[str, Any], ...]
    suite_parameters: Mapping[str, Any]
    lines: tuple[int, ...] = ()
    """The line of the file on which each expectation begins; empty if it is not known."""


class _MalformedError(Exception):
    """The mistakes in one file."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__()
        self.mistakes = mistakes


def read_suites(folder: Path, project_root: Path) -> tuple[tuple[Suite, ...], tuple[str, ...]]:
    """Return the suites of all JSON files in the folder, and the mistakes of all files."""
    files: list[SuiteFile] = []
    mistakes: list[str] = []
    for file in sorted(_json_files(folder)):
        try:
            files.append(_read(file, _shown(file, project_root)))
        except _MalformedError as malformed:
            mistakes += malformed.mistakes
    mistakes += _names_used_twice(files)
    suites = (
        Suite(
            unique_id=suite_id(each.name),
            name=each.name,
            path=each.path,
            expectations=len(each.expectations),
        )
        for each in files
    )
    return tuple(suites), tuple(mistakes)


def read_suite(project_root: Path, path: str) -> SuiteFile:
    """Return the current contents of one suite; they may have changed since it was planned."""
    try:
        return _read(project_root / path, path)
    except _MalformedError as malformed:
        raise suite_error(malformed.mistakes) from malformed


def _json_files(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*.json"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.is_file() and not hidden:
            yield file


def _shown(file: Path, project_root: Path) -> str:
    """Return the path to show: relative to the project if the file is inside it."""
    absolute = file.resolve()
    root = project_root.resolve()
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else absolute.as_posix()


def _read(file: Path, shown: str) -> SuiteFile:
    try:
        text = file.read_text(encoding="utf-8-sig")
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        raise _MalformedError([f"{shown}:{error.lineno}: not JSON: {error.msg} (column {error.colno})"]) from error
    except UnicodeDecodeError as error:
        raise _MalformedError([f"{shown}: not text in UTF-8"]) from error
    except OSError as error:
        raise _MalformedError([f"{shown}: cannot be read: {error.strerror or error}"]) from error
    if mistakes := list(_mistakes(parsed)):
        raise _MalformedError([f"{shown}: {mistake}" for mistake in mistakes])
    return SuiteFile(
        name=parsed["name"],
        path=shown,
        expectations=tuple(parsed["expectations"]),
        suite_parameters=parsed.get("suite_parameters") or {},
        lines=_lines_of(text, parsed["expectations"]),
    )


def _lines_of(text: str, expectations: list[object]) -> tuple[int, ...]:
    """Return the line on which each expectation begins; empty if they cannot be found in the text."""
    start = _LIST.search(text)
    at, found, lines = start.end() if start else len(text), [], []
    for _ in expectations:
        begin = at + len(text[at:]) - len(text[at:].lstrip(" \t\r\n,"))
        try:
            one, at = json.JSONDecoder().raw_decode(text, begin)
        except ValueError:
            return ()
        found.append(one)
        lines.append(text.count("\n", 0, begin) + 1)
    return tuple(lines) if found == expectations else ()


def _mistakes(parsed: object) -> Iterator[str]:
    if not isinstance(parsed, dict):
        yield f"not a suite: expected an object, found {_kind(parsed)}"
        return
    if "expectation_suite_name" in parsed:
        yield 'written by great-expectations before 1.0: "expectation_suite_name" is "name" now'
    elif not isinstance(parsed.get("name"), str) or not parsed["name"].strip():
        yield 'no "name"'
    parameters = parsed.get("suite_parameters")
    if parameters is not None and not isinstance(parameters, dict):
        yield f'"suite_parameters": expected an object, found {_kind(parameters)}'
    expectations = parsed.get("expectations")
    if isinstance(expectations, list):
        for number, each in enumerate(expectations, start=1):
            yield from (f"expectation {number}: {mistake}" for mistake in _mistakes_of_one(each))
    elif "expectations" in parsed:
        yield f'"expectations": expected a list, found {_kind(expectations)}'
    else:
        yield 'no "expectations"'


def _mistakes_of_one(parsed: object) -> Iterator[str]:
    if not isinstance(parsed, dict):
        yield f"expected an object, found {_kind(parsed)}"
        return
    if "expectation_type" in parsed:
        yield 'written by great-expectations before 1.0: "expectation_type" is "type" now'
    elif not isinstance(parsed.get("type"), str) or not parsed["type"]:
        yield 'no "type"'
    if not isinstance(parsed.get("kwargs", {}), dict):
        yield f'"kwargs": expected an object, found {_kind(parsed["kwargs"])}'
    severity = parsed.get("severity")
    if severity is not None and severity not in SEVERITIES:
        yield f"unknown severity {json.dumps(severity)}; use one of {', '.join(SEVERITIES)}"


def _names_used_twice(files: Iterable[SuiteFile]) -> Iterator[str]:
    paths: dict[str, list[str]] = defaultdict(list)
    for each in files:
        paths[each.name].append(each.path)
    for name, same in paths.items():
        if len(same) > 1:
            yield f'{", ".join(same)}: {len(same)} suites are called "{name}"'


def _kind(value: object) -> str:
    """Return the name of a JSON value's kind for messages."""
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
