"""Errors of dbt, dlt and great-expectations have file and line; with --debug also the traceback, without secrets."""

import json

import pytest

from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional

SUITE = {"name": "stg_orders", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "order_id"}}]}
SUITE["expectations"].append({"type": "expect_nonsense", "kwargs": {}})
BROKEN = {
    "models/cast.sql": "{{ config(materialized='table') }}\nselect\n  cast('x' as int) as y",
    "models/query.sql": "{% if execute %}\n{% set r = run_query('select * from nowhere') %}{% endif %}select 1 as a",
    "models/zero.sql": "select 1 as a\n\n{% if execute %}{{ 1 / 0 }}{% endif %}",
    "models/calls.sql": "select 1 as a\n{% if execute %}{{ boom() }}{% endif %}",
    "models/compiled.sql": "select\n  {{ 'nope' }} from {{ ref('cast') }}",
    "macros/boom.sql": "{% macro fine() %}{% endmacro %}\n\n{% macro boom() %}\n"
    "  {% if execute %}{{ nothing.here }}{% endif %}\n{% endmacro %}",
    "models/guess.py": "def model(dbt, session):\n    dbt.config(materialized='table')\n    return {}['k']\n",
    "expectations/orders.json": json.dumps(SUITE, indent=1),
}


def test_an_error_of_dbt_has_its_line(elt, tmp_path):
    """The line of the model, of the macro and its call, or of the Python code; no frame of dbt or elt."""
    words = ("run", "--upstream", "none", "--no-tests", "--select", "zero", "calls", "guess")
    elt(*words, project=write_shop(tmp_path, BROKEN)).reports(
        "division by zero at models/zero.sql:3",
        "'nothing' is undefined at macros/boom.sql:4, called at models/calls.sql:2",
        "KeyError: 'k' (line 3 of the model)",
    )


SQL = {
    "models/column.sql": "{{ config(materialized='table') }}\n\nselect\n  nope\nfrom {{ ref('stg_orders') }} o",
    "models/joined.sql": "select 1 as a\nfrom {{ ref('stg_orders') }} o join {{ ref('stg_customers') }} on o.nope = 1",
    "models/many.sql": "{{ config(materialized='table') }}\nselect nope as a,\nnope as b from {{ ref('stg_orders') }}",
    "models/wrong.sql": "select order_id\nfrom {{ ref('stg_orders') }}\nwhere where {{ 1 }}",
}


def test_an_error_in_sql_has_its_line(elt, tmp_path):
    """The line of the model's file, also if the line has ref(); none if two lines could be meant.

    DuckDB 1 says which of the two it is.
    """
    words = ("run", "--no-tests", "--select", "stg_orders", "stg_customers", "column", "joined", "many", "wrong")
    ran = elt(*words, project=write_shop(tmp_path, SQL))
    ran.reports(
        "models/column.sql:4: nope ^^^^",
        "models/joined.sql:2: from {{ ref('stg_orders') }} o join {{ ref('stg_customers') }} on o.nope = 1 ^^^^",
        "models/wrong.sql:3: where where {{ 1 }}",
    )
    assert "models/many.sql:" not in ran.out or "models/many.sql:2: select nope as a," in ran.out
    assert "LINE" not in ran.out


def test_the_artifacts_have_the_words_of_dbt(elt, tmp_path):
    """The line is added for people; run_results.json is as dbt writes it."""
    shop = write_shop(tmp_path, BROKEN)
    elt("run", "--upstream", "none", "--no-tests", "--select", "zero", project=shop)
    results = json.loads((shop / "target/run_results.json").read_text())["results"]
    assert results[0]["message"] == "Compilation Error in model zero (models/zero.sql)\n  division by zero"


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ("selec 3", 'syntax error at or near "selec" dbt_project.yml:10: selec 3'),
        ("{{ boom() }}", "'nothing' is undefined at macros/boom.sql:4"),
    ],
)
def test_an_error_of_a_hook_has_its_line(elt, tmp_path, hook, told):
    """In dbt_project.yml, or in the macro that the hook calls."""
    shop = write_shop(tmp_path, BROKEN)
    project = shop / "dbt_project.yml"
    project.write_text(f'{project.read_text().rstrip()}\non-run-start: "{hook}"\n')
    elt("run", "--no-tests", "--select", "stg_orders", project=shop).reports(told)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        (
            "models/bad.sql",
            "select 1\n\n{{ 1 / 0 }}",
            "model bad at models/bad.sql:3: division by zero",
        ),
        (
            "models/bad.sql",
            "select 1\n{{ config(enabled=[]) }}",
            "model bad at models/bad.sql:2: enabled: [] is not",
        ),
        (
            "macros/bad.sql",
            "{% macro x() %}\n\n{{ foo( }}{% endmacro %}",
            "dbt cannot parse macros/bad.sql:3: unexpected",
        ),
    ],
)
def test_an_error_of_the_parser_has_its_file(elt, tmp_path, file, text, told):
    """Also where dbt names none."""
    elt("run", project=write_shop(tmp_path, {file: text})).refuses("[E035]", told)


