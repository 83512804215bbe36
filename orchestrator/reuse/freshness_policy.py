"""Decides whether a model waits although its sources have new rows.

It waits for all of its sources with `meta.elt.freshness_policy: all` (dbt State: `require_fresh_data_from`), and until
its last build is old enough with `lag_tolerance` of dbt State.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from orchestrator.config.dbt_state_keys import StateWish, wish_of_state
from orchestrator.config.node_wishes import FreshnessPolicy
from orchestrator.config.repeat_settings import wish_in_meta
from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.reuse.evaluated_project import Project
from orchestrator.reuse.fingerprints.result_identity import data_parts
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.reuse.last_success import LastSuccess
from orchestrator.wording import some_of, spell

_NONE = StateWish()


def waits_for_all(node: DbtNode | None) -> bool:
    """Return whether a model is rebuilt only once all of its sources have new rows."""
    if node is None or node.resource_type is not ResourceType.MODEL:
        return False
    own = node.meta.get("elt")
    if isinstance(own, Mapping) and own.get("freshness_policy") is not None:
        return wish_in_meta(node.meta).freshness_policy is FreshnessPolicy.ALL
    return _state_of(node).freshness_policy is FreshnessPolicy.ALL


def for_what_it_waits(project: Project, node_id: NodeId, then: LastSuccess) -> str:
    """Return, as the end of "if … has new rows", what else must be true before new rows rebuild a model."""
    node, words = project.manifest.nodes.get(node_id), ""
    tolerance = _state_of(node).lag_tolerance
    if tolerance is not None and _too_young(project, node, then):
        words += f", once its last build is {spell(tolerance.total_seconds())} old"
    return words + (", once all that it reads has" if waits_for_all(node) else "")


def still_waits(project: Project, now: Fingerprint, then: LastSuccess) -> str:
    """Return, in words, for what a model waits; empty if it does not wait.

    Only the rows that it reads have changed since `then`.
    """
    node = project.manifest.nodes.get(now.node)
    return _too_young(project, node, then) or _no_rows_yet(project, node, now, then.fingerprint)


def _too_young(project: Project, node: DbtNode | None, then: LastSuccess) -> str:
    """Return that the last build is not old enough, if the model tolerates older rows."""
    tolerance = _state_of(node).lag_tolerance
    if tolerance is None or then.ended_at is None or project.now is None:
        return ""
    age = _in_utc(project.now) - _in_utc(then.ended_at)
    if age >= tolerance:
        return ""
    spelled = spell(max(age, timedelta()).total_seconds())
    return f"built {spelled} ago; lag_tolerance is {spell(tolerance.total_seconds())}"


def _no_rows_yet(project: Project, node: DbtNode | None, now: Fingerprint, then: Fingerprint) -> str:
    """Return which parents of a model have no new rows yet, if it waits for all of them.

    Each of its parents that a dbt source feeds counts; a change of any other parent, such as a seed, rebuilds it at
    once.
    """
    if not waits_for_all(node):
        return ""
    new, old = data_parts(now), data_parts(then)
    parents = {NodeId(name.partition(":")[2]) for name in new.keys() | old.keys()}
    changed = {NodeId(name.partition(":")[2]) for name in new.keys() | old.keys() if new.get(name) != old.get(name)}
    fed = {parent for parent in parents if _is_fed(project, parent)}
    if changed - fed or fed <= changed:
        return ""
    return f"no new rows yet in {some_of(sorted(map(short_name, fed - changed)), 3)}; freshness_policy is all"


def notes_on_state(manifest: Manifest) -> tuple[str, ...]:
    """Return a sentence for each key of dbt State that elt cannot use, with the models that set it."""
    found: dict[tuple[str, str], list[str]] = {}
    for node in manifest.nodes.values():
        for unused in _state_of(node).unused:
            found.setdefault(unused, []).append(short_name(node.unique_id))
    return tuple(
        f"'{key}' of {some_of(sorted(models), 3)} is not used: {reason}" for (key, reason), models in found.items()
    )


def _state_of(node: DbtNode | None) -> StateWish:
    is_model = node is not None and node.resource_type is ResourceType.MODEL
    return wish_of_state(node.definition.config) if node is not None and is_model else _NONE


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _is_fed(project: Project, parent: NodeId) -> bool:
    sources = project.manifest.sources
    above = project.graph.depends.ancestors(frozenset({parent})) if parent not in sources else ()
    return parent in sources or any(one in sources for one in above)
