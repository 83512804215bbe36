"""Renders a large plan: what is built in each folder, with how many checks, and why."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from statistics import mean

from rich.text import Text

from orchestrator.plan.decision import Act
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.plan import Plan
from orchestrator.plan.plan_words import count_by_act, kind_of, reason_of, shown_name, told_of
from orchestrator.plan.step import BuildStep, Step, StepId
from orchestrator.report.attempts_text import AttemptsText
from orchestrator.report.estimate_text import estimate_with_runs
from orchestrator.report.plan_groups import Groups, group, shown_kind
from orchestrator.report.words import one_line
from orchestrator.ways.way import NodeWay, WayOfStep
from orchestrator.wording import count, some_of

USUAL = AttemptsText()
"""No rules for attempts were given."""
_MOST_BUILDS = 200
_MOST_LISTED = 10
_ACTS = {
    Act.REUSE: "reused",
    Act.IF_CHANGED: "if changed",
    Act.CLOSED: "closed",
    Act.RECENT: "not due",
    Act.OPEN: "not run",
    Act.OPEN_SKIPS: "not run",
    Act.UNCONFIRMED: "unconfirmed",
}


def is_large(plan: Plan) -> bool:
    """Return whether the plan builds more nodes than a user wants to see one by one."""
    return len(plan.of(BuildStep)) > _MOST_BUILDS


def acts_text(plan: Plan) -> str:
    """Return the counts of steps that do not simply run: `, 12 reused, 3 if changed`; empty if all run."""
    counts = count_by_act(plan)
    return "".join(f", {counts[act]:,} {word}" for act, word in _ACTS.items() if counts.get(act))


def heading(plan: Plan, database: str, estimate: Estimate | None) -> Text:
    """Return the first line of a plan: how many steps it has, where it writes, and how long it takes."""
    takes = "" if estimate is None else f", {estimate_with_runs(estimate)}"
    return Text.assemble((count(len(plan.steps), "step"), "bold"), f"{acts_text(plan)}, into {database}{takes}")


def check_words(step: Step) -> str:
    """Return the decision on a check in words; empty if there was nothing to decide."""
    if step.decision is None or step.decision.words == reason_of(step):
        return ""
    return _ACTS.get(step.decision.act, step.decision.words)


def told_with(step: Step, attempts: AttemptsText) -> str:
    """Describe why a step is in the plan, the decision on it, and its own rules for its start and its attempts."""
    return "; ".join(filter(None, (told_of(step), *start_words(step), attempts.of_steps.get(step.id, ""))))


def start_words(step: Step) -> Iterator[str]:
    """Yield the pool and the priority of a step in words, if it has them."""
    if step.pool is not None:
        yield f"pool {step.pool}"
    if step.priority is not None:
        yield f"priority {step.priority}"


def attempts_lines(attempts: AttemptsText) -> Iterator[Text]:
    """Yield the rules for attempts of each kind of step, and of the run."""
    yield from _section("Attempts and time limits", [f"{kind}: {words}" for kind, words in attempts.of_kinds.items()])


def overview_lines(
    plan: Plan, attempts: AttemptsText = USUAL, *, database: str, estimate: Estimate | None = None
) -> Iterator[Text]:
    """Yield a line for each folder, and the first few lines of each group of other steps."""
    groups = group(plan)
    builds = plan.of(BuildStep)
    yield heading(plan, database, estimate)
    for title, steps in (("Hooks before", groups.before), ("Ingest", groups.ingest), ("Gates", groups.gates)):
        yield from _section(title, [_step_line(step, attempts) for step in steps])
    yield from _section("Checks of what is not built here", [_step_line(step, attempts) for step in groups.loose])
    yield from _section("Build", (), len(builds))
    yield from _folders(builds, groups)
    yield from _section("Steps", [_step_line(step, attempts) for step in groups.own])
    yield from _section("Hooks after", [_step_line(step, attempts) for step in groups.after])
    own = [step for step in plan.of(BuildStep) if step.id in attempts.of_steps]
    detail = [f"{shown_kind(step)}  {step.name}  {attempts.of_steps[step.id]}" for step in own]
    yield from _section("Nodes with attempts and limits of their own", detail)
    yield from attempts_lines(attempts)
    yield from _section("Selected but omitted", (), len(plan.left_out))
    by_reason: dict[str, list[str]] = {}
    for one in plan.left_out:
        by_reason.setdefault(one.reason, []).append(one.node)
    yield from (Text(f"  {reason}: {some_of(nodes)}") for reason, nodes in by_reason.items())
    yield from _section("Notes", [one_line(note) for note in plan.notes])
    yield Text()
    yield Text("With --verbose: every step with its reason", style="dim")


def execution_lines(ways: Mapping[StepId, WayOfStep]) -> Iterator[Text]:
    """Yield how many nodes are executed in each way, and why dbt executes some."""
    numbers = Counter(found.way for found in ways.values())
    reasons = Counter(found.why_dbt for found in ways.values() if found.way is NodeWay.BY_DBT)
    lines = [f"{number:,}  {why}" for why, number in reasons.most_common()]
    yield from _section("Executed with generated statements", (), numbers[NodeWay.GENERATED])
    yield from _section("Executed as dbt did before, if nothing has changed", (), numbers[NodeWay.REPLAYED])
    yield from _section("Executed by dbt", lines, numbers[NodeWay.BY_DBT])


def _section(title: str, lines: Sequence[str], number: int | None = None) -> Iterator[Text]:
    number = len(lines) if number is None else number
    if not number:
        return
    yield Text()
    yield Text.assemble((title, "bold"), (f" ({number:,})", "dim"))
    yield from (Text(f"  {line}") for line in lines[:_MOST_LISTED])
    if len(lines) > _MOST_LISTED:
        yield Text(f"  and {len(lines) - _MOST_LISTED:,} more", style="dim")


def _step_line(step: Step, attempts: AttemptsText) -> str:
    return f"{kind_of(step)}  {shown_name(step)}  {told_with(step, attempts)}"


def _folders(builds: Sequence[BuildStep], groups: Groups) -> Iterator[Text]:
    """Yield the folders in the order in which the plan builds them, by the mean position of their nodes."""
    several = len({_package(step) for step in builds}) > 1
    by_folder: dict[str, list[BuildStep]] = defaultdict(list)
    places: dict[str, list[int]] = defaultdict(list)
    for place, step in enumerate(builds):
        folder = PurePosixPath(step.path.replace("\\", "/")).parent
        named = f"{_package(step)}: {folder}" if several else str(folder)
        by_folder[named].append(step)
        places[named].append(place)
    width = max(map(len, by_folder), default=0)
    for named in sorted(by_folder, key=lambda one: mean(places[one])):
        steps = by_folder[named]
        checks = Counter(kind_of(check) for step in steps for check in groups.checks.get(step.id, ()))
        kinds = Counter(shown_kind(step) for step in steps)
        detail = " · ".join(f"{kind} {number:,}" for kind, number in (*sorted(kinds.items()), *sorted(checks.items())))
        yield Text.assemble(f"  {named:<{width}}  ", (detail, "cyan"), "  ", (_reasons(steps), "dim"))


def _package(step: BuildStep) -> str:
    return step.node.split(".")[1]


def _reasons(steps: Sequence[BuildStep]) -> str:
    added = sum(step.added for step in steps)
    if not added:
        return "selected"
    return "needed" if added == len(steps) else f"{len(steps) - added:,} selected, {added:,} needed"
