"""Who is told of what, and how often."""

from dataclasses import replace
from datetime import time, timedelta
from itertools import pairwise
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.config.destination_url import AsWritten
from orchestrator.config.notification_settings import (
    Destination,
    Escalation,
    NotificationRule,
    NotificationSettings,
    NotifyEvent,
)
from orchestrator.nodes.identity import NodeId
from orchestrator.notifications.happening import Happening, HappeningKind
from orchestrator.notifications.letters import Letter
from orchestrator.notifications.notification_ledger import LetterKind, NotificationState
from orchestrator.notifications.notification_rules import NotificationPolicy, matches, told
from orchestrator.notifications.outbox import digest_text, escalations, next_digest, next_from_ledger, parcels
from orchestrator.notifications.run_facts import LOST, RUN
from orchestrator.notifications.trouble import CauseKey, NodeFacts, RunFacts, Trouble
from orchestrator.plan.status import Status
from tests.fakes.clock import NOON
from tests.fakes.notification_ledger import LedgerInMemory

TARGET = "duckdb shop.duckdb"
EVENTS = {"fail": NotifyEvent.FAILURE, "warn": NotifyEvent.WARNING, "none": NotifyEvent.NO_DATA}
NIGHT = timedelta(days=1)


def policy_for(*rules: NotificationRule, incidents: tuple[str, ...] = (), **destinations: Destination):
    """Make a policy; a rule for `team` with all default events if there is none."""
    url = AsWritten("json://localhost/")
    known = {name: replace(one, name=name, url=url) for name, one in destinations.items()}
    known = known or {"team": Destination(name="team", url=url)}
    chosen = rules or (NotificationRule(to=("team",)),)
    told_of = NotificationSettings(destinations=MappingProxyType(known), rules=chosen)
    return NotificationPolicy(settings=told_of, incidents=frozenset(incidents))


def night(number: float, *, green: bool | None = None, schedule: str = "nightly", **steps: str) -> RunFacts:
    """Make a run: each step ended with `ok`, `fail`, `warn`, `none` (no new data) or `skip`."""
    troubles = tuple(
        Trouble(
            key=key(step, EVENTS[how]),
            word=how,
            name=f"model {step}",
            step_name=step,
            concerned=(node(step),),
        )
        for step, how in steps.items()
        if how in EVENTS
    )
    at = NOON + number * NIGHT
    is_green = "fail" not in steps.values() if green is None else green
    happening = Happening(kind=HappeningKind.ENDED, at=at, run_id=f"r{number}", schedule=schedule, exit_code=0)
    return RunFacts(
        happening=happening,
        project="shop",
        run_id=f"r{number}",
        target="prod",
        target_identity=TARGET,
        status=Status.SUCCESS if is_green else Status.ERROR,
        troubles=troubles,
        ended={(TARGET, f"main.{step}", step): EVENTS.get(how) for step, how in steps.items() if how != "skip"}
        | {("", schedule, LOST): None, ("", schedule, RUN): None},
        is_green=is_green,
    )


def node(name: str) -> NodeFacts:
    return NodeFacts(id=NodeId(f"model.shop.{name}"), name=name, resource_type="model", owners=(f"of_{name}",))


def key(step: str, event: NotifyEvent = NotifyEvent.FAILURE) -> CauseKey:
    return CauseKey(target=TARGET, place=f"main.{step}", step=step, event=event)


def kinds(letters: tuple[Letter, ...]) -> list[tuple[str, LetterKind]]:
    return [(letter.destination, letter.kind) for letter in letters]


def test_three_failing_nights_make_one_message_and_one_reminder_and_the_fourth_one_recovery() -> None:
    """No message is repeated because the cause persists; a reminder comes after a day, and the next after two."""
    ledger, seen = LedgerInMemory(policy_for()), []
    for number, how in enumerate(("fail", "fail", "fail", "ok", "ok")):
        # The nights do not end at the same second.
        made = ledger.settle(night(number + number * 0.001, orders=how))
        ledger.send(NOON + (number + 0.1) * NIGHT)
        seen.append([kind for _, kind in kinds(made.letters)])
    assert seen == [[LetterKind.REPORT], [LetterKind.REMINDER], [], [LetterKind.RECOVERY], []]


