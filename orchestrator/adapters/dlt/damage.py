"""Finds out whether a load failed because dlt's own files or rows are damaged, and what to delete.

dlt reads its files and rows in many places, and raises whatever the parser raises. So the files and rows are checked
after a failure, and the first damaged one is reported.
"""

import os
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import semver
from dlt.common import json
from dlt.common.schema import Schema
from dlt.common.versioned_state import decompress_state, json_decode_state
from dlt.pipeline.pipeline import Pipeline
from dlt.pipeline.state_sync import migrate_state_to_current

from orchestrator.wording import shortened

RECORD = "elt_loaded.json"
"""The file in a working folder with the state of the warehouse after the last load."""
_NORMALIZED = "load/normalized/*"
"""The packages that wait to be loaded."""
_PARQUET = b"PAR1"
"""The first and last bytes of a Parquet file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What cannot be read, and how to fix it."""

    message: str
    hint: str


def find_damage(errors: Iterable[BaseException], *, in_warehouse: bool) -> Damage | None:
    """Return the damage in dlt's files of the pipelines that raised these errors; None if there is none.

    With `in_warehouse`, dlt's rows in the warehouse are checked too.
    """
    for pipeline in _pipelines(errors):
        found = next(_damaged_files(pipeline), None)
        if found is None and in_warehouse:
            with suppress(Exception):  # the warehouse is unreachable, or nothing was ever loaded
                found = next(_damaged_rows(pipeline), None)
        if found is not None:
            return found
    return None


def _pipelines(errors: Iterable[BaseException]) -> list[Pipeline]:
    """Return the pipelines in the stack frames of these errors."""
    frames = [frame for error in errors for frame, _ in traceback.walk_tb(error.__traceback__)]
    values = [value for frame in frames for value in frame.f_locals.values() if isinstance(value, Pipeline)]
    return list({id(value): value for value in values if getattr(value, "working_dir", None)}.values())


def _damaged_files(pipeline: Pipeline) -> Iterator[Damage]:
    folder = Path(pipeline.working_dir)
    for path, reason in _unreadable(folder, pipeline.pipeline_name):
        yield Damage(
            message=f"the working folder of the dlt pipeline {pipeline.pipeline_name} is damaged: "
            f"{_shown(path)} {reason}",
            hint=_remedy(pipeline, folder),
        )


def _unreadable(folder: Path, name: str) -> Iterator[tuple[Path, str]]:
    """Yield each file of a working folder that is missing or cannot be read, with the reason."""
    state: dict[str, Any] = {}
    readers: tuple[tuple[str, Callable[[Path], object]], ...] = (
        (Pipeline.STATE_FILE, lambda path: state.update(_state_in(json_decode_state(path.read_text()), name))),
        (RECORD, lambda path: json.loads(path.read_text())["state"]),
        ("*/.version", lambda path: semver.Version.parse(path.read_text())),
        ("schemas/*.schema.json", lambda path: _schema_in(path.read_text())),
        (f"{_NORMALIZED}/schema.json", lambda path: _schema_in(path.read_text())),
        (f"{_NORMALIZED}/*.json", lambda path: json.loads(path.read_text())),
        (f"{_NORMALIZED}/*_jobs/*.parquet", _read_ends),
        ("normalize/extracted/*/*.json", lambda path: json.loads(path.read_text())),
    )
    for pattern, read in readers:
        for path in sorted(folder.glob(pattern)):
            try:
                read(path)
            except Exception as error:  # noqa: BLE001  # parsers raise many types for a damaged file
                yield path, f"cannot be read ({_words(error)})"
    # If a schema cannot be found, dlt drops its name from the list, but not from the default schema name.
    schemas = filter(None, {*(state.get("schema_names") or ()), state.get("default_schema_name")})
    needed = [folder / "schemas" / f"{schema}.schema.json" for schema in sorted(schemas)]
    needed += [package / "schema.json" for package in folder.glob(_NORMALIZED)]
    yield from ((path, "is missing") for path in needed if not path.exists())


def _damaged_rows(pipeline: Pipeline) -> Iterator[Damage]:
    """Yield the newest rows of the pipeline's state and schemas in the warehouse that cannot be read."""
    name, dataset = pipeline.pipeline_name, pipeline.dataset_name
    with pipeline.destination_client() as client:
        stored = client.get_stored_state(name)
        if stored is None:
            return
        state: dict[str, Any] = {}
        version = stored.version
        try:
            state = _state_in(decompress_state(stored.state), name)
        except Exception as error:  # noqa: BLE001  # as above
            yield Damage(
                message=f"the state of the dlt pipeline {name} in {dataset}._dlt_pipeline_state, "
                f"version {version}, cannot be read ({_words(error)})",
                hint="Delete that row: "
                f"{_deletion(dataset, '_dlt_pipeline_state', pipeline_name=name, version=version)}. "
                "The next load goes on from the version before it, or from the start when there is none: what it "
                "extracts again, resources with the disposition append have twice.",
            )
        for schema in state.get("schema_names") or ():
            info = client.get_stored_schema(schema)
            try:
                _schema_in(info.schema if info else "{}")
            except Exception as error:  # noqa: BLE001  # as above
                yield Damage(
                    message=f"the schema {schema} of the dlt pipeline {name} in {dataset}._dlt_version cannot be read "
                    f"({_words(error)})",
                    hint=f"Delete its rows: {_deletion(dataset, '_dlt_version', schema_name=schema)}. "
                    "The next load writes it again; no loaded row is lost.",
                )


def _deletion(dataset: str | None, table: str, **values: object) -> str:
    """Return the statement with which a user can delete rows of dlt's own tables."""
    wanted = " and ".join(f"{name} = {value!r}" for name, value in values.items())
    return f"delete from {dataset}.{table} where {wanted}"  # noqa: S608  # it is shown, not run


def _state_in(state: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(migrate_state_to_current(name, state))


def _schema_in(text: str) -> None:
    Schema.from_dict(json.loads(text))


def _read_ends(path: Path) -> None:
    # Its ends are enough: a file that was cut short lacks the last bytes.
    content = path.read_bytes()
    if not (content.startswith(_PARQUET) and content.endswith(_PARQUET)):
        raise ValueError("it is cut short")


def _remedy(pipeline: Pipeline, folder: Path) -> str:
    advice = [f"Delete the folder {_shown(folder)} and run again."]
    if pipeline.config.restore_from_destination:
        advice.append(
            "The incremental state is restored from the warehouse, and what was not loaded is extracted again."
        )
    else:
        advice.append(
            "The incremental state is in this folder only (`restore_from_destination = false`): "
            "put it back from a backup, or all rows are extracted again."
        )
    if any(folder.glob(_NORMALIZED)):
        advice.append("A package waits there: tables that it was copied into already keep those rows.")
    return " ".join(advice)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {shortened(' '.join(str(error).split()), 200)}"


def _shown(path: Path) -> str:
    """Return a path below the project root as a relative path; the working directory of a load is the root."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
