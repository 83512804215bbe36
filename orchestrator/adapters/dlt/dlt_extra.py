"""Checks whether an interpreter has dlt, without importing it."""

from importlib.util import find_spec

from orchestrator.adapters.children.child_host import InterpreterFacts
from orchestrator.adapters.children.forking import OLDEST
from orchestrator.adapters.versions import bounds_text, refused_versions, require_supported, stated_bounds
from orchestrator.errors import IngestionError, MissingExtraError
from orchestrator.installing import install_hint

NEEDED = ("dlt", "pyarrow")
_AS_REQUIRED = {"dlt": "dlt[duckdb]"}


def require_installed() -> None:
    """Raise MissingExtraError if dlt, or a library that its loads need, is missing or has an unsupported version."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"Ingestion needs {' and '.join(missing)}, not installed in this environment.",
            hint=install_hint("elt-orchestrator[ingest]"),
        )
    require_supported(*NEEDED)


def require_in(facts: InterpreterFacts, python: str, setting: str) -> None:
    """Raise IngestionError if the interpreter that a setting names cannot load; it needs no elt of its own."""
    if facts.python < OLDEST:
        is_, oldest = (".".join(map(str, number)) for number in (facts.python, OLDEST))
        raise IngestionError(
            f"{setting}: {python} is Python {is_}, elt needs {oldest} or newer",
            hint="Name an interpreter of a newer Python.",
        )
    missing = [name for name in NEEDED if name not in facts.versions]
    wrong = [f"ingestion needs {' and '.join(missing)}, not installed"] if missing else []
    wrong += [f"{refused}," for refused in refused_versions(facts.versions).values()]
    if wrong:
        bounds = stated_bounds()
        requirements = [
            f"{_AS_REQUIRED.get(name, name)}{bounds_text(bounds[name]) if name in bounds else ''}" for name in NEEDED
        ]
        raise IngestionError(
            f"{setting}: {'; '.join(wrong)} in the environment of {python}",
            hint=install_hint(*requirements, python=python, prefix=facts.prefix, has_pip=facts.has_pip),
        )
