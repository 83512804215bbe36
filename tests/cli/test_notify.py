"""Who is told of runs, through real servers on loopback."""

import fcntl
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tenacity import wait_none

from orchestrator.adapters.apprise.apprise_sender import AppriseSender
from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.execution.events import RunEnded, RunStarted, StepEnded, StepStarted
from orchestrator.execution.liveness import this_process
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.recorded import Opening, Process
from orchestrator.execution.verdict import run_status
from orchestrator.masking import Masker
from orchestrator.notifications.happening import Happening, HappeningKind, happening_to_json
from orchestrator.notifications.letters import decide
from orchestrator.notifications.notification_ledger import Notification, NotificationLedger
from orchestrator.notifying import send_notices
from orchestrator.quick_due import nothing_is_due
from orchestrator.schedules.due_note import note_idle
from orchestrator.scheduling.claims import RecordedTime, TimeKey, TimeState, stopped
from orchestrator.store.sql_store import SqlStore
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime
from orchestrator.wiring.attending import attend, next_sending, report_lost
from orchestrator.wiring.notification_destinations import open_policy, open_post
from orchestrator.wiring.notification_sending import Post, composed, gathered, only_sender, send_all
from orchestrator.wiring.project_store import open_store
from orchestrator.wiring.schedule_notes import note_late, note_passed_deadline, note_ping, note_refused, note_skipped
from tests.factories import make_outcome, make_plan
from tests.fakes.mail_room import Webhook, running_mail_server, running_webhook

