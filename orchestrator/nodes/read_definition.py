"""Reads definitions and macros from rows of manifest.json, on behalf of `manifest`."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from orchestrator.nodes.definition import Definition, Macro
from orchestrator.nodes.identity import NodeId, ResourceType

Raw = Mapping[str, Any]

_EMPTY = Definition()
_ARGUMENTS = {
    ResourceType.TEST: ("test_metadata", "column_name"),
    ResourceType.UNIT_TEST: ("model", "given", "expect", "overrides", "version"),
    ResourceType.FUNCTION: ("arguments", "returns", "overloads"),
}
_RAN_BY_DBT = frozenset(
    {
        ResourceType.MODEL,
        ResourceType.SEED,
        ResourceType.SNAPSHOT,
        ResourceType.FUNCTION,
        ResourceType.TEST,
        ResourceType.UNIT_TEST,
        ResourceType.OPERATION,
    }
)


def definition_of(row: Raw, kind: ResourceType, config: Raw) -> Definition:
    """Return the definition of a node; it is empty for a node without a result, such as an exposure."""
    if kind not in _RAN_BY_DBT:
        return _EMPTY
    return Definition(
        language=row.get("language") or "sql",
        raw_code=row.get("raw_code") or "",
        checksum=_checksum(row["checksum"]) if kind is ResourceType.SEED and row.get("checksum") else "",
        file=_seed_file(row) if kind is ResourceType.SEED else "",
        config=config,
        columns=row.get("columns") or {},
        constraints=tuple(row.get("constraints") or ()),
        description=row.get("description") or "",
        properties=(row.get("patch_path") or "").partition("://")[2],
        arguments={key: row[key] for key in _ARGUMENTS.get(kind, ()) if row.get(key)},
        macros=tuple((row.get("depends_on") or {}).get("macros") or ()),
    )


def macros_of(raw: Raw) -> Iterator[Macro]:
    """Yield every macro."""
    for row in (raw.get("macros") or {}).values():
        yield Macro(
            unique_id=NodeId(row["unique_id"]),
            name=row["name"],
            package=row["package_name"],
            path=row["original_file_path"],
            code=row.get("macro_sql") or "",
            macros=tuple((row.get("depends_on") or {}).get("macros") or ()),
        )


def reading_of(row: Raw, config: Raw) -> Raw:
    """Return what decides which rows the readers of a source see: its location, and the options of the adapter."""
    return {
        "relation": row.get("relation_name"),
        "external": row.get("external"),
        "meta": _without_ours(row.get("meta")),
        "source_meta": _without_ours(row.get("source_meta")),
        "config": {key: value for key, value in config.items() if key not in _OF_FRESHNESS},
    }


def _without_ours(meta: Raw | None) -> Raw | None:
    """Return a source's meta without what elt itself reads there, which changes no rows."""
    return None if meta is None else {key: value for key, value in meta.items() if key != "elt"}


_OF_FRESHNESS = frozenset({"enabled", "freshness", "loaded_at_field", "loaded_at_query", "tags", "meta"})


def _checksum(checksum: Raw) -> str:
    """Return the hash of the content; empty for a large file, for which dbt records the path instead."""
    return "" if checksum.get("name") in {"path", "none"} else f"{checksum.get('name')}:{checksum.get('checksum')}"


def _seed_file(row: Raw) -> str:
    return str(PurePath(row.get("root_path") or "", row["original_file_path"]))
