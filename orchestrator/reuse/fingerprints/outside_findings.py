"""Finds what the fingerprint of a node cannot cover: plugins of the profile, and relations besides its own."""

from collections.abc import Iterator, Mapping

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.fingerprints.value import Finding

_FLAG = "latest_version_pointer_enabled_by_default"


def outside_findings(node: DbtNode, around: Surroundings) -> Iterator[Finding]:
    """Yield what is outside of the relation and the code of a node."""
    yield from (Finding(what=what, path="profiles.yml") for what in around.not_understood)
    if _makes_pointer(node, around):
        yield Finding(what="the view that latest_version_pointer makes beside the model", path=node.path)


def _makes_pointer(node: DbtNode, around: Surroundings) -> bool:
    """Return whether dbt, since 1.12, also writes a view that selects from this version of a model."""
    if not node.is_latest_version:
        return False
    wish, flags = node.definition.config.get("latest_version_pointer"), around.settings.get("flags")
    enabled = wish.get("enabled") if isinstance(wish, Mapping) else None
    if enabled is None:
        return isinstance(flags, Mapping) and bool(flags.get(_FLAG))
    return bool(enabled)
