"""Checks the versions of the tools that an adapter is about to import.

The bounds are those of elt's own distribution, so that they are defined in one place. No tool is imported for the
check.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from orchestrator.errors import UnsupportedVersionError
from orchestrator.installing import install_hint

if TYPE_CHECKING:  # imported only where bounds are compared
    from packaging.specifiers import SpecifierSet

DISTRIBUTION = "elt-orchestrator"


def require_supported(*tools: str) -> None:
    """Raise if one of these distributions is installed in a version outside the bounds; a missing one is ignored.

    Raises:
        UnsupportedVersionError: names each such distribution, its version, and the bounds.
    """
    refused = refused_versions(installed_of(*tools))
    if refused:
        bounds = stated_bounds()
        raise UnsupportedVersionError(
            "; ".join(refused.values()) + ".",
            hint=install_hint(*(f"{tool}{bounds_text(bounds[tool])}" for tool in refused)),
        )


def installed_of(*tools: str) -> dict[str, str]:
    """Return the version of each of these distributions that is installed; empty if a broken installation has none."""
    found = {}
    for tool in tools:
        with suppress(PackageNotFoundError):
            found[tool] = version(tool) or ""  # None, whatever its type says, without the file METADATA
    return found


def refused_versions(installed: Mapping[str, str]) -> dict[str, str]:
    """Return a message for each distribution whose version is outside the bounds, by its name."""
    bounds = stated_bounds()
    return {
        tool: f"{tool} {number or 'without a version'} is installed, this elt supports {bounds_text(bounds[tool])}"
        for tool, number in installed.items()
        if tool in bounds and not _is_within(number, bounds[tool])
    }


def _is_within(number: str, bounds: "SpecifierSet") -> bool:
    from packaging.version import InvalidVersion

    try:
        return bounds.contains(number, prereleases=True)
    except InvalidVersion:  # of a broken installation; since packaging 26, it is not contained in any bounds
        return False


def bounds_text(bounds: "SpecifierSet") -> str:
    """Return bounds as a requirement has them, the lower one first."""
    return ",".join(sorted({str(bound) for bound in bounds}, reverse=True))  # extras repeat the same bounds


def supported(requirements: Iterable[str]) -> "dict[str, SpecifierSet]":
    """Return the bounds of each distribution that the requirements name, those of all extras combined."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.utils import canonicalize_name

    bounds: dict[str, SpecifierSet] = {}
    # Without their markers: reading those uses Python's own parser, which two threads must not use at the same time in
    # CPython 3.11 (dbt reads Python models with it).
    for requirement in (Requirement(text.partition(";")[0]) for text in requirements):
        name = canonicalize_name(requirement.name)
        bounds[name] = bounds.get(name, SpecifierSet()) & requirement.specifier
    return bounds


@cache
def stated_bounds() -> "Mapping[str, SpecifierSet]":
    """Return the bounds that elt's own distribution declares, read once."""
    return supported(_stated())


def _stated() -> Iterator[str]:
    try:
        yield from requires(DISTRIBUTION) or ()
    except PackageNotFoundError:  # run from a source folder: nothing is declared
        return
