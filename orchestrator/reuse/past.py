"""The known state of a target before a run: what exists in it, and the last outcome of each step there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.nodes.identity import NodeId, Relation, short_name
from orchestrator.plan.status import FAIL_OR_ERROR, Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import Content, Sameness, compared
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.reuse.last_success import SUCCEEDED, LastAttempt, LastSuccess, Marker


def _anything(_relation: Relation) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is known about the existing result of a node."""

    then: LastSuccess | None = None
    """The record of the build that produced the existing result."""
    holds: str | None = None
    """The identity of the existing result, as its children see it; None if it is not known."""
    why: str = ""
    """Why the node must run in any case; empty if the existing result can be reused when nothing has changed."""
    is_elsewhere: bool = False
    """Whether only the target's marker shows the build, and this record does not contain it."""
    is_doubted: bool = False
    """Whether a verification found that the existing result differs. Equal inputs then prove nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The record of one target. A node that is not in it is not reused."""

    last_success: Mapping[StepId, LastSuccess] = field(default_factory=dict)
    last_attempts: Mapping[StepId, LastAttempt] = field(default_factory=dict)
    markers: Mapping[StepId, Marker] | None = None
    """The newest marker on each node's relation, whichever node wrote it; None if the target keeps no markers."""
    contents: Mapping[Relation, Content] = field(default_factory=dict)
    """The current content of the relations that were looked at and exist."""
    looked_at: frozenset[Relation] = frozenset()
    """The relations whose content is compared with their markers."""
    there: Callable[[Relation], bool] = _anything
    """Returns whether a table or view exists now."""
    unread: bool = False
    """Whether the database cannot be read now. Its content is then assumed to be as recorded."""
    unseen: bool = False
    """Whether elt can never read the database, so that no result in it is known to exist still."""

    def found(self, step_id: StepId, now: Fingerprint, relation: Relation | None) -> "Found":
        """Return what is known about the existing result of a node; `relation` is None for checks, which leave none."""
        if self.unseen:
            return Found(why=_UNSEEN)
        then = self.last_success.get(step_id)
        broken = self._broken(step_id, then)
        if relation is None:
            return Found(
                then=then, holds=None if then is None else then.identity, why=broken or ("" if then else _NEVER_RAN)
            )
        if not self.there(relation):
            return Found(why=_NEVER_BUILT if then is None else f"{relation} no longer exists")
        # The markers are written with the data, so they overrule the record.
        if self.markers is not None:
            return self._as_marked(step_id, relation, then, now)
        if then is not None and then.is_doubted:
            return _DOUBTED
        if then is None or broken:
            return Found(why=broken or _NEVER_BUILT)
        return Found(then=then, holds=then.identity)

    def stored_failures(self, step_id: StepId, now: Fingerprint, relation: Relation) -> "Found":
        """Return what is known about a test that stores its failing rows; it is reused if there were and are none."""
        found, content = self.found(step_id, now, None), self.contents.get(relation)
        # If the database is unread, a test that passed is assumed to have left no rows.
        if found.then is None or found.why or (self.unread and found.then.status is Status.SUCCESS):
            return found
        if not self.there(relation):
            return replace(found, why=f"{relation} no longer exists")
        is_empty = content is not None and content.count == 0
        if found.then.status is not Status.SUCCESS or not is_empty:
            return replace(found, why=f"the failing rows in {relation} may have changed")
        return found

    def _as_marked(self, step_id: StepId, relation: Relation, then: LastSuccess | None, now: Fingerprint) -> "Found":
        """Return what the marker shows: the target may have been restored or built from elsewhere since the record."""
        marker, broken = (self.markers or {}).get(step_id), self._broken(step_id, then)
        if marker is None:
            missing = _NOT_OURS if then is None else "the target does not say what it holds"
            return _DOUBTED if then is not None and then.is_doubted else Found(why=broken or missing)
        if marker.is_doubted:
            return _DOUBTED
        if touched := self._touched(marker, step_id, relation):
            return Found(why=touched)
        # The marker and the record describe the same build, so the record's fingerprint and identity apply.
        if then is not None and (marker.run_id, marker.digest) == (then.run_id, then.fingerprint.digest):
            return _DOUBTED if then.is_doubted else Found(then=then, holds=then.identity, why=broken)
        # The record has no success for this build, so only the marker shows whether it was completed.
        if not marker.is_whole:
            return Found(why=f"it was interrupted in run {marker.run_id}")
        if marker.digest != now.digest:
            return Found(holds=marker.identity, why=f"it was built from something else in run {marker.run_id}")
        elsewhere = LastSuccess(
            run_id=marker.run_id,
            ended_at=marker.at,
            status=Status.SUCCESS,
            fingerprint=now,
            identity=marker.identity,
        )
        # The marker has the digest of the current fingerprint, so that fingerprint describes the build.
        return Found(then=elsewhere, holds=marker.identity, is_elsewhere=True)

    def _touched(self, marker: Marker, step_id: StepId, relation: Relation) -> str:
        """Return why a relation may not hold the result of the node's last build; empty if it does."""
        if marker.step_id != step_id:
            return f"{relation} was last built by {short_name(NodeId(marker.step_id))}, in run {marker.run_id}"
        # The run builds it in any case, so reading what it holds is not worth the time.
        if relation not in self.looked_at:
            return ""
        content = self.contents.get(relation)
        match compared(marker.content, content):
            case Sameness.SAME:
                return ""
            case Sameness.OTHER:
                return f"{relation} was changed by something other than elt since run {marker.run_id}"
            case Sameness.NOT_KNOWN:
                why = content.why_not if content is not None and content.why_not else "its content was not recorded"
                return f"{relation} may have been changed since run {marker.run_id}: {why}"

    def _broken(self, step_id: StepId, then: LastSuccess | None) -> str:
        """Return, in words, the last attempt of a node if it did not succeed; empty if it did."""
        last = self.last_attempts.get(step_id)
        if last is None or (last.status in SUCCEEDED and then is not None and last.run_id == then.run_id):
            return ""
        if last.status is None or last.status is Status.CANCELLED:
            return f"it was interrupted in run {last.run_id}"
        return f"it ended as {last.status.value} in run {last.run_id}"

    def check_words(self, check: StepId, name: str) -> str:
        """Return why a check prevents the reuse of its node; empty if it passed last time."""
        last = self.last_attempts.get(check)
        if last is None:
            return "" if check in self.last_success else f"its check never ran here: {name}"
        if last.status is None or last.status is Status.CANCELLED:
            return f"its last check was interrupted: {name}"
        if last.status in FAIL_OR_ERROR:
            return f"its last check {'failed' if last.status is Status.FAIL else 'errored'}: {name}"
        return ""

    def said_no(self, check: StepId, checked: StepId | None = None) -> bool:
        """Return whether a check failed or errored last time; with `checked`, on the existing result of that node."""
        last = self.last_attempts.get(check)
        if last is None or last.status not in FAIL_OR_ERROR:
            return False
        if checked is None:
            return True
        then = self.last_success.get(checked)
        if then is None or then.ended_at is None or last.ended_at is None:
            return False
        return last.ended_at >= then.ended_at  # an older check saw other rows than those that exist


_DOUBTED = Found(why="the existing table was found to differ from what the node builds", is_doubted=True)
_NEVER_BUILT = "never built here"
_NOT_OURS = "it exists, but elt did not build it"
_NEVER_RAN = "never ran here"
_UNSEEN = "elt cannot see what this target holds"
