"""The fingerprint of a node: named parts, each a digest, and one digest of all."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.digest import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something found in a text: what, and where."""

    what: str
    path: str
    line: int = 0
    """0 when it is no line of a file."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{self.what} ({place})" if place else self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What the result of one node follows from.

    A part is called by its kind and what it is of: `code`, `config:materialized`, `macro:macro.shop.cents`,
    `var:start_date`, `env:REGION`, `parent:model.shop.stg_orders`.
    """

    node: NodeId
    rendered: Mapping[str, str] = field(default_factory=dict)
    """Digests of what shows in the compiled SQL and nowhere else: where only these differ, compiling settles it."""
    built: Mapping[str, str] = field(default_factory=dict)
    """Digests of everything else."""
    compiled: str | None = None
    """The digest of the normalised compiled code, when that is known."""
    unknown: frozenset[NodeId] = frozenset()
    """The parents whose data nobody has a version of."""
    volatile: Finding | None = None
    """What gives another result each time, whatever the fingerprint says."""
    at_run_time: Finding | None = None
    """What asks the warehouse while the node is compiled: what its SQL is shows only when its parents stand."""

    @property
    def parts(self) -> dict[str, str]:
        """Every part by its name."""
        return {**self.rendered, **self.built}

    @property
    def digest(self) -> str:
        """The digest of all parts."""
        return digest_of("\n".join(f"{name} {part}" for name, part in sorted(self.parts.items())))
