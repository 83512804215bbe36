"""Answers the requests of the owner in a child: lists what a module defines, or loads."""

import importlib
import os
from contextlib import suppress
from typing import Any

from orchestrator.adapters.children.wire import Channel
from orchestrator.adapters.dlt import dlt_bridge as bridge
from orchestrator.adapters.probe import require_attributes
from orchestrator.errors import UnsupportedVersionError
from orchestrator.execution.outcome import ErrorClass

_VERBS = {"list": "table_listing", "load": "loading"}
"""The module in this package whose `answer` handles the verb."""
_WARM = ("dlt", "dlt.destinations.impl.duckdb.duck", "dlt.common.libs.pyarrow", "pyarrow.parquet", "sqlalchemy")
_WARM_FOR_TABLES = ("pandas",)  # pyarrow imports it, if installed, when it creates a table of rows


def warm(for_tables: bool) -> None:  # noqa: FBT001  # as ChildSide says
    """Import dlt, and with `for_tables` what loads need that hand over rows as Parquet files."""
    for name in _WARM_FOR_TABLES if for_tables else _WARM:
        with suppress(ImportError):
            importlib.import_module(name)


def answer(request: dict[str, Any], owner: Channel, warehouse: Channel | None) -> dict[str, object]:
    """Answer one request in the folder of the project."""
    os.chdir(request["project_root"])
    try:
        require_attributes((*bridge.NEEDED, *bridge.NEEDED_ON.get(request.get("kind", ""), ())), "dlt", "pyarrow")
    except UnsupportedVersionError as error:
        return {"error": error.message, "hint": error.hint, "class": ErrorClass.PERMANENT}
    importlib.import_module("orchestrator.adapters.dlt.secret_reports").report_secrets(owner)
    module = importlib.import_module(f"orchestrator.adapters.dlt.{_VERBS[request['verb']]}")
    answered: dict[str, object] = module.answer(request, owner, warehouse)
    return answered
