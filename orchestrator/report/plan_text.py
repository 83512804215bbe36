"""Prints a plan for users: every step with its reason, and the checks of a node below it."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from orchestrator.nodes.identity import short_name
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.plan import Plan
from orchestrator.plan.plan_words import kind_of, reason_of, shown_name
from orchestrator.plan.step import BuildStep, IngestStep, Step, StepId
from orchestrator.report.attempts_text import AttemptsText
from orchestrator.report.locked_text import locked_line
from orchestrator.report.plan_groups import group, shown_kind
from orchestrator.report.plan_overview import (
    USUAL,
    attempts_lines,
    check_words,
    execution_lines,
    heading,
    is_large,
    overview_lines,
    start_words,
    told_with,
)
from orchestrator.report.words import one_line
from orchestrator.reuse.facts import LockedDatabase
from orchestrator.ways.way import WayOfStep
from orchestrator.wording import count

_INDENT = " " * 4


def print_plan(
    console: Console,
    plan: Plan,
    attempts: AttemptsText = USUAL,
    *,
    database: str,
    locked: LockedDatabase | None = None,
    estimate: Estimate | None = None,
    ways: Mapping[StepId, WayOfStep] | None = None,
) -> None:
    """Print the plan and the database that it writes to: each step, or by folder if there are hundreds.

    With `ways`, every step is printed, and how many nodes are executed in each way.

    If another process has the database `locked`, that is printed first.
    """
    if locked is not None:
        console.print(locked_line(locked), soft_wrap=True)
    in_full = ways is not None or not is_large(plan)
    lines = (
        plan_lines(plan, attempts, database=database, estimate=estimate, width=console.width)
        if in_full
        else overview_lines(plan, attempts, database=database, estimate=estimate)
    )
    console.print(Text("\n").join((*lines, *execution_lines(ways or {}))), soft_wrap=True)


def plan_lines(
    plan: Plan, attempts: AttemptsText = USUAL, *, database: str, estimate: Estimate | None = None, width: int = 100
) -> Iterator[Text]:
    """Yield the lines of a plan: loads, gates, builds, excluded nodes, and notes."""
    groups = group(plan)
    columns = _Columns.of(plan.steps, attempts)
    yield heading(plan, database, estimate)
    for title, steps in (("Hooks before", groups.before), ("Ingest", groups.ingest), ("Gates", groups.gates)):
        yield from _section(title, steps, columns)
    yield from _section("Checks of what is not built here", groups.loose, columns)  # they wait for no build
    builds = plan.of(BuildStep)
    yield from _title("Build", len(builds))
    for step in builds:
        yield columns.line(step)
        yield from _checks(groups.checks.get(step.id, ()), step, width, attempts)
    yield from _section("Steps", groups.own, columns)
    yield from _section("Hooks after", groups.after, columns)
    yield from _title("Selected but omitted", len(plan.left_out))
    for one in plan.left_out:
        yield Text(f"  {one.node}  {one.reason}{': ' + one_line(one.detail) if one.detail else ''}")
    yield from attempts_lines(attempts)
    yield from _title("Notes", len(plan.notes))
    for note in plan.notes:
        yield Text(f"  {one_line(note)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """The widths of the columns for kind and name."""

    kind: int
    name: int
    attempts: AttemptsText

    @classmethod
    def of(cls, steps: Iterable[Step], attempts: AttemptsText) -> "_Columns":
        # One very long name should not push every reason off the screen.
        named = [(len(shown_kind(step)), min(len(_name(step)), 48)) for step in steps]
        return cls(
            kind=max((kind for kind, _ in named), default=0),
            name=max((name for _, name in named), default=0),
            attempts=attempts,
        )

    def line(self, step: Step) -> Text:
        kind, name = f"{shown_kind(step):<{self.kind}}", f"{_name(step):<{self.name}}"
        return Text.assemble("  ", (kind, "cyan"), "  ", name, "  ", (told_with(step, self.attempts), "dim"))


def _section(title: str, steps: Sequence[Step], columns: _Columns) -> Iterator[Text]:
    yield from _title(title, len(steps))
    for step in steps:
        yield columns.line(step)


def _title(title: str, number: int) -> Iterator[Text]:
    if number:
        yield Text()
        yield Text.assemble((title, "bold"), (f" ({number:,})", "dim"))


def _checks(checks: Sequence[Step], build: BuildStep, width: int, attempts: AttemptsText) -> Iterator[Text]:
    """Yield the checks of a node by kind; a reason is shown only if it is not this node."""
    own = {f"tests {short_name(build.node)}", f"evaluates {short_name(build.node)}"}
    by_kind: dict[tuple[str, str], list[str]] = {}
    for step in checks:
        reason = reason_of(step) if reason_of(step) not in own else ""
        details = (reason, check_words(step), *start_words(step), attempts.of_steps.get(step.id, ""))
        by_kind.setdefault((kind_of(step), "; ".join(filter(None, details))), []).append(step.name)
    for (kind, detail), names in by_kind.items():
        head = count(len(names), kind) + (f", {detail}" if detail else "") + ": "
        lines = textwrap.wrap(
            head + ", ".join(names),
            width=max(width, 40),
            initial_indent=_INDENT,
            subsequent_indent=_INDENT * 2,
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from (Text(line, style="dim") for line in lines)


def _name(step: Step) -> str:
    if isinstance(step, IngestStep) and step.resources:
        return f"{shown_name(step)} ({', '.join(step.resources)})"
    return shown_name(step)