def test_a_run_with_several_causes_makes_one_message() -> None:
    """It has all causes, and later only the new ones; those that were reported are mentioned."""
    ledger = LedgerInMemory(policy_for())
    (first,) = ledger.settle(night(0, a="fail", b="fail", c="skip")).letters
    assert [one.trouble.step_name for one in first.troubles] == ["a", "b"]
    ledger.send(NOON)
    (second,) = ledger.settle(night(0.5, a="fail", b="ok", c="fail")).letters
    assert [one.trouble.step_name for one in second.troubles] == ["c"]
    assert [cause.key.step for cause in second.lasting] == ["a"]
    assert [cause.key.step for cause in second.recovered] == ["b"]


def test_a_cause_that_did_not_run_again_stays_open() -> None:
    """Neither a skipped step nor a run of other nodes shows that a failure is over."""
    ledger = LedgerInMemory(policy_for())
    ledger.settle(night(0, a="fail"))
    ledger.send(NOON)
    assert not ledger.settle(night(0.1, a="skip", b="ok", green=False)).letters
    assert not ledger.settle(night(0.2, schedule="", b="ok")).letters
    assert [cause.times for cause in ledger.ledger().open.values()] == [1]


def test_a_green_run_of_its_schedule_without_the_step_resolves_a_cause() -> None:
    """The step was removed; otherwise its failure would be remembered for ever."""
    ledger = LedgerInMemory(policy_for())
    ledger.settle(night(0, a="fail"))
    ledger.send(NOON)
    assert kinds(ledger.settle(night(1, b="ok")).letters) == [("team", LetterKind.RECOVERY)]


def test_a_run_by_hand_that_repairs_a_reported_failure_sends_the_recovery() -> None:
    """The rules include only scheduled runs; the failure of one of them is over."""
    ledger = LedgerInMemory(policy_for())
    assert not ledger.settle(night(0, schedule="", b="fail")).letters
    ledger.settle(night(1, a="fail"))
    ledger.send(NOON + NIGHT)
    (letter,) = ledger.settle(night(1.1, schedule="", a="ok", b="ok")).letters
    assert [cause.key.step for cause in letter.recovered] == ["a"]


def test_a_failure_that_could_not_be_sent_is_withdrawn_when_it_is_over() -> None:
    """Without a message there is no recovery to tell of."""
    ledger = LedgerInMemory(policy_for())
    ledger.settle(night(0, a="fail"))
    ledger.send(NOON, works=False)
    made = ledger.settle(night(1, a="ok"))
    assert (made.letters, made.withdrawn) == ((), (1,))
    assert ledger.notifications[0].state is NotificationState.WITHDRAWN


def test_a_resumed_run_is_the_same_run() -> None:
    """It counts once, and what it still has is not reported again."""
    ledger = LedgerInMemory(policy_for())
    ledger.settle(night(0, a="fail"))
    ledger.send(NOON)
    again = replace(night(3, a="fail"), run_id="r0")
    assert not ledger.settle(again).letters
    assert [cause.times for cause in ledger.ledger().open.values()] == [1]


def test_an_owner_gets_what_concerns_that_owner() -> None:
    """A rule with owners selects the causes that concern their nodes."""
    policy = policy_for(NotificationRule(to=("team",), owners=("OF_B",)))
    (letter,) = LedgerInMemory(policy).settle(night(0, a="fail", b="fail")).letters
    assert [one.trouble.step_name for one in letter.troubles] == ["b"]
    assert letter.owners == ("OF_B",)


def test_an_incident_service_gets_one_message_for_each_cause_with_its_key() -> None:
    """The recovery has the key of its failure, even if no rule includes recoveries."""
    rule = NotificationRule(to=("pager",), events=(NotifyEvent.FAILURE,))
    ledger = LedgerInMemory(policy_for(rule, incidents=("pager",), pager=Destination(name="pager")))
    opened = {one.incident for one in ledger.settle(night(0, a="fail", b="fail")).letters}
    assert len(opened) == 2
    ledger.send(NOON)
    closed = ledger.settle(night(1, a="ok", b="ok")).letters
    assert {letter.incident for letter in closed} == opened
    assert {letter.kind for letter in closed} == {LetterKind.RECOVERY}


