"""Brings a dlt pipeline's working folder in line with the warehouse before anything new is extracted.

What the warehouse says was loaded is the truth. State that is only in the folder (the database file was deleted,
restored or is another target's) would leave out rows that the warehouse does not have.
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

EXTRACTED = "elt_extracted.json"


def note_extracted(pipeline: Pipeline, part: str, run_id: str) -> None:
    """Note that a run has extracted all that one of the pipeline's parts had: it need not do so again."""
    _write(pipeline, EXTRACTED, {**_extracted(pipeline), part: run_id})


def forget_extracted(pipeline: Pipeline, part: str) -> None:
    """Take the note away before something is extracted anew."""
    known = _extracted(pipeline)
    if known.pop(part, None) is not None:
        _write(pipeline, EXTRACTED, known)


def extracted_by(pipeline: Pipeline, part: str) -> str | None:
    """Give the run that extracted last, and to the end, what one of the pipeline's parts had."""
    return _extracted(pipeline).get(part)


def has_pending(pipeline: Pipeline) -> bool:
    """Say whether an interrupted load left packages behind."""
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
        # Nothing of it was loaded: extracting again loses nothing, and the module may have been mended since.
        traceback.print_exc()
        pipeline.load()
        pipeline.drop()
        return
    pipeline.load()


def follow_warehouse(pipeline: Pipeline) -> None:
    """Make the state in the folder the warehouse's, when nothing waits to be loaded."""
    if not pipeline.config.restore_from_destination:
        return  # the user keeps the state in the folder only
    if pipeline.has_data and _hash_in_warehouse(pipeline) != pipeline.state.get("_version_hash"):
        pipeline.drop()
    pipeline.sync_destination()


def record_loaded(pipeline: Pipeline) -> None:
    """Note which state the warehouse was left with, to know it again."""
    if Path(pipeline.working_dir).is_dir():
        _write(pipeline, RECORD, {"state": _hash_in_warehouse(pipeline)})


def _extracted(pipeline: Pipeline) -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads((Path(pipeline.working_dir) / EXTRACTED).read_text())
    except (OSError, ValueError):  # nothing was noted; or the file is damaged, and then nobody knows
        return {}
    return known


def _write(pipeline: Pipeline, name: str, known: Mapping[str, str | None]) -> None:
    """Write a file of the working folder whole: a process that dies meanwhile leaves the file that was there."""
    path = Path(pipeline.working_dir) / name
    new = path.with_suffix(".new")
    new.write_text(json.dumps(known))
    new.replace(path)


def _pending_belongs_here(pipeline: Pipeline) -> bool:
    record = Path(pipeline.working_dir) / RECORD
    if not record.exists():
        return True  # a first load that was interrupted, or one that the user's own script left
    known = {json.loads(record.read_text())["state"], *_pending_hashes(pipeline)}
    return _hash_in_warehouse(pipeline) in known


def _pending_hashes(pipeline: Pipeline) -> set[str]:
    """Give the states that the pending packages carry: a package killed at its end has brought its own already."""
    extracted = pipeline._get_normalize_storage().extracted_packages  # noqa: SLF001  # no public way
    normalized = pipeline._get_load_storage().normalized_packages  # noqa: SLF001  # no public way
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
    """Finish two moves on disk that dlt itself stumbles over when it was killed in their middle."""
    normalized = pipeline.list_normalized_load_packages()
    extracted = pipeline._get_normalize_storage().extracted_packages  # noqa: SLF001  # no public way
    for load_id in set(pipeline.list_extracted_load_packages()) & set(normalized):
        extracted.delete_package(load_id)
    storage = pipeline._get_load_storage()  # noqa: SLF001  # no public way
    for load_id in normalized:
        if storage.normalized_packages.is_package_completed(load_id):
            storage.storage.rename_tree(
                storage.get_normalized_package_path(load_id), storage.get_loaded_package_path(load_id)
            )
