"""Defines the decision on a step before the run, and its reason: `plan` shows what `run` will do."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Act(StrEnum):
    """What a step does when all steps that it waits for have succeeded."""

    RUN = "run"
    REUSE = "reuse"
    IF_CHANGED = "if_changed"  # decided when its parents have ended, from their outcomes
    CLOSED = "closed"  # an upstream check, not in the plan, did not pass when it last ran
    RECENT = "recent"  # a load that is younger than `refresh_every` is not repeated
    OPEN = "open"  # a load that failed in consecutive runs is not attempted; its children read the existing rows
    OPEN_SKIPS = "open_skips"  # the same, and its children are skipped
    UNCONFIRMED = "unconfirmed"  # depends on the database, which could not be read: decided in the run


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a step does, and the reason in words."""

    act: Act
    words: str
    of_run: str = ""
    """Of a step that is or may be reused: the run in which it succeeded."""
    status: str = ""
    """Its status in that run: `success` or `warn`."""
    blame: str = ""
    """Of a closed gate: the step that did not pass."""
    likely: Act | None = None
    """Of an unconfirmed decision: the act that follows if the database agrees with the record of runs."""

    @property
    def may_reuse(self) -> bool:
        """Whether the step need not run if its existing result is current; never true of an unconfirmed decision."""
        return self.act in {Act.REUSE, Act.IF_CHANGED}


def unconfirmed(likely: Decision) -> Decision:
    """Return a decision that was made without the database as one that the run must confirm."""
    return replace(likely, act=Act.UNCONFIRMED, likely=likely.act)
