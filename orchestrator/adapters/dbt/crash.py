"""Finds what dbt was working on when it crashed with an exception that is not one of its own.

dbt names no file in that case. The frames of the traceback hold the node, block or file.
"""

import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from orchestrator.adapters.dbt.error_location import only_line_with
from orchestrator.errors import ParseError

_OWN = str(Path(__file__).parents[2])
_CONFIG = "dbt/config/"
_READ_AT_START = (
    *("dbt_project.yml", "vars.yml", "packages.yml", "dependencies.yml", "selectors.yml", "catalogs.yml"),
    "profiles.yml",
)
_IN_MANY_FRAMES = frozenset({"dbt_project.yml", "profiles.yml"})
"""dbt keeps the paths of these files while it reads others."""
_SHOW = "With --debug, elt shows the traceback."


def is_crash_of_dbt(error: BaseException) -> bool:
    """Return whether dbt, or code that it called, raised an exception, so that it is not a bug of elt."""
    frames = traceback.extract_tb(error.__traceback__)
    # Only the innermost frame counts, because it raised; the frames of elt that called dbt are further out.
    return bool(frames) and not frames[-1].filename.startswith(_OWN)


def worked_on(error: BaseException, project_dir: Path) -> tuple[str, str, str] | None:
    """Return the kind, name and file of what dbt was working on when it raised an error; kind and name may be empty."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][::-1]
    files = (_reading_file(frame, project_dir) for frame in frames)
    return next(filter(None, map(_worked_on, frames)), None) or next(filter(None, files), None)


def file_beside_the_project(error: BaseException) -> str:
    """Return the YAML file beside dbt_project.yml, such as packages.yml, that dbt was reading; empty if it was none."""
    cause: BaseException | None = error
    while cause is not None:
        for frame, _ in traceback.walk_tb(cause.__traceback__):
            path = frame.f_locals.get("file_path")
            if frame.f_code.co_name == "load_yml_dict" and isinstance(path, str):
                return Path(path).name
        cause = cause.__context__
    return ""


def crashed(error: BaseException, project_dir: Path) -> ParseError:
    """Return an error that names what dbt was working on, with the line if it can be found."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][::-1]
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if named := worked_on(error, project_dir):
        kind, name, path = named
        line = line_of_name(project_dir / path, name)
        place = f"{path}:{line}" if line is not None else path
        at = f"{kind} {name} in {place}".strip() if name else place
        message = f"dbt crashed while it read {at}: {words}"
    elif any(_CONFIG in frame.f_code.co_filename.replace("\\", "/") for frame in frames):
        there = [file for file in _READ_AT_START[:-1] if (project_dir / file).is_file()]
        message = f"dbt crashed while it read {', '.join(there)} or {_READ_AT_START[-1]}: {words}"
    else:
        message = f"dbt crashed while it parsed the project {project_dir}: {words}"
    return ParseError(message, hint=_hint(error, frames))


def _hint(error: BaseException, frames: list[FrameType]) -> str:
    if isinstance(error, KeyError | ValueError | IndexError) and any(
        frame.f_code.co_name == "create_from_source" for frame in frames
    ):
        return (
            "A name in braces in `external_location` must be a field of the source, as {name} or {schema} is. For other"
            " braces set `formatter: oldstyle` in the source's meta, and write %(name)s for fields."
        )
    return f"dbt does not expect what is written there. Fix it and run again. {_SHOW}"


def _worked_on(frame: FrameType) -> tuple[str, str, str] | None:
    """Return the kind, name and file of what a frame of dbt was working on; the kind and the name may be empty."""
    if frame.f_code.co_filename.startswith(_OWN):
        return None
    for value in _candidates(frame):
        path = _text(value, "original_file_path")
        if path:
            return _kind(value), ".".join(filter(None, (_text(value, "source_name"), _text(value, "name")))), path
    return None


def _reading_file(frame: FrameType, project_dir: Path) -> tuple[str, str, str] | None:
    """Return the YAML file that a frame of dbt was reading, without a kind and a name; None if it was reading none."""
    if frame.f_code.co_filename.startswith(_OWN):
        return None
    for value in frame.f_locals.values():
        if not isinstance(value, str) or not value.endswith((".yml", ".yaml")) or "\n" in value:
            continue
        path = project_dir / value
        if path.is_file() and path.name not in _IN_MANY_FRAMES:
            return "", "", str(path.relative_to(project_dir) if path.is_relative_to(project_dir) else path)
    return None


def _candidates(frame: FrameType) -> Iterator[Any]:
    """Yield the frame's values that may have a file, and their attributes that may have one."""
    values = list(frame.f_locals.values())
    yield from values
    for value in values:
        # dbt's parsers keep what they work on in local variables or attributes of these names.
        for name in ("model", "node", "target", "yaml", "block", "path", "file"):
            yield from _with_path(_attribute(value, name))
        yield from _with_path(value)


def _with_path(value: Any) -> Iterator[Any]:  # noqa: ANN401  # a dbt object
    yield value
    path = _attribute(value, "path")
    yield path
    yield _attribute(_attribute(value, "file"), "path")


def _attribute(value: Any, name: str) -> Any:  # noqa: ANN401  # a dbt object
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001  # a property may raise any exception
        return None


def _text(value: Any, name: str) -> str:  # noqa: ANN401  # a dbt object
    found = _attribute(value, name)
    return found if isinstance(found, str) else ""


def _kind(value: Any) -> str:  # noqa: ANN401  # a dbt object
    kind = _attribute(value, "resource_type")
    return str(getattr(kind, "value", kind) or "").replace("_", " ")


def line_of_name(file: Path, name: str) -> int | None:
    """Return the line on which a YAML file names an object; None if it is not unique or cannot be found."""
    if not name or file.suffix not in {".yml", ".yaml"}:
        return None
    last = re.escape(name.rpartition(".")[2])
    return only_line_with(re.compile(rf"""\bname:\s*["']?{last}["']?\s*([,}}#]|$)"""), file)
