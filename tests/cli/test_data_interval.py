"""A scheduled run gives its data interval to dbt, and the record keeps it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.api import Command, run
from orchestrator.config.schedule_settings import EventTime, ScheduleSettings
from orchestrator.scheduling.event_time import event_time_words
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime
from tests.event_schema import validate
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional
FIRST = datetime(2026, 11, 28, 1, tzinfo=UTC)
START, END = "2026-11-27T01:00:00+00:00", "2026-11-28T01:00:00+00:00"
NOTHING_PARSED = "Partial parsing enabled, no changes found, skipping parsing"
IN_NIGHT = """
    {{ config(materialized='table') }}
    select
      '{{ var('elt_data_interval_start', 'none') }}' as since, '{{ var('elt_data_interval_end', 'none')[:10] }}' as day
    from {{ ref('stg_customers') }} limit 1
    """
OTHER = "{{ config(materialized='table') }} select count(*) as n from {{ ref('stg_customers') }}"


def night(number: int) -> ScheduledTime:
    """Return one of the nightly times, each with the day before it."""
    at = FIRST + timedelta(days=number)
    interval = DataInterval(start=at - timedelta(days=1), end=at)
    return ScheduledTime(schedule="nightly", logical_time=at, interval=interval)


def command(shop, number: int | None = 0, **options) -> Command:
    scheduled = None if number is None else night(number)
    known = {"select": ("in_night", "other"), "words": ("schedule", "run", "nightly"), "skip_unchanged": True}
    return Command(project_dir=shop, scheduled=scheduled, **known | options)


def statuses(found) -> dict[str, str]:
    return {outcome.step_id.split(".")[2]: outcome.status.value for outcome in found.outcomes}


def parses(shop) -> list[str]:
    """Return what dbt's log says about its parse since the last call."""
    log = shop / "logs/dbt.log"
    told = [line.split("]: ")[-1] for line in log.read_text().splitlines() if "pars" in line]
    log.unlink()
    return told


@pytest.fixture
def shop(tmp_path):
    return write_shop(tmp_path, {"models/in_night.sql": IN_NIGHT, "models/other.sql": OTHER})


def test_a_second_night_parses_nothing_and_rebuilds_only_what_reads_the_interval(shop):
    run(command(shop, 0))
    parses(shop)
    found = run(command(shop, 1))
    assert NOTHING_PARSED in parses(shop)
    ended = statuses(found)
    assert ended.pop("in_night") == "success"
    assert {"other", "stg_customers"} <= ended.keys()
    assert set(ended.values()) == {"reused"}
    assert sql(shop, "select * from main.in_night") == [("2026-11-28T01:00:00+00:00", "2026-11-29")]
    compiled = (shop / "target/compiled/shop/models/in_night.sql").read_text()
    assert "'2026-11-28T01:00:00+00:00' as since, '2026-11-29' as day" in compiled


def test_without_a_reader_a_second_night_rebuilds_nothing_and_a_run_by_hand_parses_nothing(shop):
    run(command(shop, 0, select=("other",)))
    assert set(statuses(run(command(shop, 1, select=("other",)))).values()) == {"reused"}
    parses(shop)
    assert set(statuses(run(command(shop, None, select=("other",)))).values()) == {"reused"}
    assert NOTHING_PARSED in parses(shop)


def test_a_model_that_computes_names_of_vars_does_not_depend_on_an_interval_that_no_file_names(tmp_path):
    computed = "{{ config(materialized='table') }} select {% for n in ['a'] %} {{ var('x_' ~ n, 1) }} {% endfor %} as x"
    shop = write_shop(tmp_path, {"models/computed.sql": computed})
    run(command(shop, 0, select=("computed",)))
    assert statuses(run(command(shop, 1, select=("computed",)))) == {"computed": "reused"}


def test_the_same_night_again_reuses_what_reads_the_interval(shop):
    run(command(shop, 0))
    assert set(statuses(run(command(shop, 0))).values()) == {"reused"}


def test_a_run_without_a_schedule_gets_the_default_or_dbts_own_error(shop):
    run(command(shop, None))
    assert sql(shop, "select since from main.in_night") == [("none",)]
    (shop / "models/strict.sql").write_text("select '{{ var('elt_data_interval_start') }}' as since")
    found = run(command(shop, None, select=("strict",)))
    (outcome,) = (one for one in found.outcomes if one.step_id == "model.shop.strict")
    assert (outcome.status.value, "Required var 'elt_data_interval_start' not found" in outcome.message) == (
        "error",
        True,
    )
    run(command(shop, 0, select=("strict",)))
    assert sql(shop, "select * from main.strict") == [(START,)]


def test_a_value_of_the_user_wins_and_is_recorded_as_the_users(elt, shop):
    run(command(shop, 0, dbt_options=("--vars", "{elt_data_interval_start: mine}")))
    assert sql(shop, "select * from main.in_night") == [("mine", "2026-11-28")]
    shown = json.loads(elt("show", "--json", project=shop).out)
    assert shown["data_interval_start"] == START


def test_a_project_whose_parse_reads_the_interval_is_parsed_with_its_value_each_night(elt, shop):
    (shop / "models/tagged.sql").write_text(
        "{% set day = var('elt_data_interval_start', '0000-00-00')[:10] %}"
        "{{ config(materialized='table', alias='t_' ~ day | replace('-', '_')) }} select 1 as n"
    )
    for number in (0, 1):
        run(command(shop, number, select=("tagged", "other")))
    told = " ".join(elt("logs", project=shop).out.split())
    assert "dbt parses the whole project in each scheduled run" in told
    assert "models/tagged.sql:1" in told
    assert any("Unable to do partial parsing because config vars" in line for line in parses(shop))
    made = sql(
        shop, "select table_name from information_schema.tables where table_name like 't\\_%' escape '\\' order by 1"
    )
    assert made == [("t_2026_11_27",), ("t_2026_11_28",)]


