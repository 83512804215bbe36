"""Keeps the record of runs from growing without bound: each run forgets those that are too old."""

from collections.abc import Callable
from datetime import datetime

from orchestrator.errors import StoreError
from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.ports import RunStore

_SLACK = 20
"""One twentieth more than is kept may be there: to forget costs more than to count, so several runs go at once."""


def forget_old_runs(store: RunStore, keep: int, now: datetime, hear: Callable[[Noticed], None]) -> None:
    """Forget the oldest runs if there are more than are kept; a store that refuses is a warning, not an error."""
    if not keep:
        return
    try:
        if store.count_runs() > keep + keep // _SLACK:
            store.prune(keep=keep, now=now)
    except StoreError as error:
        hear(Noticed(at=now, kind=NoticeKind.WARNING, message=f"Old runs could not be forgotten. {error}"))
