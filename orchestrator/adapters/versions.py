"""Says whether the tools that an adapter is about to import are of versions that this elt works with.

The bounds are those of elt's own distribution, so that they stand in one place; no tool is imported to ask.
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
    """Raise when one of these distributions is installed in a version outside the bounds; a missing one is not judged.

    Raises:
        UnsupportedVersionError: names each such distribution, its version, and the bounds.
    """
    bounds = stated_bounds()
    refused = [tool for tool in tools if tool in bounds and not _fits(tool, bounds[tool])]
    if refused:
        bounds_of = {tool: ",".join(sorted(map(str, bounds[tool]), reverse=True)) for tool in refused}
        raise UnsupportedVersionError(
            "; ".join(f"{tool} {version(tool)} is installed, this elt works with {bounds_of[tool]}" for tool in refused)
            + ".",
            hint=install_hint(*(f"{tool}{limits}" for tool, limits in bounds_of.items())),
        )


def supported(requirements: Iterable[str]) -> dict[str, SpecifierSet]:
    """Give the bounds of each distribution that the requirements name, those of all extras together."""
    bounds: dict[str, SpecifierSet] = {}
    for requirement in map(Requirement, requirements):
        name = canonicalize_name(requirement.name)
        bounds[name] = bounds.get(name, SpecifierSet()) & requirement.specifier
    return bounds


@cache
def stated_bounds() -> Mapping[str, SpecifierSet]:
    """Give the bounds that elt's own distribution states, read once.

    Call it before a second thread starts: reading them uses Python's own parser, which CPython 3.11 lets no two
    threads use at once (dbt reads Python models with it).
    """
    return supported(_stated())


def _stated() -> Iterator[str]:
    try:
        yield from requires(DISTRIBUTION) or ()
    except PackageNotFoundError:  # run from a folder: nobody has stated anything
        return


def _fits(tool: str, bounds: SpecifierSet) -> bool:
    try:
        return bounds.contains(version(tool), prereleases=True)
    except PackageNotFoundError:
        return True