def test_the_logical_date_is_set_unless_the_project_has_one(shop):
    model = "{{ config(materialized='table') }} select '{{ var('logical_date', 'none') }}' as told"
    (shop / "models/dated.sql").write_text(model)
    run(command(shop, 0, select=("dated",)))
    assert sql(shop, "select told from main.dated") == [(END,)]
    project = shop / "dbt_project.yml"
    project.write_text(project.read_text() + "vars: {logical_date: ours}\n")
    run(command(shop, 0, select=("dated",)))
    assert sql(shop, "select told from main.dated") == [("ours",)]


def test_the_record_shows_the_schedule_with_its_logical_time_and_interval(elt, shop, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    run(command(shop, None, select=("other",), words=("run",)))
    assert "schedule" not in elt("history", project=shop).out
    run(command(shop, 0))
    expected = {
        "trigger": "schedule",
        "schedule": "nightly",
        "logical_time": END,
        "data_interval_start": START,
        "data_interval_end": END,
    }
    newest, by_hand = map(json.loads, elt("history", "--json", project=shop).out.splitlines())
    assert expected.items() <= newest.items()
    assert (by_hand["trigger"], by_hand["schedule"], by_hand["data_interval_end"]) == ("cli", None, None)
    events = [json.loads(line) for line in elt("show", "--json", "--events", project=shop).out.splitlines()]
    validate(events)
    assert expected.items() <= events[0].items()
    last = "select logical_date from runs order by started_at desc limit 1"
    told = json.loads(elt("sql", "--json", last, project=shop).out)
    assert told["logical_date"].startswith("2026-11-28 01:00:00")
    shown = FIRST.astimezone()
    assert f"nightly {shown:%Y-%m-%d %H:%M}" in elt("history", project=shop).out
    assert f"nightly {shown:%Y-%m-%d %H:%M:%S}" in elt("show", project=shop).out
    assert f"schedule nightly {shown:%Y-%m-%d %H:%M:%S %Z}, data from" in elt("logs", project=shop).out.splitlines()[0]


@pytest.mark.parametrize("verb", ["retry", "resume"])
def test_a_later_retry_or_resume_keeps_the_time_and_the_interval(elt, shop, verb):
    (shop / "models/in_night.sql").write_text(IN_NIGHT.replace("limit 1", ", missing limit 1"))
    assert statuses(run(command(shop, 0)))["in_night"] == "error"
    sql(shop, "create table missing as select 1 as x")
    elt(verb, project=shop).reports("success", code=0)
    assert sql(shop, "select since from main.in_night") == [(START,)]
    last = json.loads(elt("history", "--json", project=shop).out.splitlines()[0])
    assert (last["schedule"], last["logical_time"], last["data_interval_start"]) == ("nightly", END, START)
    events = [json.loads(line) for line in elt("show", "--json", "--events", project=shop).out.splitlines()]
    assert {one["data_interval_start"] for one in events if one["event"] == "run_started"} == {START}


DAILY = (
    "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='ts', batch_size='day',"
    " begin='2026-11-01') }} select ts from {{ source('raw', 'events') }}"
)


def events(shop) -> None:
    """Add a source with events at every sixth hour of ten days."""
    moments = "range(timestamp '2026-11-24', timestamp '2026-12-04', interval 6 hour)"
    sql(shop, f"create table raw.events as select ts from {moments} t(ts)")
    (shop / "models/sources.yml").write_text(
        "sources: [{name: raw, schema: raw, tables: [{name: customers}, {name: orders},"
        " {name: events, config: {event_time: ts}}]}]"
    )


def days(shop) -> list[str]:
    return [day for (day,) in sql(shop, "select distinct ts::date::text from main.daily order by 1")]


def test_microbatch_models_build_the_batches_of_the_interval(shop):
    events(shop)
    (shop / "models/daily.sql").write_text(DAILY)
    settings = ScheduleSettings(name="nightly", cron=("0 1 * * *",), event_time=EventTime.DATA_INTERVAL)
    for number in (-1, 0):
        words = event_time_words(settings, night(number))
        run(command(shop, number, select=("daily",), dbt_options=words, skip_unchanged=False))
    # Each night touches two days in UTC, and builds both completely.
    assert days(shop) == ["2026-11-26", "2026-11-27", "2026-11-28"]


def test_a_schedule_of_elt_yml_runs_with_its_interval(elt, shop):
    (shop / "models/daily.sql").write_text(DAILY)
    (shop / "elt.yml").write_text(
        """
        schedules:
          nightly:
            cron: "0 1 * * *"
            event_time: data_interval
            options: {select: [in_night, other, daily], skip_unchanged: true}
        """
    )
    events(shop)
    for day in (27, 28):
        elt("schedule", "run", "nightly", "--time", f"2026-11-{day}T01:00:00+00:00", project=shop).reports(code=0)
    assert sql(shop, "select since from main.in_night") == [(START,)]
    assert days(shop) == ["2026-11-26", "2026-11-27", "2026-11-28"]
    shown = json.loads(elt("show", "--json", project=shop).out)
    assert (shown["schedule"], shown["logical_time"], shown["data_interval_start"]) == ("nightly", END, START)
    assert "reused" in {step["status"] for step in shown["plan"] if step["name"] == "other"}
