"""A project folder with a warehouse in a file, whose ingestion modules a test writes and loads."""

import itertools
import subprocess
import sys
import sysconfig
import threading
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import duckdb

from orchestrator.adapters.children.sql_pipe import PipeAccess
from orchestrator.adapters.dlt.discovery import Discovery, discover
from orchestrator.adapters.dlt.host import IngestionHost
from orchestrator.adapters.dlt.load import IngestRunner
from orchestrator.execution.ports import Request
from orchestrator.nodes.prefix import Placement
from orchestrator.plan.step import Cause, IngestStep, StepId, Why
from orchestrator.timetable.scheduled_time import DataInterval

_DECLARED = Placement()


@dataclass
class Project:
    """A project folder with a warehouse, and the shortest way to load one of its sources."""

    root: Path
    host: IngestionHost
    database: str = ""
    record: str | None = None
    continues_loads: dict = field(default_factory=dict)
    interval: DataInterval | None = None
    _connections: dict = field(default_factory=dict)
    _runs: itertools.count = field(default_factory=itertools.count)

    def __post_init__(self):
        self.database = str(self.root / "warehouse.duckdb")

    @property
    def warehouse(self):
        if self.database not in self._connections:
            self._connections[self.database] = duckdb.connect(self.database)
        return self._connections[self.database]

    def close(self):
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    def discover(self) -> Discovery:
        return discover(self.host, self.root, self.root / "ingestion", self.root / "logs")

    def runner(self, *, open_cursor=None, placement=_DECLARED) -> IngestRunner:
        runner = IngestRunner(
            host=self.host,
            access=PipeAccess(open_cursor or self.warehouse.cursor, self.database),
            project_root=self.root,
            log_dir=self.root / "logs",
            record=self.record,
            continues_loads=self.continues_loads,
            placement=placement,
        )
        runner.interval = self.interval
        return runner

    def load(
        self,
        attribute="shop",
        *,
        resources=(),
        runner=None,
        module="ingestion/shop.py",
        dataset="raw",
        stop=None,
        run_id=None,
    ):
        """Load in a run of its own, unless it is named."""
        step = ingest_step(attribute, resources=resources, module=module, dataset=dataset)
        (outcome,) = (runner or self.runner()).run(
            [Request(run_id=run_id or f"run {next(self._runs)}", step=step)], stop or threading.Event()
        )
        return outcome

    def rows(self, sql: str):
        return self.warehouse.execute(sql).fetchall()


def ingest_step(attribute, *, resources=(), module="ingestion/shop.py", dataset="raw", pipeline=None):
    pipeline = pipeline or f"elt_{attribute}"
    return IngestStep(
        id=StepId(f"ingest.{pipeline}"),
        name=attribute,
        path=module,
        cause=Cause(why=Why.FEEDS),
        source=attribute,
        module=module,
        attribute=attribute,
        pipeline=pipeline,
        dataset=dataset,
        working_dir=None,
        resources=tuple(resources),
        nodes=(),
    )


def make_environment(folder: Path, *, with_dlt: bool = True) -> Path:
    """Make an environment with a module that only it has; gives its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin/python"
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "only_there.py").write_text("WORD = 'there'\n")
    if with_dlt:  # but not elt: an editable installation is not seen from another environment's path
        (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return python