FIRST = datetime(2026, 11, 26, 1, 5, tzinfo=UTC)
PLAN = "load_api -> stg -> fct, stg -> test_key, other"
SECRET = "Zq9-planted-secret-7731"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with running_webhook() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without models, whose runs are recorded by hand, with one destination."""
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    monkeypatch.setenv("HOOK", webhook.url)
    monkeypatch.setenv("PING", f"http://localhost:{webhook.port}/ping")
    configure(tmp_path)
    return tmp_path


def configure(folder: Path, team: str = "url: '${HOOK}'", rule: str = "to: team", more: str = "") -> None:
    (folder / "elt.yml").write_text(
        f"notifications:\n  destinations:\n    team: {{{team}}}\n{more}  rules: [{{{rule}}}]\n"
        'schedules:\n  nightly: {cron: "0 2 * * *", timezone: Europe/Berlin, ping: "${PING}"}\n'
    )


class Nights:
    """A store in which runs are recorded and sent as a schedule would."""

    def __init__(self, folder: Path) -> None:
        self.settings: Settings = load_settings(folder)
        self.store: SqlStore = open_store(self.settings)

    def run(
        self, run_id: str, at: datetime, *outcomes: Outcome, schedule: str = "nightly", logical_time=None, code=None
    ) -> None:
        """Record a run that ended, and note it."""
        record_run(self.store, run_id, at, *outcomes)
        if code is None:
            code = 1 if run_status(outcomes).halts else 0
        ended = Happening(
            kind=HappeningKind.ENDED,
            at=at,
            run_id=run_id,
            schedule=schedule,
            logical_time=logical_time,
            exit_code=code,
        )
        self.store.notification_record().note("shop", ended)

    def send(self, now: datetime, **changes: object) -> int:
        """Decide and send, at a time of our choice."""
        post = open_post(self.settings, self.store)
        own = {one.name: getattr(post, one.name) for one in fields(post)}
        return send_all(Post(**own | {"now": lambda: now, "wait": wait_none()} | changes))

    def notifications(self) -> list[Notification]:
        record = self.store.notification_record()
        made = (*record.messages("shop", limit=100), *record.pings("shop", limit=100))
        return sorted(made, key=lambda one: one.number)


@pytest.fixture
def nights(shop: Path) -> Iterator[Nights]:
    made = Nights(shop)
    with closing(made.store):
        yield made


def record_run(store: SqlStore, run_id: str, at: datetime, *outcomes: Outcome, ends: bool = True, **known) -> None:
    plan = make_plan(PLAN)
    opening = Opening(
        **{
            "run_id": run_id,
            "started_at": at - timedelta(minutes=5),
            "verb": "build",
            "target": "prod",
            "target_identity": "duckdb shop.duckdb",
            "process": Process(host="box", pid=1, started_at=None, user="ada"),
            "places": {step.id: f"main.{step.name}" for step in plan.steps},
            **known,
        }
    )
    started = RunStarted(run_id=run_id, at=opening.started_at, plan=plan, database="shop.duckdb")
    events = [started]
    for one in outcomes:
        if one.started_at is not None:
            events.append(StepStarted(at=one.started_at, step_id=one.step_id))
        events.append(StepEnded(at=at, outcome=one))
    if ends:
        events.append(RunEnded(run_id=run_id, at=at, status=run_status(outcomes), outcomes=outcomes))
    store.writer(opening).record(events)


def dead_api() -> tuple[Outcome, ...]:
    below = ("stg", "fct", "test_key")
    skipped = [make_outcome(one, "skipped", code=ReasonCode.UPSTREAM_HALTED, blame="load_api") for one in below]
    return (make_outcome("load_api", "error", message="503 Server Error"), *skipped, make_outcome("other", row_count=3))


def all_green() -> tuple[Outcome, ...]:
    return tuple(make_outcome(one, row_count=1_204) for one in ("load_api", "stg", "fct", "test_key", "other"))


def test_a_dead_api_for_three_nights_sends_one_message_and_one_reminder_and_then_one_recovery(nights, webhook) -> None:
    for number in range(5):
        at = FIRST + timedelta(days=number, seconds=number)
        nights.run(f"r{number}", at, *(dead_api() if number < 3 else all_green()))
        nights.send(at)
    assert webhook.titles == [
        "[shop] nightly failed: ingest:load_api",
        "[shop] nightly still fails: ingest:load_api",
        "[shop] nightly recovered: ingest:load_api",
    ]
    first, reminder, recovery = (one["message"] for one in webhook.messages)
    assert "503 Server Error" in first
    assert "3 steps did not run: stg, fct, test_key" in first
    assert "elt retry r0" in first
    assert "since 2026-11-26 02:05 CET, 2 runs in a row" in reminder
    assert "failing since 2026-11-26 02:05 CET, 3 runs in a row" in recovery
    assert [one["type"] for one in webhook.messages] == ["failure", "failure", "success"]


def test_a_message_goes_through_a_mail_server(nights, shop, monkeypatch) -> None:
    with running_mail_server() as (port, got):
        monkeypatch.setenv("MAIL", f"mailto://localhost:{port}/?from=elt@example.com&to=ann@example.com&mode=insecure")
        configure(shop, team="url: '${MAIL}'")
        nights.settings = load_settings(shop)
        nights.run("r0", FIRST, *dead_api())
        assert nights.send(FIRST) == 1
    ((subject, text),) = got
    assert subject == "[shop] nightly failed: ingest:load_api"
    assert "503 Server Error" in text


def test_what_cannot_be_sent_is_tried_again_later_and_shown(nights, webhook, elt, shop) -> None:
    """Three times at once, then with the next sending; it is given up after a day."""
    webhook.status = 500
    nights.run("r0", FIRST, *dead_api())
    assert nights.send(FIRST) == 0
    assert len(webhook.got) == 3
    said = elt("notify", "status", project=shop)
    assert "1 notification could not be sent" in said.out
    assert "error=500" in said.out
    assert "1 notification could not be sent" in elt("history", project=shop).out
    nights.send(FIRST + timedelta(seconds=30))
    assert len(webhook.got) == 3, "retried too soon"
    webhook.status = 200
    assert nights.send(FIRST + timedelta(minutes=2)) == 1
    assert json.loads(elt("notify", "status", "--json", project=shop).out)["unsent"] == 0


def test_what_cannot_be_sent_for_a_day_is_given_up(nights, webhook) -> None:
    webhook.status = 500
    nights.run("r0", FIRST, *dead_api())
    nights.send(FIRST)
    nights.send(FIRST + timedelta(days=1))
    webhook.status = 200
    assert nights.send(FIRST + timedelta(days=2)) == 0
    assert [one.state for one in nights.notifications()] == ["given_up"]


def test_a_full_outbox_costs_one_round_of_tries_for_each_destination(nights, webhook) -> None:
    """A destination that cannot be reached is left alone until the next sending; nothing of it is lost."""
    webhook.status = 500
    for number in range(20):
        steps = [make_outcome(one, "error", message="no") for one in ("load_api", "other")]
        nights.run(f"r{number}", FIRST, steps[number % 2], make_outcome("stg" if number else "fct", "error"))
        configure(nights.settings.project_root)
    nights.send(FIRST)
    assert len(webhook.got) == 3
    webhook.status = 200
    waiting = [one for one in nights.notifications() if one.state == "waiting"]
    assert nights.send(FIRST + timedelta(hours=2)) == len(waiting)


def test_a_notifier_that_hangs_is_left_after_its_time_limit(nights, webhook) -> None:
    webhook.delay = 30
    nights.run("r0", FIRST, *dead_api())
    post = open_post(nights.settings, nights.store)
    post.sender._time_limit = timedelta(seconds=0.5)
    begun = time.monotonic()
    assert nights.send(FIRST, sender=post.sender) == 0
    assert time.monotonic() - begun < 20
    assert "did not answer within" in nights.notifications()[0].error


def test_a_digest_is_one_message_in_the_morning(nights, webhook, shop) -> None:
    configure(shop, team='url: "${HOOK}", digest: "08:00", timezone: Europe/Berlin')
    nights.settings = load_settings(shop)
    nights.run("r0", FIRST, *dead_api())
    assert nights.send(FIRST) == 0
    nights.run("r1", FIRST + timedelta(hours=1), *all_green())
    nights.send(FIRST + timedelta(hours=1))
    nights.send(datetime(2026, 11, 26, 6, 59, tzinfo=UTC))
    assert not webhook.got
    nights.send(datetime(2026, 11, 26, 7, 0, tzinfo=UTC))
    assert webhook.titles == ["2 notifications"]
    assert "recovered" in webhook.messages[0]["message"]


def test_a_failure_that_lasts_is_escalated(nights, webhook, shop, monkeypatch) -> None:
    monkeypatch.setenv("BOSS", f"{webhook.url}boss")
    configure(shop, team="url: '${HOOK}', escalate: {after: 2h, to: boss}", more="    boss: {url: '${BOSS}'}\n")
    nights.settings = load_settings(shop)
    nights.run("r0", FIRST, *dead_api())
    nights.send(FIRST)
    assert not attend_at(nights, FIRST + timedelta(hours=1))
    assert attend_at(nights, FIRST + timedelta(hours=2))
    nights.send(FIRST + timedelta(hours=2))
    nights.send(FIRST + timedelta(hours=9))
    assert [path for path, _ in webhook.got] == ["/", "/boss"]
    assert webhook.titles[1] == "[shop] nightly has not recovered: ingest:load_api"


def test_a_reminder_comes_without_a_run(nights, webhook) -> None:
    """A tenth later than with a run, each time after twice as long, until the cause has recovered."""
    nights.run("r0", FIRST, *dead_api())
    nights.send(FIRST)
    assert not attend_at(nights, FIRST + timedelta(hours=26))
    assert attend_at(nights, FIRST + timedelta(hours=26.5))
    nights.send(FIRST + timedelta(hours=26.5))
    assert not attend_at(nights, FIRST + timedelta(hours=60))
    assert webhook.titles[1:] == ["[shop] nightly has not recovered: ingest:load_api"]
    assert webhook.messages[1]["type"] == "failure"
    assert "elt show r0" in webhook.messages[1]["message"]
    nights.run("r1", FIRST + timedelta(hours=27), *all_green())
    nights.send(FIRST + timedelta(hours=27))
    assert webhook.titles[2:] == ["[shop] nightly recovered: ingest:load_api"]
    assert not attend_at(nights, FIRST + timedelta(days=30))


def test_an_open_cause_lets_the_next_look_for_due_schedules_end_at_once(nights, shop) -> None:
    """Until the reminder or the digest is due; a cause may stay open for weeks."""
    now = datetime.now(UTC)
    text = (shop / "elt.yml").read_text()
    (shop / "elt.yml").write_text(text.replace(', ping: "${PING}"', ""))  # not on the line of `cron`
    nights.settings = load_settings(shop)
    nights.run("r0", now, *dead_api())
    assert next_sending(nights.settings, nights.store, now) == now
    nights.send(now)
    at = next_sending(nights.settings, nights.store, now)
    assert at is not None
    assert timedelta(hours=26) < at - now < timedelta(hours=27)
    note_idle(nights.settings, shop, None)
    assert nothing_is_due(["schedule", "run", "--due", "--project-dir", str(shop)])


def test_a_thousand_failures_fit_into_a_message_of_every_service(nights, webhook) -> None:
    """Ten causes are shown, each with lines of limited length."""
    long = [make_outcome("load_api", "error", message="Übergröße " * 10_000)]
    nights.run("r0", FIRST, *long)
    facts = gathered(nights.store, "shop", nights.store.notification_record().happening_of("shop", "r0"))
    (one,) = facts.troubles
    many = replace(
        facts,
        troubles=tuple(
            replace(one, name=f"model größe_{number}", key=replace(one.key, step=f"m{number}"))
            for number in range(1_000)
        ),
    )
    policy = open_policy(nights.settings, os.environ)
    (letter,) = decide(many, NotificationLedger(), policy, FIRST).letters
    made = composed(letter, many, policy, FIRST, "shop", Masker())
    assert len(made.title) < 250
    assert len(made.body) < 20_000
    assert "and 990 further causes" in made.body


def test_a_message_that_is_too_long_for_its_service_is_divided(monkeypatch) -> None:
    """Discord refuses more than 2,000 characters; a user may choose otherwise in the URL."""
    sender = AppriseSender(lambda _: "", Masker(), Path())
    assert sender._service("discord://12345678/abcdefgh", "")[0].overflow_mode == "split"
    assert sender._service("discord://12345678/abcdefgh?overflow=truncate", "")[0].overflow_mode == "truncate"


def attend_at(nights: Nights, now: datetime) -> bool:
    """Return whether the sender would be started."""
    started = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("orchestrator.wiring.attending.start_sender", started.append)
        attend(nights.settings, nights.store, now)
    return bool(started)


def test_a_success_names_rows_and_durations(nights, webhook, shop) -> None:
    configure(shop, rule="to: team, events: success")
    nights.settings = load_settings(shop)
    nights.run("r0", FIRST, *all_green())
    nights.send(FIRST)
    assert webhook.titles == ["[shop] nightly succeeded"]
    assert "ingest:load_api, 1,204 rows, 1.0s" in webhook.messages[0]["message"]


def test_a_lost_run_is_reported_once_and_its_repair_too(nights, webhook) -> None:
    """Whoever looks first reports a run whose process died."""
    now = datetime.now(UTC)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    process = Process(host=os.uname().nodename, pid=dead.pid, started_at=now - timedelta(hours=1), user="ada")
    record_run(nights.store, "r0", now, make_outcome("load_api"), ends=False, process=process)
    key = TimeKey(project="shop", schedule="nightly", logical_time=FIRST)
    claimed = RecordedTime(
        key=key,
        interval=DataInterval(start=FIRST - timedelta(days=1), end=FIRST),
        state=TimeState.RUNNING,
        claimed_at=now - timedelta(minutes=6),
        beaten_at=now,
        process=process,
    )
    assert nights.store.schedule_record().claim(claimed)
    assert attend_at(nights, now)
    assert report_lost(nights.settings, nights.store, now) == ()
    nights.send(now)
    assert webhook.titles == ["[shop] nightly was lost"]
    assert "1 of 5 steps had ended" in webhook.messages[0]["message"]
    assert "elt show r0" in webhook.messages[0]["message"]
    nights.run("r1", now + timedelta(hours=1), *all_green())
    nights.send(now + timedelta(hours=1))
    assert webhook.titles[1:] == ["[shop] nightly recovered"]


def test_a_running_run_is_not_lost(nights) -> None:
    record_run(nights.store, "r0", datetime.now(UTC), ends=False, process=this_process())
    assert not attend_at(nights, datetime.now(UTC))


def test_a_late_run_is_told_once_and_its_end_is_a_recovery(nights, webhook, monkeypatch) -> None:
    monkeypatch.setattr("orchestrator.wiring.schedule_notes.start_sender", lambda *_, **__: None)
    record = nights.store.notification_record()
    deadline = FIRST + timedelta(hours=4)
    for minutes in (0, 1):
        now = FIRST + timedelta(minutes=minutes)
        note_late(record, nights.settings, a_night(), deadline + timedelta(minutes=20), deadline, now)
        nights.send(now)
    nights.run("r0", deadline, *all_green())
    nights.send(deadline)
    assert webhook.titles == ["[shop] nightly is late", "[shop] nightly recovered"]
    assert (
        "Deadline 2026-11-26 06:05 CET, expected to be done at 2026-11-26 06:25 CET" in webhook.messages[0]["message"]
    )


def test_each_deadline_that_a_run_misses_is_a_cause_of_its_own(nights, webhook, monkeypatch) -> None:
    """An exposure is named, with its own deadline; all of them are over when the data is there."""
    monkeypatch.setattr("orchestrator.wiring.schedule_notes.start_sender", lambda *_, **__: None)
    record = nights.store.notification_record()
    for subject in ("exposure weekly_report", "schedule nightly", "exposure weekly_report"):
        note_late(record, nights.settings, a_night(), None, FIRST, FIRST, subject=subject, run_id="r0")
    assert [one.subject for _, one in record.happenings("shop")] == ["exposure weekly_report", "schedule nightly"]
    nights.run("r0", FIRST, *all_green())
    nights.send(FIRST)
    late, report = "[shop] nightly is late", "exposure weekly_report"
    assert webhook.titles == [f"{late}: {report}", late, f"[shop] nightly recovered: {report}"]
    bodies = [message["message"] for message in webhook.messages]
    assert "late: exposure weekly_report" in bodies[0]
    assert "Run r0" in bodies[0]
    assert "late: schedule nightly" in bodies[1]
    assert bodies[2].count("Recovered: ") == 2


def test_a_delay_that_ended_before_it_was_sent_is_told(nights, webhook, shop, monkeypatch) -> None:
    """A short run that starts after its deadline notes both within a second; the deadline was missed all the same."""
    monkeypatch.setattr("orchestrator.wiring.schedule_notes.start_sender", lambda *_, **__: None)
    (shop / "elt.yml").write_text((shop / "elt.yml").read_text().replace("nightly: {", 'nightly: {deadline: "02:30", '))
    nights.settings, record = load_settings(shop), nights.store.notification_record()
    late = FIRST + timedelta(hours=1)
    for now in (FIRST, late, late):  # 02:05, and 03:05 twice
        note_passed_deadline(record, nights.settings, a_night(), "r0", now)
    assert [one.kind for _, one in record.happenings("shop")] == ["late"]
    nights.run("r0", late, *all_green())
    nights.send(late)
    assert webhook.titles == ["[shop] nightly is late", "[shop] nightly recovered"]
    assert "Deadline 2026-11-26 02:30 CET, which has passed" in webhook.messages[0]["message"]


def test_a_time_without_data_is_told_only_to_those_who_ask(nights, webhook, shop, monkeypatch) -> None:
    monkeypatch.setattr("orchestrator.wiring.schedule_notes.start_sender", lambda *_, **__: None)
    configure(shop, rule="to: team, events: no_data")
    nights.settings = load_settings(shop)
    note_skipped(nights.store.notification_record(), nights.settings, a_night(), "no file /in/*.csv", FIRST)
    nights.send(datetime.now(UTC))
    assert webhook.titles == ["[shop] nightly had no new data"]
    assert [path.partition("?")[0] for path, body in webhook.got if not body.startswith("{")] == ["/ping"]


def test_a_run_that_its_schedule_starts_again_is_told_only_at_last(nights, webhook, shop, elt) -> None:
    """The first result is no news while a further run may still correct it."""
    text = (shop / "elt.yml").read_text().replace("nightly: {", "nightly: {retry: {runs: 1}, ")
    (shop / "elt.yml").write_text(text)
    nights.settings = load_settings(shop)
    key = TimeKey(project="shop", schedule="nightly", logical_time=FIRST)
    interval = DataInterval(start=FIRST - timedelta(days=1), end=FIRST)
    first = RecordedTime(
        key=key, interval=interval, state=TimeState.RUNNING, claimed_at=FIRST, beaten_at=FIRST, process=this_process()
    )
    assert nights.store.schedule_record().claim(first)
    again = replace(first, state=TimeState.ENDED, exit_code=1, again_at=FIRST + timedelta(minutes=10))

    def record_the_end(_seconds: float) -> None:
        assert nights.store.schedule_record().update(again)

    nights.run("r0", FIRST, *dead_api(), logical_time=FIRST)
    note_ping(nights.settings, nights.store.notification_record(), a_night(), "1", run_id="r0")
    assert nights.send(FIRST, sleep=record_the_end) == 0
    assert not webhook.got, "the ping is held back too"
    said = elt("notify", "preview", "r0", project=shop).out
    assert "team: not notified of this run (rule 1 includes it): the schedule nightly repeats it at 2026-11-26" in said
    assert "team: notified" not in said
    (shown,) = json.loads(elt("notify", "preview", "r0", "--json", project=shop).out)["destinations"]
    assert (shown["notified"], "repeats it at" in shown["held_back"]) == (False, True)
    assert nights.store.schedule_record().update(replace(again, again_at=None, run_id="r1"))
    nights.run("r1", FIRST + timedelta(minutes=11), *dead_api(), logical_time=FIRST)
    said = elt("notify", "preview", "r0", project=shop).out
    assert "not notified of this run (rule 1 includes it): the run r1 repeated it" in said
    assert "team: notified because of rule 1" in elt("notify", "preview", "r1", project=shop).out
    assert nights.send(datetime.now(UTC) + timedelta(minutes=1)) == 2
    assert [path.partition("?")[0] for path, _ in webhook.got] == ["/ping/1", "/"]
    assert "elt show r1" in webhook.messages[0]["message"]
    assert "since 2026-11-26 02:05 CET, 2 runs in a row" in webhook.messages[0]["message"]
    tomorrow = FIRST + timedelta(days=1)
    nights.run("r2", tomorrow, *all_green(), logical_time=tomorrow)
    nights.send(datetime.now(UTC) + timedelta(minutes=2))
    assert "failing since 2026-11-26 02:05 CET, 2 runs in a row" in webhook.messages[1]["message"]


def test_a_run_that_waits_for_the_sender_is_tried_again_all_the_same(nights, webhook, shop) -> None:
    """In a container, the end of its time is recorded only when the sender has ended."""
    text = (shop / "elt.yml").read_text().replace("nightly: {", "nightly: {retry: {runs: 1}, ")
    (shop / "elt.yml").write_text(text)
    nights.settings = load_settings(shop)
    key = TimeKey(project="shop", schedule="nightly", logical_time=FIRST)
    interval = DataInterval(start=FIRST - timedelta(days=1), end=FIRST)
    first = RecordedTime(
        key=key, interval=interval, state=TimeState.RUNNING, claimed_at=FIRST, beaten_at=FIRST, process=this_process()
    )
    times, told = nights.store.schedule_record(), []
    assert times.claim(replace(first, starts=1))
    for starts in (1, 2):
        times.update(replace(first, starts=starts))
        nights.run(f"r{starts}", FIRST, *dead_api(), logical_time=FIRST)
        nights.send(datetime.now(UTC) + timedelta(minutes=starts), sleep=lambda _: None)
        told.append([path.partition("?")[0] for path, _ in webhook.got])
    assert told == [[], ["/ping/1", "/"]]


@pytest.mark.parametrize("is_asked_to_end", [True, False])
def test_an_orderly_restart_of_the_scheduler_is_no_news(nights, webhook, is_asked_to_end) -> None:
    """The next process resumes the run, without `retry` too. A run that a user interrupted is reported."""
    key = TimeKey(project="shop", schedule="nightly", logical_time=FIRST)
    interval = DataInterval(start=FIRST - timedelta(days=1), end=FIRST)
    ended = RecordedTime(
        key=key,
        interval=interval,
        state=TimeState.ENDED,
        exit_code=130,
        starts=1,
        claimed_at=FIRST,
        beaten_at=FIRST,
        process=this_process(),
    )
    times = nights.store.schedule_record()
    assert times.claim(ended)

    def put_off(_seconds: float) -> None:  # by the process that started it, once all that it started has ended
        if is_asked_to_end:
            times.claim(stopped(ended, at=FIRST), instead_of=ended)

    nights.run("r0", FIRST, make_outcome("load_api", "cancelled"), logical_time=FIRST, code=130)
    nights.send(datetime.now(UTC), sleep=put_off)
    assert [path for path, _ in webhook.got] == ([] if is_asked_to_end else ["/"])


def test_pings_name_the_start_the_end_and_one_run(nights, webhook) -> None:
    """The same id at the start and at the end lets a dead-man's switch measure the duration."""
    record = nights.store.notification_record()
    for signal_ in ("start", "1", "0"):
        note_ping(nights.settings, record, a_night(), signal_, run_id="r0")
    nights.send(datetime.now(UTC))
    paths = [path.split("?rid=") for path, _ in webhook.got]
    assert [path for path, _ in paths] == ["/ping/start", "/ping/1", "/ping"]
    assert len({rid for _, rid in paths}) == 1


