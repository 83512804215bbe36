"""Keeps the ledger of notifications in memory, and applies decisions as the store does."""

from dataclasses import replace
from datetime import datetime

from orchestrator.notifications.ledger import Notice, NoticeState, NotificationLedger, OpenCause
from orchestrator.notifications.letters import Decided, Letter, decide
from orchestrator.notifications.outbox import due_at
from orchestrator.notifications.rules import NotificationPolicy
from orchestrator.notifications.trouble import RunFacts


class LedgerInMemory:
    """Everything that was decided so far."""

    def __init__(self, policy: NotificationPolicy) -> None:
        self.policy = policy
        self.causes: dict[str, OpenCause] = {}
        self.notices: list[Notice] = []

    def ledger(self) -> NotificationLedger:
        known = {key: cause for key, cause in self.causes.items() if cause.resolved_at is None}
        return NotificationLedger(open=known, notices=tuple(self.notices))

    def settle(self, facts: RunFacts, now: datetime | None = None) -> Decided:
        """Decide, and keep what follows; everything waits in the outbox."""
        now = now or facts.at
        made = decide(facts, self.ledger(), self.policy, now)
        self.causes |= {cause.key.id: cause for cause in made.causes}
        withdrawn = dict.fromkeys(made.withdrawn, NoticeState.WITHDRAWN)
        self.notices = [replace(one, state=withdrawn.get(one.number, one.state)) for one in self.notices]
        for letter in made.letters:
            self.put(letter, facts.schedule, facts.run_id or "", now)
        return made

    def put(self, letter: Letter, schedule: str, run_id: str, now: datetime) -> None:
        lasting = tuple(cause.key.id for cause in letter.lasting) if not letter.causes else ()
        notice = Notice(
            number=len(self.notices) + 1,
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
        self.notices.append(notice)

    def send(self, now: datetime, *, works: bool = True) -> list[Notice]:
        """Send what is due, or try to."""
        sent = []
        for at, one in enumerate(self.notices):
            if one.is_pending(now) and one.due_at <= now:
                state = NoticeState.SENT if works else NoticeState.WAITING
                self.notices[at] = replace(one, state=state, sent_at=now, tries=one.tries + 1)
                sent.append(self.notices[at])
        return sent if works else []
