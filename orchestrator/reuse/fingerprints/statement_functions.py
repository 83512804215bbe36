"""Reads the lists in `functions/`: the functions of a database whose result depends only on their arguments."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Kind = Literal["deterministic", "volatile", "unknown"]

_RELEASES = {"duckdb": "DuckDB 1.5 to 2.0", "postgres": "PostgreSQL 15 to 18"}
_NO_PARENTHESES = {
    "duckdb": frozenset(
        {
            *("current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp"),
            *("current_user", "localtime", "localtimestamp", "session_user", "user"),
        }
    ),
    "postgres": frozenset(
        {
            *("current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp"),
            *("current_user", "localtime", "localtimestamp", "session_user", "system_user", "user"),
        }
    ),
}
"""Names that are a call without parentheses. In DuckDB this includes quoted names, if no column has the name."""
_BY_NAME = frozenset({"list_aggregate", "list_aggr", "aggregate", "array_aggregate", "array_aggr"})
"""Functions of DuckDB that call the aggregate named by their second argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A manual correction for one function, with the reason."""

    kind: Kind
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionList:
    """The functions of one database that are understood, with the corrections."""

    release: str
    scalar: frozenset[str]
    """Names that may be called in an expression: functions, aggregates, window functions, macros, syntax."""
    in_from: frozenset[str]
    """Names that may be called in FROM."""
    corrections: dict[str, Correction]
    """The corrections by name, or by name and number of arguments: `age/1`."""
    no_parentheses: frozenset[str]
    by_name: frozenset[str]

    def correction(self, name: str, arguments: int | None) -> Correction | None:
        """Return the correction for a call; with an unknown number of arguments, any correction of the name applies."""
        if arguments is None:
            # The doubtful form counts, because the call may be of it.
            numbered = [one for key, one in self.corrections.items() if key.startswith(f"{name}/")]
            return next((one for one in numbered if one.kind != "deterministic"), None) or self.corrections.get(name)
        return self.corrections.get(f"{name}/{arguments}") or self.corrections.get(name)

    def is_listed(self, name: str, arguments: int | None) -> bool:
        """Return whether the result of a call in an expression depends only on its arguments."""
        correction = self.correction(name, arguments)
        return correction.kind == "deterministic" if correction else name in self.scalar


@cache
def function_list(adapter: str) -> FunctionList | None:
    """Return the functions of an adapter's database; None for an adapter without a list."""
    if adapter not in _RELEASES:  # reuse of SQL is for databases with a list only
        return None
    sections = _sections(_text(f"{adapter}.txt"))
    corrections = _corrections(_text(f"{adapter}_exceptions.txt"))
    scalar = frozenset().union(*(names for title, names in sections.items() if title != "table functions"))
    deterministic = {key for key, one in corrections.items() if one.kind == "deterministic" and "/" not in key}
    return FunctionList(
        release=_RELEASES[adapter],
        scalar=scalar,
        in_from=sections.get("table functions", scalar | deterministic),  # PostgreSQL allows any function in FROM
        corrections=corrections,
        no_parentheses=_NO_PARENTHESES[adapter],
        by_name=_BY_NAME if adapter == "duckdb" else frozenset(),
    )


def is_built_in(name: str, adapter: str) -> bool:
    """Return whether a stored function of that name replaces what operators and syntax call: `+`, `interval 1 day`."""
    known = function_list(adapter)
    if name.startswith("__") or not name.isidentifier():
        return True
    return known is not None and (name in known.scalar or name in known.in_from or name in known.corrections)


def doubt(
    known: FunctionList, name: str, arguments: int | None, vouched_for: AbstractSet[str]
) -> tuple[Kind, str] | None:
    """Return why the result of a call may differ; None if it depends only on its arguments."""
    correction = known.correction(name, arguments)
    if correction is not None and correction.kind == "volatile":  # first: the call may be of the built-in one
        return "volatile", f"{name}()"
    if name in vouched_for or known.is_listed(name, arguments):
        return None
    if correction is not None and correction.kind == "unknown":
        return "unknown", f"the function {name}(): {correction.reason}"
    return "unknown", f"the function {name}(), which is not on the list of deterministic functions of {known.release}"


def named_doubt(name: str) -> tuple[Kind, str]:
    """Return why a call without parentheses may return a different result each time."""
    if any(word in name for word in ("date", "time")):  # the clock; the others are users, roles and schemas
        return "volatile", name
    return "unknown", f"{name}, which depends on the session"


def _text(file: str) -> str:
    return (files("orchestrator.reuse.fingerprints") / "functions" / file).read_text(encoding="utf-8")


def _sections(text: str) -> dict[str, frozenset[str]]:
    """Return the names in a list file, by the title in brackets above them."""
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in _lines(text):
        if line.startswith("["):
            names = found.setdefault(line.strip("[]"), set())
        else:
            names |= set(line.split())
    return {title: frozenset(those) for title, those in found.items()}


def _corrections(text: str) -> dict[str, Correction]:
    found: dict[str, Correction] = {}
    for line in _lines(text):
        key, kind, reason = (part.strip() for part in line.split("|", 2))
        found[key] = Correction(kind=_kind(kind), reason=reason)
    return found


def _kind(word: str) -> Kind:
    match word:
        case "deterministic" | "volatile" | "unknown":
            return word
        case _:
            raise ValueError(f"{word!r} is no kind of function")


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]
