"""Decides what a user's pipeline drops before a load, and reports ignored arguments of `run()`.

elt never calls the user's `run()`, so its arguments do not apply.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence

from dlt.common.pipeline import TRefreshMode
from dlt.extract import DltResource, DltSource
from dlt.pipeline.pipeline import Pipeline

from orchestrator.adapters.dlt.source_candidates import Candidate

_DROPS: Mapping[str, str] = {
    "drop_sources": "drops the tables and the incremental state",
    "drop_resources": "drops the tables and the incremental state",
    "drop_data": "empties the tables and drops the incremental state",
}
_OF_RUN = ("refresh", "write_disposition", "primary_key", "columns", "table_name", "schema_contract", "dataset_name")
"""Arguments of `run()` that change which rows and tables exist afterwards."""


def refresh_notes(pipelines: Mapping[str, Pipeline], text: str, shown: str) -> list[str]:
    """Return notes on the pipelines that drop something at each load, and on arguments of `run()` that do not apply."""
    notes = [
        f"{shown}: the dlt pipeline {pipeline.pipeline_name} has refresh={pipeline.refresh!r}: each load "
        f"{_DROPS.get(pipeline.refresh, 'refreshes the tables')} of what it loads, and loads it in full"
        for pipeline in pipelines.values()
        if pipeline.refresh
    ]
    notes += [
        f"{shown}, line {line}: elt does not call this run(): {' and '.join(names)} "
        f"{'do' if len(names) > 1 else 'does'} not apply; {_where(names)}"
        for line, names in _arguments_of_run(text)
    ]
    return notes


def refresh_of(
    pipeline: Pipeline, candidates: Sequence[Candidate], data: Sequence[DltSource | DltResource]
) -> TRefreshMode | None:
    """Return the refresh mode for a load of this data, which drops only what the load brings.

    dlt's `drop_sources` drops the tables of all resources of a source, including those that are not loaded now.
    """
    if pipeline.refresh != "drop_sources":
        return pipeline.refresh
    sources = [one for one in data if isinstance(one, DltSource)]
    members = {name for source in sources for name in source.resources}
    lone = [one for one in candidates if one.is_resource and one.name not in members]
    is_whole = len(data) - len(sources) == len(lone) and all(
        set(source.resources.selected) == set(source.resources) for source in sources
    )
    return "drop_sources" if is_whole else "drop_resources"


def _arguments_of_run(text: str) -> Iterator[tuple[int, list[str]]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "run":
            names = [keyword.arg for keyword in node.keywords if keyword.arg in _OF_RUN]
            if names:
                yield node.lineno, [name for name in names if name]


def _where(names: Sequence[str]) -> str:
    """Describe where else dlt accepts these arguments."""
    of_pipeline = [name for name in names if name in {"refresh", "dataset_name"}]
    of_resource = [name for name in names if name not in of_pipeline]
    ways = [f"{' and '.join(of_pipeline)} in dlt.pipeline() at the top level of the module"] if of_pipeline else []
    ways += [f"{' and '.join(of_resource)} in @dlt.resource()"] if of_resource else []
    return f"set {', '.join(ways)}"
