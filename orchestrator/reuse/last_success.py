"""The records of a node's last builds and checks, in the store and in the target itself."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.fingerprints.value import Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFingerprint:
    """The inputs of a node's result in a run."""

    fingerprint: Fingerprint
    identity: str
    """Identifies the result for the node's children. An earlier build with the same result keeps its identity."""
    doubts: "LastSuccess | None" = None
    """An earlier build of this fingerprint that a verification found to differ from what the node builds to."""


SUCCEEDED = frozenset({Status.SUCCESS, Status.WARN})
"""The statuses that leave a fingerprint. A reused result keeps the one of its earlier build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSuccess:
    """The last time that a node succeeded in a target."""

    run_id: str
    """The run itself may have been removed from the record since."""
    ended_at: datetime | None
    status: Status
    fingerprint: Fingerprint
    identity: str

    @property
    def is_doubted(self) -> bool:
        """Whether a later verification found that the result of that run differs from what the node builds to."""
        return self.status is Status.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAttempt:
    """The outcome of the last attempt of a step in a target, successful or not."""

    run_id: str
    status: Status | None
    """None if its outcome is not known."""
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a build writes to the target with its data: the inputs of the node's result when its step started."""

    digest: str
    """The digest of the node's fingerprint."""
    identity: str
    """Identifies the result for the node's children."""


DOUBTED = "doubted"
"""Takes the place of a digest if the inputs of the existing relation are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """The target's own record of what a node's relation holds, written in the transaction that built it."""

    step_id: StepId
    relation: str
    """The name of the relation, as the database writes it."""
    run_id: str
    attempt: int
    """The number of the attempt in that run, as the record counts them."""
    digest: str
    identity: str
    at: datetime
    """When the marker was written, at the end of the build."""
    is_whole: bool = True
    """Whether that transaction completed the build: no hook and no other batch followed."""
    content: str | None = None
    """What the relation held then, as `facts.content_text` writes it; None if an earlier version of elt wrote it."""

    def is_of(self, node: DbtNode) -> bool:
        """Return whether it is of the relation that the node builds now."""
        return node.relation_name == self.relation

    @property
    def is_doubted(self) -> bool:
        """Whether it revokes an older marker, because a verification found that the relation differs."""
        return self.digest == DOUBTED
