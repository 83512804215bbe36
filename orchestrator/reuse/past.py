"""What is known of a target before a run: what stands in it, and what each step last ended as there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator.nodes.identity import NodeId, Relation, short_name
from orchestrator.plan.status import FAIL_OR_ERROR, Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import Content, Sameness, compared
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.reuse.standing import STANDS, LastTry, Marker, Standing


def _anything(_relation: Relation) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What stands of a node, as far as it is known."""

    then: Standing | None = None
    """What the node was when what stands was made."""
    holds: str | None = None
    """What it is to its children as it stands; None when nobody knows."""
    why: str = ""
    """Why it must run all the same; empty where what stands will do if nothing changed since."""
    is_elsewhere: bool = False
    """Whether only the target knows of the build: this record has nothing of it."""
    is_doubted: bool = False
    """Whether what stands was found to be another thing than it builds to: then the same inputs say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The record of one target; of what is not in it nothing is reused."""

    standing: Mapping[StepId, Standing] = field(default_factory=dict)
    tries: Mapping[StepId, LastTry] = field(default_factory=dict)
    markers: Mapping[StepId, Marker] | None = None
    """The newest marker of each node's relation, whichever node wrote it; None where the target has no markers."""
    contents: Mapping[Relation, Content] = field(default_factory=dict)
    """What relations hold now, of those that were looked at and exist."""
    looked_at: frozenset[Relation] = frozenset()
    """The relations whose content is compared with what their markers say."""
    there: Callable[[Relation], bool] = _anything
    """Whether a table or view is there now."""
    unread: bool = False
    """Whether the database cannot be read now: then what it holds is taken to be what the record says."""

    def found(self, step_id: StepId, now: Fingerprint, relation: Relation | None) -> "Found":
        """Say what is known to stand of a node; a relation is what it leaves behind, checks leave none."""
        then = self.standing.get(step_id)
        broken = self._broken(step_id, then)
        if relation is None:
            return Found(
                then=then, holds=None if then is None else then.identity, why=broken or ("" if then else _NEVER_RAN)
            )
        if not self.there(relation):
            return Found(why=_NEVER_BUILT if then is None else f"{relation} is not there any more")
        if self.markers is not None:
            return self._as_marked(step_id, relation, then, now)
        if then is not None and then.is_doubted:
            return _DOUBTED
        if then is None or broken:
            return Found(why=broken or _NEVER_BUILT)
        return Found(then=then, holds=then.identity)

    def stored_failures(self, step_id: StepId, now: Fingerprint, relation: Relation) -> "Found":
        """Return what is known of a test that keeps its failing rows: it is reused if there were and are none."""
        found, content = self.found(step_id, now, None), self.contents.get(relation)
        if found.then is None or found.why or (self.unread and found.then.status is Status.SUCCESS):
            return found
        if not self.there(relation):
            return replace(found, why=f"{relation} is not there any more")
        is_empty = content is not None and content.count == 0
        if found.then.status is not Status.SUCCESS or not is_empty:
            return replace(found, why=f"the failing rows in {relation} may have changed")
        return found

    def _as_marked(self, step_id: StepId, relation: Relation, then: Standing | None, now: Fingerprint) -> "Found":
        """Let the target decide: it may have been restored, or built from elsewhere, since the record was written."""
        marker, broken = (self.markers or {}).get(step_id), self._broken(step_id, then)
        if marker is None:
            missing = _NOT_OURS if then is None else "the target does not say what it holds"
            return _DOUBTED if then is not None and then.is_doubted else Found(why=broken or missing)
        if marker.is_doubted:
            return _DOUBTED
        if touched := self._touched(marker, step_id, relation):
            return Found(why=touched)
        if then is not None and (marker.run_id, marker.digest) == (then.run_id, then.fingerprint.digest):
            return _DOUBTED if then.is_doubted else Found(then=then, holds=then.identity, why=broken)
        if not marker.is_whole:
            return Found(why=f"it was broken off in run {marker.run_id}")
        if marker.digest != now.digest:
            return Found(holds=marker.identity, why=f"it was built from something else in run {marker.run_id}")
        elsewhere = Standing(
            run_id=marker.run_id,
            ended_at=marker.at,
            status=Status.SUCCESS,
            fingerprint=now,
            identity=marker.identity,
        )
        return Found(then=elsewhere, holds=marker.identity, is_elsewhere=True)

    def _touched(self, marker: Marker, step_id: StepId, relation: Relation) -> str:
        """Return why a relation may hold something other than what the node's last build left."""
        if marker.step_id != step_id:
            return f"{relation} was last built by {short_name(NodeId(marker.step_id))}, in run {marker.run_id}"
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

    def _broken(self, step_id: StepId, then: Standing | None) -> str:
        """Say that something came of a node since it last ended well, or that it never did."""
        last = self.tries.get(step_id)
        if last is None or (last.status in STANDS and then is not None and last.run_id == then.run_id):
            return ""
        if last.status is None or last.status is Status.CANCELLED:
            return f"it was broken off in run {last.run_id}"
        return f"it ended as {last.status.value} in run {last.run_id}"

    def check_words(self, check: StepId, name: str) -> str:
        """Say why a check that stands in the way of its node's reuse does; nothing when it last said yes."""
        last = self.tries.get(check)
        if last is None:
            return "" if check in self.standing else f"its check never ran here: {name}"
        if last.status is None or last.status is Status.CANCELLED:
            return f"its last check was broken off: {name}"
        if last.status in FAIL_OR_ERROR:
            return f"its last check {'failed' if last.status is Status.FAIL else 'errored'}: {name}"
        return ""

    def said_no(self, check: StepId, judged: StepId | None = None) -> bool:
        """Return whether a check last failed or errored; with `judged`, on what exists of that node now."""
        last = self.tries.get(check)
        if last is None or last.status not in FAIL_OR_ERROR:
            return False
        if judged is None:
            return True
        then = self.standing.get(judged)
        return then is not None and _is_not_before(last.ended_at, then.ended_at)

    def ended_after(self, step: StepId, other: StepId) -> bool:
        """Return whether the last try of a step succeeded, and not before the last try of another ended."""
        last, then = self.tries.get(step), self.tries.get(other)
        if last is None or then is None or last.status not in STANDS:
            return False
        return _is_not_before(last.ended_at, then.ended_at)


def _is_not_before(at: datetime | None, then: datetime | None) -> bool:
    return at is not None and then is not None and at >= then


_DOUBTED = Found(why="what stands was found to differ from what it builds to", is_doubted=True)
_NEVER_BUILT = "never built here"
_NOT_OURS = "it exists, but elt did not build it"
_NEVER_RAN = "never ran here"
