"""Implements `elt notify`: sends what waits, sends a test, and shows what was or would be told."""

import json
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.errors import NotificationError, UsageError
from orchestrator.execution.liveness import RunState, lives, state_of
from orchestrator.execution.recorded import RunHead
from orchestrator.notifications.happening import Happening, HappeningKind, happening_from_json
from orchestrator.notifications.letters import decide
from orchestrator.notifications.notification_ledger import (
    LetterKind,
    Notification,
    NotificationLedger,
    NotificationState,
)
from orchestrator.notifications.notification_ports import NotifyingStore
from orchestrator.notifications.outbox import troubled
from orchestrator.notifications.past_ledger import ledger_at
from orchestrator.notifications.trouble import RunFacts
from orchestrator.report.notify_text import Preview, previews_json, print_previews, print_status, status_json
from orchestrator.report.run_json import json_line
from orchestrator.report.streams import Lines, open_console
from orchestrator.scheduling.claims import TimeKey, TimeState
from orchestrator.scheduling.due import again_at
from orchestrator.scheduling.scheduled_command import project_name
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wiring.notification_destinations import open_masker, open_policy, open_post, require_known_schemes
from orchestrator.wiring.notification_sending import composed, gathered, only_sender, send_all, send_unrecorded
from orchestrator.wiring.project_store import open_store
from orchestrator.wording import did_you_mean, similar

_SHOWN = 20
_LOOKED_AT = 1_000
_PINGS = 200
_NEWS = timedelta(days=7)
"""How long a message that could not be sent is shown, however many were sent after it."""


def send_notices(project_dir: Path | None, unrecorded: str | None = None) -> int:
    """Send what was noted and what waits; the exit code is 0.

    `unrecorded` is a happening that could not be recorded, as JSON: only that is sent, without the store.
    """
    settings = load_settings(project_dir)
    with closing(open_store(settings)) as store:
        post = open_post(settings, store)
        if unrecorded is not None:
            send_unrecorded(post, happening_from_json(json.loads(unrecorded)))
            return 0
        with only_sender(settings) as is_ours:
            if is_ours:
                send_all(post)
    return 0


def send_test(project_dir: Path | None, destination: str, *, as_json: bool) -> int:
    """Send a test to a destination, at once; the exit code is 0. Raises NotificationError if it cannot be sent."""
    settings = load_settings(project_dir)
    require_known_schemes(settings)
    _require_known(settings, destination)
    now, project = datetime.now(UTC), project_name(settings.dbt_project_dir)
    notification = Notification(
        destination=destination,
        kind=LetterKind.TEST,
        made_at=now,
        due_at=now,
        title=f"[{project}] test of {destination}",
        body="This is a test of elt notify. Nothing happened.",
        level="warning",
    )
    with closing(open_store(settings)) as store:
        post = open_post(settings, store)
        sent = [notification]
        if destination in post.policy.incidents:  # the incident of the test is closed at once
            notification = replace(notification, incident=f"elt-{project}-test")
            sent = [notification, replace(notification, level="success")]
        try:
            for one in sent:
                post.sender.send(one, title=one.title, body=one.body, level=one.level)
        except NotificationError as error:
            hint = f"Check the URL of the destination, then send a test again: elt notify test {destination}"
            raise NotificationError(f"{destination}: {error.message}", hint=hint) from None
    if as_json:
        Lines(sys.stdout).write(json_line({"destination": destination, "sent": True}))
    else:
        open_console().print(f"A test was sent to {destination}.")
    return 0


