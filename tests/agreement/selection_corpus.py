"""The expressions whose selection must agree, and the edits that a saved state is compared with: read from YAML."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.agreement.projects import PROJECTS, Defect

UNCHANGED = "unchanged"
"""The edit set that edits nothing: the project is compared with itself."""
_EDIT_KEYS = {"replace", "write", "sql"}
_KEYS = {"edits", "results_of", "between_two_looks", "expressions"}
_ENTRY_KEYS = {
    *("select", "exclude", "selector", "resource_type", "exclude_resource_type", "indirect_selection"),
    *("vars", "target", "environment", "state", "options", "why"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One way to select, as somebody types it."""

    project: str
    why: str
    select: tuple[str, ...] | None = None
    """The words after `--select`; None when the option is not given."""
    exclude: tuple[str, ...] | None = None
    options: tuple[str, ...] = ()
    """Every other option with its values, but for `--state`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    parsing: tuple[str, ...] = ()
    """The options that change what is parsed: `--vars` and `--target` with their values."""
    state: str | None = None
    """The edit set that was made since the state was saved; None: there is no `--state`."""

    def words(self, state: Path | None) -> tuple[str, ...]:
        """Write it as dbt's command line and elt's take it."""
        named = [("--select", self.select), ("--exclude", self.exclude)]
        spoken = [word for name, values in named if values for word in (name, *values)]
        return (*spoken, *self.options, *self.parsing, *(("--state", str(state)) if state else ()))

    def __str__(self) -> str:
        """Say it in one line, to find it again."""
        spoken = [f"{name}={value}" for name, value in self.environment.items()]
        spoken += [word.replace("\n", " ") or "''" for word in self.words(None)]
        return " ".join([*spoken, *([f"since {self.state}"] if self.state else [])]) or "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The expressions over one project, and what their states are made of."""

    project: str
    expressions: tuple[Expression, ...]
    edits: Mapping[str, Defect]
    results_of: str | None
    """The edit set with which the run was made whose results the state holds."""
    between_two_looks: str
    """SQL that brings rows into the sources after their freshness was saved."""


def corpus_of(project: str) -> Corpus:
    """Read the corpus of a project; an empty one when it has none.

    Raises:
        ValueError: a key or the name of an edit set is unknown.
    """
    path = PROJECTS / project / "selections.yml"
    document = yaml.safe_load(path.read_text()) if path.exists() else {}
    _refuse_unknown(document, _KEYS, path)
    edits = {name: _edit(name, entry or {}, path) for name, entry in (document.get("edits") or {}).items()}
    expressions = tuple(_expression(project, entry, path) for entry in document.get("expressions") or [])
    for expression in expressions:
        if expression.state not in {None, UNCHANGED, *edits}:
            raise ValueError(f"{path}: {expression} names an unknown edit set")
    return Corpus(
        project=project,
        expressions=expressions,
        edits=edits,
        results_of=document.get("results_of"),
        between_two_looks=document.get("between_two_looks", ""),
    )


def _expression(project: str, entry: Mapping[str, object], path: Path) -> Expression:
    _refuse_unknown(entry, _ENTRY_KEYS, path)
    options = [
        *_option("--selector", entry.get("selector")),
        *_option("--resource-type", entry.get("resource_type")),
        *_option("--exclude-resource-type", entry.get("exclude_resource_type")),
        *_option("--indirect-selection", entry.get("indirect_selection")),
        *_words(entry.get("options")),
    ]
    return Expression(
        project=project,
        why=str(entry["why"]),
        select=_words(entry["select"]) if "select" in entry else None,
        exclude=_words(entry["exclude"]) if "exclude" in entry else None,
        options=tuple(options),
        environment={name: str(value) for name, value in dict(entry.get("environment") or {}).items()},
        parsing=(
            *_option("--vars", json.dumps(entry["vars"]) if "vars" in entry else None),
            *_option("--target", entry.get("target")),
        ),
        state=str(entry["state"]) if "state" in entry else None,
    )


def _option(name: str, value: object) -> Iterator[str]:
    for word in _words(value):
        yield from (name, word)


def _words(value: object) -> tuple[str, ...]:
    """Give the words after an option: a list has one each, a text is one word, with its spaces."""
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else (str(value),)


def _edit(name: str, entry: Mapping[str, object], path: Path) -> Defect:
    """Read an edit set; it is brought into a project as a defect is."""
    _refuse_unknown(entry, _EDIT_KEYS, path)
    return Defect(
        name=name,
        kind="an edit",
        replace={file: [(old, new) for old, new in pairs] for file, pairs in dict(entry.get("replace") or {}).items()},
        write=dict(entry.get("write") or {}),
        sql=str(entry.get("sql") or ""),
        vars={},
        environment={},
        stops_everything=False,
    )


def _refuse_unknown(entry: Mapping[str, object], known: set[str], path: Path) -> None:
    if unknown := set(entry) - known:
        raise ValueError(f"{path}: unknown keys: {', '.join(sorted(unknown))}, in {entry}")
