"""Returns the installed versions of the tools."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from orchestrator import __version__

_TOOLS = ("dbt-core", "dbt-adapters", "dbt-duckdb", "dbt-postgres", "duckdb", "dlt", "great-expectations")


@cache
def installed_versions() -> dict[str, str]:
    """Return the version of elt and of each tool that is installed."""
    found = {"elt": __version__}
    return {**found, **{name: number for name in _TOOLS if (number := version_of(name))}}


def version_of(name: str) -> str | None:
    """Return the version of one tool; None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
