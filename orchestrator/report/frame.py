"""Renders one frame of the live view: lines that fit the terminal."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from rich.text import Text

from orchestrator.execution.events import AttemptEnded
from orchestrator.plan.status import Status
from orchestrator.report.estimate_text import remaining_text
from orchestrator.report.event_line import STYLES, Steps, titled
from orchestrator.report.progress import Progress
from orchestrator.report.words import duration, one_line, wait_words

_MOST_RUNNING = 20
_MOST_WAITING = 5
_LONGEST_BAR = 40
_FIRST = (Status.FAIL, Status.ERROR, Status.CANCELLED, Status.WARN)
_AFTER = (Status.SKIPPED, Status.NO_DATA, Status.REUSED, Status.SUCCESS)


def frame(progress: Progress, steps: Steps, now: datetime, *, width: int, height: int) -> list[Text]:
    """Return the progress of the run, and the running steps with their times, the longest first."""
    room = max(1, min(_MOST_RUNNING, height - 10))
    lines = [_bar(progress, now, width), _counts(progress)]
    lines += [
        Text.assemble((f"{duration(now - since):>9}", "cyan"), "  ", titled(step_id, steps))
        for step_id, since in islice(progress.running.items(), room)
    ]
    if len(progress.running) > room:
        lines.append(Text(f"           and {len(progress.running) - room:,} more", style="dim"))
    lines += [_again(event, steps, now) for event in islice(progress.again.values(), _MOST_WAITING)]
    for line in lines:
        # Some terminals wrap a line that is exactly as wide as they are.
        line.truncate(max(1, width - 1), overflow="ellipsis")
    return lines


def _bar(progress: Progress, now: datetime, width: int) -> Text:
    elapsed = now - progress.started_at if progress.started_at else timedelta()
    label = f"  {progress.ended:,} of {progress.total:,} done  {duration(elapsed)}"
    if progress.expected_end is not None:
        label += f"  {remaining_text(progress.expected_end, now, is_at_least=progress.is_at_least)}"
    cells = max(0, min(_LONGEST_BAR, width - len(label) - 1))
    done = cells * progress.ended // progress.total if progress.total else cells
    bad = any(progress.counts[status] for status in (Status.FAIL, Status.ERROR))
    return Text.assemble(("━" * done, "red" if bad else "green"), ("─" * (cells - done), "dim"), label)


def _again(event: AttemptEnded, steps: Steps, now: datetime) -> Text:
    wait = wait_words(event.again_at - now)
    label = f"  {titled(event.outcome.step_id, steps)}  attempt {event.attempt + 1} of {event.most}"
    return Text.assemble((f"{'in ' + wait:>9}", "yellow"), label, (f"  {one_line(event.outcome.message)}", "dim"))


def _counts(progress: Progress) -> Text:
    """Return the counts, the most important first, because a narrow terminal cuts the end."""
    return Text(" · ").join(_counted(progress))


def _counted(progress: Progress) -> Iterator[Text]:
    yield Text(f"{len(progress.running):,} running")
    yield Text(f"{progress.waiting:,} waiting")
    if progress.again:
        yield Text(f"{len(progress.again):,} retried", style="yellow")
    for status in (*_FIRST, *_AFTER):
        if number := progress.counts[status]:
            yield Text(f"{number:,} {status.value.replace('_', ' ')}", style=STYLES[status])
