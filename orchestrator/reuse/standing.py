"""What is recorded of a node's last builds and checks, in the store and in the target itself."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.fingerprints.value import Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFingerprint:
    """What a node's result followed from in a run."""

    fingerprint: Fingerprint
    identity: str
    """What the node is to its children: the digest of its fingerprint, or that of an earlier one of the same result."""
    doubts: "Standing | None" = None
    """What stood, of this fingerprint, and was found to be another thing than it builds to."""


STANDS = frozenset({Status.SUCCESS, Status.WARN})
"""What a node that leaves a fingerprint behind ended as; a result that was reused left its own before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The last time that a node ended well in a target."""

    run_id: str
    """It may have been forgotten since."""
    ended_at: datetime | None
    status: Status
    fingerprint: Fingerprint
    identity: str

    @property
    def is_doubted(self) -> bool:
        """Whether what that run left was later found to be another thing than it builds to."""
        return self.status is Status.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTry:
    """What became of a step when it last ran in a target, well or not."""

    run_id: str
    status: Status | None
    """None when nothing is known of its end."""
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a build leaves in the target beside its data: what the node's result follows from, as its step started."""

    digest: str
    """Of the node's fingerprint."""
    identity: str
    """What the node is to its children."""


DOUBTED = "doubted"
"""In the place of a digest: what stands follows from nothing that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What the target itself says stands of a node: written in the transaction that made it."""

    step_id: StepId
    relation: str
    """The name of what was built, as the database writes it."""
    run_id: str
    attempt: int
    """Which try of the step in that run, counted as the record counts them."""
    digest: str
    identity: str
    at: datetime
    """When it was written, at the end of the build."""
    is_whole: bool = True
    """Whether the build had ended with that transaction: no hook, and no other batch, came after it."""
    content: str | None = None
    """What the relation held then, as `facts.content_text` writes it; None if an earlier elt wrote the marker."""

    @property
    def is_doubted(self) -> bool:
        """Whether it takes back what an older marker says: what stands was found to be another thing."""
        return self.digest == DOUBTED
