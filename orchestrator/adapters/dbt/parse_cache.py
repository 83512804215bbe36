"""Keeps what dbt answered about a project, so that a command that executes nothing with dbt need not start it.

One file holds the answers to one command line of dbt. It is valid as long as everything that the parse depends on has
the same content. What cannot be compared is not kept; a file that is damaged or of another version counts as missing.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.parse_inputs import ParseInputs

VERSION = 5
_MOST = 8
"""The number of command lines whose answers are kept."""

Answers = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptParse:
    """What dbt answered for one command line."""

    inputs: ParseInputs
    digest: str
    settings: str
    """The digest of the inputs without the trees."""
    manifest_path: str
    answers: Answers
    codes: Mapping[str, Any]
    """What nodes were compiled to, each with its key (`code_keys.py`)."""
    manifest: bytes = field(repr=False)


class ParseCache:
    """The folder of the kept parses of a project."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, asked: Sequence[str]) -> KeptParse | None:
        """Return what is kept for a command line, whether or not it is still valid."""
        try:
            head, _, manifest = self._path(asked).read_bytes().partition(b"\n")
            document = json.loads(head)
            if document["version"] != VERSION:
                return None
            places: Any = {name: _tuple(value) for name, value in document["inputs"].items()}
            kept = KeptParse(
                inputs=ParseInputs(**places),
                digest=document["digest"],
                settings=document["settings"],
                manifest_path=document["manifest_path"],
                answers=document["answers"],
                codes=document["codes"],
                manifest=manifest,
            )
            if blake2b(manifest, digest_size=20).hexdigest() != document["manifest"]:
                return None
            # Whoever removes the target folder wants dbt to parse again.
            return kept if Path(kept.manifest_path).exists() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, asked: Sequence[str], kept: KeptParse) -> None:
        """Write the answers; an error is ignored, because dbt can answer again."""
        path = self._path(asked)
        head = {
            "version": VERSION,
            "inputs": {name: getattr(kept.inputs, name) for name in ParseInputs.__slots__},
            "digest": kept.digest,
            "settings": kept.settings,
            "manifest_path": kept.manifest_path,
            "manifest": blake2b(kept.manifest, digest_size=20).hexdigest(),
            "answers": kept.answers,
            "codes": kept.codes,
        }
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        with suppress(OSError, ValueError, TypeError):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    file.write(json.dumps(head).encode() + b"\n" + kept.manifest)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
            self._prune()

    def _prune(self) -> None:
        files = sorted(self._folder.glob("*.parse"), key=lambda file: -file.stat().st_mtime_ns)
        for file in files[_MOST:]:
            file.unlink(missing_ok=True)

    def _path(self, asked: Sequence[str]) -> Path:
        return self._folder / f"{blake2b(json.dumps(asked).encode(), digest_size=12).hexdigest()}.parse"


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
