"""Finds what an ingestion module defines: dlt sources, standalone resources and pipelines."""

import asyncio
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from dlt.extract import DltResource, DltSource
from dlt.extract.decorators import DltSourceFactoryWrapper
from dlt.pipeline.pipeline import Pipeline

from orchestrator.adapters.dlt.dlt_bridge import is_data_bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A source function, source object or resource of the module, with its name in the module."""

    attribute: str
    name: str
    value: Any

    @property
    def is_resource(self) -> bool:
        """Return whether it is a standalone resource rather than a source."""
        return isinstance(self.value, DltResource)

    @property
    def is_function(self) -> bool:
        """Return whether it must be called to return a source."""
        return isinstance(self.value, DltSourceFactoryWrapper)

    def open(self) -> DltSource | DltResource:
        """Return the source or resource; a source function is called."""
        if not self.is_function:
            return self.value
        source = self.value()
        return asyncio.run(source) if inspect.iscoroutine(source) else source

    def missing_arguments(self) -> list[str]:
        """Return the arguments without a default, which only a caller can provide."""
        if not self.is_function:
            return []
        parameters = inspect.signature(self.value).parameters.values()
        variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return [p.name for p in parameters if p.default is p.empty and p.kind not in variadic]


def find_candidates(module: ModuleType) -> list[Candidate]:
    """Return the sources and standalone resources that the module itself defines, in its order."""
    found = [
        Candidate(attribute=attribute, name=value.name or value.__name__, value=value)
        for attribute, value in _own(module)
        if isinstance(value, DltSourceFactoryWrapper | DltSource) or _is_lone_resource(value)
    ]
    made = {c.name for c in found if isinstance(c.value, DltSource)}
    # A module that calls its source function means the result, with those arguments.
    return [c for c in found if not (c.is_function and c.name in made)]


def find_pipelines(module: ModuleType) -> dict[str, Pipeline]:
    """Return the user's pipeline objects by their name in the module."""
    return {attribute: value for attribute, value in _own(module) if isinstance(value, Pipeline)}


def _is_lone_resource(value: object) -> bool:
    """Return whether a resource can be loaded as it is: it is bound to data, and lacks no arguments."""
    return isinstance(value, DltResource) and not value.requires_args and is_data_bound(value)


def _own(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield what the module defines itself, without imported objects and second names of the same object."""
    kinds = (DltSourceFactoryWrapper, DltSource, DltResource, Pipeline)
    mine = {name: value for name, value in vars(module).items() if isinstance(value, kinds)}
    wanted = {id(value) for value in mine.values()}
    # What another module has too was imported from there, so this module does not define it.
    foreign = {
        id(value)
        for other in list(sys.modules.values())
        if other is not module and getattr(other, "__file__", None) != module.__file__
        for value in list(getattr(other, "__dict__", {}).values())
        if id(value) in wanted
    }
    for name, value in mine.items():
        if id(value) in wanted - foreign:
            wanted.discard(id(value))
            yield name, value
