"""Discovers the dlt sources of the ingestion folder; each module is imported in a child process."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.adapters.children.child_process import Child, ChildEndedError
from orchestrator.adapters.children.own_bug import ChildBugError
from orchestrator.adapters.dlt.host import IngestionHost
from orchestrator.errors import IngestionError
from orchestrator.nodes.dlt import DltResource, DltSource

AT_ONCE = 4
LIMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A mistake in a module, and how to fix it."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What the ingestion folder defines, and the bugs of elt that were found while it was read."""

    sources: tuple[DltSource, ...] = ()
    notes: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    bugs: tuple[ChildBugError, ...] = ()

    def require_sound(self) -> None:
        """Raise one error that lists every mistake, for a plan that needs ingestion; a bug of elt is raised itself."""
        if self.bugs:
            raise self.bugs[0]
        if self.mistakes:
            raise IngestionError(
                "\n".join(dict.fromkeys(m.message for m in self.mistakes)),
                hint="\n".join(dict.fromkeys(m.hint for m in self.mistakes)),
            )


def find_modules(folder: Path) -> tuple[Path, ...]:
    """Return the files that may define dlt sources: they contain `dlt`, and their names have no leading underscore."""
    if not folder.is_dir():
        return ()
    files = sorted(path.resolve() for path in folder.glob("*.py") if not path.name.startswith("_"))
    return tuple(path for path in files if b"dlt" in path.read_bytes())


def discover(host: IngestionHost, project_root: Path, folder: Path, log_dir: Path) -> Discovery:
    """Return what the modules of the folder define, each imported in a child; without modules, no process starts."""
    root = project_root.resolve()
    modules = find_modules(folder)
    answers: list[dict[str, Any]] = []
    for start in range(0, len(modules), AT_ONCE):
        answers += _ask(host, root, modules[start : start + AT_ONCE], log_dir.resolve() / "ingest-discovery.log")
    sources = [_source(plain) for answer in answers for plain in answer.get("sources", ())]
    mistakes = [Mistake(message=a["error"], hint=a["hint"]) for a in answers if "error" in a]
    return Discovery(
        sources=tuple(sources),
        notes=tuple(note for answer in answers for note in answer.get("notes", ())),
        mistakes=(*mistakes, *_clashes(sources)),
        bugs=tuple(answer["bug"] for answer in answers if "bug" in answer),
    )


def _ask(host: IngestionHost, root: Path, modules: Sequence[Path], log: Path) -> list[dict[str, Any]]:
    children: dict[Path, Child] = {}
    answers: list[dict[str, Any]] = []
    try:
        # All children start before the first answer is awaited, so the modules are imported at the same time.
        for module in modules:
            request = {"verb": "list", "project_root": str(root), "module": str(module), "log": str(log)}
            try:
                children[module] = host.open_child(request)
            except IngestionError as error:
                answers.append({"error": error.message, "hint": error.hint})
        answers += [_answer(child, os.path.relpath(module, root), log) for module, child in children.items()]
    finally:
        for child in children.values():
            child.close()
    return answers


def _answer(child: Child, module: str, log: Path) -> dict[str, Any]:
    try:
        return child.receive(limit=LIMIT_SECONDS)
    except ChildEndedError as error:
        return {
            "error": f"{module}: the process that imported the module died: {error}",
            "hint": f"Its output is in {log}.",
        }
    except ChildBugError as error:
        return {"bug": error}
    except TimeoutError:
        return {
            "error": f"{module}: importing the module took more than {LIMIT_SECONDS:.0f} s",
            "hint": "Move what takes long, or waits, out of the module's top level into its resources.",
        }


def _source(plain: dict[str, Any]) -> DltSource:
    resources = tuple(DltResource(**resource) for resource in plain.pop("resources"))
    return DltSource(**plain, resources=resources)


def _clashes(sources: Sequence[DltSource]) -> list[Mistake]:
    """Return a mistake for each name that two modules use: they would share their state and tables."""
    mistakes = []
    first: dict[str, DltSource] = {}
    for source in sources:
        for name in dict.fromkeys((source.name, source.pipeline)):
            other = first.setdefault(name, source)
            if other is not source:
                mistakes.append(
                    Mistake(
                        message=f"{source.module} and {other.module} both define the dlt source or pipeline {name}",
                        hint="Give one of them another name.",
                    )
                )
                break
    return mistakes
