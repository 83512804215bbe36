"""Times what elt itself does for one project, part by part; the steps run in no time and write nothing.

Runs in the project's folder. Takes the number of repeats; prints the number of steps, the processor seconds of each
part in each repeat, and the milliseconds of one picture of the live view with 40 steps running, as JSON.
"""

import gc
import io
import json
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from orchestrator.adapters.dbt.artifact_head import head_of
from orchestrator.adapters.dbt.late_dbt import LateDbt, StartedDbt
from orchestrator.adapters.dbt.ledger import DbtLedger
from orchestrator.adapters.dbt.manifest_file import ManifestFile
from orchestrator.adapters.dbt.node_outcomes import run_record
from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.run_records import OpenRecords
from orchestrator.adapters.dbt.selector import DbtSelector
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.events import Event, RunEnded, RunStarted, StepEnded, StepStarted
from orchestrator.execution.executor import thread_executors
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.loop import run_plan
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request, RunListener, Stop
from orchestrator.execution.routes import Tool
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.terms import RunTerms
from orchestrator.graph.build import Graph, build_graph
from orchestrator.nodes.identity import Relation
from orchestrator.nodes.manifest import manifest_from
from orchestrator.plan.plan import Plan
from orchestrator.plan.planner import make_plan
from orchestrator.plan.request import PlanRequest
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, StepId, TestStep
from orchestrator.report.live import LiveReport
from orchestrator.report.plain import PlainReport
from orchestrator.report.plan_text import print_plan
from orchestrator.report.run_json import JsonReport
from orchestrator.report.summary import Summary
from orchestrator.selection.resolve import Selection, resolve

Records = Mapping[StepId, Mapping[str, object]]
T = TypeVar("T")
AT_ONCE = 40
PICTURES = 50
SCREENS = {"80x24": (80, 24), "120x40": (120, 40)}


@dataclass(slots=True)
class Stopwatch:
    """Times calls several times each."""

    repeats: int
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def time(self, part: str, call: Callable[[], T]) -> T:
        """Call as often as asked, note the processor time of each call, and give the last answer."""
        for _ in range(self.repeats):
            gc.collect()
            start = time.process_time()
            answer = call()
            self.seconds.setdefault(part, []).append(time.process_time() - start)
        return answer


class NothingStands:
    """An empty warehouse."""

    def exists(self, _relation: Relation) -> bool:
        """Say no."""
        return False


class Instant:
    """Runs every step in no time."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def run(self, requests: Sequence[Request], _stop: Stop) -> Iterable[Outcome]:
        """Give a success with the record that dbt would leave."""
        for request in requests:
            now, step_id = datetime.now(UTC), request.step.id
            records = (self._records[step_id],)
            yield Outcome(
                step_id=step_id, status=Status.SUCCESS, started_at=now, ended_at=datetime.now(UTC), dbt_results=records
            )

    def interrupt(self, steps: Collection[StepId]) -> None:
        """Nothing runs."""


class Recorder:
    """Keeps the events of a run."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def hear(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)


def main(repeats: int) -> None:
    """Time every part and print the figures."""
    gc.set_threshold(50_000, 20, 20)  # as the command does
    watch = Stopwatch(repeats)
    session = DbtSession(Path.cwd())
    session.open(("build", "--project-dir", ".", "--target-path", "target_parts", "--log-path", "logs_parts"))
    manifest = session.parse()
    plan = time_planning(session, manifest, watch)
    events = watch.time("scheduling", lambda: run(plan, records_of(session, plan)))
    time_reports(session, plan, events, watch)
    pictures = {name: picture(plan, *size) for name, size in SCREENS.items()}
    watch.time("(bare table)", lambda: bare_table(plan))
    print(json.dumps({"steps": len(plan.steps), "seconds": watch.seconds, "picture_ms": pictures}))
    session.close()


def time_planning(session: DbtSession, manifest: ManifestFile, watch: Stopwatch) -> Plan:
    """Time the way from dbt's manifest to the text of a plan."""
    found = watch.time("manifest", lambda: manifest_from(json.loads(manifest.read()), manifest.path))
    graph = watch.time("graph", lambda: build_graph(found))
    selection = watch.time("selection", lambda: select(session, graph))
    request = PlanRequest(selected=selection.selected, direct=selection.direct)
    plan = watch.time("planning", lambda: make_plan(graph, request, NothingStands()))
    watch.time("plan as text", lambda: print_plan(screen(), plan, database="", verbose=True))
    return plan


