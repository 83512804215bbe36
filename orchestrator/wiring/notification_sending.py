"""Decides what is told of what was noted, and sends it: the work of the process `elt notify send`."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from tenacity.wait import wait_base

from orchestrator.config.settings import Settings
from orchestrator.errors import EltError, NotificationError, UnknownRunError
from orchestrator.execution.verdict import ExitCode
from orchestrator.masking import Masker
from orchestrator.nodes.manifest import manifest_from
from orchestrator.notifications.happening import Happening, HappeningKind
from orchestrator.notifications.letters import Letter, decide
from orchestrator.notifications.notification_ledger import (
    LetterKind,
    Notification,
    NotificationLedger,
    NotificationState,
    OpenCause,
    Settlement,
)
from orchestrator.notifications.notification_ports import NotificationRecord, NotificationSender, NotifyingStore
from orchestrator.notifications.notification_rules import NotificationPolicy
from orchestrator.notifications.outbox import (
    PING,
    digest_text,
    due_at,
    escalations,
    is_given_up,
    next_from_ledger,
    parcels,
    reminders,
)
from orchestrator.notifications.run_facts import facts_of
from orchestrator.notifications.trouble import RunFacts
from orchestrator.report.notification_text import notification_body, notification_level, notification_title
from orchestrator.scheduling.claims import TimeKey, TimeState
from orchestrator.scheduling.due import again_at, resumes_left
from orchestrator.scheduling.scheduled_command import project_name
from orchestrator.wiring.log_files import log_dir
from orchestrator.wiring.schedule_notes import put_ping

_TRIES = 3
_CLAIM = timedelta(minutes=10)
"""How long a process may take to send what it claimed, before another one sends it."""
_LOOK, _LOOKS = 0.5, 20  # seconds, times
_LONGEST_WAIT = timedelta(hours=1)
WAIT: wait_base = wait_exponential(multiplier=2, max=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What sending needs."""

    settings: Settings
    store: NotifyingStore
    policy: NotificationPolicy
    sender: NotificationSender
    ping: Callable[[str, str, str, str], None]
    masker: Masker
    """Knows the secrets of the environment, and those of all URLs."""
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    wait: wait_base = WAIT
    """How long to wait between two tries."""
    sleep: Callable[[float], None] = time.sleep

    @property
    def project(self) -> str:
        """Return the name of the project, to which the record of notifications belongs."""
        return project_name(self.settings.dbt_project_dir)

    @property
    def record(self) -> NotificationRecord:
        """Return the record of notifications."""
        return self.store.notification_record()


def send_all(post: Post) -> int:
    """Decide what follows from everything noted, send what is due, and return how many notifications were sent."""
    sent, record = 0, post.record
    while True:
        for number, happening in record.happenings(post.project):
            settle(post, number, happening)
        _settle_ledger(post)
        now = post.now()
        claimed = record.claim(post.project, now=now, until=now + _CLAIM)
        if not claimed:
            return sent
        for notification in (one for one in claimed if one.kind is LetterKind.PING):
            sent += _send(post, (notification,))
        unreachable = set[str]()
        for parcel in parcels([one for one in claimed if one.kind is not LetterKind.PING], post.policy):
            if parcel[0].destination in unreachable:
                _note_failure(post, parcel, "the destination could not be reached a moment ago")
            elif _send(post, parcel):
                sent += len(parcel)
            else:
                unreachable.add(parcel[0].destination)


def send_unrecorded(post: Post, happening: Happening) -> None:
    """Tell of one happening without the store, which cannot be used: what was told before is not known."""
    facts = facts_of(happening, post.project)
    for letter in decide(facts, NotificationLedger(), post.policy, post.now()).letters:
        notification = composed(letter, facts, post.policy, post.now(), post.project, post.masker)
        with suppress(EltError):
            _deliver(post, notification, notification.title, notification.body, notification.level)


def settle(post: Post, number: int, happening: Happening) -> None:
    """Decide what follows from one happening, and record it. Of a run that is tried again, only its causes are kept."""
    is_tried_again = _is_tried_again(post, happening)
    if not is_tried_again:
        _ping_at_last(post, happening)
    facts, now = gathered(post.store, post.project, happening), post.now()

    def decided(ledger: NotificationLedger) -> Settlement:
        made = decide(facts, ledger, post.policy, now)
        if is_tried_again:  # the message after the retries names this run as the first failure
            return Settlement(causes=_masked(post, [one for one in made.causes if one.resolved_at is None]))
        notifications = tuple(
            composed(letter, facts, post.policy, now, post.project, post.masker) for letter in made.letters
        )
        return Settlement(causes=_masked(post, made.causes), notifications=notifications, withdrawn=made.withdrawn)

    post.record.settle(post.project, number, decided, now=now)


def _masked(post: Post, causes: Iterable[OpenCause]) -> tuple[OpenCause, ...]:
    return tuple(replace(one, message=post.masker.text(one.message)) for one in causes)


def _is_tried_again(post: Post, happening: Happening) -> bool:
    """Return whether the schedule starts a failed run again on its own: then only the last result is told."""
    schedule = post.settings.schedules.get(happening.schedule)
    if schedule is None or not happening.exit_code or happening.logical_time is None:
        return False
    was_cut_off = happening.exit_code == ExitCode.INTERRUPTED
    if not schedule.retry.runs and not was_cut_off:
        return False
    key = TimeKey(project=post.project, schedule=happening.schedule, logical_time=happening.logical_time)
    found = None
    for _ in range(_LOOKS):
        found = post.store.schedule_record().time(key)
        if found is None:
            return False
        if found.state is not TimeState.RUNNING and (not was_cut_off or again_at(schedule, found) is not None):
            return again_at(schedule, found) is not None
        # The process of the run is about to record how the time ended; one that was asked to end with all that it
        # started, that the time goes on later.
        post.sleep(_LOOK)
    # It waits for this process, where all processes end together.
    if found is None or found.state is not TimeState.RUNNING:
        return False
    return resumes_left(schedule, found if was_cut_off else replace(found, state=TimeState.ENDED))


