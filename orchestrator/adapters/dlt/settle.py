"""Reconciles a dlt pipeline's working folder with the warehouse before a new extraction.

The warehouse decides what was loaded. State may exist only in the folder, if the database file was deleted or restored,
or belongs to another target. With such a state, dlt would skip rows that the warehouse does not have.
"""

import json
import traceback
from collections.abc import Mapping
from pathlib import Path

from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.pipeline.pipeline import Pipeline
from dlt.pipeline.state_sync import load_pipeline_state_from_destination

from orchestrator.adapters.dlt.damage import RECORD
from orchestrator.adapters.dlt.dlt_bridge import extracted_packages, load_storage

EXTRACTED = "elt_extracted.json"


def note_extracted(pipeline: Pipeline, part: str, run_id: str) -> None:
    """Record that a run has completely extracted one of the pipeline's parts, so that it does not extract it again."""
    _write(pipeline, EXTRACTED, {**_extracted(pipeline), part: run_id})


def forget_extracted(pipeline: Pipeline, part: str) -> None:
    """Delete the record of the extraction before the next one starts."""
    known = _extracted(pipeline)
    if known.pop(part, None) is not None:
        _write(pipeline, EXTRACTED, known)


def extracted_by(pipeline: Pipeline, part: str) -> str | None:
    """Return the last run that completely extracted one of the pipeline's parts."""
    return _extracted(pipeline).get(part)


def has_pending(pipeline: Pipeline) -> bool:
    """Return whether an interrupted load left packages behind."""
    _finish_commits(pipeline)
    return bool(pipeline.has_pending_data)


def settle_pending(pipeline: Pipeline) -> None:
    """Finish the packages that an interrupted load left behind, or drop those that belong to another warehouse."""
    if not _pending_belongs_here(pipeline):
        pipeline.drop()
        return
    try:
        pipeline.normalize()
    except PipelineStepFailed:
        # None of it was loaded, so extracting again loses nothing, and the module may have been fixed since then.
        traceback.print_exc()
        pipeline.load()  # the packages that are already normalized; the others are dropped
        pipeline.drop()
        return
    pipeline.load()


def follow_warehouse(pipeline: Pipeline) -> None:
    """Replace the state in the folder with that of the warehouse, if no package waits to be loaded."""
    if not pipeline.config.restore_from_destination:
        return  # the user keeps the state only in the folder
    if pipeline.has_data and _hash_in_warehouse(pipeline) != pipeline.state.get("_version_hash"):
        pipeline.drop()
    pipeline.sync_destination()


def record_loaded(pipeline: Pipeline) -> None:
    """Record the state of the warehouse after a load, to recognize it later."""
    if Path(pipeline.working_dir).is_dir():
        _write(pipeline, RECORD, {"state": _hash_in_warehouse(pipeline)})


def _extracted(pipeline: Pipeline) -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads((Path(pipeline.working_dir) / EXTRACTED).read_text())
    except (OSError, ValueError):  # nothing was recorded, or the file is damaged and the run is unknown
        return {}
    return known


def _write(pipeline: Pipeline, name: str, known: Mapping[str, str | None]) -> None:
    """Write a file of the working folder atomically: if the process dies meanwhile, the old file remains."""
    path = Path(pipeline.working_dir) / name
    new = path.with_suffix(".new")
    new.write_text(json.dumps(known))
    new.replace(path)


def _pending_belongs_here(pipeline: Pipeline) -> bool:
    record = Path(pipeline.working_dir) / RECORD
    if not record.exists():
        return True  # an interrupted first load, or packages that the user's own script left
    known = {json.loads(record.read_text())["state"], *_pending_hashes(pipeline)}
    return _hash_in_warehouse(pipeline) in known


def _pending_hashes(pipeline: Pipeline) -> set[str]:
    """Return the states in the pending packages; a package killed at its end may already have stored its own state."""
    extracted, normalized = extracted_packages(pipeline), load_storage(pipeline).normalized_packages
    states = [extracted.get_load_package_state(p) for p in pipeline.list_extracted_load_packages()]
    states += [normalized.get_load_package_state(p) for p in pipeline.list_normalized_load_packages()]
    return {state["pipeline_state"]["version_hash"] for state in states if "pipeline_state" in state}


def _hash_in_warehouse(pipeline: Pipeline) -> str | None:
    try:
        with pipeline.destination_client() as client:
            stored = load_pipeline_state_from_destination(pipeline.pipeline_name, client)
    except DestinationUndefinedEntity:
        return None
    return None if stored is None else str(stored["_version_hash"])


def _finish_commits(pipeline: Pipeline) -> None:
    """Finish two moves on disk on which dlt itself fails if it was killed in the middle of them."""
    normalized = pipeline.list_normalized_load_packages()
    extracted = extracted_packages(pipeline)
    # The package is normalized, but its extracted form was not deleted yet.
    for load_id in set(pipeline.list_extracted_load_packages()) & set(normalized):
        extracted.delete_package(load_id)
    storage = load_storage(pipeline)
    for load_id in normalized:
        # The package is loaded, but was not moved to the loaded packages yet.
        if storage.normalized_packages.is_package_completed(load_id):
            storage.storage.rename_tree(
                storage.get_normalized_package_path(load_id), storage.get_loaded_package_path(load_id)
            )
