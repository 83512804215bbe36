"""What a load says of an error of the source system, and a source that recovers between two tries."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator.execution.attempts import AttemptRules
from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.executor import thread_executors
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.loop import run_plan
from orchestrator.execution.outcome import ErrorClass, ReasonCode
from orchestrator.execution.repeats import RepeatPolicy
from orchestrator.execution.routes import Tool
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.terms import RunTerms
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from tests.fakes.listener import RecordingListener
from tests.functional.dlt.ingest_project import ingest_step

pytestmark = pytest.mark.functional

SHOP = """
    import dlt
    import requests

    @dlt.resource(name="orders", write_disposition="append")
    def shop():
        yield {{"id": 1}}
        answer = requests.get("http://127.0.0.1:{port}/orders", timeout=30)
        answer.raise_for_status()
        yield from answer.json()
"""


class Api(ThreadingHTTPServer):
    """A source system that answers with these statuses in turn, and with orders after them."""

    daemon_threads = True

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = list(statuses)
        self.asked = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self):
        self.server.asked += 1
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        body = b'[{"id": 2}, {"id": 3}]'
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[Api]:
    """A source system that is busy twice."""
    server = Api(503, 503)
    yield server
    server.shutdown()
    server.server_close()


def run_it(project, policy):
    """Run the load through the loop; gives its outcome and what was heard."""
    step = ingest_step("shop")

    def now() -> datetime:
        return datetime.now(UTC)

    heard = RecordingListener()
    inbox = Inbox(now)
    terms = RunTerms(run_id="r", database="d", attempts=AttemptRules(policies={step.id: policy}))
    with Audience([heard], now) as audience:
        (outcome,) = run_plan(
            Plan(steps=(step,)),
            thread_executors({Tool.DLT: project.runner()}, terms.limits, inbox, now),
            terms=terms,
            chronicle=Chronicle(audience, inbox, now),
            inbox=inbox,
            clock=now,
            stop=StopRequest(),
        )
    return outcome, heard


def test_a_busy_source_system_is_retried_and_loaded_once(project, api):
    """503 twice, then rows: two further tries, and each row stands once."""
    project.write("ingestion/shop.py", SHOP.format(port=api.server_port))
    outcome, heard = run_it(project, RepeatPolicy(repeats=3, first_delay=timedelta(milliseconds=10)))
    assert outcome.status is Status.SUCCESS
    assert api.asked == 3
    assert [line for line in heard.lines if "follows" in line] == [
        "ingest.elt_shop error, attempt 2 of 4 follows",
        "ingest.elt_shop error, attempt 3 of 4 follows",
    ]
    assert project.rows("select id from raw.orders order by 1") == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("status", "kind"), [(429, ErrorClass.TRANSIENT), (500, ErrorClass.TRANSIENT), (404, ErrorClass.PERMANENT)]
)
def test_an_http_status_decides_whether_to_retry(project, status, kind):
    """A busy or broken server may recover; a page that is not there will not come."""
    server = Api(status)
    project.write("ingestion/shop.py", SHOP.format(port=server.server_port))
    assert project.load().error_class is kind
    server.shutdown()
    server.server_close()


def test_an_unreachable_server_is_transient(project, api):
    """A refused connection is tried again."""
    port = api.server_port
    api.shutdown()
    api.server_close()
    project.write("ingestion/shop.py", SHOP.format(port=port))
    assert project.load().error_class is ErrorClass.TRANSIENT


def test_a_mistake_in_the_code_is_permanent(project):
    """What the user's own code raises is tried once."""
    project.write("ingestion/shop.py", "import dlt\n\n@dlt.resource\ndef shop():\n    yield 1 / 0\n")
    assert project.load().error_class is ErrorClass.PERMANENT


def test_a_warehouse_conflict_is_retried_without_extracting_again(project):
    """Another transaction makes the table: the further try loads what the first one extracted, once."""
    project.write("ingestion/shop.py", "import dlt\n\n@dlt.resource\ndef shop():\n    yield {'id': 1}\n")
    rival = project.warehouse.cursor()
    rival.execute("create schema raw")
    rival.execute("begin; create table raw.shop(i integer)")
    runner = project.runner()
    outcome = project.load(runner=runner)
    rival.execute("rollback")
    assert (outcome.status, outcome.error_class) == (Status.ERROR, ErrorClass.TRANSIENT)
    outcome = project.load(runner=runner)
    assert (outcome.status, outcome.rows_affected) == (Status.SUCCESS, 1)
    assert project.rows("select id from raw.shop") == [(1,)]


def test_a_load_over_its_time_limit_is_an_error_and_its_process_ends(project):
    """An extraction that waits for ever is ended with its process."""
    project.write(
        "ingestion/shop.py", "import dlt, time\n\n@dlt.resource\ndef shop():\n    time.sleep(600)\n    yield {}\n"
    )
    outcome, _ = run_it(project, RepeatPolicy(repeats=3, time_limit=timedelta(seconds=1)))
    assert (outcome.status, outcome.reason.code) == (Status.ERROR, ReasonCode.TIME_LIMIT)
