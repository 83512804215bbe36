"""Decides whether a model waits until all of its sources have new rows (`meta.elt.freshness_policy: all`)."""

from orchestrator.config.node_wishes import FreshnessPolicy
from orchestrator.config.repeat_settings import wish_in_meta
from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.reuse.evaluated_project import Project
from orchestrator.reuse.fingerprints.result_identity import data_parts
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.wording import some_of


def waits_for_all(node: DbtNode | None) -> bool:
    """Return whether a model is rebuilt only once all of its sources have new rows."""
    if node is None or node.resource_type is not ResourceType.MODEL:
        return False
    return wish_in_meta(node.meta).freshness_policy is FreshnessPolicy.ALL


def still_waits(project: Project, now: Fingerprint, then: Fingerprint) -> str:
    """Return, in words, which parents of a model have no new rows yet; empty if it does not wait for them.

    Only the rows that it reads have changed since `then`. Each of its parents that a dbt source feeds counts; a
    change of any other parent, such as a seed, rebuilds it at once.
    """
    if not waits_for_all(project.manifest.nodes.get(now.node)):
        return ""
    new, old = data_parts(now), data_parts(then)
    parents = {NodeId(name.partition(":")[2]) for name in new.keys() | old.keys()}
    changed = {NodeId(name.partition(":")[2]) for name in new.keys() | old.keys() if new.get(name) != old.get(name)}
    fed = {parent for parent in parents if _is_fed(project, parent)}
    if changed - fed or fed <= changed:
        return ""
    return f"no new rows yet in {some_of(sorted(map(short_name, fed - changed)), 3)}; freshness_policy is all"


def _is_fed(project: Project, parent: NodeId) -> bool:
    sources = project.manifest.sources
    above = project.graph.depends.ancestors(frozenset({parent})) if parent not in sources else ()
    return parent in sources or any(one in sources for one in above)
