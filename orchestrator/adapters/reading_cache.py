"""Keeps the readings of templates between commands, in a file beside dbt's kept answers.

A reading follows from its text and from the code that reads it, so its key is the digest of the text, and the file is
valid for one state of that code.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path

import orchestrator.reuse.fingerprints
from orchestrator.config.installed import version_of
from orchestrator.reuse.fingerprints.text_readings import KeptReading, TextReadings

_NAME = "readings.json"
_MOST = 20_000


class ReadingCache:
    """The file of one project."""

    def __init__(self, folder: Path, knows_secret_in: Callable[[str], bool]) -> None:
        """Set the folder, and what says whether a text contains a secret: the reading of such a text is not kept."""
        self._folder = folder
        self._knows_secret_in = knows_secret_in
        self._kept: Mapping[str, KeptReading] = {}

    def load(self) -> TextReadings:
        """Return the readings that are kept; a file that is damaged or of other code counts as empty."""
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            document = json.loads((self._folder / _NAME).read_bytes())
            if document["code"] == code_that_reads():
                kept = document["readings"]
                self._kept = {key: one for key, one in kept.items() if isinstance(one, dict)}
        return TextReadings(self._kept)

    def save(self, readings: TextReadings) -> None:
        """Keep new readings; an error is ignored, because the texts can be read again."""
        texts = [text for text in readings.new if not self._knows_secret_in(text)]
        if not texts:
            return
        kept = {**self._kept, **readings.to_keep(texts)}
        if len(kept) > _MOST:
            used = readings.used()
            kept = {key: one for key, one in kept.items() if key in used}
        beside = self._folder / f".{_NAME}.{os.getpid()}"
        with suppress(OSError):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                    json.dump({"code": code_that_reads(), "readings": kept}, file)
                beside.replace(self._folder / _NAME)
            finally:
                beside.unlink(missing_ok=True)


@cache
def code_that_reads() -> str:
    """Return the digest of the modules that read texts, with their lists, and of the versions of the parsers."""
    found = blake2b(digest_size=16)
    for tool in ("jinja2", "sqlglot"):
        found.update(f"{tool} {version_of(tool)}\n".encode())
    for folder in orchestrator.reuse.fingerprints.__path__:
        for file in sorted(Path(folder).rglob("*")):
            if file.suffix in {".py", ".txt", ".tsv"}:
                found.update(file.read_bytes())
    return found.hexdigest()
