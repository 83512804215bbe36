"""Which defects meet which ways: every pair for the whole proof, and the few of the ordinary suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random

from tests.agreement.projects import Defect
from tests.agreement.ways import FAIL_FAST, PLAIN, WAYS, Way

SEED = 20261121
DEFECTS_A_WAY = 5
LIMIT = 40


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


def ordinary_pairs(defects: Mapping[str, Sequence[Defect]], limit: int = LIMIT, seed: int = SEED) -> tuple[Pair, ...]:
    """Give the pairs of the ordinary suite, at most `limit`, in which every defect and every way occurs.

    Several defects stand in one pair, unless they touch the same file or stop everything. In each project one defect
    stands alone, for `--fail-fast`; the other ways are dealt in turn over all the projects.
    """
    alone = sum(defect.stops_everything for own in defects.values() for defect in own)
    left = limit - alone - 2 * len(defects)
    together = sum(not defect.stops_everything for own in defects.values() for defect in own)
    dealt = cycle(way for way in WAYS if way is not FAIL_FAST)
    pairs = []
    for project in sorted(defects):
        size = sum(not defect.stops_everything for defect in defects[project])
        groups = _groups(defects[project], 1 + left * size // max(together, 1), Random(f"{seed} {project}"))
        for place, group in enumerate(groups):
            pairs.append(Pair(project=project, defects=group, way=next(dealt) if place else FAIL_FAST))
    return tuple(pairs)


def _groups(defects: Sequence[Defect], count: int, random: Random) -> tuple[tuple[Defect, ...], ...]:
    """Give one defect, then the others in about `count` groups, then one by one those that stop everything."""
    alone = [(defect,) for defect in defects if defect.stops_everything]
    first, *others = random.sample(
        [defect for defect in defects if not defect.stops_everything], len(defects) - len(alone)
    )
    groups: list[list[Defect]] = [[] for _ in range(count)]
    for defect in others:
        fitting = [group for group in groups if all(_can_meet(defect, other) for other in group)]
        if not fitting:
            raise ValueError(f"{defect.name} meets no other defect of its project: more pairs are needed")
        min(fitting, key=len).append(defect)
    return ((first,), *(tuple(group) for group in groups if group), *alone)


def _can_meet(one: Defect, other: Defect) -> bool:
    """Whether two defects can stand in one project without undoing each other."""
    return not (one.files & other.files or one.vars.keys() & other.vars.keys())
