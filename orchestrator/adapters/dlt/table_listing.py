"""Lists the dlt sources and resources of one module, without letting them contact their source system."""

import inspect
import os
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import dlt
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.extract import DltResource
from dlt.pipeline.pipeline import Pipeline

from orchestrator.adapters.children.wire import Channel
from orchestrator.adapters.dlt.dlt_settings import use_settings
from orchestrator.adapters.dlt.grouping import LoadPart, group
from orchestrator.adapters.dlt.load_errors import missing_configuration
from orchestrator.adapters.dlt.modules import import_module
from orchestrator.adapters.dlt.offline import ContactRefusedError, contacting_nobody
from orchestrator.adapters.dlt.refreshing import refresh_notes
from orchestrator.adapters.dlt.source_candidates import Candidate, find_candidates, find_pipelines
from orchestrator.errors import IngestionError
from orchestrator.wording import shortened


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The result of listing one candidate: its resources, or the reason why there are none."""

    resources: list[dict[str, object]] = field(default_factory=list)
    note: str = ""
    problem: str = ""
    hint: str = ""


def answer(request: dict[str, Any], owner: Channel, warehouse: Channel | None) -> dict[str, object]:
    """Return what the module of the request defines, after importing it."""
    del owner, warehouse  # the verbs share one signature
    root, path = Path(request["project_root"]), Path(request["module"])
    try:
        use_settings(root, path)
        return list_module(import_module(path, root), os.path.relpath(path, root))
    except IngestionError as error:
        return {"error": error.message, "hint": error.hint}


def list_module(module: ModuleType, shown: str) -> dict[str, object]:
    """Return what an imported module loads as plain values, with notes on what was omitted."""
    found = find_candidates(module)
    notes = [
        f"{shown}: dlt source {c.name} needs {', '.join(c.missing_arguments())}; "
        f"call it in the module, as in `{c.name}_1 = {c.attribute}(…)`, to have it loaded"
        for c in found
        if c.missing_arguments()
    ]
    callable_ = [c for c in found if not c.missing_arguments()]
    listed = {c.attribute: list_resources(c) for c in callable_}
    notes += [f"{shown}: {listed[c.attribute].note}" for c in callable_ if listed[c.attribute].note]
    kept = _without_members(callable_, listed, all_known=len(callable_) == len(found))
    pipelines = find_pipelines(module)
    parts, ungrouped = group(kept, pipelines, shown)
    notes += [*ungrouped, *refresh_notes(pipelines, inspect.getsource(module), shown)]
    return {"sources": [_plain(part, listed, shown) for part in parts], "notes": notes}


def list_resources(candidate: Candidate) -> Listed:
    """Return the resources of one source or resource; none if listing them would require contact."""
    try:
        with contacting_nobody():
            opened = candidate.open()
            # A source function is the user's code and may open connections; `contacting_nobody` refuses them.
            selected = [opened] if isinstance(opened, DltResource) else opened.resources.selected.values()
            schema = dlt.Schema(candidate.name) if isinstance(opened, DltResource) else opened.schema
            return Listed(resources=[_resource(r, schema) for r in selected if r.write_disposition != "skip"])
    except ContactRefusedError:
        return Listed(note=f"dlt source {candidate.name} asks its source system which resources it has: one node")
    except ConfigFieldMissingException as error:
        problem, hint = missing_configuration(error)
        return Listed(problem=f"dlt source {candidate.name} lacks {problem}", hint=hint)
    except Exception as error:  # noqa: BLE001  # the user's code
        traceback.print_exc()
        words = shortened(" ".join(f"{type(error).__name__}: {error}".split()), 200)
        return Listed(note=f"dlt source {candidate.name} cannot list its resources ({words}): one node")


def _without_members(candidates: Sequence[Candidate], listed: dict[str, Listed], *, all_known: bool) -> list[Candidate]:
    """Return the candidates without resources that a source returns; without all resources if a source lists none."""
    sources = [c for c in candidates if not c.is_resource]
    # A source that lists nothing may return any of the resources, which would then be loaded twice.
    if not all_known or any(not listed[c.attribute].resources for c in sources):
        return sources
    members = {r["name"] for c in sources for r in listed[c.attribute].resources}
    return [c for c in candidates if not (c.is_resource and c.name in members)]


def _resource(resource: DltResource, schema: dlt.Schema) -> dict[str, object]:
    disposition = resource.write_disposition
    # dlt has a disposition with options as a dictionary.
    if isinstance(disposition, dict):
        disposition = disposition["disposition"]
    table = resource.table_name
    return {
        "name": resource.name,
        # A function may choose the table for each row.
        "table": schema.naming.normalize_table_identifier(table) if isinstance(table, str) else None,
        "write_disposition": disposition if isinstance(disposition, str) else "computed",
        "incremental": resource.incremental is not None,
    }


def _plain(part: LoadPart, listed: dict[str, Listed], shown: str) -> dict[str, object]:
    own = [listed[c.attribute] for c in part.candidates]
    problem, hint = next(((o.problem, o.hint) for o in own if o.problem), part.problem())
    complete = all(o.resources for o in own)
    return {
        "name": part.name,
        "module": shown,
        "attribute": part.attribute,
        "pipeline": part.pipeline_name,
        "dataset": _dataset(part.pipeline),
        "working_dir": _working_dir(part.pipeline),
        "destination": part.destination,
        "resources": [r for o in own for r in o.resources] if complete else [],
        "problem": problem,
        "hint": hint,
    }


def _dataset(pipeline: Pipeline | None) -> str | None:
    if pipeline is None or not pipeline.dataset_name:
        return None
    return str(dlt.Schema("any").naming.normalize_table_identifier(pipeline.dataset_name))


def _working_dir(pipeline: Pipeline | None) -> str | None:
    if pipeline is None:
        return None
    return str(Path(pipeline.pipelines_dir or get_dlt_pipelines_dir()).absolute())
