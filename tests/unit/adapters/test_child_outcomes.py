"""The outcomes of loads and own steps that broke or were interrupted have one form."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.adapters.children.child_outcomes import cancelled, errored
from orchestrator.plan.status import Status
from tests.factories import make_step

STARTED = datetime(2026, 11, 26, tzinfo=UTC)
LOG = Path("logs/step.log")
BOTH = pytest.mark.parametrize("kind", ["load_api", "own_export"])


@BOTH
def test_an_error_names_the_log_only_if_there_is_output(kind: str) -> None:
    step = make_step(kind)
    silent = errored(step, STARTED, "it broke", LOG)
    assert (silent.message, silent.log) == ("it broke", "")
    loud = errored(step, STARTED, "it broke", LOG, output="a traceback")
    assert (loud.message, loud.log) == (f"it broke\nThe full output is in {LOG}.", "a traceback")
    assert {one.tool_word for one in (silent, loud)} == {"error"}


@BOTH
def test_an_interruption_says_what_becomes_of_the_work(kind: str) -> None:
    outcome = cancelled(make_step(kind), STARTED, "nothing is undone")
    assert (outcome.status, outcome.message) == (Status.CANCELLED, "interrupted; nothing is undone")
