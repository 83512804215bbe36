"""Checks the versions of the tools that an adapter is about to import.

The bounds are those of elt's own distribution, so that they are defined in one place. No tool is imported for the
check.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from orchestrator.errors import UnsupportedVersionError
from orchestrator.installing import install_hint

DISTRIBUTION = "elt-orchestrator"


def require_supported(*tools: str) -> None:
    """Raise if one of these distributions is installed in a version outside the bounds; a missing one is ignored.

    Raises:
        UnsupportedVersionError: names each such distribution, its version, and the bounds.
    """
    bounds = stated_bounds()
    refused = [tool for tool in tools if tool in bounds and not _fits(tool, bounds[tool])]
    if refused:
        bounds_of = {tool: ",".join(sorted(map(str, bounds[tool]), reverse=True)) for tool in refused}
        raise UnsupportedVersionError(
            "; ".join(f"{tool} {version(tool)} is installed, this elt supports {bounds_of[tool]}" for tool in refused)
            + ".",
            hint=install_hint(*(f"{tool}{limits}" for tool, limits in bounds_of.items())),
        )


def supported(requirements: Iterable[str]) -> dict[str, SpecifierSet]:
    """Return the bounds of each distribution that the requirements name, those of all extras combined."""
    bounds: dict[str, SpecifierSet] = {}
    for requirement in map(Requirement, requirements):
        name = canonicalize_name(requirement.name)
        bounds[name] = bounds.get(name, SpecifierSet()) & requirement.specifier
    return bounds


@cache
def stated_bounds() -> Mapping[str, SpecifierSet]:
    """Return the bounds that elt's own distribution declares, read once.

    Call it before a second thread starts: reading them uses Python's own parser, which two threads must not use at the
    same time in CPython 3.11 (dbt reads Python models with it).
    """
    return supported(_stated())


def _stated() -> Iterator[str]:
    try:
        yield from requires(DISTRIBUTION) or ()
    except PackageNotFoundError:  # run from a source folder: nothing is declared
        return


def _fits(tool: str, bounds: SpecifierSet) -> bool:
    try:
        return bounds.contains(version(tool), prereleases=True)
    except PackageNotFoundError:
        return True