def _ping_at_last(post: Post, happening: Happening) -> None:
    """Put the ping of a failure into the outbox that was held back, because a further run could have come."""
    schedule, ends = post.settings.schedules.get(happening.schedule), (HappeningKind.ENDED, HappeningKind.NOT_STARTED)
    is_held_back = schedule is not None and schedule.retry.runs > 0 and happening.kind in ends
    if is_held_back and happening.exit_code and happening.logical_time is not None:
        code, run_id = str(happening.exit_code), happening.run_id or ""
        put_ping(post.settings, post.record, happening.schedule, happening.logical_time, code, run_id=run_id)


def gathered(store: NotifyingStore, project: str, happening: Happening) -> RunFacts:
    """Return the facts of a happening, with the recorded run and its manifest as far as they are known."""
    if happening.run_id is None:
        return facts_of(happening, project)
    reader = store.reader()
    try:
        run = reader.run(happening.run_id)
    except UnknownRunError:
        return facts_of(happening, project)
    if not happening.schedule:
        found = store.notification_record().time_of_run(project, happening.run_id)
        if found is not None:
            key = found.key
            happening = replace(happening, schedule=key.schedule, logical_time=key.logical_time)
    raw, manifest = reader.manifest(run.head.run_id), None
    if raw is not None:
        with suppress(EltError, ValueError):
            manifest = manifest_from(json.loads(raw), Path("manifest.json"))
    return facts_of(happening, project, run, manifest)


def composed(
    letter: Letter, facts: RunFacts | None, policy: NotificationPolicy, now: datetime, project: str, masker: Masker
) -> Notification:
    """Return the notification of a letter."""
    schedule = facts.schedule if facts is not None else letter.lasting[0].schedule
    zone = policy.zone(letter.destination, schedule)
    lasting = tuple(cause.key.id for cause in letter.lasting) if facts is None else ()
    return Notification(
        destination=letter.destination,
        kind=letter.kind,
        causes=(*letter.causes, *lasting),
        run_id=(facts.run_id if facts is not None else letter.lasting[0].last_run) or "",
        schedule=schedule,
        made_at=now if facts is None else max(now, facts.at),
        due_at=now if letter.incident else due_at(policy, letter.destination, schedule, now),
        title=masker.text(notification_title(letter, facts, project)),
        body=masker.text(notification_body(letter, facts, zone)),
        level=notification_level(letter),
        incident=letter.incident,
    )


def _settle_ledger(post: Post) -> None:
    """Decide which escalations and reminders are due although no run has ended, and record them."""
    now = post.now()

    def decided(ledger: NotificationLedger) -> Settlement:
        letters = (
            *escalations(ledger, post.policy, post.project, now),
            *reminders(ledger, post.policy, post.project, now),
        )
        return Settlement(
            notifications=tuple(composed(one, None, post.policy, now, post.project, post.masker) for one in letters)
        )

    due = next_from_ledger(post.record.ledger(post.project), post.policy)
    if due is not None and due <= now:
        post.record.settle(post.project, None, decided, now=now)


def _send(post: Post, parcel: tuple[Notification, ...]) -> bool:
    """Send notifications that go together, and record whether that succeeded."""
    title, body, level = digest_text(parcel)
    try:
        _deliver(post, parcel[0], title, body, level)
    except EltError as error:
        _note_failure(post, parcel, error.message)
        return False
    for notification in parcel:
        sent = replace(
            notification, state=NotificationState.SENT, sent_at=post.now(), tries=notification.tries + 1, error=""
        )
        post.record.update(post.project, replace(sent, claimed_until=None))
    return True


def _deliver(post: Post, notification: Notification, title: str, body: str, level: str) -> None:
    """Send one message, with further tries; raises NotificationError when none succeeds."""
    wanted = retry_if_exception_type(NotificationError)
    for attempt in Retrying(stop=stop_after_attempt(_TRIES), wait=post.wait, retry=wanted, reraise=True):
        with attempt:
            if notification.kind is LetterKind.PING:
                post.ping(notification.destination.removeprefix(PING), title, notification.incident, body)
            else:
                post.sender.send(notification, title=title, body=body, level=level)


def _note_failure(post: Post, parcel: tuple[Notification, ...], why: str) -> None:
    """Record that notifications could not be sent: they are sent later, or given up."""
    now = post.now()
    for notification in parcel:
        # A late ping would say that a run starts or ends now; an omitted one raises the alarm, as it should.
        is_over = notification.kind is LetterKind.PING or is_given_up(notification, now)
        wait = min(timedelta(minutes=1) * 2 ** min(notification.tries, 10), _LONGEST_WAIT)
        failed = replace(
            notification,
            state=NotificationState.GIVEN_UP if is_over else NotificationState.WAITING,
            tries=notification.tries + 1,
            error=why,
            claimed_until=now + wait,
        )
        post.record.update(post.project, failed)


@contextmanager
def only_sender(settings: Settings) -> Iterator[bool]:
    """Wait until no other process of this machine sends; False if another waits already, which will send it all."""
    folder = log_dir(settings).parent
    names = ("notify.next", "notify.lock")
    waiting, working = (os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o644) for name in names)
    try:
        try:
            fcntl.flock(waiting, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        fcntl.flock(working, fcntl.LOCK_EX)
        fcntl.flock(waiting, fcntl.LOCK_UN)  # from here on, what is noted may need another process
        yield True
    finally:
        os.close(waiting)
        os.close(working)
