"""Creates the listeners that report a run to users and programs, and sends them the events of a command."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from orchestrator.execution.audience import PATIENCE, Audience
from orchestrator.execution.events import Noticed
from orchestrator.execution.ports import RunListener
from orchestrator.execution.verdict import not_started
from orchestrator.masking import Masker
from orchestrator.report.event_line import line_of
from orchestrator.report.live import LiveReport
from orchestrator.report.nothing_report import UnlessNothing
from orchestrator.report.opening import OpeningReport
from orchestrator.report.plain import PlainReport
from orchestrator.report.quiet import QuietReport
from orchestrator.report.run_json import JsonReport
from orchestrator.report.streams import Lines, can_live, open_console
from orchestrator.report.summary import Summary


class OutputKind(StrEnum):
    """How a run is reported."""

    LIVE = "live"  # on a terminal that a user watches
    PLAIN = "plain"  # one line per event
    QUIET = "quiet"  # only what failed
    JSON = "json"  # one object per line


@contextmanager
def reporting(output: OutputKind, *, nothing: str, color: bool | None = None) -> Iterator[tuple[RunListener, ...]]:
    """Create the listeners that report a run, and restore the terminal when the run ends for any reason.

    `nothing` is what they show to a user for a run without steps.
    """
    console = open_console()
    if color is False:
        console.no_color = True
    match output:
        case OutputKind.JSON:
            yield (JsonReport(sys.stdout),)
        case OutputKind.QUIET:
            yield (Summary(console, only_failures=True), QuietReport(sys.stderr))
        case OutputKind.LIVE if can_live(console):
            opening, live = OpeningReport(console), LiveReport(console)
            try:
                yield (opening, UnlessNothing(console, (live, Summary(console, tells_the_end=True)), nothing))
            finally:
                opening.close()
                live.close()
        case _:
            yield (UnlessNothing(console, (PlainReport(sys.stdout), Summary(console)), nothing),)


def tell_on_stderr(notice: Noticed) -> None:
    """Write one notice to standard error."""
    Lines(sys.stderr).write(str(line_of(notice, {}, None)))


@contextmanager
def listening(listeners: Sequence[RunListener], patience: timedelta | None = PATIENCE) -> Iterator[Audience]:
    """Send the events of one command to its listeners, also an error that keeps its run from starting.

    At the end the listeners have received everything. One that does not return from one event within `patience`
    receives no more; None waits as long as it takes.
    """
    with Audience(listeners, _now, patience=patience) as audience:
        try:
            yield audience
        # A run that has begun reports its own end. Before that, only this tells listeners why there is none.
        except (Exception, KeyboardInterrupt) as error:
            if not audience.has_begun:
                audience.tell(not_started(error, _now(), Masker(os.environ)))  # the project may never have been open
            raise


def _now() -> datetime:
    return datetime.now(UTC)
