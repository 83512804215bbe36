"""Checks that a tool still has the attributes that elt uses beyond its documented interface.

Each tool's bridge lists these attributes with their purpose. A release that renames one is refused at the start, by
name. Otherwise a wrapped function would no longer be called, and what it does (a marker, a mask) would silently end.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from dis import get_instructions
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import FunctionType

from orchestrator.adapters.versions import stated_bounds
from orchestrator.errors import MissingExtraError, UnsupportedVersionError
from orchestrator.installing import install_hint, module_hint

_DISTRIBUTIONS = (
    ("dbt.adapters.duckdb", "dbt-duckdb"),
    ("dbt.adapters", "dbt-adapters"),
    ("dbt_common", "dbt-common"),
    ("dbt", "dbt-core"),
    ("mashumaro", "mashumaro"),
    ("dlt", "dlt"),
    ("great_expectations", "great-expectations"),
)
"""The distribution of each package of modules; the more specific package comes first."""


@dataclass(frozen=True, slots=True)
class ToolAttribute:
    """An attribute of a tool that elt uses: a name in a module, or a member of a class in it."""

    module: str
    path: str
    """`function`, `Class` or `Class.member`."""
    purpose: str
    """What elt needs it for, as an infinitive: "to write a marker with each build"."""

    @property
    def tool(self) -> str:
        """The distribution that has the module."""
        found = (tool for package, tool in _DISTRIBUTIONS if f"{self.module}.".startswith(f"{package}."))
        return next(found, self.module.partition(".")[0])

    def __str__(self) -> str:
        return f"{self.module}.{self.path}"

    def exists(self) -> bool:
        """Return whether the installed tool has it; raises MissingExtraError if a package that it needs is missing."""
        try:
            with missing_packages(self.tool):
                holder: object = import_module(self.module)
        except ImportError:
            return False
        for name in self.path.split("."):
            if not _has(holder, name):
                return False
            holder = getattr(holder, name, None)
        return True


@contextmanager
def missing_packages(tool: str) -> Iterator[None]:
    """Around imports of a tool: name another package that it imports and that is not installed.

    Raises:
        MissingExtraError: says which package, and how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not missing or missing in {package.partition(".")[0] for package, _ in _DISTRIBUTIONS}:
            raise
        raise MissingExtraError(
            f"{tool} needs the package {missing}, which is not installed.", hint=module_hint(missing)
        ) from error


def listed(purposes: Mapping[str, tuple[str, ...]]) -> tuple[ToolAttribute, ...]:
    """Return the attributes of a bridge's table: for each purpose, its places.

    A place is `module:function another_function`, or `module:Class.member another_member`.
    """
    return tuple(
        ToolAttribute(module, path, purpose)
        for purpose, places in purposes.items()
        for module, _, names in (place.partition(":") for place in places)
        for path in _paths(names)
    )


def _paths(names: str) -> Iterator[str]:
    holder, dot, members = names.rpartition(".")
    yield from (f"{holder}{dot}{member}" for member in members.split())


def require_attributes(attributes: Iterable[ToolAttribute], *tools: str) -> None:
    """Raise if an attribute is missing; `tools` are the distributions whose installed versions the message names.

    Raises:
        UnsupportedVersionError: names each missing attribute with its purpose.
    """
    missing = [each for each in attributes if not each.exists()]
    if not missing:
        return
    versions = dict(_installed(tools))
    changed = sorted({each.tool for each in missing if each.tool in versions})
    problems = (f"{each.tool} has no {each}, which elt needs {each.purpose}" for each in missing)
    names = " and ".join(changed)
    raise UnsupportedVersionError(
        f"{'; '.join(problems)}. Installed: {', '.join(' '.join(each) for each in versions.items())}.",
        hint=f"This elt was not tested with these releases. Use a newer elt, or earlier releases of {names}.\n"
        + install_hint(*(f"{tool}{_below(tool, versions[tool])}" for tool in changed)),
    )


def _has(holder: object, name: str) -> bool:
    """Return whether a module has a name, or whether a class or its instances have one."""
    if hasattr(holder, name) or not isinstance(holder, type):
        return hasattr(holder, name)
    # An attribute of instances: a field without a default, or a name that a constructor assigns.
    return name in getattr(holder, "__dataclass_fields__", ()) or any(
        step.opname == "STORE_ATTR" and step.argval == name
        for each in holder.__mro__
        if isinstance(constructor := vars(each).get("__init__"), FunctionType)
        for step in get_instructions(getattr(constructor, "__wrapped__", constructor))
    )


def _installed(tools: Iterable[str]) -> Iterator[tuple[str, str]]:
    for tool in tools:
        try:
            yield tool, version(tool)
        except PackageNotFoundError:
            continue


def _below(tool: str, installed: str) -> str:
    """Return the bounds of a tool that exclude the installed release and later ones."""
    bounds = sorted(map(str, stated_bounds().get(tool, ())), reverse=True)
    return ",".join([*(limit for limit in bounds if limit.startswith(">")), f"<{installed}"])
