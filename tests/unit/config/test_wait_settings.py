"""The conditions of a schedule: every mistake in them is reported with its line, and no secret is written there."""

from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.conditions.condition import conditions_json, conditions_text
from orchestrator.config.loader import load_settings
from orchestrator.config.wait_settings import Otherwise, WaitSettings
from orchestrator.config.wait_words import wait_of_words
from orchestrator.errors import ConfigurationError

GOOD = """\
schedules:
  ingest: {cron: "@hourly"}
  nightly:
    cron: "0 2 * * *"
    wait_for:
      - file: /in/orders_{interval_start:%Y-%m-%d}.csv
        every: 30s
        within: 2h
        otherwise: skip
      - http: https://api.example.com/jobs/${JOB}
        field: data.state
        equals: true
        headers: {Authorization: "Bearer ${API_TOKEN}"}
      - sql: select count(*) > 0 from raw.orders where day = '{interval_start:%Y-%m-%d}'
        connection: postgresql://loader:${PASSWORD}@host/shop
      - source: shop.orders
      - schedule: ingest
"""


def load(tmp_path: Path, text: str):
    (tmp_path / "dbt_project.yml").write_text("name: shop\nversion: '1'\nprofile: shop\n")
    (tmp_path / "elt.yml").write_text(text)
    return load_settings(tmp_path, environ={})


def test_all_kinds_of_conditions(tmp_path):
    """They are read with their patience; references to the environment stay, so no variable need be set."""
    waits = load(tmp_path, GOOD).schedules["nightly"].wait_for
    assert waits[0] == WaitSettings(
        file="/in/orders_{interval_start:%Y-%m-%d}.csv",
        every=timedelta(seconds=30),
        within=timedelta(hours=2),
        otherwise=Otherwise.SKIP,
    )
    assert waits[1].headers == {"Authorization": "Bearer ${API_TOKEN}"}
    assert (waits[1].json_field, waits[1].equals) == ("data.state", "true")
    assert conditions_text(waits) == (
        "file /in/orders_{interval_start:%Y-%m-%d}.csv, asked every 30 s for up to 2 h, then skip",
        "https://api.example.com/jobs/${JOB} to answer data.state = true, asked every 1 min for up to 1 h, then fail",
        "sql select count(*) > 0 from raw.orders where day = '{interval_…, asked every 1 min for up to 1 h, then fail",
        "source shop.orders to be fresh, asked every 1 min for up to 1 h, then fail",
        "schedule ingest to succeed, asked every 1 min for up to 1 h, then fail",
    )
    assert conditions_json(waits)[3] == {
        "condition": "source shop.orders to be fresh",
        "every_seconds": 60.0,
        "within_seconds": 3600.0,
        "otherwise": "fail",
    }


@pytest.mark.parametrize(
    ("condition", "mistake"),
    [
        ("{within: 1h}", "a condition is exactly one of file, http, sql, source, schedule; it has none of them"),
        ("{file: a, source: b}", "it has 'file' and 'source'"),
        ("{file: a, status: 200}", "'status' belongs to a condition with 'http'"),
        ("{http: 'https://a', equals: done}", "'equals' needs 'field'"),
        ("{file: a, connection: 'duckdb:///a'}", "'connection' belongs to a condition with 'sql'"),
        ("{http: 'ftp://a'}", "expected a URL that begins with http:// or https://"),
        ("{file: 'sftp://me:hidden@host/a'}", "a secret belongs in the environment"),
        ("{http: 'https://me:hidden@host/'}", "a secret belongs in the environment"),
        ("{http: 'https://host/?api_key=hidden'}", "a secret belongs in the environment"),
        ("{sql: select 1, connection: 'postgresql://me:hidden@host/x'}", "a secret belongs in the environment"),
        ("{http: 'https://a', headers: {Authorization: Bearer hidden}}", "the header 'Authorization' is a secret"),
        ("{http: 'https://a', headers: {X-Api-Key: hidden}}", "the header 'X-Api-Key' is a secret"),
        ("{sql: \"select * from {{ ref('x') }}\"}", "Jinja is not rendered here"),
        ("{file: 'a_{interval_strt:%Y}'}", "did you mean {interval_start}?"),
        ("{schedule: nightl}", "'nightl' is not a schedule. Did you mean 'nightly'"),
        ("{schedule: nightly}", "it waits for 'nightly', which waits for it"),
        ("{file: a, every: 0s}", "expected at least 1s"),
        ("{file: a, otherwise: stop}", "expected fail or skip or run"),
        ("{source: 'a b'}", "expected a dbt source"),
        ("{http: 'https://a', status: 99}", "expected a status of HTTP"),
    ],
)
def test_a_mistake_in_a_condition(tmp_path, condition, mistake):
    """It is reported with its line, and without the secret."""
    text = f'schedules:\n  nightly:\n    cron: "@daily"\n    wait_for:\n      - {condition}\n'
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, text)
    assert mistake in str(refused.value)
    assert f"{tmp_path / 'elt.yml'}:5: " in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_schedules_that_wait_for_each_other(tmp_path):
    """A circle would wait for ever, also through `on.schedule`."""
    text = """
        schedules:
          a: {cron: "@daily", wait_for: {schedule: c}}
          b: {on: {schedule: a}}
          c: {cron: "@daily", wait_for: [{schedule: b}]}
    """
    with pytest.raises(ConfigurationError, match="it waits for 'c', which waits for it"):
        load(tmp_path, dedent(text))


