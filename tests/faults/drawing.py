"""Draws the plans of the small runs and the moments at which they die: the same seed, the same drawing."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.plan.plan import Plan
from tests.factories import make_step

KINDS = ("load", "table", "table", "append", "append", "test", "suite")
"""What a step does to the warehouse is in its name (see runner.py)."""


@dataclass(frozen=True)
class Death:
    """The process dies at the n-th time that it passes a point."""

    point: str
    passing: int
    late: bool = False
    """Whether what runs beside it gets on for a moment more."""

    def __str__(self) -> str:
        return f"{self.point}, time {self.passing}{', a moment later' if self.late else ''}"

    def as_fault(self) -> dict[str, object]:
        """Give what afflicts a run with it."""
        return {"kind": "kill", "point": self.point, "passing": self.passing, "late": self.late}


@dataclass(frozen=True, kw_only=True)
class Proven:
    """A run that died and came to the end of an undisturbed one."""

    deaths: tuple[Death, ...]
    """Those that it really died."""
    sittings: int
    """How many processes had a part in it."""
    steps: int
    rows: int


def draw_plan(seed: int) -> Plan:
    """Draw three to eight steps, each below some of those before it."""
    draw = random.Random(seed)
    names: list[str] = []
    steps = []
    for number in range(draw.randint(3, 8)):
        builders = [name for name in names if name.split("_")[0] in {"load", "table", "append"}]
        kind = draw.choice(KINDS if builders else ("load", "table", "append"))
        least = 1 if kind in {"test", "suite"} else 0
        parents = draw.sample(builders, min(len(builders), draw.randint(least, 2)))
        names.append(f"{kind}_{number}")
        steps.append(make_step(names[-1], parents=parents if kind != "load" else ()))
    return Plan(steps=tuple(steps))


def draw_deaths(seed: int, passings: Mapping[str, int], count: int) -> list[Death]:
    """Draw so many different moments of a run that passes each point so often: each point once before any one twice."""
    draw = random.Random(f"deaths of {seed}")
    left = {point: list(range(1, times + 1)) for point, times in sorted(passings.items())}
    deaths: list[Death] = []
    while len(deaths) < count and left:
        for point in draw.sample(sorted(left), len(left)):
            passing = left[point].pop(draw.randrange(len(left[point])))
            deaths.append(Death(point, passing, late=draw.random() < 0.5))
            if not left[point]:
                del left[point]
    return deaths[:count]