def test_a_ping_that_fails_is_not_sent_late(nights, webhook) -> None:
    """It would say that a run starts now. Without it the switch raises the alarm, as it should."""
    webhook.status = 500
    note_ping(nights.settings, nights.store.notification_record(), a_night(), "start")
    nights.send(datetime.now(UTC))
    assert [one.state for one in nights.notifications()] == ["given_up"]


def a_night() -> ScheduledTime:
    interval = DataInterval(start=FIRST - timedelta(days=1), end=FIRST)
    return ScheduledTime(schedule="nightly", logical_time=FIRST, interval=interval)


def test_a_secret_is_in_no_message_and_not_in_the_store(nights, webhook, shop, elt, monkeypatch) -> None:
    """Neither that of a URL, nor one in an error, which the environment knows."""
    monkeypatch.setenv("HOOK", f"json://user:{SECRET}@localhost:{webhook.port}/hooks/{SECRET}")
    monkeypatch.setenv("API_TOKEN", SECRET)
    webhook.status = 403
    nights.run("r0", FIRST, make_outcome("load_api", "error", message=f"refused token={SECRET}"))
    nights.send(FIRST)
    webhook.status = 200
    nights.send(FIRST + timedelta(hours=1))
    told = "".join(body for _, body in webhook.got)
    assert "load_api" in told
    shown = [elt("notify", *words, project=shop) for words in (("status",), ("status", "--json"), ("preview", "r0"))]
    assert SECRET not in told + "".join(one.out + one.err for one in shown)
    with closing(sqlite3.connect(shop / ".elt" / "history.db")) as store:
        for table in ("notifications", "causes", "happenings"):
            assert SECRET not in str(store.execute(f"select * from {table}").fetchall())


