"""Which defects meet which ways: every pair for the whole proof, and the few of the ordinary suite."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.agreement.projects import Defect
from tests.agreement.ways import PLAIN, WAYS, Way

SEED = 20261121
DEFECTS_A_WAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A project with some defects (none: undisturbed), run in one way."""

    project: str
    defects: tuple[Defect, ...]
    way: Way

    @property
    def name(self) -> str:
        """What a report calls it."""
        return (
            f"{self.project}: {' and '.join(defect.name for defect in self.defects) or 'undisturbed'}, {self.way.name}"
        )


def every_pair(project: str, defects: Sequence[Defect], seed: int = SEED) -> tuple[Pair, ...]:
    """Give the whole proof of a project.

    Undisturbed in every way, every defect in plain mode, and each other way with at least five defects, drawn so that
    each defect meets about as many ways as any other.
    """
    random = Random(f"{seed} {project}")
    pairs = [Pair(project=project, defects=(), way=way) for way in WAYS]
    pairs += [Pair(project=project, defects=(defect,), way=PLAIN) for defect in defects]
    deck: list[Defect] = []
    for way in (way for way in WAYS if way is not PLAIN):
        drawn: list[Defect] = []
        while len(drawn) < min(DEFECTS_A_WAY, len(defects)):
            if not (left := [defect for defect in deck if defect not in drawn]):
                deck += random.sample(list(defects), len(defects))
                continue
            drawn.append(left[0])
            deck.remove(left[0])
        pairs += [Pair(project=project, defects=(defect,), way=way) for defect in drawn]
    return tuple(pairs)


def few_pairs(
    project: str, defects: Sequence[Defect], count: int, first_way: int, seed: int = SEED
) -> tuple[Pair, ...]:
    """Give the pairs that stand for a project in the ordinary suite: every defect occurs, several in one pair.

    Defects that touch the same file or stop everything do not meet. The ways are dealt in turn, from `first_way` on,
    so that the projects together meet all of them.
    """
    random = Random(f"{seed} {project}")
    alone = [(defect,) for defect in defects if defect.stops_everything]
    groups: list[list[Defect]] = [[] for _ in range(max(1, count - len(alone)))]
    others = [defect for defect in defects if not defect.stops_everything]
    for defect in random.sample(others, len(others)):
        fitting = [group for group in groups if all(_can_meet(defect, other) for other in group)]
        if not fitting:
            groups.append([])
            fitting = groups[-1:]
        min(fitting, key=len).append(defect)
    together = [*(tuple(group) for group in groups if group), *alone]
    return tuple(
        Pair(project=project, defects=group, way=WAYS[(first_way + place) % len(WAYS)])
        for place, group in enumerate(together)
    )


def _can_meet(one: Defect, other: Defect) -> bool:
    """Whether two defects can stand in one project without undoing each other."""
    return not (one.files & other.files or one.vars.keys() & other.vars.keys())