def test_a_success_is_told_only_to_those_who_ask_for_it() -> None:
    """In every run: it is not a cause that persists."""
    policy = policy_for(
        NotificationRule(to=("a",), events=(NotifyEvent.SUCCESS,)),
        NotificationRule(to=("b",)),
        a=Destination(name="a"),
        b=Destination(name="b"),
    )
    ledger = LedgerInMemory(policy)
    for number in (0, 1):
        assert kinds(ledger.settle(night(number, x="ok")).letters) == [("a", LetterKind.SUCCESS)]


def test_a_warning_is_told_once_and_its_end_not_at_all() -> None:
    """A warning wakes nobody, so nobody waits for its end."""
    policy = policy_for(NotificationRule(to=("team",), events=(NotifyEvent.WARNING, NotifyEvent.RECOVERY)))
    ledger = LedgerInMemory(policy)
    counts = []
    for number, how in enumerate(("warn", "warn", "ok")):
        counts.append(len(ledger.settle(night(number / 10, a=how)).letters))
        ledger.send(NOON + NIGHT)
    assert counts == [1, 0, 0]


def test_the_reason_why_a_destination_is_not_told_is_known() -> None:
    """`elt notify preview` shows it."""
    policy = policy_for(
        NotificationRule(to=("a",), schedules=("weekly",)),
        NotificationRule(to=("b",), events=(NotifyEvent.SUCCESS,)),
        **{name: Destination(name=name) for name in "abc"},
    )
    silent = LedgerInMemory(policy).settle(night(0, x="fail")).silent
    assert silent == {
        "a": "rule 1 includes only the schedules weekly",
        "b": "rule 2 does not include the event failure",
        "c": "no rule names it",
    }
    assert told(policy, "a", NotifyEvent.FAILURE, "", ()).why_not.startswith("rule 1 includes only scheduled runs")


def test_a_schedule_may_name_destinations_of_its_own() -> None:
    """Then they need no rule."""
    policy = replace(policy_for(NotificationRule(to=()), team=Destination(name="team")), added={"nightly": ("team",)})
    (letter,) = LedgerInMemory(policy).settle(night(0, x="fail")).letters
    assert letter.why == ("schedules.nightly.notify",)


def test_a_failure_that_lasts_is_escalated_once_and_its_end_is_told_there_too() -> None:
    """Also to a destination that no rule names."""
    team = Destination(name="team", escalate=Escalation(after=timedelta(hours=2), to=("boss",)))
    policy = policy_for(NotificationRule(to=("team",)), team=team, boss=Destination(name="boss"))
    ledger = LedgerInMemory(policy)
    ledger.settle(night(0, x="fail"))
    ledger.send(NOON)
    early, late = NOON + timedelta(hours=1.9), NOON + timedelta(hours=2)
    assert next_from_ledger(ledger.ledger(), policy) == late
    assert not list(escalations(ledger.ledger(), policy, "shop", early))
    (letter,) = escalations(ledger.ledger(), policy, "shop", late)
    assert (letter.destination, letter.kind) == ("boss", LetterKind.ESCALATION)
    ledger.put(letter, "nightly", "r0", late)
    ledger.send(late)
    assert not list(escalations(ledger.ledger(), policy, "shop", late + NIGHT))
    assert next_from_ledger(ledger.ledger(), policy) is None
    recovered = ledger.settle(night(1, x="ok")).letters
    assert kinds(recovered) == [("team", LetterKind.RECOVERY), ("boss", LetterKind.RECOVERY)]


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("UTC", "2026-11-28T07:59:59", "2026-11-28T08:00:00"),
        ("UTC", "2026-11-28T08:00:00", "2026-11-29T08:00:00"),
        ("Europe/Berlin", "2026-07-01T02:00:00", "2026-07-01T06:00:00"),
        ("Europe/Berlin", "2026-10-24T12:00:00", "2026-10-25T07:00:00"),  # an hour later in UTC than the day before
    ],
)
def test_a_digest_is_sent_at_its_time_of_day(zone: str, now: str, expected: str) -> None:
    """In the zone of the destination, also across daylight saving."""
    moments = [NOON.fromisoformat(f"{one}+00:00") for one in (now, expected)]
    assert next_digest(Destination(name="team", digest=time(8)), zone, moments[0]) == moments[1]


