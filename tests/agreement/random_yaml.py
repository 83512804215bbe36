"""The YAML of a random project: what is said of its nodes, tests, exposure and saved query."""

from collections import defaultdict
from typing import Any

import yaml

from tests.agreement.random_nodes import ROOT, ColumnTest, Defect, Kind, Node, Project, UnitTest
from tests.agreement.random_sql import reference, source_name, step

Said = dict[str, Any]


def package_yaml(project: Project, package: str) -> str:
    """Write all that is said of the nodes of a package."""
    sections: dict[str, list[Said]] = defaultdict(list)
    for node in project.nodes:
        if node.package == package:
            _describe(project, node, sections)
    sections["unit_tests"] = [
        _unit_test(project, test) for test in project.unit_tests if project.node(test.model).package == package
    ]
    if package == ROOT:
        sections["exposures"] = _exposures(project)
        if project.saved_query_on is not None:
            sections |= _saved_query(project.saved_query_on)
    return yaml.safe_dump({name: entries for name, entries in sections.items() if entries}, sort_keys=False)


def _describe(project: Project, node: Node, sections: dict[str, list[Said]]) -> None:
    entry: Said = {"name": node.name, "columns": _columns(project, node)}
    if node.kind is Kind.SOURCE:
        if not sections["sources"]:
            sections["sources"].append({"name": source_name(node), "tables": []})
        sections["sources"][0]["tables"].append(entry)
        return
    if node.contract:
        entry["config"] = {"contract": {"enforced": True}}
    if node.versions:
        entry |= {"latest_version": node.versions, "versions": [{"v": v} for v in range(1, node.versions + 1)]}
    if node.kind is Kind.SEED:
        sections["seeds"].append(entry | {"config": {"column_types": {"id": "integer", "amount": "integer"}}})
    elif node.kind is Kind.SNAPSHOT:
        sections["snapshots"].append(entry | _snapshot(project, node))
    else:
        sections["models"].append(entry)


def _snapshot(project: Project, node: Node) -> Said:
    if node.variant == "sql":
        return {}
    config = {"unique_key": "id", "strategy": "check", "check_cols": ["amount"], "schema": "kept"}
    if node.defect is Defect.SQL:
        config["unique_key"] = "no_such_column"
    return {"relation": reference(project, node.parents[0], node), "config": config}


def _columns(project: Project, node: Node) -> list[Said]:
    wrong = node.defect is Defect.CONTRACT
    columns = []
    for name in ("id", "amount"):
        column: Said = {"name": name}
        if node.contract:
            column["data_type"] = "varchar" if wrong and name == "amount" else "integer"
        tests = [
            _column_test(project, test)
            for test in project.column_tests
            if (test.node, test.column) == (node.name, name)
        ]
        columns.append(column | ({"data_tests": tests} if tests else {}))
    return columns


def _column_test(project: Project, test: ColumnTest) -> Said:
    says_no = test.defect is Defect.SAYS_NO
    arguments: Said = {
        "accepted_values": {"values": [-1] if says_no else list(range(10)), "quote": False},
        "at_least": {"least": 1000 if says_no else 0},
        "relationships": {"to": reference(project, test.to) if test.to else "", "field": "id"},
    }.get(test.kind, {})
    where = "no_such_column > 1" if test.defect is Defect.SQL else test.where
    config = {
        "severity": test.limits.severity,
        "warn_if": test.limits.warn_if,
        "error_if": test.limits.error_if,
        "fail_calc": test.limits.fail_calc,
        "where": where,
        "limit": test.limit,
        "store_failures_as": test.stored,
        "tags": [test.tag] if test.tag else None,
    }
    body: Said = {"config": {name: value for name, value in config.items() if value is not None}}
    return {test.kind: ({"arguments": arguments} if arguments else {}) | body}


def _unit_test(project: Project, test: UnitTest) -> Said:
    model = project.node(test.model)
    amounts = [10 * number for number in range(1, len(model.parents) + 1)]
    given = []
    for name, amount in zip(model.parents, amounts, strict=True):
        row: Said = {"input": reference(project, name, model)}
        if test.defect is Defect.GIVEN:
            row |= {"format": "sql", "rows": "select no_such_column as id, 1 as amount"}
        elif project.node(name).kind is Kind.EPHEMERAL or amount == 20:
            row |= {"format": "sql", "rows": f"select 1 as id, {amount} as amount"}
        else:
            row["rows"] = [{"id": 1, "amount": amount}]
        given.append(row)
    kept = amounts if model.united else amounts[-1:]
    wrong = 1 if test.defect is Defect.SAYS_NO else 0
    said: Said = {
        "name": test.name,
        "model": test.model,
        "given": given,
        "expect": {"rows": [{"id": 1, "amount": amount + step(model) + wrong} for amount in kept]},
    }
    if model.kind is Kind.INCREMENTAL:
        said["overrides"] = {"macros": {"is_incremental": False}}
    return said


def _exposures(project: Project) -> list[Said]:
    if not project.exposed:
        return []
    depends_on = [reference(project, name) for name in project.exposed]
    return [{"name": "board", "type": "dashboard", "owner": {"name": "Bo"}, "depends_on": depends_on}]


def _saved_query(model: str) -> dict[str, list[Said]]:
    day = {"name": "made_on", "type": "time", "expr": "date '2024-01-01'", "type_params": {"time_granularity": "day"}}
    semantic_model = {
        "name": "counted",
        "model": f"ref('{model}')",
        "defaults": {"agg_time_dimension": "made_on"},
        "entities": [{"name": "thing", "type": "primary", "expr": "id"}],
        "dimensions": [day],
        "measures": [{"name": "things", "agg": "count", "expr": "id"}],
    }
    metric = {"name": "things_n", "label": "Things", "type": "simple", "type_params": {"measure": "things"}}
    return {
        "semantic_models": [semantic_model],
        "metrics": [metric],
        "saved_queries": [{"name": "weekly", "query_params": {"metrics": ["things_n"]}}],
    }