def test_a_secret_of_the_url_of_another_destination_is_masked_in_the_store(nights, shop, elt, monkeypatch) -> None:
    """The masker that knows all URLs is the one that is used."""
    monkeypatch.setenv("OTHER", f"json://localhost/hooks/{SECRET}")
    configure(shop, more="    other: {url: '${OTHER}'}\n")
    nights.settings = load_settings(shop)
    nights.run("r0", FIRST, make_outcome("load_api", "error", message=f"POST /hooks/{SECRET} failed"))
    nights.send(FIRST)
    (made,) = nights.notifications()
    assert SECRET not in made.body
    assert SECRET not in elt("notify", "preview", "r0", project=shop).out


def test_a_test_message_arrives_or_says_why_not(elt, shop, webhook) -> None:
    assert elt("notify", "test", "team", project=shop).out == "A test was sent to team.\n"
    assert webhook.titles == ["[shop] test of team"]
    webhook.status = 403
    elt("notify", "test", "team", project=shop).refuses("team: ", "error=403", "elt notify test team", code=1)
    elt("notify", "test", "taem", project=shop).refuses("no destination taem", "'team'")


def test_an_unreachable_notifier_and_an_unset_variable_are_named(elt, shop, monkeypatch) -> None:
    monkeypatch.setenv("HOOK", "json://localhost:1/")
    elt("notify", "test", "team", project=shop).refuses("team: ", code=1)
    monkeypatch.delenv("HOOK")
    unset = elt("notify", "test", "team", project=shop)
    unset.refuses("HOOK is not set", code=1)
    assert "default" not in unset.err
    configure(shop, team="file: secrets/hook")
    elt("notify", "test", "team", project=shop).refuses("secrets/hook cannot be read", code=1)


