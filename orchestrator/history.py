"""What is recorded of runs, as functions: a list, one run, its logs, SQL over it, and what to forget."""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.errors import UnknownRunError, UsageError
from orchestrator.execution.liveness import RunState, state_of
from orchestrator.execution.ports import RunReader, RunStore
from orchestrator.execution.recorded import RecordedRun, RecordedStep, RunHead
from orchestrator.execution.replay import replay
from orchestrator.nodes.dlt import is_called
from orchestrator.plan.step import IngestStep
from orchestrator.report.history_json import event_to_json, head_to_json, run_to_json
from orchestrator.report.history_text import print_history, print_log, print_run, print_table
from orchestrator.report.streams import Lines, open_console
from orchestrator.report.summary import Summary
from orchestrator.wiring.recording import lives, open_store, query_store, this_process


def show_history(project_dir: Path | None, *, limit: int, as_json: bool) -> int:
    """Print the newest runs; the exit code is 0."""
    with _opened(project_dir) as store:
        runs = [(head, _state(head)) for head in store.reader().heads(limit=limit)]
    if as_json:
        _print_json(*(head_to_json(head, state) for head, state in runs))
    else:
        print_history(open_console(), runs)
    return 0


def show_run(project_dir: Path | None, run: str | None, *, as_json: bool) -> int:
    """Print one run, the last unless named: how it began, its steps, its first causes; the exit code is 0."""
    with _opened(project_dir) as store:
        reader = store.reader()
        found = reader.run(reader.find(run))
    state = _state(found.head)
    if as_json:
        _print_json(run_to_json(found, state))
        return 0
    console = open_console()
    print_run(console, found, state)
    summary = Summary(console)
    if state is RunState.ENDED:
        for event in replay(found):
            summary.hear(event)
    return 0


def show_log(project_dir: Path | None, words: tuple[str, ...], *, as_json: bool) -> int:
    """Print what was recorded of a run as it happened, or of one node of it; the exit code is 0.

    `words` are a run, a node, or a run and a node; one word that is no run is a node of the last run.
    """
    with _opened(project_dir) as store:
        reader = store.reader()
        run, node = _run_and_node(reader, words)
        found = reader.run(run)
        step = None if node is None else _step_of(found, node)
        told = reader.events(run)
    events = [event for event in told if step is None or event.step_id == step.step_id]
    if as_json:
        _print_json(*(event_to_json(event) for event in events))
    else:
        print_log(open_console(), found, events, step)
    return 0


def run_sql(project_dir: Path | None, statement: str, *, as_json: bool) -> int:
    """Print the answer of the store to one statement, on a connection that cannot write; the exit code is 0."""
    names, rows = query_store(load_settings(project_dir), statement)
    if as_json:
        _print_json(*(dict(zip(names, row, strict=True)) for row in rows))
    else:
        print_table(open_console(), names, rows)
    return 0


def prune(project_dir: Path | None, *, keep: int) -> int:
    """Forget all but the newest runs; the exit code is 0."""
    with _opened(project_dir) as store:
        store.reader()  # where nothing is recorded, nothing is made
        forgotten = store.prune(keep=keep)
    open_console().print(f"{len(forgotten):,} forgotten, the newest {keep:,} and those that go on are kept.")
    return 0


def cancel(project_dir: Path | None, run: str | None) -> int:
    """Ask a run to end, from anywhere; the exit code is 0.

    Raises:
        UsageError: the run does not go on.
    """
    with _opened(project_dir) as store:
        reader = store.reader()
        found = reader.find(run)
        state = _state(reader.run(found).head)
        if state is not RunState.RUNNING:
            raise UsageError(f"The run {found} does not go on: it {state.value}.", hint="`elt history` lists the runs.")
        own = this_process()
        store.ask_to_end(found, at=datetime.now(UTC), by=f"{own.user}@{own.host}")
    open_console().print(f"{found} was asked to end.")
    return 0


@contextmanager
def _opened(project_dir: Path | None) -> Iterator[RunStore]:
    with closing(open_store(load_settings(project_dir))) as store:
        yield store


def _run_and_node(reader: RunReader, words: tuple[str, ...]) -> tuple[str, str | None]:
    match words:
        case ():
            return reader.find(), None
        case (one,):
            try:
                return reader.find(one), None
            except UnknownRunError:
                return reader.find(), one
        case _:
            return reader.find(words[0]), words[1]


def _step_of(run: RecordedRun, node: str) -> RecordedStep:
    """Find a step by its name or its id; a load also by any other of its names."""
    found = [step for step in run.steps if node in (step.name, step.step_id)]
    if not found:
        loads = {step.id: step for step in run.plan.steps if isinstance(step, IngestStep)}
        found = [s for s in run.steps if s.step_id in loads and is_called(node, loads[s.step_id].names)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"The run {run.head.run_id} has no step called {node}.", hint="`elt show` lists its steps.")
    ids = ", ".join(step.step_id for step in found)
    raise UsageError(f"Several steps are called {node}: {ids}.", hint="Name one of them by its id.")


def _state(head: RunHead) -> RunState:
    return state_of(head, now=datetime.now(UTC), here=socket.gethostname(), lives=lives)


def _print_json(*documents: object) -> None:
    lines = Lines(sys.stdout)
    for document in documents:
        lines.write(json.dumps(document, default=str))
