"""Loads one pipeline's resources: recovers pending packages, extracts, normalizes, and copies into the warehouse."""

import os
import sys
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
from dlt.common.destination import Destination
from dlt.extract import DltResource, DltSource
from dlt.pipeline.pipeline import Pipeline

from orchestrator.adapters.children.own_bug import is_bug_of_elt
from orchestrator.adapters.children.sql_pipe import PipeConnection
from orchestrator.adapters.children.wire import Channel
from orchestrator.adapters.dlt.destinations import refused_destination
from orchestrator.adapters.dlt.dlt_bridge import keep_no_traces
from orchestrator.adapters.dlt.dlt_error_class import error_class
from orchestrator.adapters.dlt.dlt_settings import use_settings
from orchestrator.adapters.dlt.grouping import LoadPart, group
from orchestrator.adapters.dlt.load_errors import explain, scrub
from orchestrator.adapters.dlt.load_record import OWN_PREFIX, LoadRecord
from orchestrator.adapters.dlt.loaded_packages import remove_loaded
from orchestrator.adapters.dlt.modules import import_module
from orchestrator.adapters.dlt.refreshing import refresh_of
from orchestrator.adapters.dlt.settle import (
    extracted_by,
    follow_warehouse,
    forget_extracted,
    has_pending,
    note_extracted,
    record_loaded,
    settle_pending,
)
from orchestrator.adapters.dlt.source_candidates import find_candidates, find_pipelines
from orchestrator.adapters.postgres.login import Login
from orchestrator.errors import IngestionError
from orchestrator.execution.outcome import ErrorClass


def answer(request: dict[str, Any], owner: Channel, warehouse: Channel | None) -> dict[str, object]:
    """Run the load of the request, and return the row counts by table, or the error."""
    if warehouse is None:
        raise ValueError("a load needs a channel to the warehouse")
    # Arrow tables get a load id only with this option of the normalizer.
    os.environ["NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID"] = "true"
    if request["interval"] is not None:
        os.environ.update(interval_variables(*request["interval"]))
    root, path = Path(request["project_root"]), Path(request["module"])
    keep_no_traces()
    try:
        use_settings(root, path)
        part = _part(request, path, root)
        return _load(part, request, owner, _destination(part, request, warehouse))
    except IngestionError as error:
        return {"error": error.message, "hint": error.hint, "class": ErrorClass.PERMANENT}
    except (Exception, SystemExit) as error:  # the user's code, the source system, the database
        if is_bug_of_elt(error):
            raise
        sys.stderr.write(scrub(traceback.format_exc()))
        message, hint = explain(error, request["source"], os.path.relpath(path, root), root)
        return {"error": message, "hint": hint, "class": error_class(error)}


def interval_variables(start: str, end: str) -> dict[str, str]:
    """Return the environment variables that hold the data interval: for the module, and for dlt's cursors.

    A cursor with `allow_external_schedulers=True` reads the latter. Older releases of dlt read DLT_START_VALUE.
    """
    bounds = {"START": start, "END": end}
    named = (
        {f"ELT_DATA_INTERVAL_{bound}": at, f"DLT_INTERVAL_{bound}": at, f"DLT_{bound}_VALUE": at}
        for bound, at in bounds.items()
    )
    return {name: at for one in named for name, at in one.items()}


def _part(request: dict[str, Any], path: Path, root: Path) -> LoadPart:
    module = import_module(path, root)
    parts, _ = group(find_candidates(module), find_pipelines(module), os.path.relpath(path, root))
    for part in parts:
        if part.attribute == request["attribute"]:
            message, hint = refused_destination(part.pipeline_name, part.destination, request["kind"])
            if not message:
                message, hint = part.problem()
            if message:
                raise IngestionError(message, hint=hint)
            return part.moved() if request["is_moved"] else part
    raise IngestionError(
        f"{os.path.relpath(path, root)} defines no dlt source, resource or pipeline {request['attribute']}",
        hint="The module has changed since the plan was made. Run again.",
    )


def _destination(part: LoadPart, request: dict[str, Any], warehouse: Channel) -> Destination:
    """Return dlt's destination for the kind of database; its `loaded` has the row counts by package and table."""
    exact_dataset = part.pipeline is None
    record = LoadRecord(table=request["record"], pipeline=part.pipeline_name)
    if request["kind"] == "postgres":
        from orchestrator.adapters.dlt.postgres_destination import login_destination

        return login_destination(Login(**warehouse.receive()), record, exact_dataset=exact_dataset)
    from orchestrator.adapters.dlt.duckdb_destination import owner_destination

    return owner_destination(PipeConnection(warehouse), request["place"], record, exact_dataset=exact_dataset)


