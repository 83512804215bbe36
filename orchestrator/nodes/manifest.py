"""Reads dbt's manifest.json into values. Other modules do not read its raw JSON."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import ManifestError
from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource, Manifest
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.nodes.read_definition import definition_of, macros_of, reading_of

Raw = Mapping[str, Any]

KNOWN_SCHEMA = "https://schemas.getdbt.com/dbt/manifest/v12.json"
SAME_SCHEMAS = frozenset({KNOWN_SCHEMA, "https://schemas.getdbt.com/dbt/manifest/v20.json"})
"""Previews of dbt 2.0 wrote the same documents as version 20."""
SECTIONS = (
    "nodes",
    "functions",
    "semantic_models",
    "metrics",
    "saved_queries",
    "exposures",
    "unit_tests",
)
TYPES = frozenset(ResourceType) - {
    *(ResourceType.SOURCE, ResourceType.INGEST, ResourceType.EXPECTATION, ResourceType.STEP)
}
STORED = frozenset({ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT, ResourceType.FUNCTION})
PERIODS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}


def read_raw(path: Path) -> object:
    """Return the JSON of a manifest.json file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ManifestError(f"There is no manifest at {path}.", hint="Run `elt dbt parse` to write it.") from None
    except OSError as error:
        raise ManifestError(f"The manifest {path} cannot be read: {error.strerror}.") from error
    return raw_of(content, path)