def test_a_url_may_be_in_a_file(elt, shop, webhook) -> None:
    (shop / "hook").write_text(f"{webhook.url}\n")
    configure(shop, team="file: hook")
    assert elt("notify", "test", "team", project=shop).code == 0
    assert len(webhook.got) == 1


def test_an_unknown_scheme_is_refused_with_its_line(elt, shop) -> None:
    configure(shop, team="url: 'slak://${HOOK}'")
    elt("notify", "preview", project=shop).refuses("elt.yml:3:", "no service 'slak://'", "'slack'")


def test_a_preview_shows_each_message_and_why(nights, elt, shop, webhook) -> None:
    """And says of every other destination why it is not told."""
    configure(shop, more="    other: {url: '${HOOK}'}\n")
    nights.settings = load_settings(shop)
    nights.run("r0", FIRST, *dead_api())
    before = elt("notify", "preview", "r0", project=shop)
    assert "team: notified because of rule 1" in before.out
    assert "503 Server Error" in before.out
    assert "other: not notified: no rule names it" in before.out
    assert not webhook.got
    nights.send(FIRST)
    assert "report sent at" in elt("notify", "preview", project=shop).out
    found = json.loads(elt("notify", "preview", "--json", project=shop).out)
    assert [one["notified"] for one in found["destinations"]] == [True, False]


