"""Lists the words that select something in a manifest, in the syntax of dbt's methods, for completion."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.nodes.manifest import SECTIONS, read_raw

_CONFIGS = ("materialized", "schema", "incremental_strategy", "severity")
"""The configurations whose values are offered."""


def selectable_words(path: Path) -> frozenset[str]:
    """Return the names of nodes, and words such as `tag:nightly` for all values that a method finds in the manifest.

    Raises:
        ManifestError: the manifest cannot be read.
    """
    raw = read_raw(path)
    if not isinstance(raw, dict):
        return frozenset()
    words = {word for name in SECTIONS for row in _rows(raw, name) for word in _of_node(row)}
    words |= {word for row in _rows(raw, "sources") for word in _of_source(row)}
    return frozenset(words | {f"selector:{name}" for name in raw.get("selectors") or {}})


def selectable_names(path: Path) -> frozenset[str]:
    """Return what names nodes without a method, as dbt's `fqn:` reads it: names, folders, packages, and their paths.

    Raises:
        ManifestError: the manifest cannot be read.
    """
    raw = read_raw(path)
    if not isinstance(raw, dict):
        return frozenset()
    rows = [row for name in (*SECTIONS, "sources") for row in _rows(raw, name)]
    return frozenset(word for row in rows for word in _names_of(row))


def _names_of(row: Mapping[str, Any]) -> Iterator[str]:
    yield str(row["unique_id"])
    yield str(row["name"])
    parts = [str(part) for part in row.get("fqn") or ()]
    yield parts[-1] if parts else ""
    if row.get("version") is not None:
        yield f"{row['name']}.v{row['version']}"
        yield f"{row['name']}_v{row['version']}"
    for first in (0, 1):  # with and without the package
        yield from (".".join(parts[first:last]) for last in range(first + 1, len(parts) + 1))


def _rows(raw: Mapping[str, Any], section: str) -> Iterable[Mapping[str, Any]]:
    rows: Mapping[str, Mapping[str, Any]] = raw.get(section) or {}
    return rows.values()


def _of_node(row: Mapping[str, Any]) -> Iterator[str]:
    kind = row.get("resource_type", "")
    yield str(row["name"])
    yield f"resource_type:{kind}"
    if kind in {"exposure", "metric", "semantic_model", "saved_query", "unit_test"}:
        yield f"{kind}:{row['name']}"
    if kind == "test":
        yield f"test_name:{(row.get('test_metadata') or {}).get('name') or row['name']}"
    if group := row.get("group"):
        yield f"group:{group}"
    if kind == "model" and (access := row.get("access")):
        yield f"access:{access}"
    config = row.get("config") or {}
    yield from (f"config.{key}:{config[key]}" for key in _CONFIGS if isinstance(config.get(key), str))
    yield from _of_any(row)


def _of_source(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"source:{row['source_name']}"
    yield f"source:{row['source_name']}.{row['name']}"
    yield "resource_type:source"
    yield from _of_any(row)


def _of_any(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"package:{row.get('package_name', '')}"
    yield from (f"tag:{tag}" for tag in _listed(row.get("tags")))
    if file := row.get("original_file_path"):
        path = PurePosixPath(str(file).replace("\\", "/"))
        yield f"path:{path}"
        yield f"file:{path.name}"
        yield from (f"path:{folder}" for folder in path.parents if folder.name)


def _listed(tags: object) -> Iterable[object]:
    return tags if isinstance(tags, list) else ()
