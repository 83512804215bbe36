"""Writes the title and the text of a notification."""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from orchestrator.config.notification_settings import NotifyEvent
from orchestrator.notifications.happening import HappeningKind
from orchestrator.notifications.letters import Letter, ToldTrouble
from orchestrator.notifications.notification_ledger import LetterKind, OpenCause
from orchestrator.notifications.notification_rules import concerns
from orchestrator.notifications.trouble import NodeFacts, RunFacts
from orchestrator.plan.status import Status
from orchestrator.report.words import clean, duration
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wording import count, shortened, some_of

_MOST_CAUSES = 10
_MOST_LINES = 6
_LONGEST_LINE = 300  # characters
_MOST_BUILT = 20
_LONGEST_NAMES = 3
_WORDS = {
    NotifyEvent.FAILURE: "failed",
    NotifyEvent.WARNING: "has warnings",
    NotifyEvent.LATE: "is late",
    NotifyEvent.LOST: "was lost",
    NotifyEvent.NO_DATA: "had no new data",
}
_STILL = {
    "failed": "still fails",
    "could not start": "still cannot start",
    "is late": "is still late",
}
"""The words of a reminder."""
_LEVELS = {NotifyEvent.FAILURE: "failure", NotifyEvent.LOST: "failure", NotifyEvent.LATE: "warning"}


def notification_level(letter: Letter) -> str:
    """Return how urgent a notification is: `failure`, `warning`, `success` or `info`."""
    events = [one.trouble.key.event for one in letter.troubles]
    if NotifyEvent.FAILURE in events or NotifyEvent.LOST in events or letter.kind is LetterKind.ESCALATION:
        return "failure"
    if letter.lasting and not letter.recovered and letter.kind is LetterKind.REMINDER:
        return "failure"  # no run has ended since
    if events:
        return "info" if set(events) == {NotifyEvent.NO_DATA} else "warning"
    return "success"


def notification_title(letter: Letter, facts: RunFacts | None, project: str) -> str:
    """Return the one line that says what happened."""
    if facts is None:
        names = [cause.name for cause in letter.lasting]
        return f"{_subject(letter.lasting[0].schedule, project)} has not recovered: {some_of(names, _LONGEST_NAMES)}"
    subject = _subject(facts.schedule, project)
    if letter.troubles:
        worst = letter.troubles[0].trouble
        is_refused = facts.happening.kind is HappeningKind.NOT_STARTED
        word = "could not start" if is_refused else _WORDS[worst.key.event]
        if letter.kind is LetterKind.REMINDER:
            word = _STILL.get(word, f"still {word}")
        names = [one.trouble.name for one in letter.troubles if one.trouble.step_name]
        named = f": {some_of(names, _LONGEST_NAMES)}" if names else ""
        return f"{subject} {word}{named}"
    if letter.recovered:
        names = [cause.name for cause in letter.recovered if not cause.name.startswith("schedule ")]
        return f"{subject} recovered" + (f": {some_of(names, _LONGEST_NAMES)}" if names else "")
    return f"{subject} succeeded"


def notification_body(letter: Letter, facts: RunFacts | None, zone: str) -> str:
    """Return the text of a notification: the run, its root causes, what recovered, and what to do."""
    place = ZoneInfo(zone)
    blocks: list[Iterable[str]] = []
    if facts is not None:
        blocks.append(_run(facts, place))
    blocks += [_cause(one, letter.owners, place) for one in letter.troubles[:_MOST_CAUSES]]
    blocks.append(_further(letter.troubles))
    if facts is None:
        blocks.append(_lasting(letter.lasting[:_MOST_CAUSES], place))
        blocks.append(_further(letter.lasting))
    elif letter.lasting:
        lasting = [f"  {_since(one, place)}" for one in letter.lasting[:_MOST_CAUSES]]
        blocks.append(["Already reported, and not recovered:", *lasting, *_further(letter.lasting)])
    if letter.recovered:
        recovered = [f"Recovered: {_since(cause, place)}" for cause in letter.recovered[:_MOST_CAUSES]]
        blocks.append([*recovered, *_further(letter.recovered)])
    if facts is not None and not letter.troubles:
        blocks.append(_success(facts))
    if facts is not None and letter.troubles:
        blocks.append(_commands(facts.commands))
    lines = ["\n".join(block) for block in map(list, blocks) if block]
    return "\n\n".join(lines)


