"""One child with great-expectations for all tests of a process, on a warehouse that holds the tables of the truth."""

import json
import threading
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestrator.adapters.children.sql_pipe import PipeAccess
from orchestrator.adapters.great_expectations.validate import ValidationRunner
from orchestrator.execution.ports import Request
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.step import Cause, StepId, ValidationStep, Why
from tests.functional.great_expectations.truth import FURTHER, TABLE, TYPES


def request_for(path: str, table: str, schema: str = "main", database: str | None = "memory") -> Request:
    """Ask for the validation of a table by the suite in a file."""
    step = ValidationStep(
        id=StepId("expectation.facts"),
        name="facts",
        path=path,
        cause=Cause(why=Why.SELECTED),
        suite="facts",
        node=NodeId("model.shop.facts"),
        relation=Relation(database=database, schema=schema, identifier=table),
    )
    return Request(run_id="run", step=step)


@dataclass
class Validator:
    """A runner, the folder of its suites, and its warehouse."""

    runner: ValidationRunner
    root: Path
    warehouse: duckdb.DuckDBPyConnection

    def write(self, *expectations, name="facts", **more):
        """Write a suite and give its path."""
        path = f"{name}.json"
        said = {"name": name, "expectations": list(expectations), **more}
        (self.root / path).write_text(json.dumps(said))
        return path

    def validate(self, *expectations, table="facts", schema="main", database="memory", **more):
        """Validate a table by a suite of these expectations, and give the outcome."""
        request = request_for(self.write(*expectations, **more), table, schema, database)
        [outcome] = self.runner.run([request], threading.Event())
        return outcome


def make_validator(root: Path) -> Validator:
    """Open a warehouse with the tables of the truth, and a runner over it."""
    warehouse = duckdb.connect()
    for statements in (TABLE, FURTHER, TYPES):
        warehouse.execute(statements)
    return Validator(ValidationRunner(PipeAccess(warehouse.cursor, ":memory:"), root), root, warehouse)


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    validator = make_validator(tmp_path_factory.mktemp("suites"))
    validator.runner.start()
    yield validator
    validator.runner.close()


@pytest.fixture
def validator(shared, tmp_path):
    """The shared child, with a folder of suites of the test's own."""
    shared.runner._project_root = shared.root = tmp_path
    return shared
