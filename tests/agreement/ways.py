"""The ways to run a project: the same words for both tools, on an empty warehouse or on a full one."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Part(StrEnum):
    """What of the project is named."""

    ALL = "all"
    SELECTED = "selected"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to run."""

    name: str
    options: tuple[str, ...] = ()
    part: Part = Part.ALL
    full: bool = False
    """Whether the warehouse already holds what an undisturbed run left, built as it was before any defect."""
    against_state: bool = False
    """Whether a saved state of another target supplies what is not selected."""

    def words_for(self, project: str) -> tuple[str, ...]:
        """Give the options for a project: one that warns as soon as it is parsed keeps such warnings in this way."""
        return _BUT_DEPRECATIONS if self.name == "warn-error" and project in _WARN_WHEN_PARSED else self.options

    @property
    def needs_a_build(self) -> bool:
        """Whether the project has to be built before, undisturbed."""
        return self.full or self.against_state


_WARN_WHEN_PARSED = {"wide_names"}  # of names with spaces: as an error that would end both tools before the first node
_BUT_DEPRECATIONS = ("--warn-error-options", '{"error": "all", "warn": ["Deprecations"]}')
PLAIN = Way(name="plain")
FAIL_FAST = Way(name="fail-fast", options=("--fail-fast", "--threads", "1"))
WAYS = (
    PLAIN,
    Way(name="again", full=True),
    FAIL_FAST,
    Way(name="warn-error", options=("--warn-error",)),
    Way(name="full-refresh", options=("--full-refresh",), full=True),
    Way(name="defer", options=("--defer", "--state", "state"), part=Part.SELECTED, against_state=True),
    Way(name="empty", options=("--empty",)),
    Way(name="sample", options=("--sample", "3 days")),
    Way(name="exclude", part=Part.EXCLUDED),
    Way(name="part of an empty warehouse", part=Part.SELECTED),
    Way(name="part of a full warehouse", part=Part.SELECTED, full=True),
)
BY_NAME = {way.name: way for way in WAYS}
_SHAPES = ("{}+", "+{}", "@{}", "2+{}+1", "{} {}+1", "+{},{}+ {}")
_OUTSIDE = ("{}", "{}+", "+{}", "{} resource_type:test", "{} resource_type:unit_test")


def draw_expression(part: Part, names: tuple[str, ...], near: tuple[str, ...], random: Random) -> str:
    """Draw what is selected or excluded: around a node that the defect touches, or around any where it touches none.

    `names` are what can be named, `near` those of them that the defect touches.
    """
    shape = random.choice(_SHAPES if part is Part.SELECTED else _OUTSIDE)
    name = random.choice((near or names) if part is Part.SELECTED else names)
    return shape.replace("{}", name)
