"""Reads what a contender says it did, from dbt's artifacts."""

import json
from pathlib import Path
from typing import Any

from benchmarks.layered_project import SCHEMA
from benchmarks.measure import BenchmarkFailed


def statuses(target: Path) -> dict[str, str]:
    """Give the status of each node of the last run, in dbt's words."""
    return {result["unique_id"]: result["status"] for result in _results(target)}


def forget(target: Path) -> None:
    """Remove the record of an earlier run, so that it cannot stand for the next one."""
    (target / "run_results.json").unlink(missing_ok=True)


def compiled_statements(target: Path) -> list[dict[str, Any]]:
    """Give the SQL that dbt compiled, in the order in which dbt executed it."""
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    ordered = sorted(_results(target), key=_started)
    return [_statement(nodes[result["unique_id"]], result["compiled_code"]) for result in ordered]


def same_or_fail(what: str, by_contender: dict[str, dict[str, Any]]) -> None:
    """Fail unless every contender has the same answer."""
    (reference, expected), *others = by_contender.items()
    for name, found in others:
        if found != expected:
            keys = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
            shown = [f"{key}: {expected.get(key)} / {found.get(key)}" for key in sorted(keys)[:5]]
            raise BenchmarkFailed(f"{what} differ between {reference} and {name}, {len(keys)} in all: {shown}")


def parsed_anew(logs: Path) -> bool:
    """Say whether dbt's log tells that the whole project was parsed again."""
    return any("Unable to do partial parsing" in path.read_text() for path in logs.rglob("*.log"))


def _results(target: Path) -> list[dict[str, Any]]:
    path = target / "run_results.json"
    if not path.exists():
        raise BenchmarkFailed(f"{path} was not written.")
    results: list[dict[str, Any]] = json.loads(path.read_text())["results"]
    return results


def _started(result: dict[str, Any]) -> str:
    return min(str(timing["started_at"]) for timing in result["timing"])


def _statement(node: dict[str, Any], compiled: str) -> dict[str, Any]:
    if node["resource_type"] == "test":
        sql = f"select count(*) from ({compiled}) as failing_rows"
        return {"node": node["unique_id"], "is_test": True, "sql": sql}
    kind = node["config"]["materialized"]
    sql = f'create or replace {kind} "{SCHEMA}"."{node["name"]}" as ({compiled})'
    return {"node": node["unique_id"], "is_test": False, "sql": sql}
