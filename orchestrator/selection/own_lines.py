"""Formats the nodes that dbt does not know, as `dbt ls` formats its own."""

import json

from orchestrator.nodes.identity import NodeId, short_name


def own_line(node: NodeId, output: str) -> str:
    """Return the line of a dlt resource or a suite in one of dbt's output formats."""
    kind, _, name = node.partition(".")
    if output == "json":
        return json.dumps({"unique_id": node, "resource_type": kind, "name": short_name(node)})
    return f"{kind}:{name}" if output == "selector" else short_name(node)
