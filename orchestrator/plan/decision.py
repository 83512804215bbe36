"""What is to become of a step when its turn comes, and why: a value, so that `plan` says what `run` does."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Act(StrEnum):
    """What a step does when all that it waits for has ended well."""

    RUN = "run"
    REUSE = "reuse"
    IF_CHANGED = "if_changed"  # decided when its parents have ended, by what they ended as
    CLOSED = "closed"  # a check above it did not pass when it last ran, and is not in the plan
    OPEN = "open"  # a load that failed run after run is not tried; what is below it reads the rows that stand
    OPEN_SKIPS = "open_skips"  # the same, and what is below it is skipped
    UNCONFIRMED = "unconfirmed"  # only the database can tell, and it could not be read: a run decides


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The act, and the reason in words."""

    act: Act
    words: str
    of_run: str = ""
    """Of what is reused, or would be: the run in which it ended well."""
    status: str = ""
    """What it ended as there: `success` or `warn`."""
    blame: str = ""
    """Of what is closed: the step that said no."""
    likely: Act | None = None
    """Of what is unconfirmed: what follows if the database holds what the record of runs says."""

    @property
    def may_reuse(self) -> bool:
        """Whether the step need not run when what stands is its result still; never of what is unconfirmed."""
        return self.act in {Act.REUSE, Act.IF_CHANGED}


def unconfirmed(likely: Decision) -> Decision:
    """Return a decision that was made without the database as one that a run must make again."""
    return replace(likely, act=Act.UNCONFIRMED, likely=likely.act)
