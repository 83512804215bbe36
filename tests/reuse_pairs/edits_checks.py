"""Edits of checks: what tests, unit tests and suites read beside their own node, and what they leave."""

import json
from random import Random

from tests.reuse_pairs.parts import BOTH, CHECKS, DUCKDB, POSTGRES, Part, drawer, outside, source_yml, table, view


def _model(p: str) -> dict[str, str]:
    return {f"models/{p}_m.sql": table("select 1 as id, 'a' as v union all select 2, 'b'")}


@drawer(CHECKS, *BOTH)
def check_reads_another_relation(draw: Random, p: str, adapter: str) -> Part:
    """A test reads a relation that it does not declare, or a file; that changes, and the test says something else."""
    other = f"ext.{p}_t"
    reads = [other, f"{{{{ var('{p}_rel') }}}}", f"{{{{ {p}_other() }}}}"]
    if adapter == DUCKDB:
        reads += [f"'{p}_x.csv'", f"wh.ext.{p}_t"]
    read, severity = draw.choice(reads), draw.choice(("error", "warn"))
    kind = draw.choice(("singular", "generic", "argument", "where"))
    where = f"id in (select id from {other} where v = 'bad')"
    files = {
        **_model(p),
        f"{p}_x.csv": "id,v\n1,a\n",
        f"macros/{p}.sql": f"{{% macro {p}_other() %}}{other}{{% endmacro %}}\n",
    }
    bad = f"select m.id from {{model}} m join {read} o on o.id = m.id where o.v = 'bad'"
    own = f"{{{{ ref('{p}_m') }}}}"
    if kind == "singular":
        files[f"tests/{p}_bad.sql"] = f"{{{{ config(severity='{severity}') }}}}\n{bad.replace('{model}', own)}\n"
    elif kind == "where":
        files[f"models/{p}.yml"] = (
            f"models:\n  - name: {p}_m\n    columns: [{{name: v, data_tests: [{{accepted_values: "
            f'{{arguments: {{values: [x]}}, config: {{severity: {severity}, where: "{where}"}}}}}}]}}]\n'
        )
    else:
        argument = kind == "argument"
        body = bad.replace("{model}", "{{ model }}")
        body = body.replace(read, "{{ other }}") if argument else body
        files[f"tests/generic/{p}_ok.sql"] = (
            f"{{% test {p}_ok(model{', other' if argument else ''}) %}}{body}{{% endtest %}}\n"
        )
        given = f", arguments: {{other: {other}}}" if argument else ""
        files[f"models/{p}.yml"] = (
            f"models:\n  - name: {p}_m\n    data_tests: [{{{p}_ok: {{config: {{severity: {severity}}}{given}}}}}]\n"
        )

    def edit(bench):
        bench.sql(f"update {other} set v = 'bad' where id = 1")
        bench.write(f"{p}_x.csv", "id,v\n1,bad\n")

    return Part(
        variant=f"{kind}, {severity}: {read}",
        files=files,
        outputs=(f"{p}_m",),
        ddl=outside(f"{p}_t"),
        project={"vars": {f"{p}_rel": other}},
        edit=edit,
    )


@drawer(CHECKS, *BOTH)
def check_changes(draw: Random, p: str, adapter: str) -> Part:
    """A test changes: its arguments, its severity, its limits, its macro, a var that it reads."""
    then, now = draw.choice(
        (
            ("values: [a, b]", "values: [a]"),
            ("values: [a, b]", "values: [x, y]"),
            ("values: [a, b]}, config: {severity: warn", "values: [a]}, config: {severity: error"),
            ("values: [a, b]}, config: {severity: warn", 'values: [a]}, config: {warn_if: ">5", severity: warn'),
            ("values: [a, b]}, config: {severity: warn", 'values: [a]}, config: {where: "id < 9", severity: warn'),
            ("values: [a, b]}, config: {severity: warn", "values: [a]}, config: {store_failures: true, severity: warn"),
        )
    )
    yml = f"models/{p}.yml"
    text = (
        f"models:\n  - name: {p}_m\n    columns: [{{name: v, data_tests: [{{accepted_values: "
        "{arguments: {values: [a, b]}, config: {severity: warn}}}]}]\n"
    )
    return Part(
        variant=f"{then} becomes {now}",
        files={**_model(p), yml: text},
        outputs=(f"{p}_m",),
        edit=lambda bench: bench.replace(yml, then, now),
    )


