"""Defines how the kept answers of dbt are written as JSON, and read again."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from orchestrator.adapters.dbt.artifact_head import head_from_json, head_to_json
from orchestrator.nodes.dbt_flags import DbtFlags
from orchestrator.nodes.identity import ResourceType
from orchestrator.nodes.target import Target
from orchestrator.reuse.fingerprints.surroundings import DbtSurroundings


class Form(NamedTuple):
    """How an answer is written as JSON, and read again."""

    to_json: Callable[[Any], object]
    from_json: Callable[[Any], Any]


AS_IS = Form(lambda value: value, lambda value: value)
NODES = Form(sorted, frozenset)
TYPES = Form(
    lambda types: None if types is None else sorted(types),
    lambda found: None if found is None else frozenset(map(ResourceType, found)),
)
TARGET = Form(
    lambda target: {**asdict(target), "siblings": list(target.siblings)},
    lambda found: Target(**{**found, "siblings": tuple(found["siblings"])}),
)
FLAGS = Form(
    lambda flags: {**asdict(flags), "profiles_dir": str(flags.profiles_dir)},
    lambda found: DbtFlags(**{**found, "profiles_dir": Path(found["profiles_dir"])}),
)


def _surroundings_to(found: DbtSurroundings) -> object:
    return {
        **asdict(found),
        "started_at": "",
        "changing_flags": sorted(found.changing_flags),
        "plugins_not_found": list(found.plugins_not_found),
    }


def _surroundings_from(found: dict[str, Any]) -> DbtSurroundings:
    lists = {"changing_flags": frozenset(found["changing_flags"]), "plugins_not_found": ()}
    return DbtSurroundings(**{**found, **lists, "started_at": datetime.min})  # noqa: DTZ901  # as dbt's: in UTC


SURROUNDINGS = Form(_surroundings_to, _surroundings_from)
"""The caller sets when the command began."""
HEAD = Form(head_to_json, head_from_json)
