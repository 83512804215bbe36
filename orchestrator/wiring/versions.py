"""Which versions of the tools are installed."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from orchestrator import __version__

_TOOLS = ("dbt-core", "dbt-adapters", "dbt-duckdb", "dbt-postgres", "duckdb", "dlt", "great-expectations")


@cache
def installed_versions() -> dict[str, str]:
    """Give the version of elt and of each tool that is there."""
    found = {"elt": __version__}
    return {**found, **{name: number for name in _TOOLS if (number := version_of(name))}}


def version_of(name: str) -> str | None:
    """Give the version of one tool; None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