def test_a_preview_of_a_recovery_shows_what_was_sent(nights, elt, shop, webhook) -> None:
    """And of a run whose cause was told before: since when it is open, and when the reminder comes."""
    for number, outcomes in enumerate((dead_api(), dead_api(), all_green())):
        at = FIRST + timedelta(hours=number)
        nights.run(f"r{number}", at, *outcomes)
        nights.send(at)
        if number == 1:
            said = elt("notify", "preview", "r1", project=shop).out
            assert (
                "team: not sent again (rule 1 includes it): it was notified of ingest:load_api at 2026-11-26 01:05"
                in said
            )
            assert "open since 2026-11-26 01:05 UTC, and the reminder comes at 2026-11-27 01:05 UTC" in said
            assert "notified because" not in said
    said = elt("notify", "preview", "r2", project=shop).out
    assert "team: notified because of the recovery of what it was notified of before" in said
    assert "[shop] nightly recovered: ingest:load_api" in said
    assert "recovery sent at" in said


def test_a_preview_of_an_earlier_run_uses_what_was_known_then(nights, elt, shop, webhook) -> None:
    """The cause of r1 recovered with r2, and failed again in r3: none of that was known when r1 ended."""
    for number, outcomes in enumerate((dead_api(), dead_api(), all_green(), dead_api())):
        at = FIRST + timedelta(hours=number)
        nights.run(f"r{number}", at, *outcomes)
        nights.send(at)
    expected = "team: not sent again (rule 1 includes it): it was notified of ingest:load_api at 2026-11-26 01:05"
    assert expected in elt("notify", "preview", "r1", project=shop).out
    sent = elt("notify", "preview", "r0", project=shop).out
    assert "team: notified because of rule 1" in sent
    assert "report sent at" in sent
    assert "report sent at" in elt("notify", "preview", "r3", project=shop).out