def test_a_digest_collects_what_happened_and_tells_of_failures_that_are_over() -> None:
    """One message has them all, in their order."""
    policy = policy_for(team=Destination(name="team", digest=time(8)))
    ledger = LedgerInMemory(policy)
    ledger.settle(night(0, x="fail"))
    ledger.settle(night(0.1, x="ok"))
    assert not ledger.send(NOON + timedelta(hours=3))
    due = [one for one in ledger.notifications if one.due_at <= NOON + timedelta(hours=20)]
    (parcel,) = parcels(due, policy)
    title, body, _ = digest_text(parcel)
    assert title == "2 notifications"
    assert body.index("report") < body.index("recovery")


@pytest.mark.parametrize(
    ("selection", "is_named"),
    [
        ("orders", True),
        ("ord*", True),
        ("other", False),
        ("tag:fin", True),
        ("tag:hr", False),
        ("path:models/marts", True),
        ("path:models/mart", False),
        ("resource_type:model", True),
        ("source:orders", False),
    ],
)
def test_a_selection_names_nodes_by_name_tag_path_or_type(selection: str, is_named: bool) -> None:
    orders = replace(node("orders"), path="models/marts/orders.sql", tags=("fin",))
    assert matches(selection, orders) is is_named


HOW = st.sampled_from(["ok", "fail", "warn", "skip", "fail", "ok"])
PAUSE = st.sampled_from([0.04, 1.0, 3.0])
NIGHTS = st.lists(st.tuples(st.fixed_dictionaries({"a": HOW, "b": HOW}), st.booleans(), PAUSE), max_size=12)


@settings(deadline=None, max_examples=300)
@given(nights=NIGHTS, has_digest=st.booleans(), is_incident=st.booleans())
def test_one_open_cause_makes_one_message_and_at_most_one_recovery(nights, has_digest, is_incident) -> None:
    """Whatever fails and whenever sending works: reminders aside, nothing is told twice, and no end without a start."""
    team = Destination(name="team", digest=time(8) if has_digest else None)
    ledger = LedgerInMemory(policy_for(team=team, incidents=("team",) if is_incident else ()))
    number = 0.0
    for steps, works, pause in nights:
        number += pause
        now = NOON + number * NIGHT
        before = {key for key, cause in ledger.causes.items() if cause.resolved_at is None}
        made = ledger.settle(night(number, **steps))
        assert len(made.letters) <= (4 if is_incident else 1)
        for letter in made.letters:
            told_before = {one.trouble.key.id: ledger_before(ledger, one.cause, letter, now) for one in letter.troubles}
            if letter.kind is LetterKind.REPORT and not is_incident:
                assert not all(told_before.values())
            for cause in letter.recovered:
                assert cause.key.id in before
                about = ledger_before(ledger, cause, letter, now)
                assert about
                # Sent before, or waiting together with a cause that is not over: then it is sent before the recovery.
                assert all(one.state is NotificationState.SENT or has_digest or len(one.causes) > 1 for one in about)
                assert LetterKind.RECOVERY not in {one.kind for one in about if set(one.causes) == {cause.key.id}}
        ledger.send(now + timedelta(hours=23 if has_digest else 0), works=works)
    for cause in ledger.causes.values():
        since = [one for one in ledger.notifications if cause.key.id in one.causes and one.made_at >= cause.first_at]
        said = [one for one in since if one.state in {NotificationState.SENT, NotificationState.WAITING}]
        reports = [one for one in said if one.made_at == cause.first_at]
        assert len(reports) <= 1
        in_order = [one for one in said if cause.resolved_at is None or one.made_at < cause.resolved_at]
        for earlier, later in pairwise(in_order):
            assert later.made_at - earlier.made_at >= NIGHT * 0.9


def ledger_before(ledger: LedgerInMemory, cause, letter: Letter, now) -> list:
    """Return what the destination had been told of a cause since it was first seen."""
    return [
        one
        for one in ledger.notifications
        if one.destination == letter.destination
        and cause.key.id in one.causes
        and cause.first_at <= one.made_at < now
        and one.state is not NotificationState.WITHDRAWN
    ]
