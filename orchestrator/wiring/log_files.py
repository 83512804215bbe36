"""Defines where elt keeps its own files: logs and the state of loads, in a folder that git ignores."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path

from orchestrator.config.settings import Settings
from orchestrator.debugging import LOGGER, is_debugging
from orchestrator.errors import ProjectError
from orchestrator.full_disk import full_disk_error, is_full_disk
from orchestrator.masking import Masker
from orchestrator.report.words import clean

_FORM = "%(asctime)s %(levelname)s %(name)s %(threadName)s: %(message)s"


def log_dir(settings: Settings) -> Path:
    """Return the folder of elt's log files; creates the .elt folder that contains it."""
    own = settings.project_root / ".elt"
    ignore = own / ".gitignore"
    try:
        own.mkdir(exist_ok=True)
        if not ignore.exists():
            ignore.write_text("*\n")  # ignores itself too, so that git shows nothing of it
    except OSError as error:
        if is_full_disk(error):
            raise full_disk_error(error, [own]) from error
        raise ProjectError(
            f"The folder {own} cannot be written: {error.strerror}.",
            hint="It contains the logs and the state of loads. Make it writable for the user who runs elt.",
        ) from error
    return own / "logs"


@contextmanager
def own_log(settings: Settings, masker: Masker) -> Iterator[None]:
    """Write log records of elt's modules, including tracebacks, to `elt.log`; with --debug also to stderr."""
    handlers: list[logging.Handler] = [_LateFile(settings)]
    if is_debugging():
        handlers.append(logging.StreamHandler())
    propagates = LOGGER.propagate
    for handler in handlers:
        handler.setFormatter(_Masked(masker))
        LOGGER.addHandler(handler)
    # The handlers of the root logger belong to the caller, and would write records without masking.
    LOGGER.propagate = False
    try:
        yield
    finally:
        LOGGER.propagate = propagates
        for handler in handlers:
            LOGGER.removeHandler(handler)
            with suppress(OSError):  # on a full disk, lose the log and not the run
                handler.close()


class _Masked(logging.Formatter):
    """Masks secrets in each line, including tracebacks, and removes the colours of other tools."""

    def __init__(self, masker: Masker) -> None:
        super().__init__(_FORM)
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """Return the formatted line."""
        return self._masker.text(clean(super().format(record)))


class _LateFile(logging.FileHandler):
    """Creates its folder and opens its file at the first message."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.project_root / ".elt" / "logs" / "elt.log", delay=True, encoding="utf-8")
        self._settings = settings

    def _open(self) -> TextIOWrapper:
        log_dir(self._settings).mkdir(parents=True, exist_ok=True)
        return super()._open()