def test_a_preview_of_a_run_that_is_not_sent_yet_shows_the_recovery(nights, elt, shop) -> None:
    for number, outcomes in enumerate((dead_api(), all_green())):
        at = FIRST + timedelta(hours=number)
        nights.run(f"r{number}", at, *outcomes)
        if number == 0:
            nights.send(at)
    said = elt("notify", "preview", "r1", project=shop).out
    assert "team: notified because of the failure that it was notified of" in said
    assert "[shop] nightly recovered: ingest:load_api" in said


def test_the_status_shows_what_could_not_be_sent_first_and_the_pings_apart(nights, elt, shop, webhook) -> None:
    """A failed message is shown however many pings and messages came after it."""
    now = datetime.now(UTC) - timedelta(days=2)
    configure(shop, rule="to: team, events: success", more="    gone: {url: '${GONE}'}\n")
    text = (shop / "elt.yml").read_text()
    (shop / "elt.yml").write_text(text.replace("rules: [", "rules: [{to: gone, events: success, schedules: nightly}, "))
    nights.settings = load_settings(shop)
    nights.run("r0", now, *all_green())
    nights.send(now)
    (shop / "elt.yml").write_text(text)
    nights.settings = load_settings(shop)
    for number in range(1, 25):
        nights.run(f"r{number}", now + timedelta(hours=number), *all_green())
        for signal_ in ("start", "0"):
            note_ping(nights.settings, nights.store.notification_record(), a_night(), signal_, run_id=f"r{number}")
    nights.send(datetime.now(UTC))
    webhook.status = 500
    note_ping(nights.settings, nights.store.notification_record(), a_night(), "start", run_id="r99")
    nights.send(datetime.now(UTC) + timedelta(seconds=5))
    lines = elt("notify", "status", project=shop).out.splitlines()
    assert lines[0].startswith("1 notification could not be sent")
    assert "GONE is not set" in lines[2]
    assert len([line for line in lines if " success " in line]) == 21
    assert "1 of 49 pings could not be sent: The server answered 500." in lines[-1]
    found = json.loads(elt("notify", "status", "--json", project=shop).out)
    assert (found["notifications"][0]["destination"], found["unsent"]) == ("gone", 1)
    assert [(one["schedule"], one["count"], one["unsent"]) for one in found["pings"]] == [("nightly", 49, 1)]


def a_project(shop: Path) -> None:
    """Add a profile and a model that fails."""
    (shop / "profiles.yml").write_text("shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}")
    (shop / "models").mkdir()
    (shop / "models" / "orders.sql").write_text("select no_such_column")
    (shop / "models" / "sales.sql").write_text("select * from {{ ref('orders') }}")
    (shop / "models" / "all.yml").write_text(
        "models: [{name: orders, config: {meta: {owner: ann}}}]\n"
        "exposures: [{name: board, type: dashboard, owner: {email: bo@example.com}, depends_on: [ref('sales')]}]\n"
    )


def test_a_message_names_the_owners_and_the_exposures_of_a_real_run(nights, shop, webhook, elt, monkeypatch) -> None:
    """They come from dbt's manifest, as it was when the run was planned."""
    monkeypatch.setattr("orchestrator.wiring.noting.start_sender", lambda *_, **__: None)
    a_project(shop)
    configure(shop, rule="to: team, manual: true")
    assert elt("run", project=shop).code == 1
    nights.settings = load_settings(shop)
    nights.send(datetime.now(UTC))
    message = webhook.messages[0]["message"]
    assert webhook.titles == ["[shop] a run by hand failed: model orders"]
    assert "2 steps did not run: sales, board" in message
    assert "out of date: board (bo@example.com)" in message
    assert "owners: ann, bo@example.com" in message
    assert "elt retry " in message


def test_a_run_starts_the_sender_and_is_not_delayed_by_a_notifier_that_hangs(shop, webhook, tmp_path) -> None:
    """A real run, which cannot start for want of a profile; the message comes from a process of its own."""
    webhook.delay = 6
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom tests.cli.test_notify import a_night\n"
        "from orchestrator import api\nfrom orchestrator.errors import EltError\n"
        "command = api.Command(project_dir=Path(sys.argv[1]), scheduled=a_night())\n"
        "try:\n    api.run_and_report(command, api.OutputKind.QUIET)\n"
        "except EltError as error:\n    sys.exit(error.exit_code)\n"
    )
    root = Path(__file__).parents[2]
    alone = {name: value for name, value in os.environ.items() if name not in {"CI", "KUBERNETES_SERVICE_HOST"}}
    words = [sys.executable, "-c", script, str(shop)]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False, env=alone)
    assert (done.returncode, webhook.got) == (2, []), done.stderr
    webhook.released.set()
    webhook.wait_for(2)
    assert webhook.titles == ["[shop] nightly could not start"]
    assert "profiles.yml" in webhook.messages[0]["message"]