INGESTION = """
import dlt
from helper import fetch

@dlt.resource
def orders():
    yield from fetch("s3cr3tvalue")
"""
HELPER = "\ndef fetch(token):\n    raise LookupError(f'no shop for {token}')\n"


def test_an_error_of_a_dlt_resource_has_its_line(elt, tmp_path, monkeypatch):
    """The innermost line of the project's own code; with --debug the traceback, without the secret."""
    monkeypatch.setenv("SHOP_API_TOKEN", "s3cr3tvalue")
    shop = write_shop(tmp_path, {"ingestion/shop.py": INGESTION, "ingestion/helper.py": HELPER})
    said = elt("ingest", "--repeats", "none", project=shop)
    said.reports("LookupError: no shop for ***** at ingestion/helper.py:2")
    said = elt("--debug", "ingest", "--repeats", "none", project=shop)
    assert "Traceback" in said.err
    assert "LookupError: no shop for *****" in said.err
    assert "s3cr3tvalue" not in said.out + said.err


def test_an_error_of_an_expectation_has_its_line(elt, tmp_path):
    """The line in the suite's file on which the expectation begins."""
    shop = write_shop(tmp_path, BROKEN)
    words = ("run", "--select", "stg_orders", "--exclude", "resource_type:test")
    elt(*words, project=shop).reports("has no such expectation", "(at expectations/orders.json:10)")


@pytest.mark.parametrize("way", ["before the command", "after it", "in the environment"])
def test_debug_shows_the_traceback_of_a_step(elt, tmp_path, monkeypatch, way):
    """It is in the log on stderr; the report is unchanged."""
    words = ["run", "--upstream", "none", "--no-tests", "--select", "zero"]
    if way == "in the environment":
        monkeypatch.setenv("ELT_DEBUG", "1")
    else:
        words.insert(0 if way == "before the command" else 1, "--debug")
    said = elt(*words, project=write_shop(tmp_path, BROKEN))
    assert said.code == 1
    assert "DEBUG orchestrator.adapters.dbt" in said.err
    assert "ZeroDivisionError: division by zero" in said.err
    assert "Traceback" not in said.out


def test_the_log_of_elt_has_no_colours(elt, tmp_path):
    """dbt colours the result of a node; a file, and stderr that is redirected to one, must not have that."""
    shop = write_shop(tmp_path, BROKEN)
    said = elt("--debug", "run", "--upstream", "none", "--no-tests", "--select", "zero", project=shop)
    log = (shop / ".elt/logs/elt.log").read_text()
    for text in (said.out, said.err, log):
        assert "\x1b" not in text
    assert "[ERROR in " in said.err
    assert "[ERROR in " in log


def test_debug_shows_the_traceback_of_an_error(elt, tmp_path):
    """After the message and its hint, with the causes."""
    shop = write_shop(tmp_path)
    elt("run", "--profile", "nope", project=shop).refuses("[E033]")
    said = elt("--debug", "run", "--profile", "nope", project=shop)
    assert said.code == 2
    assert said.err.startswith("Error [E033]: ")
    assert "The above exception was the direct cause" in said.err.partition("Traceback")[2]


@pytest.mark.parametrize("words", [(), ("--debug",)])
def test_a_traceback_has_no_secrets(elt, tmp_path, monkeypatch, words):
    """Also those that only the open project knows, and also in the traceback of a bug."""

    def fail(*_):
        raise RuntimeError("connected with s3cr3tvalue")

    monkeypatch.setattr("orchestrator.wiring.planning.make_plan", fail)
    said = elt(*words, "run", "--vars", "{api_token: s3cr3tvalue}", project=write_shop(tmp_path))
    assert said.code == 3
    assert said.err.startswith("Internal error [E001]: RuntimeError: connected with *****\n")
    assert "Traceback" in said.err
    assert "s3cr3tvalue" not in said.err
