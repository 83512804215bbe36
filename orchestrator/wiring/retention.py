"""Limits the size of the record: each run deletes the runs that are too old."""

from collections.abc import Callable
from datetime import datetime

from orchestrator.errors import StoreError
from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.ports import RunStore

_SLACK = 20
"""The record may exceed its limit by 1/20. Deleting costs more than counting, so several runs are deleted at once."""


def forget_old_runs(store: RunStore, keep: int, now: datetime, hear: Callable[[Noticed], None]) -> None:
    """Delete the oldest runs if there are more than `keep`; a store that refuses causes a warning, not an error."""
    if not keep:
        return
    try:
        if store.count_runs() > keep + keep // _SLACK:
            store.prune(keep=keep, now=now)
    except StoreError as error:  # the run has ended, and this must not change its result
        hear(Noticed(at=now, kind=NoticeKind.WARNING, message=f"Old runs could not be deleted. {error}"))