def raw_of(content: bytes, path: Path) -> object:
    """Return the JSON of a manifest; `path` is used in messages only."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ManifestError(
            f"The manifest {path} is not valid JSON: {error}.",
            hint="dbt was probably interrupted while writing it. Delete it and run `elt dbt parse`.",
        ) from error


def manifest_from(raw: object, path: Path, *, continues: bool = False) -> Manifest:
    """Return the values of a manifest's JSON; `path` is used in messages only.

    `continues` says whether the installed dbt knows `on_error: continue`; other releases ignore that key of a model.
    """
    if not isinstance(raw, dict):
        raise ManifestError(f"The manifest {path} is not a JSON object.", hint="Run `elt dbt parse`.")
    metadata = raw.get("metadata") or {}
    _refuse_other_versions(metadata, path)
    try:
        owners = {group["name"]: _owners(group.get("owner")) for group in _rows(raw, "groups")}
        sources = {row["unique_id"]: _source(row) for row in _rows(raw, "sources")}
        nodes = {
            row["unique_id"]: _node(row, owners, continues=continues)
            for section in SECTIONS
            for row in _rows(raw, section)
        }
        macros = {macro.unique_id: macro for macro in macros_of(raw)}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ManifestError(
            f"The manifest {path} does not look like version 12: {type(error).__name__}: {error}.",
            hint="Delete it and run `elt dbt parse` with dbt 1.8 to 1.12.",
        ) from error
    return Manifest(
        project_name=str(metadata.get("project_name") or ""),
        adapter_type=str(metadata.get("adapter_type") or ""),
        dbt_version=str(metadata.get("dbt_version") or ""),
        nodes=_known_parents(nodes, sources, raw, path),
        sources=sources,
        macros=macros,
    )


def _refuse_other_versions(metadata: Raw, path: Path) -> None:
    version = metadata.get("dbt_schema_version")
    if version in SAME_SCHEMAS:
        return
    named = f"of version {version}" if version else "without a version"
    wrote = f", written by dbt {metadata['dbt_version']}" if metadata.get("dbt_version") else ""
    raise ManifestError(
        f"The manifest {path} is {named}{wrote}; only version 12 is supported.",
        hint="Use dbt 1.8 to 1.12, which write version 12, and run `elt dbt parse`.",
    )


def qualified_names(raw: Raw) -> Mapping[NodeId, tuple[str, ...]]:
    """Return the qualified name of every enabled node: its package, its folders and its name, as `fqn:` matches it."""
    rows = (row for section in SECTIONS for row in _rows(raw, section))
    return {NodeId(row["unique_id"]): tuple(map(str, row.get("fqn") or ())) for row in rows}


def has_default_selector(raw: Raw) -> bool:
    """Return whether selectors.yml says what a command without a selection runs."""
    return any(isinstance(one, dict) and one.get("default") for one in (raw.get("selectors") or {}).values())


def _rows(raw: Raw, section: str) -> Iterator[Raw]:
    """Yield the enabled rows of a section; dbt lists most disabled rows elsewhere, but not all in every version."""
    for row in (raw.get(section) or {}).values():
        if (row.get("config") or {}).get("enabled", True):
            yield row


def _node(row: Raw, group_owners: Mapping[str, tuple[str, ...]], *, continues: bool) -> DbtNode:
    kind = _resource_type(row)
    config: Raw = row.get("config") or {}
    meta: Raw = config.get("meta") or row.get("meta") or {}
    group = row.get("group") or config.get("group")
    severity = config.get("severity")
    version = row.get("version")
    return DbtNode(
        unique_id=NodeId(row["unique_id"]),
        name=row["name"],
        resource_type=kind,
        package=row["package_name"],
        path=row["original_file_path"],
        parents=tuple(dict.fromkeys((row.get("depends_on") or {}).get("nodes") or ())),
        placed=_relation(row, kind, config),
        relation_name=row.get("relation_name"),
        database=row.get("database"),
        schema=row.get("schema") or "",
        materialized=config.get("materialized"),
        severity=severity.lower() if kind is ResourceType.TEST and severity else None,
        tags=tuple(row.get("tags") or ()),
        owners=_owners(meta.get("owner")) or _owners(row.get("owner")) or group_owners.get(group or "", ()),
        version=None if version is None else str(version),
        is_latest_version=version is not None and version == row.get("latest_version"),
        is_empty=kind is not ResourceType.SEED and not str(row.get("raw_code", "-")).strip(),
        continues_on_error=continues and kind is ResourceType.MODEL and config.get("on_error") == "continue",
        meta=meta,
        definition=definition_of(row, kind, config),
    )


def _resource_type(row: Raw) -> ResourceType:
    word = row["resource_type"]
    if word not in TYPES:
        raise ValueError(f"{row['unique_id']} is of an unknown resource type, {word!r}")
    return ResourceType(word)


def _relation(row: Raw, kind: ResourceType, config: Raw) -> Relation | None:
    """Return the relation that the node leaves in the warehouse; a data test leaves one if it stores its failures."""
    stores = kind in STORED and config.get("materialized") != "ephemeral"
    if not stores and not (kind is ResourceType.TEST and row.get("relation_name")):
        return None
    return Relation(database=row.get("database"), schema=row["schema"], identifier=row.get("alias") or row["name"])


def _source(row: Raw) -> DbtSource:
    config: Raw = row.get("config") or {}
    freshness: Raw = row.get("freshness") or {}
    warn, error = _seconds(freshness.get("warn_after")), _seconds(freshness.get("error_after"))
    return DbtSource(
        unique_id=NodeId(row["unique_id"]),
        name=row["name"],
        source_name=row["source_name"],
        package=row["package_name"],
        path=row["original_file_path"],
        placed=Relation(
            database=row.get("database"), schema=row["schema"], identifier=row.get("identifier") or row["name"]
        ),
        has_freshness=warn is not None or error is not None,
        has_loaded_at=bool(row.get("loaded_at_field") or row.get("loaded_at_query")),
        has_freshness_filter=bool(freshness.get("filter")),
        warn_after_seconds=warn,
        error_after_seconds=error,
        tags=tuple(row.get("tags") or ()),
        owners=_owners((config.get("meta") or row.get("meta") or {}).get("owner")),
        meta=config.get("meta") or row.get("meta") or {},
        reading=reading_of(row, config),
        external=_external(row.get("relation_name") or ""),
    )


def _external(rendered: str) -> str:
    """Return what dbt-duckdb writes in SQL for a source that consists of files: a string, or a call."""
    is_file = rendered.startswith("'") or (not rendered.startswith('"') and "(" in rendered)
    return rendered if is_file else ""


def _seconds(limit: Raw | None) -> float | None:
    """Return the seconds of `{count, period}`; a null in either switches the limit off."""
    if not limit or limit.get("count") is None or limit.get("period") is None:
        return None
    return float(limit["count"]) * PERIODS[limit["period"]]


def _owners(value: object) -> tuple[str, ...]:
    """Return the names and addresses in what dbt calls an owner: a text, a list, or a name with an e-mail address."""
    if isinstance(value, dict):
        value = [value.get("name"), value.get("email")]
    found = value if isinstance(value, list) else [value]
    flat = [one for part in found for one in (part if isinstance(part, list) else [part])]
    return tuple(dict.fromkeys(str(one) for one in flat if one))


def _known_parents(
    nodes: Mapping[NodeId, DbtNode], sources: Mapping[NodeId, DbtSource], raw: Raw, path: Path
) -> Mapping[NodeId, DbtNode]:
    """Return the nodes; raises ManifestError if the parent of a node is not in the manifest, as dbt does."""
    for node in nodes.values():
        for parent in node.parents:
            if parent not in nodes and parent not in sources:
                if parent in (raw.get("disabled") or {}):
                    raise ManifestError(
                        f"{node.unique_id} ({node.path}) depends on {parent}, which is disabled.",
                        hint=f"Enable {parent}, or remove the reference in {node.path}.",
                    )
                raise ManifestError(
                    f"{node.unique_id} ({node.path}) depends on {parent}, which is not in {path}.",
                    hint="The manifest is out of date or was edited by hand. Run `elt dbt parse`.",
                )
    return nodes