@drawer(CHECKS, *BOTH)
def macro_of_a_test_changes(draw: Random, p: str, adapter: str) -> Part:
    """The text of a generic test changes, or of a macro, var or variable that a test reads."""
    way = draw.choice(("test", "macro", "var", "env", "singular"))
    limit = {
        "macro": f"{{{{ {p}_limit() }}}}",
        "var": f"{{{{ var('{p}_limit') }}}}",
        "env": f"{{{{ env_var('PAIRS_{p.upper()}', '9') }}}}",
    }.get(way, "(9)")
    body = f"select id from {{{{ model }}}} where id > {limit}"
    generic, singular, macro = f"tests/generic/{p}_few.sql", f"tests/{p}_single.sql", f"macros/{p}.sql"

    def edit(bench):
        match way:
            case "test":
                bench.replace(generic, "(9)", "(1)")
            case "macro":
                bench.replace(macro, "(9)", "(1)")
            case "singular":
                bench.replace(singular, "(9)", "(1)")

    return Part(
        variant=way,
        files={
            **_model(p),
            macro: f"{{% macro {p}_limit() %}}(9){{% endmacro %}}\n",
            generic: f"{{% test {p}_few(model) %}}{body}{{% endtest %}}\n",
            singular: f"select id from {{{{ ref('{p}_m') }}}} where id > (9)\n",
            f"models/{p}.yml": f"models:\n  - {{name: {p}_m, data_tests: [{p}_few]}}\n",
        },
        outputs=(f"{p}_m",),
        vars=({f"{p}_limit": 9}, {f"{p}_limit": 1}) if way == "var" else ({}, {}),
        environment=({}, {f"PAIRS_{p.upper()}": "1"}) if way == "env" else ({}, {}),
        edit=edit,
    )


@drawer(CHECKS, *BOTH)
def stored_failures_are_dropped(draw: Random, p: str, adapter: str) -> Part:
    """The table in which a test keeps its failing rows is dropped or changed; or the run asks for such tables."""
    audit = "main_dbt_test__audit" if adapter == DUCKDB else "analytics_dbt_test__audit"
    way = draw.choice(("drop table {t}", "delete from {t}", "flag"))
    stored = "" if way == "flag" else "store_failures: true, "
    text = (
        f"models:\n  - name: {p}_m\n    columns: [{{name: v, data_tests: [{{accepted_values: "
        f"{{name: {p}_stored, arguments: {{values: [a]}}, config: {{{stored}severity: warn}}}}}}]}}]\n"
    )
    change = way.format(t=f"{audit}.{p}_stored")
    return Part(
        variant=way,
        files={**_model(p), f"models/{p}.yml": text},
        outputs=(f"{p}_m",),
        second=("--store-failures",) if way == "flag" else (),
        edit=lambda bench: bench.sql(change) if way != "flag" else None,
    )


@drawer(CHECKS, *BOTH)
def warning_is_an_error_now(draw: Random, p: str, adapter: str) -> Part:
    """A test warned; the second run has --warn-error, or options that make warnings errors."""
    second = draw.choice((("--warn-error",), ("--warn-error-options", '{"error": "all"}')))
    text = (
        f"models:\n  - name: {p}_m\n    columns: [{{name: v, data_tests: [{{accepted_values: "
        "{arguments: {values: [a]}, config: {severity: warn}}}]}]\n"
    )
    return Part(
        variant=" ".join(second), files={**_model(p), f"models/{p}.yml": text}, outputs=(f"{p}_m",), second=second
    )


