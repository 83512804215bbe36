"""Gathers what is to be told of a happening from the recorded run and its manifest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from orchestrator.config.notification_settings import NotifyEvent
from orchestrator.execution.events import RunEnded, RunStarted
from orchestrator.execution.next_steps import next_steps
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.recorded import RecordedRun
from orchestrator.execution.replay import outcome_of
from orchestrator.execution.verdict import ExitCode, FirstCause, count_by_status, exit_code, first_causes
from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.notifications.affected import AffectedNodes
from orchestrator.notifications.happening import Happening, HappeningKind
from orchestrator.notifications.trouble import BuiltRows, CauseKey, NodeFacts, RunFacts, Trouble
from orchestrator.plan.plan_words import shown_name, titled_step
from orchestrator.plan.status import FAIL_OR_ERROR, Status
from orchestrator.plan.step import BuildStep, IngestStep, Step, StepId, TestStep, ValidationStep
from orchestrator.wording import count

RUN, LATE, LOST, NO_DATA = "run", "run.late", "run.lost", "run.no_data"
"""The steps of causes that are not steps: the run as a whole, its delay, its death, and that there was no data."""


def facts_of(
    happening: Happening, project: str, run: RecordedRun | None = None, manifest: Manifest | None = None
) -> RunFacts:
    """Return what is to be told of a happening; `run` is None if the run never began or is no longer recorded."""
    match happening.kind:
        # A run that broke off without an end in the record has a message in place of it.
        case HappeningKind.ENDED if run is not None and (run.head.status is not None or not happening.message):
            return _of_ended(happening, project, run, AffectedNodes(manifest))
        case HappeningKind.LATE:
            return _of_whole(happening, project, run, LATE, NotifyEvent.LATE, "late")
        case HappeningKind.LOST:
            return _of_whole(happening, project, run, LOST, NotifyEvent.LOST, "lost")
        case HappeningKind.SKIPPED:
            return _of_whole(happening, project, run, NO_DATA, NotifyEvent.NO_DATA, "skipped")
        case HappeningKind.NOT_STARTED | HappeningKind.ENDED:
            return _of_whole(happening, project, run, RUN, NotifyEvent.FAILURE, "error")


def _of_whole(
    happening: Happening, project: str, run: RecordedRun | None, step: str, event: NotifyEvent, word: str
) -> RunFacts:
    """Return the facts of a happening with one cause that is not a step."""
    own = f"schedule {happening.schedule}" if happening.schedule else "run by hand"
    whole = happening.subject or own
    # Each deadline that a run misses is a cause of its own.
    step = step if whole == own else f"{step}:{whole}"
    key = CauseKey(target="", place=happening.schedule, step=step, event=event)
    said = "\n".join(filter(None, (happening.message, happening.hint)))
    trouble = Trouble(key=key, word=word, name=whole, step_name="" if whole == own else whole, message=said)
    head = None if run is None else run.head
    commands = []
    if happening.run_id is not None and happening.kind is HappeningKind.LOST:
        commands = [
            (f"elt show {happening.run_id}", "how far it got"),
            ("elt schedule list", "whether its schedule resumes it")
            if happening.schedule
            else (f"elt resume {happening.run_id}", "finishes it; what succeeded does not run again"),
        ]
    return RunFacts(
        happening=happening,
        project=project,
        run_id=happening.run_id,
        target="" if head is None else head.target,
        target_identity="" if head is None else head.target_identity,
        troubles=(trouble,),
        commands=tuple(commands),
    )


def _of_ended(happening: Happening, project: str, run: RecordedRun, affected: AffectedNodes) -> RunFacts:
    head, steps = run.head, run.plan.by_id
    places = {step.step_id: step.place for step in run.steps}
    outcomes = [outcome for step in run.steps if (outcome := outcome_of(step)) is not None]
    status = head.status or Status.CANCELLED
    causes = _merged(_of_cause(cause, run, places, affected) for cause in first_causes(outcomes))
    others = [_of_outcome(one, run, places, affected) for one in outcomes if one.warns or one.status is Status.NO_DATA]
    is_green = exit_code(status) is ExitCode.SUCCESS
    ended_early = not causes and not is_green
    if ended_early:
        causes = [_of_early_end(happening, outcomes, status)]
    whole: dict[str, NotifyEvent | None] = {
        RUN: NotifyEvent.FAILURE if ended_early else None,
        LOST: None,
        NO_DATA: None,
    }
    return RunFacts(
        happening=happening,
        project=project,
        run_id=head.run_id,
        target=head.target,
        target_identity=head.target_identity,
        status=status,
        took=head.elapsed(),
        counts=count_by_status(outcomes),
        troubles=(*causes, *others),
        ended={("", happening.schedule, step): event for step, event in whole.items()}
        | {
            (head.target_identity, places[one.step_id], one.step_id): _event_of(one)
            for one in outcomes
            if one.status not in {Status.SKIPPED, Status.CANCELLED}
        },
        is_green=is_green,
        built=tuple(_built(outcomes, steps)) if is_green else (),
        nodes=affected.of_steps(run.plan.steps) if is_green else (),
        commands=_commands(run, outcomes, status),
    )


def _event_of(outcome: Outcome) -> NotifyEvent | None:
    if outcome.status in FAIL_OR_ERROR:
        return NotifyEvent.FAILURE
    if outcome.warns:
        return NotifyEvent.WARNING
    return NotifyEvent.NO_DATA if outcome.status is Status.NO_DATA else None


def _of_cause(cause: FirstCause, run: RecordedRun, places: Mapping[StepId, str], affected: AffectedNodes) -> Trouble:
    outcome, steps = cause.outcome, run.plan.by_id
    own = steps.get(outcome.step_id)
    halted = [steps[step_id] for step_id in (*cause.halted, *cause.broken_off) if step_id in steps]
    below = [*([] if own is None else [own]), *(steps[one] for one in cause.halted if one in steps)]
    exposures = affected.exposures(below)
    concerned = dict.fromkeys((*affected.of_steps(below), *exposures))
    names = tuple(_names(halted))
    blamed, place = outcome.step_id, places.get(outcome.step_id, "")
    if outcome.reason.code is ReasonCode.GATE_CLOSED and outcome.reason.blame is not None:
        # The check that closed the gate is not in this run. It is the cause, wherever it was run.
        blamed, place, names = outcome.reason.blame, "", tuple(_names([*([] if own is None else [own]), *halted]))
        own = None
    key = CauseKey(target=run.head.target_identity, place=place, step=blamed, event=NotifyEvent.FAILURE)
    made = _trouble(key, outcome, own, names, exposures, tuple(concerned))
    return made if own is not None else replace(made, name=short_name(NodeId(blamed)), step_name="")


def _merged(troubles: Iterable[Trouble]) -> list[Trouble]:
    """Return one trouble for each cause: several steps may wait for the same closed gate."""
    found: dict[CauseKey, Trouble] = {}
    for one in troubles:
        if (first := found.setdefault(one.key, one)) is not one:
            found[one.key] = replace(
                first,
                halted=tuple(dict.fromkeys((*first.halted, *one.halted))),
                exposures=tuple(dict.fromkeys((*first.exposures, *one.exposures))),
                concerned=tuple(dict.fromkeys((*first.concerned, *one.concerned))),
            )
    return list(found.values())


def _of_outcome(outcome: Outcome, run: RecordedRun, places: Mapping[StepId, str], affected: AffectedNodes) -> Trouble:
    """Return a warning, or a load without new rows."""
    event = NotifyEvent.WARNING if outcome.warns else NotifyEvent.NO_DATA
    own = run.plan.by_id.get(outcome.step_id)
    place = places.get(outcome.step_id, "")
    key = CauseKey(target=run.head.target_identity, place=place, step=outcome.step_id, event=event)
    return _trouble(key, outcome, own, (), (), affected.of_steps([] if own is None else [own]))


def _trouble(
    key: CauseKey,
    outcome: Outcome,
    own: Step | None,
    halted: tuple[str, ...],
    exposures: tuple[NodeFacts, ...],
    concerned: tuple[NodeFacts, ...],
) -> Trouble:
    return Trouble(
        key=key,
        word="warn" if outcome.warns else outcome.status.value.replace("_", " "),
        name=outcome.step_id if own is None else titled_step(own),
        step_name=outcome.step_id if own is None else own.name,
        message=outcome.message,
        failing=_failing(outcome, own),
        path=outcome.path or ("" if own is None else own.path),
        halted=halted,
        exposures=exposures,
        concerned=concerned,
    )


def _of_early_end(happening: Happening, outcomes: Sequence[Outcome], status: Status) -> Trouble:
    """Return the cause of a run that ended early although no step failed."""
    is_limit = any(one.reason.code is ReasonCode.RUN_TIME_LIMIT for one in outcomes)
    left = sum(one.status in {Status.SKIPPED, Status.CANCELLED} for one in outcomes)
    why = "the time limit of the run was reached" if is_limit else "the run was interrupted"
    return Trouble(
        key=CauseKey(target="", place=happening.schedule, step=RUN, event=NotifyEvent.FAILURE),
        word=status.value,
        name=f"schedule {happening.schedule}" if happening.schedule else "run by hand",
        message=f"{why}; {count(left, 'step')} did not end",
    )


def _names(steps: Iterable[Step]) -> list[str]:
    """Return the names of steps, builds and loads before their checks."""
    ordered = sorted(steps, key=lambda step: isinstance(step, TestStep | ValidationStep))
    return [shown_name(step) for step in ordered]


def _failing(outcome: Outcome, step: Step | None) -> str:
    if not outcome.failures:
        return ""
    match step:
        case TestStep():
            return count(outcome.failures, "row")
        case ValidationStep():
            return count(outcome.failures, "expectation")
        case _:
            return f"{outcome.failures:,}"


def _built(outcomes: Iterable[Outcome], steps: Mapping[StepId, Step]) -> Iterable[BuiltRows]:
    for one in outcomes:
        step = steps.get(one.step_id)
        is_table = isinstance(step, IngestStep) or (isinstance(step, BuildStep) and bool(step.writes))
        if step is not None and is_table and one.status in {Status.SUCCESS, Status.WARN}:
            rows = one.rows_affected if one.row_count is None else one.row_count
            yield BuiltRows(name=titled_step(step), rows=rows, took=one.elapsed)


def _commands(run: RecordedRun, outcomes: Sequence[Outcome], status: Status) -> tuple[tuple[str, str], ...]:
    head = run.head
    started = RunStarted(run_id=head.run_id, at=head.started_at, plan=run.plan, database=head.database)
    ended = RunEnded(
        run_id=head.run_id, at=head.ended_at or head.last_event_at, status=status, outcomes=tuple(outcomes)
    )
    return tuple(next_steps(started, ended))
