"""dbt's own macros: those of known versions count as understood where a materialization reaches them."""

import pytest

from orchestrator.reuse.fingerprints.reading import read_template
from orchestrator.reuse.fingerprints.stock_macros import UNITS, calls_of_stock, is_stock, stock_digest, unit_reading
from tests.unit.reuse.fingerprints.stock_list import REASONS, installed, listed, reached_by, rows

NOT_UNDERSTOOD = {
    "the materializations themselves: they create and rename relations": (
        "materialization_clone_default",
        "materialization_external_duckdb",
        "materialization_function_default",
        "materialization_incremental_default",
        "materialization_incremental_duckdb",
        "materialization_materialized_view_default",
        "materialization_seed_default",
        "materialization_snapshot_default",
        "materialization_table_default",
        "materialization_table_duckdb",
        "materialization_table_function_duckdb",
        "materialization_test_default",
        "materialization_unit_default",
        "materialization_view_default",
        "create_or_replace_view",
        "materialized_view_execute_build_sql",
        "materialized_view_execute_no_op",
        "materialized_view_get_build_sql",
        "default__function_execute_build_sql",
    ),
    "they change relations or load rows": (
        "default__create_csv_table",
        "default__drop_schema_named",
        "default__handle_existing_table",
        "default__load_csv_rows",
        "default__reset_csv_table",
        "drop_foreign_key_dependents",
        "drop_relation_for_rebuild",
        "drop_relation_if_exists",
        "duckdb__dispatch_temporary_relation",
        "duckdb__load_csv_rows",
        "register_upstream_external_models",
        "restore_foreign_key_dependents",
        "store_relation",
    ),
    "they call a macro that is passed to them": (
        "default__apply_grants",
        "default__get_dcl_statement_list",
        "strategy_dispatch",
    ),
    "they run statements, write files or render hooks; node code has units instead": (
        "noop_statement",
        "render_write_options",
        "run_hooks",
        "set_sql_header",
        "statement",
    ),
    "they look at files, catalogs or constraints outside the project": (
        "default__generate_database_name",
        "has_foreign_key_constraints",
        "location_exists",
        "may_be_foreign_key_target",
    ),
    "they read a variable that only some contexts have": (
        "get_fixture_sql",
        "postgres__information_schema_name",
        "snapshot_check_all_get_existing_columns",
    ),
    "they compare the configuration of a materialized view with the database": (
        "postgres__get_materialized_view_configuration_changes",
    ),
}


def test_every_macro_of_the_installed_packages_is_read() -> None:
    """All are understood but these, each for a reason; among what is understood are all that node code calls."""
    macros = installed()
    names = {macro.name for macro in macros}
    found = set()
    for macro in macros:
        reading = read_template(macro.code)
        missing = [name for name, _ in reading.foreign if name.rpartition(".")[2] not in names]
        if reading.unknown or missing:
            found.add(macro.name)
    assert found == {name for some in NOT_UNDERSTOOD.values() for name in some if name in names}


@pytest.mark.parametrize(
    "name",
    ["dateadd", "datediff", "hash", "type_string", "listagg", "date_trunc", "generate_series", "last_day", "equals"],
)
def test_cross_database_macros_are_pure(name: str) -> None:
    """With everything that they reach in dbt and the adapters, they ask no warehouse and no clock."""
    macros = installed()
    for macro in reached_by(next(one for one in macros if one.name == name), macros):
        reading = read_template(macro.code)
        assert reading.volatile == ()
        assert [what for what, _ in reading.asks if not what.startswith("adapter.behavior")] == []
        assert reading.unknown == ()


def test_the_date_spine_asks_the_warehouse() -> None:
    """It counts the days between two dates with a query while it is compiled."""
    macros = installed()
    reached = reached_by(next(one for one in macros if one.name == "date_spine"), macros)
    assert "statement" in {what for macro in reached for what, _ in read_template(macro.code).asks}


@pytest.mark.parametrize("name", ["not_null", "unique", "accepted_values", "relationships"])
def test_generic_tests_of_dbt_are_understood(name: str) -> None:
    """They are followed like any macro."""
    macros = installed()
    for macro in reached_by(next(one for one in macros if one.name == f"test_{name}"), macros):
        reading = read_template(macro.code)
        assert (reading.unknown, reading.volatile, reading.asks) == ((), (), ())


def test_the_list_has_the_installed_versions() -> None:
    """Every macro that a materialization of the installed packages reaches; otherwise write the list again."""
    known = listed()
    for key, (version, reason) in rows().items():
        assert key in known, key
        assert version in known[key][0].split(", ")
        assert known[key][1] == reason


def test_every_installed_materialization_is_covered() -> None:
    """All but `clone`, which only `dbt clone` uses."""
    found = {macro.name for macro in installed() if macro.name.startswith("materialization_")}
    assert found - REASONS.keys() == {"materialization_clone_default"}


def test_a_macro_is_identified_by_its_text() -> None:
    """Whitespace around it does not count; any other text, name or package is another macro."""
    macro = next(one for one in installed() if one.name == "materialization_table_default")
    assert is_stock(macro.name, macro.package, f"\n  {macro.code}\n")
    assert not is_stock(macro.name, macro.package, macro.code.replace("statement('main')", "statement('other')"))
    assert not is_stock("materialization_view_default", macro.package, macro.code)
    assert not is_stock(macro.name, "shop", macro.code)
    assert stock_digest(macro.code) != stock_digest(macro.code.replace(" ", "", 1))


def test_units_are_macros_of_dbt() -> None:
    """Each is installed under that name, and says what calling it means."""
    assert UNITS.keys() <= {macro.name for macro in installed()}
    assert unit_reading("no_such_macro") is None
    incremental, query = unit_reading("is_incremental"), unit_reading("run_query")
    assert incremental is not None
    assert query is not None
    assert incremental.beside_the_sql
    assert query.asks
    assert not query.unknown


def test_strategies_are_looked_up_by_name() -> None:
    """A materialization that looks into `context` reaches the strategies, of the project too, and not every macro."""
    macro = next(one for one in installed() if one.name == "materialization_incremental_default")
    reading = calls_of_stock(read_template(macro.code), ["get_incremental_mine_sql", "other"])
    assert not reading.every_macro
    assert "get_incremental_mine_sql" in reading.names
    assert "other" not in reading.names
    plain = read_template("{{ f() }}")
    assert calls_of_stock(plain, ["get_incremental_mine_sql"]) == plain