def bare_table(plan: Plan) -> Mapping[StepId, set[StepId]]:
    """Keep who waits for whom, and nothing else: what in the growth is this machine's memory and not elt's."""
    waited_for: dict[StepId, set[StepId]] = {step.id: set() for step in plan.steps}
    for step in plan.steps:
        for parent in (*step.parents, *step.after):
            waited_for[parent].add(step.id)
    return waited_for


def select(session: DbtSession, graph: Graph) -> Selection:
    """Select everything, as a command without a selection does."""
    return resolve(select=(), exclude=(), has_selector=False, selector=DbtSelector(session), graph=graph)


def records_of(session: DbtSession, plan: Plan) -> Records:
    """Make the record of each step that dbt leaves in run_results.json."""
    from dbt.artifacts.schemas.results import RunStatus
    from dbt.artifacts.schemas.run import RunResult

    return {
        step.id: run_record(RunResult.from_node(session.manifest.expect(step.node), RunStatus.Success, "OK"))
        for step in plan.steps
        if isinstance(step, BuildStep | TestStep)
    }


def run(plan: Plan, records: Records) -> list[Event]:
    """Run the plan in no time."""
    heard, inbox = Recorder(), Inbox(now)
    terms = RunTerms(run_id="scale", database="")
    executors = thread_executors(dict.fromkeys(Tool, Instant(records)), terms.limits, inbox, now)
    with Audience([heard], now) as audience:
        chronicle = Chronicle(audience, inbox, now)
        run_plan(plan, executors, terms=terms, chronicle=chronicle, inbox=inbox, clock=now, stop=StopRequest())
    return heard.events


def time_reports(session: DbtSession, plan: Plan, events: Sequence[Event], watch: Stopwatch) -> None:
    """Time what each listener does with the events of one run."""
    runs = NodeRuns(session, [step.node for step in plan.steps if isinstance(step, BuildStep | TestStep)], [])

    makers: dict[str, Callable[[], RunListener]] = {
        "live view": lambda: LiveReport(screen()),
        "plain lines": lambda: PlainReport(io.StringIO()),
        "JSON lines": lambda: JsonReport(io.StringIO()),
        "summary": lambda: Summary(screen()),
    }
    for part, make in makers.items():
        watch.time(part, lambda make=make: tell(make(), events))  # type: ignore[misc]
    records = OpenRecords(session, runs, head_of(session))
    started = StartedDbt(runs=runs, records=records, runner=Instant({}))
    watch.time("artifacts", lambda: keep(DbtLedger(LateDbt.of(started), lambda: records), events))


def tell(listener: RunListener, events: Iterable[Event]) -> None:
    """Let a listener hear a run."""
    for event in events:
        listener.hear(event)


def keep(ledger: DbtLedger, events: Iterable[Event]) -> None:
    """Let dbt's ledger take note of a run, and write the artifacts."""
    for event in events:
        match event:
            case RunStarted():
                ledger.begin(event)
            case StepEnded():
                ledger.settle([event.outcome])
            case RunEnded():
                ledger.finish(event.at)


def picture(plan: Plan, width: int, height: int) -> float:
    """Give the milliseconds that one picture of the live view takes while 40 steps run."""
    live = LiveReport(screen(width, height))
    tell(live, [RunStarted(run_id="scale", at=now(), plan=plan, database="")])
    tell(live, [StepStarted(at=now(), step_id=step.id) for step in plan.steps[:AT_ONCE]])
    start = time.process_time()
    for _ in range(PICTURES):
        live.refresh()
    taken = time.process_time() - start
    live.close()
    return taken / PICTURES * 1000


def screen(width: int = 100, height: int = 40) -> Console:
    """Make a terminal that nobody looks at."""
    return Console(file=io.StringIO(), width=width, height=height, force_terminal=True, markup=False, highlight=False)


def now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


if __name__ == "__main__":
    main(int(sys.argv[1]))
