"""Implements the verbs that read the record of runs as functions: list, show, logs, SQL, prune and cancel."""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.config.readers import MOST_RUNS
from orchestrator.errors import RepairError, UnknownNodeError, UnknownRunError, UsageError
from orchestrator.estimates.run_timings import run_timings
from orchestrator.execution.events import step_of_event
from orchestrator.execution.liveness import RunState, lives, state_of, this_process
from orchestrator.execution.ports import RunReader
from orchestrator.execution.recorded import RecordedRun, RecordedStep, RunHead
from orchestrator.execution.replay import replay
from orchestrator.nodes.dlt import is_called
from orchestrator.notifications.notification_ports import NotifyingStore
from orchestrator.notifications.outbox import troubled
from orchestrator.plan.consent import Consents, refuse, require_consent
from orchestrator.plan.step import IngestStep
from orchestrator.report.history_json import listed_to_json, run_to_json
from orchestrator.report.history_text import print_history, print_log, print_pruned, print_run, print_table
from orchestrator.report.notify_text import unsent_text
from orchestrator.report.run_json import JsonEvents, json_line
from orchestrator.report.streams import Lines, open_console
from orchestrator.report.summary import Summary
from orchestrator.report.timings_text import print_timings, timings_to_json
from orchestrator.scheduling.claims import cancelled
from orchestrator.scheduling.schedule_ports import ScheduleRecord
from orchestrator.scheduling.scheduled_command import project_name
from orchestrator.wiring.project_store import open_store, query_store
from orchestrator.wiring.schedule_notes import is_notifying
from orchestrator.wording import did_you_mean, similar

_LAST_NOTIFICATIONS = 20
_LOOK = 0.5  # seconds between two looks at a run that is followed


def show_history(project_dir: Path | None, *, limit: int, as_json: bool) -> int:
    """Print the newest runs; the exit code is 0."""
    with _opened(project_dir) as store:
        reader = store.reader()
        runs = [(head, _state(head)) for head in reader.heads(limit=limit)]
        # Only JSON shows row counts. They are asked for all runs at once, because each query of the store takes time.
        rows = reader.row_counts([head.run_id for head, _ in runs]) if as_json else {}
        unsent = 0 if as_json else _unsent(store, project_dir)
    if as_json:
        _print_json(*(listed_to_json(head, state, rows[head.run_id]) for head, state in runs))
    else:
        print_history(open_console(), runs)
        if unsent:
            open_console().print(f"{unsent_text(unsent)} See `elt notify status`.", soft_wrap=True)
    return 0


def show_run(project_dir: Path | None, run: str | None, *, as_json: bool) -> int:
    """Print one run, the last by default: its start, its steps, its first causes; the exit code is 0."""
    with _opened(project_dir) as store:
        reader = store.reader()
        found = reader.run(reader.find(run or None))
    state = _state(found.head)
    if as_json:
        _print_json(run_to_json(found, state))
        return 0
    console = open_console()
    print_run(console, found, state)
    summary = Summary(console, is_shown_again=True)
    if state is RunState.ENDED:  # a summary of a running run would look final
        for event in replay(found):
            summary.hear(event)
    return 0


def show_events(project_dir: Path | None, run: str | None, *, follow: bool = False) -> int:
    """Write the events of one run, the last by default, as `elt run --json` writes them; the exit code is 0.

    With `follow`, a run that is running is followed to its end.
    """
    json_events, seen = JsonEvents(), 0
    with _opened(project_dir) as store:
        reader = store.reader()
        run_id = reader.find(run or None)
        while True:
            # Asked before the events are read: those of the end are then in this reading, or it is not the last one.
            is_last = not follow or _state(reader.head(run_id)) is not RunState.RUNNING
            for event in reader.events(run_id, after=seen):
                _print_json(json_events.to_json(event))
                seen = event.sequence or seen
            if is_last:
                return 0
            time.sleep(_LOOK)


def show_timings(project_dir: Path | None, run: str | None, *, as_json: bool) -> int:
    """Print what the steps of one run took, the last by default, and its critical path; the exit code is 0."""
    with _opened(project_dir) as store:
        reader = store.reader()
        run_id = reader.find(run or None)
        timings = run_timings(reader.events(run_id))
    if timings is None:
        raise RepairError(f"The run {run_id} has recorded no event yet.", hint="`elt history` lists the runs.")
    if as_json:
        _print_json(timings_to_json(timings))
    else:
        print_timings(open_console(), timings)
    return 0


def show_log(project_dir: Path | None, words: tuple[str, ...], *, as_json: bool) -> int:
    """Print the recorded events of a run, or of a node and its suite; the exit code is 0.

    `words` are a run, a node, or a run and a node. A single word that is not a run is a node of the last run.
    """
    with _opened(project_dir) as store:
        reader = store.reader()
        run, node = _run_and_node(reader, words)
        found = reader.run(run)
        steps = () if node is None else _steps_of(found, node)
        events = reader.events(run)
    if node is not None:
        wanted = {step.step_id for step in steps}
        events = tuple(event for event in events if step_of_event(event) in wanted)
    if as_json:
        _print_json(*map(JsonEvents(found.plan.by_id).to_json, events))
    else:
        print_log(open_console(), found, events, steps)
    return 0


