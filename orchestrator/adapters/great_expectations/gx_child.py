"""Evaluates suites in a child, on request of the owner."""

import gc
import importlib
import logging
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from typing import Any

from orchestrator.adapters.children.wire import Channel
from orchestrator.adapters.great_expectations.gx_bridge import NEEDED
from orchestrator.adapters.great_expectations.messages import SuiteResult, ValidationRequest
from orchestrator.adapters.probe import require_attributes
from orchestrator.errors import UnsupportedVersionError

_EVALUATE = "orchestrator.adapters.great_expectations.evaluate"


def warm(_further: bool) -> None:  # noqa: FBT001  # as ChildSide says
    """Import great-expectations."""
    gc.set_threshold(50_000, 20, 20)  # the import takes a sixth less time, and leaves little garbage
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # the verdicts contain its messages
    with suppress(Exception):  # the child fails in the same way, and its output reaches the owner
        importlib.import_module(_EVALUATE)


def answer(request: dict[str, Any], _owner: Channel, warehouse: Channel) -> dict[str, object]:
    """Return the verdicts on a suite, or an error if the installed version cannot evaluate any."""
    if refusal := _refusal():
        return asdict(SuiteResult(error=refusal))
    from orchestrator.adapters.great_expectations.evaluate import evaluator

    reading = _reading(request.pop("kind"), warehouse)
    try:
        result = evaluator(ValidationRequest(**request), reading)
    except Exception as error:  # noqa: BLE001  # a bug in one suite must not affect the others
        result = SuiteResult(error=f"{type(error).__name__}: {error}")
    return asdict(result)


@cache
def _refusal() -> str:
    """Return why the installed version cannot evaluate any suite; empty if it can."""
    try:
        require_attributes(NEEDED, "great-expectations", "sqlalchemy")
    except UnsupportedVersionError as error:
        return f"{error.message}\n{error.hint}"
    return ""


@cache
def _reading(kind: str, warehouse: Channel) -> Any:  # noqa: ANN401  # the import of its type takes seconds
    """Return the reading of the warehouse, which lives as long as the child."""
    from orchestrator.adapters.great_expectations.result_reading import reading_of

    return reading_of(kind, warehouse)
