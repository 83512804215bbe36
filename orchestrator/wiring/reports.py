"""Creates the listeners that report a run to users and programs."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import gettempdir

from orchestrator.errors import EltError
from orchestrator.execution.events import Noticed, RunNotStarted
from orchestrator.execution.ports import RunListener
from orchestrator.execution.verdict import exit_code_of_error
from orchestrator.full_disk import full_disk_error, is_full_disk
from orchestrator.masking import Masker
from orchestrator.report.event_line import line_of
from orchestrator.report.live import LiveReport
from orchestrator.report.nothing import UnlessNothing
from orchestrator.report.opening import OpeningReport
from orchestrator.report.plain import PlainReport
from orchestrator.report.quiet import QuietReport
from orchestrator.report.run_json import JsonReport, refusal
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
            report = JsonReport(sys.stdout, Masker(os.environ).text)
            try:
                yield (report,)
            except (Exception, KeyboardInterrupt) as error:
                report.hear(_not_started(error))
                raise
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


def _not_started(error: BaseException) -> RunNotStarted:
    """Return the event of a run that an error prevented."""
    if isinstance(error, Exception) and is_full_disk(error):
        error = full_disk_error(error, [Path.cwd(), Path(gettempdir())])
    told = error.message if isinstance(error, EltError) else f"{type(error).__name__}: {error}"
    return refusal(
        "Interrupted." if isinstance(error, KeyboardInterrupt) else told,
        error.hint if isinstance(error, EltError) else "",
        str(getattr(error, "code", "")),
        exit_code_of_error(error),
    )


def tell_on_stderr(notice: Noticed) -> None:
    """Write one notice to standard error."""
    Lines(sys.stderr).write(str(line_of(notice, {}, None)))