def run_sql(project_dir: Path | None, statement: str, *, as_json: bool) -> int:
    """Print the result of one statement on a read-only connection to the store; the exit code is 0."""
    names, rows = query_store(load_settings(project_dir), statement)
    if as_json:
        _print_json(*(dict(zip(names, row, strict=True)) for row in rows))
    else:
        print_table(open_console(), names, rows)
    return 0


def prune(project_dir: Path | None, *, keep: int | None, consents: Consents = refuse) -> int:
    """Delete all but the newest runs, and print how much space that freed; `keep` defaults to the setting `keep_runs`.

    Runs of a protected target are deleted only with consent. The exit code is 0.

    Raises:
        UsageError: `keep_runs` is none, and no number was given.
    """
    settings = load_settings(project_dir)
    kept = settings.keep_runs if keep is None else min(keep, MOST_RUNS)
    if keep is None and not kept:
        hint = "Give the number of runs to keep: elt history prune --keep N"
        raise UsageError("The setting keep_runs is none, so every run is kept.", hint=hint)
    with _opened(project_dir) as store:
        targets = {head.target for head in store.reader().heads()[kept:]}  # raises without a record: none is created
        danger = f"the record of its runs before the newest {kept:,} would be deleted"
        require_consent(settings, targets, danger, consents)
        before = store.size()
        forgotten = store.prune(keep=kept, now=datetime.now(UTC))
        is_shrunk, after = store.shrink(), store.size()
    print_pruned(open_console(), len(forgotten), kept, before, after, is_shrunk=is_shrunk)
    return 0


def cancel(project_dir: Path | None, run: str | None) -> int:
    """Ask a run to end, from any process; the exit code is 0.

    Raises:
        UsageError: The run is not running.
    """
    with _opened(project_dir) as store:
        try:
            found = _running(store.reader(), run)
        except (UnknownRunError, RepairError):
            # A scheduled run that waits, for its conditions or for another run, is not recorded yet; its time is.
            if not run or not _cancel_time(store.schedule_record(), run):
                raise
            found = run
        else:
            own = this_process()
            # A row in the store and not a signal: the run may be on another host or belong to another user.
            store.ask_to_end(found, at=datetime.now(UTC), by=f"{own.user}@{own.host}")
    open_console().print(f"{found} was asked to end.")
    return 0


def _running(reader: RunReader, run: str | None) -> str:
    """Return the id of a run, by default the last; raises RepairError if it is not running."""
    found = reader.find(run or None)
    state = _state(reader.run(found).head)
    if state is not RunState.RUNNING:
        ended = "has ended" if state is RunState.ENDED else "was interrupted"
        raise RepairError(f"The run {found} is not running: it {ended}.", hint="`elt history` lists the runs.")
    return found


def _cancel_time(record: ScheduleRecord, run_id: str) -> bool:
    """Cancel the time that a process has claimed to run with this id; return whether there is one.

    The process notices that at its next heartbeat, and ends.
    """
    while (time := record.time_of_run(run_id)) is not None:
        if record.claim(cancelled(time, at=datetime.now(UTC), by=this_process()), instead_of=time):
            return True
    return False


def _unsent(store: NotifyingStore, project_dir: Path | None) -> int:
    """Return how many of the last notifications could not be sent."""
    settings = load_settings(project_dir)
    if not is_notifying(settings):
        return 0
    record, project = store.notification_record(), project_name(settings.dbt_project_dir)
    messages = record.messages(project, limit=_LAST_NOTIFICATIONS)
    return len(troubled((*messages, *record.pings(project, limit=_LAST_NOTIFICATIONS))))


@contextmanager
def _opened(project_dir: Path | None) -> Iterator[NotifyingStore]:
    with closing(open_store(load_settings(project_dir))) as store:
        yield store


def _run_and_node(reader: RunReader, words: tuple[str, ...]) -> tuple[str, str | None]:
    match words:
        case ():
            return reader.find(), None
        case (one,):
            try:
                return reader.find(one), None
            except UnknownRunError:  # a node then, of the last run
                return reader.find(), one
        case _:
            return reader.find(words[0]), words[1]


_PREFIXES = {"expectation:": "suite", "step:": "step"}
"""The selection methods that may be written before the name of a step, and the kind of step that each means."""


def _steps_of(run: RecordedRun, node: str) -> tuple[RecordedStep, ...]:
    """Return the step with this id, or all steps with this name: a model shares its name with its suite and gate.

    A load is found by any of its names, a suite also as `expectation:NAME`, a step of one's own as `step:NAME`.
    """
    loads = {step.id: step.names for step in run.plan.of(IngestStep)}
    kind = next((kind for prefix, kind in _PREFIXES.items() if node.startswith(prefix)), "")
    plain = node.partition(":")[2] if kind else node

    def is_meant(step: RecordedStep) -> bool:
        if step.step_id in loads:
            return step.name == node or is_called(node, loads[step.step_id])
        return step.name == node or (kind != "" and step.name == plain and step.kind == kind)

    found = tuple(step for step in run.steps if node == step.step_id) or tuple(filter(is_meant, run.steps))
    if not found:
        hint = did_you_mean(similar(node, sorted({step.name for step in run.steps}))) or "`elt show` lists its steps."
        raise UnknownNodeError(f"The run {run.head.run_id} has no step called {node}.", hint=hint)
    return found


def _state(head: RunHead) -> RunState:
    return state_of(head, now=datetime.now(UTC), here=socket.gethostname(), lives=lives)


def _print_json(*documents: object) -> None:
    lines = Lines(sys.stdout)
    for document in documents:
        lines.write(json_line(document))