def test_a_run_with_nothing_to_do_is_no_news(shop, elt, monkeypatch) -> None:
    """Its selection matches nothing because nothing changed."""
    monkeypatch.setattr("orchestrator.wiring.noting.start_sender", lambda *_, **__: None)
    a_project(shop)
    configure(shop, rule="to: team, manual: true, events: [failure, success]")
    assert elt("run", "--select", "nothing_of_this_name", "--allow-empty", project=shop).code == 0
    with closing(open_store(load_settings(shop))) as store:
        found = store.notification_record().happenings("shop")
    assert HappeningKind.NOT_STARTED not in {one.kind for _, one in found}


def test_a_container_waits_for_the_sender(shop, webhook, monkeypatch) -> None:
    """It would end together with its first process."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with closing(open_store(load_settings(shop))) as store:
        note_refused(store.notification_record(), load_settings(shop), a_night(), "no file came", 1, FIRST)
    assert webhook.titles == ["[shop] nightly could not start"]


def test_a_store_that_cannot_be_used_does_not_keep_the_message(shop, webhook) -> None:
    """It is sent without a record: nobody can know what was told before."""
    (shop / ".elt").mkdir()
    (shop / ".elt" / "history.db").write_text("this is not a database, and long enough to be seen as broken" * 20)
    happening = Happening(
        kind=HappeningKind.NOT_STARTED, at=FIRST, schedule="nightly", exit_code=1, message="disk full"
    )

    assert send_notices(shop, json.dumps(happening_to_json(happening))) == 0
    assert webhook.titles == ["[shop] nightly could not start"]


def test_a_run_that_cannot_be_recorded_is_told_all_the_same(shop, elt, monkeypatch) -> None:
    """The store is what broke it."""
    started = []
    monkeypatch.setattr("orchestrator.wiring.noting.start_sender", lambda *words, **_: started.append(words[1:]))
    text = (shop / "elt.yml").read_text()
    (shop / "elt.yml").write_text(f"{text}store: postgresql://localhost:1/runs\n")
    said = elt("run", project=shop)
    assert said.code == 2
    assert "is sent without a record" in said.err
    ((_, told),) = started
    assert "profiles.yml" in json.loads(told)["message"]


def test_a_corrupt_store_is_set_aside_by_the_run_and_told(shop, elt, webhook, monkeypatch) -> None:
    """The run says so, as it does without notifications; the message is recorded in the new store."""
    monkeypatch.setattr("orchestrator.wiring.noting.start_sender", lambda *_, **__: None)
    a_project(shop)
    configure(shop, rule="to: team, manual: true")
    elt_yml = shop / "elt.yml"
    elt_yml.write_text(elt_yml.read_text().partition("schedules:")[0])
    (shop / ".elt").mkdir(exist_ok=True)
    (shop / ".elt" / "history.db").write_text("this is not a database, and long enough to be seen as broken" * 20)
    elt("run", project=shop).refuses("is corrupt", "was renamed")
    assert send_notices(shop) == 0
    assert webhook.titles == ["[shop] a run by hand could not start"]


def test_a_corrupt_store_of_schedules_stays_and_the_message_is_sent_without_a_record(shop, elt, monkeypatch) -> None:
    """The store decides which times are due, so no run renames it."""
    sent = []
    monkeypatch.setattr("orchestrator.wiring.noting.start_sender", lambda *words, **_: sent.append(words[1]))
    a_project(shop)
    configure(shop, rule="to: team, manual: true")
    (shop / ".elt").mkdir(exist_ok=True)
    (shop / ".elt" / "history.db").write_text("this is not a database, and long enough to be seen as broken" * 20)
    said = elt("run", project=shop)
    assert (said.code, "Error [E071]" in said.err, "is sent without a record" in said.err) == (2, True, True)
    assert sent == ["--unrecorded"]
    assert not list((shop / ".elt").glob("*corrupt*"))


def test_only_one_process_sends_and_one_more_waits(shop, webhook) -> None:
    """A third one ends at once: the one that waits will send everything that was noted before."""
    settings = load_settings(shop)
    words = [sys.executable, "-m", "orchestrator", "notify", "send", "--project-dir", str(shop)]
    with only_sender(settings) as is_ours:
        assert is_ours
        waiting = subprocess.Popen(words)
        until = time.monotonic() + 60
        while not is_locked(shop / ".elt" / "notify.next") and time.monotonic() < until:
            time.sleep(0.05)
        assert subprocess.run(words, timeout=60, check=False).returncode == 0
        assert waiting.poll() is None
    assert waiting.wait(60) == 0


def is_locked(file: Path) -> bool:
    with file.open("w") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_mail_keeps_its_lines(nights, shop, monkeypatch) -> None:
    """Also as HTML, which Apprise sends unless the URL says otherwise; what looks like a tag is shown."""
    with running_mail_server() as (port, got):
        monkeypatch.setenv("MAIL", f"mailto://localhost:{port}/?from=elt@example.com&to=ann@example.com&mode=insecure")
        configure(shop, team="url: '${MAIL}'")
        nights.settings = load_settings(shop)
        nights.run("r0", FIRST, make_outcome("other", "error", message="near <b>where</b>"))
        nights.send(FIRST)
    ((_, text),) = got
    assert "near <b>where</b>" in text
    assert len(text.splitlines()) > 5
