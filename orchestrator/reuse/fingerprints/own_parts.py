"""Makes the parts of a node's own entry other than its code and configuration."""

from collections.abc import Mapping

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import ResourceType
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.surroundings import Surroundings


def own_parts(node: DbtNode, around: Surroundings) -> dict[str, str]:
    """Return the parts of a node's relation, arguments, seed content, contract and persisted descriptions."""
    definition, config = node.definition, node.definition.config
    found = {}
    if node.placed is not None:
        found["relation"] = digest_of([node.placed.database, node.placed.schema, node.placed.identifier])
    if definition.arguments:
        is_function = node.resource_type is ResourceType.FUNCTION
        found["arguments"] = digest_of(_undescribed(definition.arguments) if is_function else definition.arguments)
    if node.resource_type is ResourceType.SEED:
        found["seed"] = digest_of(around.seed_content(node))  # dbt's checksum ignores leading and trailing whitespace
    contract = config.get("contract")
    if isinstance(contract, Mapping) and contract.get("enforced"):
        # The order counts: it is the order of the table's columns.
        columns = [[name, _typed(column)] for name, column in definition.columns.items()]
        found["contract"] = digest_of([dict(contract), columns, list(definition.constraints)])
    kept = config.get("persist_docs")
    if isinstance(kept, Mapping) and any(kept.values()):
        described = {name: _described(column) for name, column in definition.columns.items()}
        of_relation = definition.description if kept.get("relation") else None
        found["docs"] = digest_of([of_relation, described if kept.get("columns") else None])
    return found


def _typed(column: object) -> object:
    if not isinstance(column, Mapping):
        return column
    return {key: column.get(key) for key in ("data_type", "quote", "constraints")}


def _described(column: object) -> object:
    return column.get("description") if isinstance(column, Mapping) else None


def _undescribed(value: object) -> object:
    match value:
        case Mapping():
            return {key: _undescribed(inner) for key, inner in value.items() if key != "description"}
        case list() | tuple():
            return [_undescribed(inner) for inner in value]
        case _:
            return value


def texts_in(value: object) -> list[str]:
    """Return the texts inside a JSON value that may contain Jinja."""
    match value:
        case str():
            return [value] if "{" in value else []
        case Mapping():
            return [text for inner in value.values() for text in texts_in(inner)]
        case list() | tuple():
            return [text for inner in value for text in texts_in(inner)]
        case _:
            return []


def has_foreign_keys(node: DbtNode) -> bool:
    """Return whether the contract of a node has foreign keys."""
    columns = [one for one in node.definition.columns.values() if isinstance(one, Mapping)]
    constraints = [
        *node.definition.constraints,
        *(one for column in columns for one in column.get("constraints") or ()),
    ]
    return any(isinstance(one, Mapping) and one.get("type") == "foreign_key" for one in constraints)
