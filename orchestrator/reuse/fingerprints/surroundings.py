"""The inputs of fingerprints from outside of the manifest. The caller passes them, so making fingerprints is pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.masking import is_secret_name
from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.reuse.fingerprints.digest import digest_of

EVERYTHING = "*"
"""Stands for every name: the whole environment, every var, or every flag."""

_READ_PARENTS = frozenset({ResourceType.MODEL, ResourceType.SNAPSHOT, ResourceType.TEST, ResourceType.FUNCTION})
_ARE_SAMPLED = frozenset({ResourceType.MODEL, ResourceType.SNAPSHOT})


def _unset(name: str) -> str:
    return f"no {name}"


def _unread(node: DbtNode) -> str:
    return f"no content of {node.definition.file}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtSurroundings:
    """What can change the results of nodes besides the manifest, as dbt reads it; contains secrets."""

    vars: Mapping[str, Mapping[str, object]]
    """The vars that the nodes of each package see."""
    target: Mapping[str, object]
    """The values of `target` in Jinja."""
    flags: Mapping[str, str]
    """Every flag that a text can read, with its value as text."""
    changing_flags: frozenset[str]
    """The flags that differ in each invocation."""
    started_at: datetime
    limits: Mapping[str, str]
    """The flags in use that limit which rows are read."""
    settings: Mapping[str, object]
    """The project's settings that can change the results of any node."""
    connection: Mapping[str, object]
    """The keys of the active target that change results."""
    plugin_code: str | None
    """The digest of the code of the profile's own plugins."""
    plugins_not_found: tuple[str, ...]
    """The plugins whose code was not found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything outside of the manifest that affects results."""

    vars: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """The vars that nodes see and their values, by package."""
    environment: Callable[[str], str] = _unset
    """Returns the digest of an environment variable's value, never the value itself; for `*`, of all variables."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """The versions of dbt, its adapter and the database."""
    python_versions: Mapping[str, str] = field(default_factory=dict)
    """The versions of Python and of the packages that Python models use."""
    target: Mapping[str, object] = field(default_factory=dict)
    """The values of `target` in Jinja, without secrets."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Every flag that a text can read, such as `flags.FULL_REFRESH`, with its value as text."""
    changing_flags: frozenset[str] = frozenset()
    """The flags that differ in each invocation; a text that reads one is volatile."""
    started_at: datetime | None = None
    """The start of dbt's invocation, in UTC. The batches of microbatch models end there."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """The flags that limit which rows are read or whether a test stores its rows; see `limits_for`."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Other inputs of every node: the order of dispatch, the project's flags, facts about the database."""
    profile: Mapping[str, str] = field(default_factory=dict)
    """Digests of the settings in the profile and in the process that affect results, by name."""
    not_understood: tuple[str, ...] = ()
    """What outside of the project cannot be compared, such as a plugin whose code was not found."""
    seed_content: Callable[[DbtNode], str] = _unread
    """Returns the digest of the bytes of a seed's file."""
    recorded: Mapping[str, str] = field(default_factory=dict)
    """Parts of every node that cannot be read now, as last recorded."""

    def setting_parts(self) -> dict[str, str]:
        """Return the parts for the settings and the profile, which every node has."""
        parts = {f"setting:{name}": digest_of([value]) for name, value in self.settings.items()}
        return {**parts, **{f"profile:{name}": digest for name, digest in self.profile.items()}, **self.recorded}


def shown_vars(around: Surroundings, package: str) -> dict[str, object]:
    """Return the vars that the nodes of a package see, without secrets: only hashes of those are known."""
    return {name: value for name, value in around.vars.get(package, {}).items() if not is_secret_name(name)}


def limits_for(node: DbtNode, manifest: Manifest, around: Surroundings) -> dict[str, str]:
    """Return the parts for the limiting flags that affect a node, as dbt applies them.

    `--empty` applies to calls of `ref()` and `source()`, but not in unit tests. `--sample` filters parents with an
    `event_time` for models and snapshots, and replaces the range of batches for microbatch models. `--event-time-start`
    and `--event-time-end` only choose the batches of microbatch models. Without an explicit end, the batches end at the
    present.
    """
    found = {}
    is_microbatch = node.materialized == "incremental" and _strategy(node) == "microbatch"
    for name, value in around.limits.items():
        match name:
            case "empty":  # it reads each parent with `where false limit 0`
                reaches = node.resource_type in _READ_PARENTS and bool(node.parents)
            case "sample":
                reaches = is_microbatch or (node.resource_type in _ARE_SAMPLED and _has_timed_parent(node, manifest))
            case "event-time-start" | "event-time-end":
                reaches = is_microbatch
            case "store-failures":
                configured = node.definition.config.get("store_failures")
                # The test's own setting overrides the flag.
                reaches = node.resource_type is ResourceType.TEST and configured is None
            case _:
                reaches = True  # a limit that is not known here may reach anything
        if reaches:
            found[f"setting:{name}"] = digest_of([value])
    # Without an end, the same code has another batch to build when the next one begins.
    if is_microbatch and not found.keys() & {"setting:event-time-end", "setting:sample"}:
        found["batches"] = digest_of([_newest_batch(around.started_at, node.definition.config.get("batch_size"))])
    return found


def _newest_batch(started_at: datetime | None, batch_size: object) -> str:
    """Return the start of the newest batch: the hour, day, month or year in which dbt's invocation began."""
    if started_at is None:
        return ""
    inside = started_at - timedelta(microseconds=1)  # a batch that ends exactly now is the newest
    begun = inside.replace(minute=0, second=0, microsecond=0)
    if batch_size != "hour":
        begun = begun.replace(hour=0)
    if batch_size in {"month", "year"}:
        begun = begun.replace(day=1)
    if batch_size == "year":
        begun = begun.replace(month=1)
    return begun.isoformat()


def _strategy(node: DbtNode) -> object:
    return node.definition.config.get("incremental_strategy")


def _has_timed_parent(node: DbtNode, manifest: Manifest) -> bool:
    return any(_event_time(parent, manifest) for parent in node.parents)


def _event_time(parent: NodeId, manifest: Manifest) -> object:
    if parent in manifest.sources:
        config = manifest.sources[parent].reading.get("config")
        return config.get("event_time") if isinstance(config, Mapping) else None
    return manifest.nodes[parent].definition.config.get("event_time") if parent in manifest.nodes else None
