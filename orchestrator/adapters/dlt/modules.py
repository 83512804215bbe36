"""Imports one ingestion module like a script, and refuses a module that runs a load during the import."""

import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import NoReturn

from dlt.pipeline.pipeline import Pipeline

from orchestrator.adapters.children.own_bug import is_bug_of_elt
from orchestrator.adapters.dlt.damage import find_damage
from orchestrator.adapters.dlt.dlt_bridge import methods_as
from orchestrator.adapters.dlt.load_errors import chain_of, import_hint
from orchestrator.errors import IngestionError

LOADING = ("run", "extract", "normalize", "load")


class _LoadsAtImport(BaseException):
    """Not an Exception, so that the module cannot catch it by accident."""

    def __init__(self, line: int | None) -> None:
        super().__init__(line)
        self.line = line


def import_module(path: Path, project_root: Path) -> ModuleType:
    """Import the module and return it; every failure is an IngestionError that names file and line."""
    shown = path.relative_to(project_root) if path.is_relative_to(project_root) else path
    sys.path.insert(0, str(path.parent))  # modules in one folder import each other by name, as scripts do
    sys.path.append(str(project_root))
    try:
        with _refusing_loads(path):
            return _execute(path)
    except _LoadsAtImport as refused:
        raise IngestionError(
            f"{shown}, line {refused.line}: the module runs a dlt pipeline while it is imported",
            hint='Move the call under `if __name__ == "__main__":`; elt runs the load itself.',
        ) from None
    except SyntaxError as error:
        raise IngestionError(
            f"{_shown(error.filename, shown, project_root)}, line {error.lineno}: {error.msg}",
            hint="The ingestion module is not valid Python.",
        ) from error
    except (Exception, SystemExit) as error:
        if is_bug_of_elt(error):
            raise
        traceback.print_exc()
        file, line = _where(error, path)
        damage = find_damage([error], in_warehouse=False)
        if damage is not None:
            raise IngestionError(
                f"{_shown(file, shown, project_root)}, line {line}: {damage.message}", hint=damage.hint
            ) from error
        raise IngestionError(
            f"{_shown(file, shown, project_root)}, line {line}: {type(error).__name__}: {_one_line(error)}",
            hint=import_hint(chain_of(error)) or f"The ingestion module {shown} could not be imported.",
        ) from error


def _execute(path: Path) -> ModuleType:
    # The module gets the name of its file, because dlt derives configuration keys from it.
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickle look modules up here. A file named like an imported module must not replace it.
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _refusing_loads(path: Path) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise _LoadsAtImport(_line_in(sys._getframe(1), path))  # noqa: SLF001  # the caller's line is the message

    with methods_as(Pipeline, LOADING, refuse):
        yield


def _line_in(frame: FrameType | None, path: Path) -> int | None:
    while frame is not None:
        if frame.f_code.co_filename == str(path):
            return frame.f_lineno
        frame = frame.f_back
    return None


def _where(error: BaseException, path: Path) -> tuple[str, int | None]:
    """Return the innermost location in the user's own folder, where the mistake most likely is."""
    own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(path.parent)]
    return (own[-1].filename, own[-1].lineno) if own else (str(path), 1)


def _shown(file: str | None, fallback: Path, project_root: Path) -> str:
    if file and Path(file).is_relative_to(project_root):
        return str(Path(file).relative_to(project_root))
    return str(fallback)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or "no message"
