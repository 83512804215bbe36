"""Prints the summary of a run after it has ended: counts, first causes, and the verdict on the last line."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from orchestrator.execution.events import AttemptEnded, Event, Noticed, NoticeKind, RunEnded, RunStarted
from orchestrator.execution.next_steps import next_steps
from orchestrator.execution.verdict import count_by_kind, count_by_status, first_causes, slowest
from orchestrator.plan.plan import LeftOut
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.report.count_table import count_lines
from orchestrator.report.event_line import STYLES, outcome_text, titled, verdict_word
from orchestrator.report.failure_text import failure_lines
from orchestrator.report.words import duration, one_line
from orchestrator.wording import count, some_of

_MOST_LISTED = 10


class Summary:
    """Collects events and prints the summary at the end."""

    def __init__(
        self,
        console: Console,
        *,
        only_failures: bool = False,
        tells_the_end: bool = False,
        is_shown_again: bool = False,
    ) -> None:
        """Set the console to print to.

        `tells_the_end` also prints notices that come after the end of the run; `is_shown_again` omits what `elt show`
        prints above the summary.
        """
        self._is_shown_again = is_shown_again
        self._console = console
        self._only_failures = only_failures
        self._tells_the_end = tells_the_end
        self._has_ended = False
        self._started: RunStarted | None = None
        self._notices: dict[NoticeKind, Counter[str]] = {}
        self._attempts: Counter[StepId] = Counter()

    def hear(self, event: Event) -> None:
        """Record an event; print the summary when the run has ended."""
        match event:
            case RunStarted():
                self._started = event
            case AttemptEnded():
                self._attempts[event.outcome.step_id] = event.attempt + 1
            case Noticed() if self._has_ended:
                self._tell(event)
            case Noticed():
                self._notices.setdefault(event.kind, Counter())[one_line(event.message)] += 1
            case RunEnded() if self._started is not None:
                self._has_ended = True
                lines = self._failures(self._started, event) if self._only_failures else self._all(self._started, event)
                text = Text("\n").join(lines)
                if text:
                    self._console.print(text, soft_wrap=True)
            case _:
                pass

    def _tell(self, notice: Noticed) -> None:
        """Print a notice that came after the end, unless another report prints it."""
        if self._tells_the_end:
            style = STYLES[Status.WARN] if notice.kind is NoticeKind.WARNING else ""
            self._console.print(Text(one_line(notice.message, longest=None), style=style), soft_wrap=True)

    def _all(self, started: RunStarted, ended: RunEnded) -> Iterator[Text]:
        yield Text()
        if ended.outcomes:
            yield from count_lines(count_by_kind(started.plan, ended.outcomes))
        yield from self._slowest(started, ended)
        yield from self._attempted_again(started)
        yield from self._warnings(started, ended)
        yield from self._noticed(NoticeKind.PRINTED, "Printed by models", "line")
        yield from _left_out(started.plan.left_out)
        yield from self._noticed(NoticeKind.LEFT_OUT, "Left out", "note")
        yield from _notes_of(started.plan.notes)
        yield from self._failures(started, ended)
        yield Text()
        if not self._is_shown_again:
            yield Text.assemble(("database  ", "dim"), started.database)
            yield Text.assemble(("run       ", "dim"), ended.run_id)
        yield from _next(started, ended, shown_again=self._is_shown_again)
        yield _verdict(started, ended)

    def _failures(self, started: RunStarted, ended: RunEnded) -> Iterator[Text]:
        """Yield only the first causes, each with the number of steps that it halted."""
        causes = first_causes(ended.outcomes)
        if causes:
            yield Text()
            yield Text("First cause" if len(causes) == 1 else f"{len(causes):,} first causes", style="bold")
        for cause in causes:
            yield from failure_lines(cause, started.plan.by_id)

    def _slowest(self, started: RunStarted, ended: RunEnded) -> Iterator[Text]:
        longest = slowest(ended.outcomes)
        if longest:
            yield Text()
            yield Text("Slowest", style="bold")
        for outcome in longest:
            name = titled(outcome.step_id, started.plan.by_id)
            yield Text.assemble((f"{duration(outcome.elapsed):>9}", "cyan"), "  ", name)

    def _attempted_again(self, started: RunStarted) -> Iterator[Text]:
        """Yield the steps that took several attempts, whatever their status: a green run should not hide them."""
        if self._attempts:
            yield Text()
            yield Text(count(len(self._attempts), "step") + " retried", style="bold")
            steps = started.plan.by_id
            yield from _listed(
                [f"{made} attempts  {titled(step_id, steps)}" for step_id, made in self._attempts.items()]
            )

    def _warnings(self, started: RunStarted, ended: RunEnded) -> Iterator[Text]:
        warned = [outcome for outcome in ended.outcomes if outcome.warns]
        if warned:
            yield Text()
            yield Text(count(len(warned), "step") + " with warnings", style="bold")
            shown = [outcome_text(outcome, started.plan.by_id) for outcome in warned]
            yield from _listed(shown, STYLES[Status.WARN])
        yield from self._noticed(NoticeKind.WARNING, "Warnings", "warning")

    def _noticed(self, kind: NoticeKind, title: str, noun: str) -> Iterator[Text]:
        """Yield the notices of a kind; equal texts appear once."""
        counted = self._notices.get(kind)
        if not counted:
            return
        yield Text()
        yield Text(f"{title}: {count(counted.total(), noun)}", style="bold")
        yield from _listed([f"{text} ({times:,} times)" if times > 1 else text for text, times in counted.items()])


def _listed(texts: Sequence[str], style: str = "") -> Iterator[Text]:
    for text in texts[:_MOST_LISTED]:
        yield Text(f"  {text}", style=style)
    if len(texts) > _MOST_LISTED:
        yield Text(f"  and {len(texts) - _MOST_LISTED:,} more", style="dim")


def _left_out(left_out: Sequence[LeftOut]) -> Iterator[Text]:
    if not left_out:
        return
    yield Text()
    yield Text(f"Selected but not run: {count(len(left_out), 'node')}", style="bold")
    by_reason: dict[str, list[str]] = {}
    for one in left_out:
        by_reason.setdefault(one.reason, []).append(one.node)
    for reason, nodes in by_reason.items():
        yield Text(f"  {reason.replace('_', ' ')}: {some_of(nodes)}")


def _notes_of(notes: Sequence[str]) -> Iterator[Text]:
    if notes:
        yield Text()
        yield Text("Notes", style="bold")
        yield from _listed(notes, "dim")


def _next(started: RunStarted, ended: RunEnded, *, shown_again: bool) -> Iterator[Text]:
    commands = [one for one in next_steps(started, ended) if not (shown_again and one[0].startswith("elt show "))]
    width = max((len(command) for command, _ in commands), default=0)
    for at, (command, what) in enumerate(commands):
        yield Text.assemble((f"{'' if at else 'next':<10}", "dim"), f"{command:<{width}}", (f"  {what}", "dim"))


def _verdict(started: RunStarted, ended: RunEnded) -> Text:
    """Return one line with the status of the run and the counts, worst first."""
    counts = count_by_status(ended.outcomes)
    worst_first = sorted(counts, key=[*_BAD, *(status for status in Status if status not in _BAD)].index)
    shown = ", ".join(f"{counts[status]:,} {status.value.replace('_', ' ')}" for status in worst_first)
    took = duration(ended.at - started.at)
    return Text.assemble(
        (verdict_word(ended.status), f"bold {STYLES[ended.status]}"), f" in {took}: {shown or 'nothing to do'}"
    )


_BAD = (Status.ERROR, Status.FAIL, Status.CANCELLED, Status.SKIPPED, Status.WARN)
