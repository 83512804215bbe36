"""The pairs that are drawn cover what they must: every defect, every way, thirty kinds, in at most forty pairs."""

from collections import Counter

import pytest

from tests.agreement.pairs import LIMIT, every_pair, ordinary_pairs
from tests.agreement.projects import defects_of, project_names
from tests.agreement.ways import FAIL_FAST, PLAIN, WAYS

DEFECTS = {project: defects_of(project) for project in project_names()}


def test_the_suite_covers_every_defect_and_every_way() -> None:
    """At most forty pairs hold every defect of every project once, and every way."""
    pairs = ordinary_pairs(DEFECTS)
    assert len(pairs) <= LIMIT <= 40
    met = Counter((pair.project, defect.name) for pair in pairs for defect in pair.defects)
    assert met == {(project, defect.name): 1 for project, own in DEFECTS.items() for defect in own}
    assert {pair.way for pair in pairs} == set(WAYS)
    assert all(len(pair.defects) == 1 for pair in pairs if pair.way == FAIL_FAST)


def test_there_are_six_projects_and_thirty_kinds_of_defect() -> None:
    """The projects are many, and so are the things that can go wrong with them."""
    assert len(DEFECTS) >= 6
    assert len({defect.kind for own in DEFECTS.values() for defect in own}) >= 30


@pytest.mark.parametrize("project", sorted(DEFECTS))
def test_the_whole_proof_covers_each_defect_in_plain_mode_and_each_way_with_five(project: str) -> None:
    """Undisturbed in every way, each defect in plain mode, each other way with at least five defects."""
    pairs = every_pair(project, DEFECTS[project])
    assert {pair.way for pair in pairs if not pair.defects} == set(WAYS)
    plain = [pair.defects[0].name for pair in pairs if pair.defects and pair.way == PLAIN]
    assert plain == [defect.name for defect in DEFECTS[project]]
    for way in WAYS:
        assert len({pair.defects[0].name for pair in pairs if pair.defects and pair.way == way}) >= 5
    assert len({pair.name for pair in pairs}) == len(pairs)


@pytest.mark.parametrize("project", sorted(DEFECTS))
def test_the_same_seed_draws_the_same_pairs(project: str) -> None:
    """A pair that disagreed can be drawn again."""
    assert every_pair(project, DEFECTS[project]) == every_pair(project, DEFECTS[project])
    assert ordinary_pairs(DEFECTS) == ordinary_pairs(DEFECTS)
