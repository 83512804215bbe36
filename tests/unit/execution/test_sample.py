"""Which of the reused steps of a run are verified: drawn by the run's id, the same again when it goes on."""

import math

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.outcome import ReasonCode
from orchestrator.execution.sample import Sample, drawn
from orchestrator.plan.decision import Act, Decision
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from tests.factories import make_outcome, make_step

steps = st.lists(st.integers(0, 500).map(lambda at: StepId(f"model.shop.m{at}")), unique=True)
shares = st.floats(0, 1)


@given(steps=steps, share=shares, run=st.text(max_size=8))
def test_the_draw_follows_from_the_run_and_the_steps_alone(steps, share, run):
    """In whatever order they come; it is the share of them, rounded up, and all of them at 100 %."""
    found = drawn(steps, share, run)
    assert found == drawn(steps[::-1], share, run)
    assert math.floor(share * len(steps)) <= len(found) <= math.ceil(share * len(steps))
    assert drawn(steps, 1, run) == set(steps)
    assert bool(found) == bool(steps and round(share * len(steps), 9))


@given(steps=steps, low=shares, high=shares)
def test_a_larger_share_draws_a_superset(steps, low, high):
    """So that nights at 5 % and at 10 % of one run agree."""
    low, high = sorted((low, high))
    assert drawn(steps, low, "r") <= drawn(steps, high, "r")


def test_a_share_of_100_means_all():
    """5 % of 100 are 5, though 0.05 is a little more; another run draws others."""
    hundred = [StepId(f"model.shop.m{at}") for at in range(100)]
    assert len(drawn(hundred, 0.05, "one")) == 5
    assert drawn(hundred, 0.05, "one") != drawn(hundred, 0.05, "two")


def candidates(**acts: Act):
    return [make_step(f"{name}", decision=Decision(act=act, words="")) for name, act in acts.items()]


@given(
    acts=st.dictionaries(st.sampled_from("abcdef"), st.sampled_from((Act.REUSE, Act.IF_CHANGED)), min_size=1),
    share=st.floats(0.01, 1),
    data=st.data(),
)
def test_a_run_that_reuses_a_table_verifies_one(acts, share, data):
    """Whichever of those that may yet run turn out to run."""
    sample = Sample.of(candidates(**acts), share, "r")
    reused = [name for name, act in acts.items() if act is Act.REUSE or data.draw(st.booleans())]
    taken = [name for name in data.draw(st.permutations(reused)) if sample.takes(StepId(name))]
    assert bool(taken) == bool(reused)
    assert len(taken) <= math.ceil(share * len(acts)) + 1


def test_verification_by_an_earlier_sitting_of_the_run_counts():
    """The first that is reused is taken in place of one that was drawn: once in a run, not once a sitting."""
    certain = Sample.of(candidates(a=Act.REUSE, b=Act.REUSE), 0.5, "r")
    assert sum(certain.takes(StepId(name)) for name in "ab") == 1
    again = Sample(candidates=frozenset(map(StepId, "ab")))
    again.heard(make_outcome("a", Status.REUSED, code=ReasonCode.VERIFIED))
    assert not again.takes(StepId("b"))
    assert not Sample.of(candidates(a=Act.IF_CHANGED), 0, "r").takes(StepId("a"))