@pytest.mark.parametrize(
    ("words", "wait"),
    [
        ("file:/in/*.csv", WaitSettings(file="/in/*.csv")),
        ("file:in/a.csv", WaitSettings(file="/work/in/a.csv")),
        ("file:${LANDING}/a.csv", WaitSettings(file="${LANDING}/a.csv")),
        ("file:s3://in/a.csv", WaitSettings(file="s3://in/a.csv")),
        ("https://host/a?b=c", WaitSettings(http="https://host/a?b=c")),
        ("http:https://host", WaitSettings(http="https://host")),
        (
            'https://host field=data.state equals="in progress" status=202',
            WaitSettings(http="https://host", json_field="data.state", equals="in progress", status=202),
        ),
        (
            "sql:select 1 where a = 2 within=2h every=30s otherwise=run",
            WaitSettings(
                sql="select 1 where a = 2",
                within=timedelta(hours=2),
                every=timedelta(seconds=30),
                otherwise=Otherwise.RUN,
            ),
        ),
        ("source:shop.orders", WaitSettings(source="shop.orders")),
        ("file:/in/my orders.csv every=5s", WaitSettings(file="/in/my orders.csv", every=timedelta(seconds=5))),
        ("file:/in/day=1/x.csv", WaitSettings(file="/in/day=1/x.csv")),
        ('file:"/in/a withn=3s" every=5s', WaitSettings(file="/in/a withn=3s", every=timedelta(seconds=5))),
        ('file:"/in/a within=3s"', WaitSettings(file="/in/a within=3s")),
        ("sql:select 1 where a=2", WaitSettings(sql="select 1 where a=2")),
        ("schedule: nightly", WaitSettings(schedule="nightly")),
    ],
)
def test_the_short_form_of_a_condition(words, wait):
    """It is the same condition; relative paths start at the working folder."""
    assert wait_of_words(words, Path("/work")) == wait


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("orders.csv", "expected file:PATH"),
        ("fil:orders.csv", "Did you mean 'file'"),
        ("file:", "'file': expected a text"),
        ("file:a within=soon", "'within': expected a duration"),
        ("file:a within=1h within=2h", "'within' is set twice"),
        ("file:a status=200", "'status' belongs to a condition with 'http'"),
        ("source:a.b.c", "'source': expected a dbt source"),
        ("file:in/c.csv withn=3s", "'withn' is not a key of a condition. Did you mean 'within'"),
        ("file:in/c.csv withn=3s every=1s", "'withn' is not a key of a condition. Did you mean 'within'"),
        ("file:in/c.csv x=3", "'x' is not a key of a condition; known here: every, within, .*written in quotes"),
        ("file:in/c.csv within=5 s", "'within': write one word, such as within=5s"),
        ("file:in/c.csv within = 5s", "'within': write one word, such as within=5s"),
        ("https://host fielt=a", "'fielt' is not a key of a condition. Did you mean 'field'"),
        ('file:"in/c.csv" soon', "'soon' is not a setting; known here: every"),
    ],
)
def test_a_mistake_in_the_short_form(words, problem):
    """It says what was expected."""
    with pytest.raises(ValueError, match=problem):
        wait_of_words(words, Path("/work"))
