"""Which versions of the tools are installed."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from orchestrator import __version__

_TOOLS = ("dbt-core", "dbt-adapters", "dbt-duckdb", "dbt-postgres", "duckdb", "dlt", "great-expectations")


@cache
def installed_versions() -> dict[str, str]:
    """Give the version of elt and of each tool that is there."""
    found = {"elt": __version__}
    for name in _TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
