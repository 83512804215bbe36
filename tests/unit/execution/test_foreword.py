"""Notices that come before a run starts."""

from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.foreword import Foreword
from tests.fakes.clock import NOON

WAITING = Noticed(at=NOON, kind=NoticeKind.WAITING, message="for another run")


def test_a_notice_is_sent_at_once_with_its_number_and_kept() -> None:
    """Of a run that is resumed, the numbers continue those of its record."""
    sent: list[Noticed] = []
    foreword = Foreword("r1", sent.append, after=7)
    foreword.hear(WAITING)
    foreword.hear(WAITING)
    assert [(notice.run_id, notice.sequence) for notice in sent] == [("r1", 8), ("r1", 9)]
    assert foreword.notices == sent


def test_a_notice_of_a_run_that_has_ended_is_only_sent() -> None:
    """The run has recorded it, or could not."""
    sent: list[Noticed] = []
    foreword = Foreword("r1", sent.append)
    recorded = Noticed(at=NOON, kind=NoticeKind.NOTE, message="copied", run_id="r1", sequence=12)
    foreword.hear(recorded)
    assert (sent, foreword.notices) == ([recorded], [])
