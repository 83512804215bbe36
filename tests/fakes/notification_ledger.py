"""Keeps the ledger of notifications in memory, and applies decisions as the store does."""

from dataclasses import replace
from datetime import datetime

from orchestrator.notifications.letters import Decided, Letter, decide
from orchestrator.notifications.notification_ledger import (
    Notification,
    NotificationLedger,
    NotificationState,
    OpenCause,
)
from orchestrator.notifications.notification_rules import NotificationPolicy
from orchestrator.notifications.outbox import due_at
from orchestrator.notifications.trouble import RunFacts


class LedgerInMemory:
    """Everything that was decided so far."""

    def __init__(self, policy: NotificationPolicy) -> None:
        self.policy = policy
        self.causes: dict[str, OpenCause] = {}
        self.notifications: list[Notification] = []

    def ledger(self) -> NotificationLedger:
        known = {key: cause for key, cause in self.causes.items() if cause.resolved_at is None}
        return NotificationLedger(open=known, notifications=tuple(self.notifications))

    def settle(self, facts: RunFacts, now: datetime | None = None) -> Decided:
        """Decide, and keep what follows; everything waits in the outbox."""
        now = now or facts.at
        made = decide(facts, self.ledger(), self.policy, now)
        self.causes |= {cause.key.id: cause for cause in made.causes}
        withdrawn = dict.fromkeys(made.withdrawn, NotificationState.WITHDRAWN)
        self.notifications = [replace(one, state=withdrawn.get(one.number, one.state)) for one in self.notifications]
        for letter in made.letters:
            self.put(letter, facts.schedule, facts.run_id or "", now)
        return made

    def put(self, letter: Letter, schedule: str, run_id: str, now: datetime) -> None:
        lasting = tuple(cause.key.id for cause in letter.lasting) if not letter.causes else ()
        notification = Notification(
            number=len(self.notifications) + 1,
            destination=letter.destination,
            kind=letter.kind,
            causes=(*letter.causes, *lasting),
            run_id=run_id,
            schedule=schedule,
            made_at=now,
            due_at=due_at(self.policy, letter.destination, schedule, now),
            title=letter.kind.value,
            body="",
            incident=letter.incident,
        )
        self.notifications.append(notification)

    def send(self, now: datetime, *, works: bool = True) -> list[Notification]:
        """Send what is due, or try to."""
        sent = []
        for at, one in enumerate(self.notifications):
            if one.is_pending(now) and one.due_at <= now:
                state = NotificationState.SENT if works else NotificationState.WAITING
                self.notifications[at] = replace(one, state=state, sent_at=now, tries=one.tries + 1)
                sent.append(self.notifications[at])
        return sent if works else []