@drawer(CHECKS, *BOTH)
def unit_test_changes(draw: Random, p: str, adapter: str) -> Part:
    """A unit test changes: what it expects, a fixture, an override, a macro or function of its model."""
    ways = ["expected", "fixture", "override", "macro", "function"]
    way = draw.choice(ways)
    model, fixture, yml, macro = f"models/{p}_u.sql", f"tests/fixtures/{p}_f.csv", f"models/{p}.yml", f"macros/{p}.sql"
    suffix = f"ext.{p}_f()" if way == "function" else f"{{{{ {p}_end() }}}}"
    text = (
        f"unit_tests:\n  - name: {p}_says\n    model: {p}_u\n    overrides: {{vars: {{{p}_x: '-'}}}}\n"
        f"    given: [{{input: ref('{p}_m'), format: csv, fixture: {p}_f}}]\n"
        "    expect: {rows: [{id: 1, v: 'a-!'}]}\n"
    )
    then, now, file = {
        "expected": ("'a-!'", "'b-!'", yml),
        "fixture": ("1,a", "1,b", fixture),
        "override": ("'-'", "'+'", yml),
        "macro": ("'!'", "'?'", macro),
        "function": ("", "", yml),
    }[way]
    make = (
        f"create or replace macro ext.{p}_f() as '{{0}}'"
        if adapter == DUCKDB
        else f"create or replace function ext.{p}_f() returns text language sql immutable as $$select '{{0}}'::text$$"
    )

    def edit(bench):
        if way == "function":
            bench.sql(make.format("?"))
        else:
            bench.replace(file, then, now)

    return Part(
        variant=way,
        files={
            **_model(p),
            yml: text,
            fixture: "id,v\n1,a\n",
            macro: f"{{% macro {p}_end() %}}'!'{{% endmacro %}}\n",
            model: table(f"select id, v || '{{{{ var('{p}_x', '') }}}}' || {suffix} as v from {{{{ ref('{p}_m') }}}}"),
        },
        outputs=(f"{p}_u",),
        ddl=(make.format("!"),),
        edit=edit,
    )


@drawer(CHECKS, *BOTH)
def parent_of_a_test_is_changed_by_hand(draw: Random, p: str, adapter: str) -> Part:
    """Rows change of a table that a relationships test names, or of the source below an ephemeral or view."""
    schema = "main" if adapter == DUCKDB else "analytics"
    kind = draw.choice(("relationships", "through a view", "source"))
    change = (
        f"delete from {schema}.{p}_to where id = 2"
        if kind == "relationships"
        else f"update ext.{p}_t set v = 'bad' where id = 1"
    )
    tested = {
        "relationships": f"models:\n  - name: {p}_m\n    columns: [{{name: id, data_tests: [{{relationships: "
        f"{{arguments: {{to: ref('{p}_to'), field: id}}}}}}]}}]\n",
        "through a view": f"models:\n  - name: {p}_seen\n    columns: [{{name: v, data_tests: [{{accepted_values: "
        "{arguments: {values: [a, b, c]}}}]}]\n",
        "source": "",
    }[kind]
    columns = (
        "        columns: [{name: v, data_tests: [{accepted_values: {arguments: {values: [a, b, c]}}}]}]\n"
        if kind == "source"
        else ""
    )
    return Part(
        variant=kind,
        files={
            **_model(p),
            f"models/{p}_to.sql": table("select 1 as id, 'a' as v union all select 2, 'b'"),
            f"models/{p}_seen.sql": view(f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}}"),
            f"models/{p}.yml": tested + source_yml(p, f"{p}_t", columns),
        },
        outputs=(f"{p}_m", f"{p}_seen"),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.sql(change),
    )


@drawer(CHECKS, DUCKDB, POSTGRES, slow=True)
def suite_reads_another_relation(draw: Random, p: str, adapter: str) -> Part:
    """A suite compares its node with another relation, or changes itself."""
    way = draw.choice(("other table", "query", "stray", "text"))
    read = {"query": f"{p}_to", "stray": f"ext.{p}_t"}.get(way, "")
    expectation = {
        "other table": {
            "type": "expect_table_row_count_to_equal_other_table",
            "kwargs": {"other_table_name": f"{p}_to"},
        },
        "text": {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1, "max_value": 9}},
    }.get(
        way,
        {
            "type": "unexpected_rows_expectation",
            "kwargs": {"unexpected_rows_query": f"select * from {{batch}} where id not in (select id from {read})"},
        },
    )
    suite, other = f"expectations/{p}_m.json", f"models/{p}_to.sql"
    schema = "main" if adapter == DUCKDB else "analytics"
    by_hand = draw.random() < 0.5

    def edit(bench):
        if way == "text":
            bench.replace(suite, "9", "1")
        elif way == "stray":
            bench.sql(f"delete from ext.{p}_t where id = 2")
        elif by_hand:
            bench.sql(f"delete from {schema}.{p}_to where id = 2")
        else:
            bench.replace(other, "union all select 2, 'b'", "")

    return Part(
        variant=f"{way}{', by hand' if by_hand else ''}",
        files={
            **_model(p),
            other: table("select 1 as id, 'a' as v union all select 2, 'b'"),
            suite: json.dumps({"name": f"{p}_m", "expectations": [expectation]}),
        },
        outputs=(f"{p}_to",),
        ddl=outside(f"{p}_t"),
        edit=edit,
    )
