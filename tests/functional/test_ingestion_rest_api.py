"""The resource that pages through a REST API, against a server on loopback that fails at times."""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

INGESTION = Path(__file__).parents[2] / "ingestion"
PAGES = 4
PAGE_SIZE = 3

pytestmark = pytest.mark.functional


class NoticeServer(ThreadingHTTPServer):
    """Serves four pages of notices; answers the statuses in `failures` first, page by page."""

    def __init__(self, failures: dict[int, list[int]]) -> None:
        super().__init__(("127.0.0.1", 0), NoticePages)
        self.failures = {page: list(statuses) for page, statuses in failures.items()}
        self.asked: list[tuple[int, int]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class NoticePages(BaseHTTPRequestHandler):
    server: NoticeServer

    def do_GET(self) -> None:
        page = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
        waiting = self.server.failures.get(page, [])
        status = waiting.pop(0) if waiting else 200
        self.server.asked.append((page, status))
        notices = [{"id": page * 100 + n, "airport": "EWR"} for n in range(PAGE_SIZE)]
        body = json.dumps({"pages": PAGES, "notices": notices} if status == 200 else {"error": "busy"}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is http.server's)
        """Keep the test's output clean."""


@pytest.fixture
def serve() -> Iterator[Any]:
    servers: list[NoticeServer] = []

    def start(failures: dict[int, list[int]] | None = None) -> NoticeServer:
        server = NoticeServer(failures or {})
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load the notices of a server into a new DuckDB file and give the ids that stand there."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.syspath_prepend(str(INGESTION))
    monkeypatch.delitem(sys.modules, "airport_notices", raising=False)
    from airport_notices import airport_notices

    pipeline = dlt.pipeline(
        "notices",
        destination=dlt.destinations.duckdb(str(tmp_path / "warehouse.duckdb")),
        dataset_name="notices",
        pipelines_dir=str(tmp_path / "dlt"),
    )

    def run(server: NoticeServer, max_attempts: int = 4) -> list[int]:
        pipeline.run(airport_notices(base_url=server.url, max_attempts=max_attempts, wait_factor=0.01))
        with pipeline.sql_client() as client:
            return [row[0] for row in client.execute_sql("select id from notices order by id") or []]

    return run


ALL_IDS = [page * 100 + n for page in range(1, PAGES + 1) for n in range(PAGE_SIZE)]


def test_every_page_is_loaded_in_spite_of_passing_failures(serve: Any, load: Any) -> None:
    """A page that answers 500 or 429 for a while is asked for again, and no row is lost or doubled."""
    server = serve({1: [500], 3: [429, 503]})

    assert load(server) == ALL_IDS
    assert server.asked == [(1, 500), (1, 200), (2, 200), (3, 429), (3, 503), (3, 200), (4, 200)]


def test_a_second_load_doubles_no_row(serve: Any, load: Any) -> None:
    """Notices that are loaded again replace themselves."""
    server = serve()

    load(server)

    assert load(server) == ALL_IDS


def test_a_server_that_keeps_failing_is_an_error(serve: Any, load: Any) -> None:
    """A page that never answers is an error that names status and page, after the attempts allowed."""
    server = serve({2: [500] * 10})

    with pytest.raises(PipelineStepFailed, match=r"500 Server Error.*notices\?size=100&page=2"):
        load(server, max_attempts=3)

    assert server.asked == [(1, 200), (2, 500), (2, 500), (2, 500)]


def test_resources_are_listed_without_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """To import the module and to list its resources needs neither configuration nor network."""
    monkeypatch.syspath_prepend(str(INGESTION))
    monkeypatch.delitem(sys.modules, "airport_notices", raising=False)
    from airport_notices import airport_notices

    assert list(airport_notices().resources) == ["notices"]


def test_the_address_comes_from_dlts_configuration(
    serve: Any, load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The service's address is set as dlt sets any value, for instance by an environment variable."""
    server = serve()
    monkeypatch.setenv("SOURCES__AIRPORT_NOTICES__BASE_URL", server.url)
    from airport_notices import airport_notices

    rows = list(airport_notices())

    assert [row["id"] for row in rows] == ALL_IDS
