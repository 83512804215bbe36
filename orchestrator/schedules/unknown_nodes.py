"""Finds nodes that schedules name and that do not exist, as far as dbt's last manifest knows; dbt is not started."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.config.settings import Settings
from orchestrator.errors import ManifestError
from orchestrator.nodes.selectable import selectable_names, selectable_words
from orchestrator.schedules.gathered_facts import files_of_dbt, text_of
from orchestrator.selection.criterion import bare_value, plain_criterion, unions
from orchestrator.suggestions import target_folder
from orchestrator.wording import did_you_mean, similar

_METHODS = frozenset({"exposure", "group", "metric", "saved_query", "tag", "unit_test"})
"""Methods of dbt whose values are all in the manifest."""
_FILES = frozenset({".sql", ".csv", ".py", ".yml", ".yaml"})


def unknown_nodes(settings: Settings, schedules: Iterable[ScheduleSettings]) -> Mapping[str, tuple[str, ...]]:
    """Return, by schedule, a sentence for each node that its selection or its trigger names and that does not exist.

    If a YAML file has changed since dbt wrote its manifest, only dbt can tell, and nothing is reported.
    """

    @cache
    def known_in(folder: Path) -> _KnownNodes | None:
        return _known_nodes(settings, folder)

    found: dict[str, tuple[str, ...]] = {}
    for schedule in schedules:
        words = list(_words(schedule))
        if not words:
            continue
        target_path = schedule.options.get("target_path")
        known = known_in(target_folder(settings, None if target_path is None else str(target_path)))
        if known is not None and (wrong := tuple(known.problems(words))):
            found[schedule.name] = wrong
    return found


def _words(schedule: ScheduleSettings) -> Iterator[tuple[str, str]]:
    """Yield the key and each criterion that it contains."""
    asked = schedule.options.get("select") or ()
    texts = tuple(map(str, asked)) if isinstance(asked, list | tuple) else (str(asked),)
    yield from (("options.select", part) for item in unions(texts) for part in item.split(",") if part)
    if schedule.on.table:
        yield "on.table", schedule.on.table


class _KnownNodes:
    """What exists: the nodes of a manifest, newer files, the steps of elt.yml, and what ingestion modules mention."""

    def __init__(self, settings: Settings, manifest: Path, stems: frozenset[str]) -> None:
        self._names = selectable_names(manifest) | stems | frozenset(settings.steps)
        self._words = selectable_words(manifest)
        folder = settings.ingestion_folder
        self._ingestion = [text_of(file) for file in sorted(folder.rglob("*.py"))] if folder else []

    def problems(self, words: Iterable[tuple[str, str]]) -> Iterator[str]:
        for key, word in words:
            method, colon, value = _split(word)
            if colon and method in _METHODS and f"{method}:{value}" not in self._words and not _is_pattern(value):
                yield f"{key} names {method}:{value}, which nothing in the project has"
            elif not colon and not self._has(word, is_node=key == "on.table"):
                meant = did_you_mean(similar(value, sorted(name for name in self._names if "." not in name)))
                yield f"{key} names {value}, and the project has no such node{f'. {meant}' if meant else ''}"

    def _has(self, word: str, *, is_node: bool) -> bool:
        plain = plain_criterion(word)
        if plain is None or "/" in word or (not is_node and Path(plain.value).suffix in _FILES):
            return True  # a pattern or a path, which may well match nothing
        return plain.value in self._names or any(plain.value in text for text in self._ingestion)


def _split(word: str) -> tuple[str, str, str]:
    """Return the method of a criterion, a colon if it has one, and its value, without graph operators."""
    head, colon, _ = word.partition(":")
    return head.lstrip("@0123456789+"), colon, bare_value(word)


def _is_pattern(value: str) -> bool:
    return any(sign in value for sign in "*?[")


def _known_nodes(settings: Settings, folder: Path) -> _KnownNodes | None:
    """Return what is known; None if that is out of date, or if there is no manifest."""
    manifest = folder / "manifest.json"
    try:
        written = manifest.stat().st_mtime
        newer = [file for file in files_of_dbt(settings.dbt_project_dir, _FILES) if file.stat().st_mtime > written]
        if any(file.suffix in {".yml", ".yaml"} for file in newer):
            return None
        return _KnownNodes(settings, manifest, frozenset(file.stem for file in newer))
    except (OSError, ManifestError):
        return None
