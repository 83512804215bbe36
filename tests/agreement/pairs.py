"""Which defects meet which ways: every pair for the whole proof, and the few of the ordinary suite."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random

from tests.agreement.projects import Defect, can_meet
from tests.agreement.ways import FAIL_FAST, PLAIN, WAYS, Way

SEED = 20261121
DEFECTS_A_WAY = 5
LIMIT = 30
"""How many pairs the ordinary suite can afford; its defects need most of them."""
BUILT = "ledger"
"""The one project that the ordinary suite builds before a pair: it has every incremental strategy."""


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


def command_of(pair: Pair) -> str:
    """Give what to type to try a pair again."""
    defects = "".join(f" --defect {defect.name}" for defect in pair.defects)
    return f"python -m tests.agreement {pair.project}{defects} --way '{pair.way.name}'"


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

    Several defects stand in one pair, unless one undoes the other or stops everything. In every third project one
    defect stands alone, for `--fail-fast`; the other ways are dealt in turn over all the projects, those that need a
    build before them over one. What stops everything is run in plain mode: no way gets that far.

    Raises:
        ValueError: so few pairs cannot hold every defect.
    """
    lonely, together, alone = {}, {}, {}
    for place, project in enumerate(sorted(defects)):
        random = Random(f"{seed} {project}")
        alone[project] = [defect for defect in defects[project] if defect.stops_everything]
        others = [defect for defect in defects[project] if not defect.stops_everything]
        shuffled = random.sample(others, len(others))
        lonely[project], together[project] = (shuffled[:1], shuffled[1:]) if place % 3 == 1 else ([], shuffled)
    fixed = sum(len(lonely[project]) + len(alone[project]) for project in defects)
    groups = _dealt(together, limit - fixed)
    ways = [way for way in WAYS if way is not FAIL_FAST]
    on_a_full, on_an_empty = (cycle([way for way in ways if way.needs_a_build is full]) for full in (True, False))
    pairs: list[Pair] = []
    for project in together:
        dealt = on_a_full if project == BUILT else on_an_empty
        pairs += [Pair(project=project, defects=(defect,), way=FAIL_FAST) for defect in lonely[project]]
        pairs += [Pair(project=project, defects=group, way=next(dealt)) for group in groups[project]]
        pairs += [Pair(project=project, defects=(defect,), way=PLAIN) for defect in alone[project]]
    return tuple(pairs)


def _dealt(others: Mapping[str, Sequence[Defect]], count: int) -> dict[str, list[tuple[Defect, ...]]]:
    """Deal defects into at most so many groups: each project as few as its defects need, then the fullest one more.

    The project that is built before has a group for each way that needs it.
    """
    sizes = {project: _fewest(project, own) for project, own in others.items()}
    if BUILT in sizes:
        sizes[BUILT] = max(sizes[BUILT], sum(way.needs_a_build for way in WAYS))
    if sum(sizes.values()) > count:
        raise ValueError(f"the defects need {sum(sizes.values())} groups where there is room for {count}")
    for _ in range(count - sum(sizes.values())):
        sizes[max(sizes, key=lambda project: len(others[project]) / sizes[project])] += 1
    return {project: _groups(project, own, sizes[project]) for project, own in others.items()}


def _fewest(project: str, defects: Sequence[Defect]) -> int:
    return next(count for count in range(1, len(defects) + 1) if all(_groups(project, defects, count)))


def _groups(project: str, defects: Sequence[Defect], count: int) -> list[tuple[Defect, ...]]:
    """Put defects into so many groups, the hardest to place first; they are empty when it cannot be done."""
    by_file = Counter(file for defect in defects for file in defect.files)
    hard = {defect.name: sum(by_file[file] for file in defect.files) for defect in defects}
    groups: list[tuple[Defect, ...]] = [() for _ in range(count)]
    for defect in sorted(defects, key=lambda one: -hard[one.name]):
        fitting = [place for place, group in enumerate(groups) if can_meet(project, (*group, defect))]
        if not fitting:
            return [()]
        groups[min(fitting, key=lambda place: len(groups[place]))] += (defect,)
    return groups
