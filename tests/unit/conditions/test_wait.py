"""A wait ends when all conditions are true, or at the first deadline that decides it; nothing blocks a deadline."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.conditions.answer import Answer, impossible, not_yet, true, unknown
from orchestrator.conditions.condition import FileCondition
from orchestrator.conditions.wait import wait_for
from orchestrator.conditions.waiting import ConditionNote, ConditionState, WaitOutcome, WaitResult
from orchestrator.config.wait_settings import Otherwise
from orchestrator.errors import ConditionError, ImpossibleConditionError, RunSkippedError

LIMIT = 30.0
HANGS = float("inf")


def condition(place="a", *, every=60.0, within=3600.0, otherwise=Otherwise.FAIL) -> FileCondition:
    return FileCondition(
        place=place, every=timedelta(seconds=every), within=timedelta(seconds=within), otherwise=otherwise
    )


@dataclass
class World:
    """A clock that only sleeping moves, and conditions that come true at a time, or whose answer takes a while."""

    true_at: dict[str, float] = field(default_factory=dict)
    takes: dict[str, float] = field(default_factory=dict)
    says: dict[str, Answer] = field(default_factory=dict)
    time: float = 1000.0
    began: float = 1000.0
    asked: list[tuple[str, float]] = field(default_factory=list)
    one_at_a_time: bool = False
    is_open: int = 0
    most_open: int = 0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0.001)

    def start(self, asked):
        self.is_open += 1
        self.most_open = max(self.most_open, self.is_open)
        self.asked.append((asked.place, self.time - self.began))
        return _Question(self, asked.place, self.time)

    def limit(self, _condition) -> float:
        return LIMIT

    def place(self, _condition) -> str:
        return "target" if self.one_at_a_time else ""

    def wait(self, *conditions, hear=lambda _note: None) -> WaitResult:
        return wait_for(conditions, now=self.now, sleep=self.sleep, ask=self, hear=hear)

    @property
    def elapsed(self) -> float:
        return self.time - self.began


@dataclass
class _Question:
    world: World
    place: str
    since: float

    def answer(self) -> Answer | None:
        world = self.world
        if world.time - self.since < world.takes.get(self.place, 0.0):
            return None
        if self.place in world.says:
            return world.says[self.place]
        is_true = self.since - world.began >= world.true_at.get(self.place, HANGS)
        return true("it is there") if is_true else not_yet("there is no such file")

    def end(self) -> None:
        self.world.is_open -= 1


def test_conditions_that_are_true_are_asked_once():
    """The run starts at once."""
    world = World(true_at={"a": 0, "b": 0})
    assert world.wait(condition("a"), condition("b")).outcome is WaitOutcome.READY
    assert [place for place, _ in world.asked] == ["a", "b"]
    assert world.is_open == 0


def test_a_condition_that_was_true_is_not_asked_again():
    """Only the others are."""
    world = World(true_at={"a": 0, "b": 150})
    assert world.wait(condition("a"), condition("b")).outcome is WaitOutcome.READY
    assert [place for place, _ in world.asked].count("a") == 1
    assert [round(at) for place, at in world.asked if place == "b"] == [0, 60, 120, 180]


def test_the_last_question_is_at_the_deadline():
    """What comes true between the last question and the deadline is not missed."""
    world = World(true_at={"a": 95})
    assert world.wait(condition("a", every=60, within=100)).outcome is WaitOutcome.READY
    assert [round(at) for _, at in world.asked] == [0, 60, 100]


def test_a_wait_for_several_names_all_that_did_not_come_true():
    """Each with the time that it had."""
    result = World().wait(condition("a", within=60), condition("b", within=60))
    said = "file a: there is no such file (within 1 min); file b: there is no such file (within 1 min)"
    assert result.reason == f"2 conditions did not come true: {said}"


@pytest.mark.parametrize(
    ("otherwise", "outcome", "error"),
    [
        (Otherwise.FAIL, WaitOutcome.FAILED, ConditionError),
        (Otherwise.SKIP, WaitOutcome.SKIPPED, RunSkippedError),
        (Otherwise.RUN, WaitOutcome.READY, None),
    ],
)
def test_a_wait_that_never_comes_true(otherwise, outcome, error):
    """It ends at its deadline, with what the condition says; the reason names what was last seen."""
    world = World()
    result = world.wait(condition("a", within=600, otherwise=otherwise))
    assert result.outcome is outcome
    assert 600 <= world.elapsed < 601
    assert result.reason == "The condition did not come true within 10 min: file a: there is no such file"
    if error is None:
        result.require_ready()
    else:
        with pytest.raises(error, match="there is no such file"):
            result.require_ready()


def test_a_condition_without_time_is_asked_once():
    """`within: 0s` only looks."""
    world = World()
    assert world.wait(condition("a", within=0)).outcome is WaitOutcome.FAILED
    assert len(world.asked) == 1


def test_what_cannot_come_true_ends_the_wait_at_once():
    """Whatever `otherwise` says: the condition is a mistake."""
    world = World(says={"a": impossible("the scheme foo:// is unknown", "Write a path.")})
    result = world.wait(condition("b"), condition("a", otherwise=Otherwise.RUN))
    assert result.outcome is WaitOutcome.FAILED
    assert world.elapsed < 1
    with pytest.raises(ImpossibleConditionError, match="the scheme foo:// is unknown"):
        result.require_ready()


def test_a_question_that_hangs_is_given_up_and_asked_again():
    """It counts as not answered, and does not delay the deadline of another condition."""
    world = World(takes={"a": HANGS})
    result = world.wait(condition("a"), condition("b", within=10, every=5))
    assert result.outcome is WaitOutcome.FAILED
    assert world.elapsed < 11
    assert world.is_open == 0, "the hanging question was ended"
    heard: list[ConditionNote] = []
    world = World(takes={"a": HANGS})
    world.wait(condition("a", within=100), hear=heard.append)
    assert {one.note for one in heard} == {"no answer within 30 s"}
    assert len(world.asked) == 2


def test_only_news_is_reported():
    """The same answer is heard once, however often it is asked."""
    heard: list[ConditionNote] = []
    world = World(true_at={"a": 600})
    world.wait(condition("a"), hear=heard.append)
    assert [one.state for one in heard] == [ConditionState.WAITING, ConditionState.TRUE]


def test_a_few_are_asked_at_the_same_time():
    """Many conditions do not start as many processes."""
    world = World(takes={str(number): 1.0 for number in range(50)}, true_at={str(number): 0 for number in range(50)})
    assert world.wait(*(condition(str(number)) for number in range(50))).outcome is WaitOutcome.READY
    assert world.most_open == 8


def test_what_only_one_process_may_open_is_asked_one_after_another():
    """Otherwise the questions would lock each other out; each is asked all the same."""
    world = World(takes=dict.fromkeys("abc", 1.0), true_at={"a": 0, "b": 0, "c": 2}, one_at_a_time=True)
    assert world.wait(condition("a"), condition("b"), condition("c")).outcome is WaitOutcome.READY
    assert world.most_open == 1
    assert [(place, round(at)) for place, at in world.asked] == [("a", 0), ("b", 1), ("c", 2)]


def test_an_interruption_ends_the_questions():
    """Ctrl-C ends the wait at once, and what asks."""
    world = World(takes={"a": 5.0})

    def interrupted(_seconds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wait_for([condition("a")], now=world.now, sleep=interrupted, ask=world)
    assert world.is_open == 0


@given(
    st.lists(
        st.tuples(
            st.integers(1, 300),  # every
            st.integers(0, 2000),  # within
            st.sampled_from(Otherwise),
            st.one_of(st.none(), st.integers(0, 3000)),  # true at
            st.sampled_from([0.0, 0.5, 29.0, HANGS]),  # how long an answer takes
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_decides_a_wait(drawn):
    """All true or not insisted on: it runs. Otherwise the earliest deadline that insists decides."""
    names = [str(number) for number in range(len(drawn))]
    world = World(
        true_at={name: at for name, (_, _, _, at, _) in zip(names, drawn, strict=True) if at is not None},
        takes={name: takes for name, (*_, takes) in zip(names, drawn, strict=True)},
    )
    conditions = [
        condition(name, every=every, within=within, otherwise=otherwise)
        for name, (every, within, otherwise, _, _) in zip(names, drawn, strict=True)
    ]
    result = world.wait(*conditions)
    assert world.is_open == 0
    late = [one for one in result.notes if one.state is ConditionState.LATE]
    for note in late:
        assert note.after >= note.condition.within.total_seconds()
        assert note.after <= note.condition.within.total_seconds() + LIMIT + 1
    insists = {one.condition.otherwise for one in late} - {Otherwise.RUN}
    match result.outcome:
        case WaitOutcome.READY:
            assert not insists
            assert all(one.state in {ConditionState.TRUE, ConditionState.LATE} for one in result.notes)
        case WaitOutcome.FAILED:
            assert Otherwise.FAIL in insists
        case WaitOutcome.SKIPPED:
            assert insists == {Otherwise.SKIP}
    for name, (every, within, *_) in zip(names, drawn, strict=True):
        times = [at for place, at in world.asked if place == name]
        assert times
        gaps = [after - before for before, after in pairwise(times)]
        assert all(gap >= every - 1e-6 for gap in gaps[:-1]), "only the last question, at the deadline, comes earlier"
        if gaps:
            assert gaps[-1] >= min(every, within - times[-2]) - 1e-6


def test_an_unknown_answer_is_asked_again():
    """A locked file or an unreachable server is no failure."""
    world = World(says={"a": unknown("another process has locked it")})
    result = world.wait(condition("a", within=120))
    assert len(world.asked) == 3
    assert result.notes[0].note == "another process has locked it"