def _further(causes: Sequence[object]) -> list[str]:
    more = len(causes) - _MOST_CAUSES
    return [f"and {count(more, 'further cause')}"] if more > 0 else []


def _subject(schedule: str, project: str) -> str:
    return f"[{project}] {schedule}" if schedule else f"[{project}] a run by hand"


def _run(facts: RunFacts, place: ZoneInfo) -> Iterator[str]:
    """Yield what is said of the run as a whole."""
    happening = facts.happening
    target = f", target {facts.target}" if facts.target else ""
    run = f"Run {facts.run_id}{target}" if facts.run_id else "No run"
    if facts.status is not None:
        took = f" after {duration(facts.took)}" if facts.took is not None else ""
        yield f"{run}: {_status(facts.status)}{took}, at {shown_moment(facts.at, place)}"
    else:
        yield f"{run}, at {shown_moment(facts.at, place)}"
    if happening.logical_time is not None:
        yield f"Scheduled for {shown_moment(happening.logical_time, place)}"
    if happening.deadline is not None:
        expected = happening.expected_end
        said = (
            f", expected to be done at {shown_moment(expected, place)}"
            if expected is not None
            else ", which has passed"
        )
        yield f"Deadline {shown_moment(happening.deadline, place)}{said}"
    if facts.counts:
        yield ", ".join(f"{number:,} {status.value.replace('_', ' ')}" for status, number in facts.counts.items())


def _status(status: Status) -> str:
    return "success with warnings" if status is Status.WARN else status.value


def _cause(one: ToldTrouble, owners: Sequence[str], place: ZoneInfo) -> Iterator[str]:
    """Yield the lines of one root cause."""
    trouble, cause = one.trouble, one.cause
    yield f"{trouble.word}: {trouble.name}"
    lines = [line.rstrip() for line in clean(trouble.message).splitlines() if line.strip()]
    yield from (f"  {shortened(line, _LONGEST_LINE)}" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"  and {count(len(lines) - _MOST_LINES, 'more line')}"
    if trouble.failing:
        yield f"  failing: {trouble.failing}"
    if cause.times > 1:
        yield f"  since {shown_moment(cause.first_at, place)}, {count(cause.times, 'run')} in a row"
    if trouble.halted:
        yield f"  {count(len(trouble.halted), 'step')} did not run: {some_of(trouble.halted)}"
    if trouble.exposures:
        yield f"  out of date: {some_of([_exposure(node) for node in trouble.exposures])}"
    if owners:
        own = dict.fromkeys(node.name for node in trouble.concerned if concerns(owners, node))
        if own:
            yield f"  of {', '.join(owners)}: {some_of(list(own))}"
    elif trouble.owners:
        yield f"  owners: {some_of(trouble.owners)}"
    if trouble.path:
        yield f"  file: {trouble.path}"


def _exposure(node: NodeFacts) -> str:
    return f"{node.name} ({node.owners[0]})" if node.owners else node.name


def _lasting(causes: Sequence[OpenCause], place: ZoneInfo) -> Iterator[str]:
    for cause in causes:
        yield _since(cause, place)
        if cause.message:
            yield f"  {shortened(clean(cause.message), _LONGEST_LINE)}"
        if cause.last_run:
            yield f"  elt show {cause.last_run}"


def _since(cause: OpenCause, place: ZoneInfo) -> str:
    many = f", {count(cause.times, 'run')} in a row" if cause.times > 1 else ""
    return f"{cause.name}, {_event(cause.key.event)} since {shown_moment(cause.first_at, place)}{many}"


def _event(event: NotifyEvent) -> str:
    return {NotifyEvent.FAILURE: "failing", NotifyEvent.NO_DATA: "without new data"}.get(event, event.value)


def _success(facts: RunFacts) -> Iterator[str]:
    for one in facts.built[:_MOST_BUILT]:
        rows = "" if one.rows is None else f", {count(one.rows, 'row')}"
        yield f"{one.name}{rows}, {duration(one.took)}"
    if len(facts.built) > _MOST_BUILT:
        yield f"and {len(facts.built) - _MOST_BUILT:,} more"


def _commands(commands: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max((len(command) for command, _ in commands), default=0)
    for command, what in commands:
        yield f"{command:<{width}}  {what}"
