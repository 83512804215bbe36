"""A few of the random pairs of runs; `make reuse-pairs` runs as many as are asked for."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.reuse_pairs.drawing import Pair, draw_pair
from tests.reuse_pairs.parts import BULLETS, DRAWERS, NOTHING
from tests.reuse_pairs.proof import done_from, figures, read_done
from tests.reuse_pairs.running import Places, Verdict, run_pair

SEED, DRAWN = 7, 8 * len(DRAWERS)
LEAST_REUSED = 0.9


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with Places(tmp_path_factory.mktemp("pairs")) as places:
        yield places


@cache
def drawn() -> tuple[Pair, ...]:
    """Draw pairs without running them."""
    return tuple(draw_pair(SEED, number) for number in range(DRAWN))


def first_with(bullet: str) -> int:
    return next(
        pair.number
        for pair in drawn()
        if pair.adapter == "duckdb" and pair.edits[0].drawer.bullet == bullet and not pair.edits[0].drawer.slow
    )


@pytest.mark.functional
@pytest.mark.parametrize("bullet", [bullet for bullet in BULLETS if bullet != NOTHING])
def test_reuse_leaves_what_a_full_run_leaves(bullet: str, places: Places) -> None:
    """After a random edit of each kind, tables, views and statuses are those of a full run of the same project."""
    verdict = run_pair(draw_pair(SEED, first_with(bullet)), places)
    assert not verdict.void
    assert not verdict.found, [str(edit) for edit in verdict.pair.edits]


@pytest.mark.functional
def test_edits_without_effect_leave_nearly_everything_reused(places: Places) -> None:
    """Where nothing has an effect, at least nine steps of ten are reused: the comparison is not an empty one."""
    calm = [pair for pair in drawn() if pair.adapter == "duckdb" and all(one.drawer.harmless for one in pair.drawn)]
    verdicts = [run_pair(pair, places) for pair in [pair for pair in calm if not pair.drawn[0].drawer.slow][:2]]
    assert [verdict.found for verdict in verdicts] == [(), ()]
    assert sum(one.reused for one in verdicts) >= LEAST_REUSED * sum(one.steps for one in verdicts) > 0


def test_pairs_meet_every_kind_of_edit() -> None:
    """Each drawer of each bullet is drawn, in both databases, with a mart of its own and without."""
    assert {one.drawer.name for pair in drawn() for one in pair.edits} == {drawer.name for drawer in DRAWERS}
    assert {drawer.bullet for drawer in DRAWERS} == set(BULLETS)
    assert {pair.adapter for pair in drawn()} == {"duckdb", "postgres"}
    assert {pair.mart is None for pair in drawn()} == {True, False}
    assert {len(pair.edits) for pair in drawn()} == {1, 2}


def test_the_same_seed_and_number_draw_the_same_pair() -> None:
    """What a counterexample names is enough to see it again, whichever pairs were drawn before."""
    first = draw_pair(5, 7)
    assert draw_pair(5, 8).files != first.files or draw_pair(5, 8).drawn[0].part.files != first.drawn[0].part.files
    again = draw_pair(5, 7)
    assert (again.files, again.mart, [str(one) for one in again.drawn]) == (
        first.files,
        first.mart,
        [str(one) for one in first.drawn],
    )
    assert [one.part.files for one in again.drawn] == [one.part.files for one in first.drawn]


def test_finished_steps_are_not_repeated_with_the_same_code(tmp_path: Path) -> None:
    """A line that was cut short is no pair, and what other code did is done again."""
    import json
    from dataclasses import asdict

    one = done_from(Verdict(pair=draw_pair(1, 3), found=("a difference",), steps=4, reused=1), "one")
    state = tmp_path / "seed-1.jsonl"
    state.write_text(json.dumps(asdict(one)) + "\n" + json.dumps(asdict(one))[:40])
    assert read_done(state, "one", 1) == {3: one}
    assert read_done(state, "two", 1) == {}
    assert "counterexamples 1" in list(figures([one]))