def show_preview(project_dir: Path | None, run: str | None, *, as_json: bool) -> int:
    """Print what each destination is told of a run, the last by default, and why; the exit code is 0."""
    settings = load_settings(project_dir)
    require_known_schemes(settings)
    project = project_name(settings.dbt_project_dir)
    with closing(open_store(settings)) as store:
        reader, record = store.reader(), store.notification_record()
        head = reader.head(reader.find(run))
        facts = gathered(store, project, record.happening_of(project, head.run_id) or _happening(head))
        messages = record.messages(project, limit=_LOOKED_AT)[::-1]
        ledger = ledger_at(record.causes(project), messages, facts.at)
        waits = _waits_for_retry(settings, store, project, facts)
    policy, masker, now = open_policy(settings, os.environ), open_masker(settings, os.environ), facts.at
    alone, then = (decide(facts, one, policy, now) for one in (NotificationLedger(), ledger))
    previews = []
    for name in policy.destinations:
        new, own = (tuple(one for one in made.letters if one.destination == name) for made in (then, alone))
        sent = tuple(one for one in messages if (one.destination, one.run_id) == (name, head.run_id))
        made = tuple(composed(one, facts, policy, now, project, masker) for one in new or own)
        previews.append(
            Preview(
                destination=name,
                messages=sent or made,
                why=tuple(dict.fromkeys((*_why_sent(sent), *(why for letter in new or own for why in letter.why)))),
                why_not="" if sent else alone.silent.get(name, ""),
                sent=sent,
                held_back="" if sent or new else then.silent.get(name, ""),
                waits_for=waits if new and not sent else "",
            )
        )
    if as_json:
        Lines(sys.stdout).write(json_line(previews_json(head.run_id, previews)))
    else:
        print_previews(open_console(), head.run_id, previews)
    return 0


def _waits_for_retry(settings: Settings, store: NotifyingStore, project: str, facts: RunFacts) -> str:
    """Return why the result of a scheduled run is not reported, or not yet; empty if it is."""
    schedule, logical_time = settings.schedules.get(facts.schedule), facts.happening.logical_time
    if schedule is None or logical_time is None or facts.is_green:
        return ""
    key = TimeKey(project=project, schedule=schedule.name, logical_time=logical_time)
    time = store.schedule_record().time(key)
    if time is None or time.state is TimeState.SKIPPED:
        return ""
    if time.run_id not in {None, facts.run_id}:
        return f"the run {time.run_id} repeated it, and only the last result is reported"
    at = again_at(schedule, time) if time.state is TimeState.ENDED and time.exit_code else None
    if at is None:
        return ""
    when = shown_moment(at, schedule.timezone)
    return f"the schedule {schedule.name} repeats it at {when}, and only the last result is reported"


def show_status(project_dir: Path | None, *, as_json: bool) -> int:
    """Print the open causes, what could not be sent, the last messages, and the pings; the exit code is 0."""
    settings = load_settings(project_dir)
    project = project_name(settings.dbt_project_dir)
    with closing(open_store(settings)) as store:
        record = store.notification_record()
        causes = tuple(record.ledger(project).open.values())
        messages, pings = record.messages(project, limit=_LOOKED_AT), record.pings(project, limit=_PINGS)
    bad = set(troubled(one for one in messages if one.made_at > datetime.now(UTC) - _NEWS))
    shown = [one for number, one in enumerate(messages) if number < _SHOWN or one in bad]
    shown.sort(key=lambda one: one not in bad)
    if as_json:
        Lines(sys.stdout).write(json_line(status_json(causes, shown, pings)))
    else:
        gone = {one.destination for one in bad if one.state is NotificationState.WAITING}
        print_status(open_console(), causes, shown, pings, sorted(gone - set(settings.notifications.destinations)))
    return 0


def _why_sent(told: Sequence[Notification]) -> Iterator[str]:
    """Yield why a destination was told what no rule decides about the run alone."""
    kinds = {one.kind for one in told}
    if LetterKind.RECOVERY in kinds:
        yield "the recovery of what it was notified of before"
    if LetterKind.ESCALATION in kinds:
        yield "the escalation of what lasts"


def _require_known(settings: Settings, destination: str) -> None:
    known = tuple(settings.notifications.destinations)
    if destination not in known:
        hint = did_you_mean(similar(destination, known)) or "Define it in elt.yml: notifications.destinations"
        raise UsageError(f"elt.yml has no destination {destination}.", hint=hint)


def _happening(head: RunHead) -> Happening:
    """Return what happened to a recorded run."""
    state = state_of(head, now=datetime.now(UTC), here=socket.gethostname(), lives=lives)
    if state is RunState.RUNNING:
        raise UsageError(f"The run {head.run_id} is still running.", hint="A preview needs a run that has ended.")
    kind = HappeningKind.ENDED if state is RunState.ENDED else HappeningKind.LOST
    at = head.ended_at or head.heartbeat_at + timedelta(seconds=1)
    return Happening(kind=kind, at=at, run_id=head.run_id)