def _load(part: LoadPart, request: dict[str, Any], owner: Channel, destination: Destination) -> dict[str, object]:
    pipeline = _pipeline(part, request, destination)
    name, run_id = part.attribute, request["run_id"]
    own = {run_id, *request["goes_on"]}
    # The packages of an interrupted load go first. Their rows count for the run that extracted them.
    if has_pending(pipeline):
        with _alone(owner):
            destination.record.run_id = extracted_by(pipeline, name)
            is_own = request["extracted"] or destination.record.run_id in own
            settle_pending(pipeline)
            if is_own and destination.loaded:  # an earlier attempt of this step extracted it, so the step is done
                return _found(part, pipeline, owner, destination, own)
    follow_warehouse(pipeline)
    if extracted_by(pipeline, name) in own:  # also loaded, by an attempt whose end was not recorded
        return _found(part, pipeline, owner, destination, own)
    data = _data(part, tuple(request["resources"]))
    # If the process dies during the extraction, the previous record must not vouch for it.
    forget_extracted(pipeline, name)
    pipeline.extract(data, refresh=refresh_of(pipeline, part.candidates, data))
    # From here on, another attempt completes these packages and extracts nothing.
    note_extracted(pipeline, name, run_id)
    destination.record.run_id = run_id
    owner.send({"tell": "extracted"})
    pipeline.normalize()
    with _alone(owner):
        pipeline.load()
        return _done(part, pipeline, owner, destination.loaded)


def _done(part: LoadPart, pipeline: Pipeline, owner: Channel, loaded: dict[str, dict[str, int]]) -> dict[str, object]:
    owner.send({"tell": "loaded"})
    record_loaded(pipeline)
    result = _result(pipeline, loaded)
    if part.pipeline is None:  # the working folder of a user's pipeline belongs to the user
        remove_loaded(pipeline)
    return result


def _found(
    part: LoadPart, pipeline: Pipeline, owner: Channel, destination: Destination, own: set[str]
) -> dict[str, object]:
    """Return the rows of all loads of these runs, including attempts whose end was not recorded."""
    before: dict[str, dict[str, int]] = {}
    with pipeline.destination_client() as client:
        for run_id in sorted(own):
            before |= destination.record.of_run(client.sql_client, run_id)
    return _done(part, pipeline, owner, {**before, **destination.loaded})


def _pipeline(part: LoadPart, request: dict[str, Any], destination: Destination) -> Pipeline:
    if part.pipeline is None:
        return dlt.pipeline(
            part.pipeline_name,
            pipelines_dir=request["pipelines_dir"],
            destination=destination,
            dataset_name=request["dataset"],
            **part.options,
        )
    pipeline = part.pipeline
    # dlt looks up configuration and state for the active pipeline, and the module may have activated another one.
    pipeline.activate()
    pipeline.dataset_name = pipeline.dataset_name or request["dataset"]
    pipeline.destination = destination
    return pipeline


def _data(part: LoadPart, wanted: tuple[str, ...]) -> list[DltSource | DltResource]:
    """Return the sources with the wanted resources; a resource that a source also returns is not loaded twice."""
    sources = [candidate.open() for candidate in part.candidates if not candidate.is_resource]
    if wanted:
        sources = [s.with_resources(*names) for s in sources if (names := _common(wanted, s.resources.selected))]
    members = {name for source in sources for name in source.resources}
    lone = [
        candidate.open()
        for candidate in part.candidates
        if candidate.is_resource and candidate.name not in members and (candidate.name in wanted or not wanted)
    ]
    return [*sources, *lone]


def _common(wanted: tuple[str, ...], there: Collection[str]) -> list[str]:
    return [name for name in wanted if name in there]


def _result(pipeline: Pipeline, loaded: dict[str, dict[str, int]]) -> dict[str, object]:
    tables: dict[str, dict[str, Any]] = {}
    for load_id, counts in sorted(loaded.items()):
        for table, rows in counts.items():
            if not table.startswith(OWN_PREFIX):
                entry = tables.setdefault(table, {"name": table, "rows": 0, "load_ids": [], "replaced": False})
                entry["rows"] += rows
                entry["load_ids"].append(load_id)
    # A replaced table counts as news even without rows: its earlier rows are gone.
    for schema in (pipeline.schemas[name] for name in pipeline.schema_names):
        for name in tables.keys() & schema.tables.keys():
            tables[name]["replaced"] |= schema.tables[name].get("write_disposition") == "replace"
    return {
        "tables": list(tables.values()),
        "load_ids": sorted(loaded),
        "replaced": any(entry["replaced"] for entry in tables.values()),
        "bytes": _bytes(pipeline, loaded),
    }


def _bytes(pipeline: Pipeline, load_ids: Collection[str]) -> int | None:
    """Return the size of the loaded files; None if dlt is configured to keep no record of them."""
    kept = set(pipeline.list_completed_load_packages())
    packages = [pipeline.get_load_package_info(load_id) for load_id in load_ids if load_id in kept]
    jobs = [job for package in packages for job in package.jobs["completed_jobs"]]
    return sum(job.file_size for job in jobs) if jobs else None


@contextmanager
def _alone(owner: Channel) -> Iterator[None]:
    """Hold the lock on the dataset: dlt pipelines that create its tables at the same time conflict."""
    owner.ask({"ask": "dataset"})
    try:
        yield
    finally:
        owner.send({"ask": "release"})
