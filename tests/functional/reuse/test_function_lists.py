"""The lists of deterministic functions are held against the catalogs of the databases that are installed."""

from collections import defaultdict

import duckdb
import pytest

from orchestrator.reuse.fingerprints.statement import read_function, read_statement
from orchestrator.reuse.fingerprints.statement_functions import function_list
from tests.functional.postgres.server import running_server

pytestmark = pytest.mark.functional
SYNTAX = {
    "duckdb": {
        *(
            "array",
            "cast",
            "coalesce",
            "columns",
            "cube",
            "rollup",
            "extract",
            "grouping",
            "grouping_id",
            "ifnull",
            "like",
        ),
        *("percentile_cont", "percentile_disc", "try", "try_cast"),
    },
    "postgres": {"cast", "coalesce", "cube", "rollup", "greatest", "grouping", "least", "nullif", "row", "trim"},
}
ZONED = {"make_timestamptz", "timezone", "strptime", "try_strptime"}
"""Functions that follow the time zone, although no parameter shows it."""
IS_NEWEST = duckdb.__version__.startswith("2.")
DUCKDB = function_list("duckdb")
POSTGRES = function_list("postgres")


@pytest.fixture(scope="module")
def in_duckdb():
    """The functions of DuckDB: what each name is said to be, by kind."""
    kinds = defaultdict(set)
    with duckdb.connect() as connection:
        for name, kind, stability, types in connection.execute(
            "select function_name, function_type, stability, parameter_types from duckdb_functions()"
        ).fetchall():
            # Since 2.0.1, what follows the time zone is only consistent within a query. The setting is a part of
            # every fingerprint, and a function without such a parameter can still not be among these.
            zoned = name in ZONED or any("TIME ZONE" in f"{one}" or "TIMESTAMPTZ" in f"{one}" for one in types or ())
            is_setting = zoned and stability == "CONSISTENT_WITHIN_QUERY"
            kinds[name.lower()].add((kind, "CONSISTENT" if is_setting else stability))
    return kinds


@pytest.fixture(scope="module")
def in_postgres():
    """The functions of PostgreSQL: what each name is said to be."""
    kinds = defaultdict(set)
    with running_server() as server:
        rows = server.rows(
            "select proname, provolatile::text, pronargs from pg_proc p"
            " join pg_namespace n on n.oid = p.pronamespace where nspname = 'pg_catalog'"
        )
    for name, volatility, arguments in rows:
        kinds[name].add((volatility, arguments))
    return kinds


def corrected(functions):
    """Return the names that a person corrected."""
    return {key.partition("/")[0] for key in functions.corrections}


def test_functions_listed_for_duckdb_are_consistent_there(in_duckdb):
    """Each listed name exists, and the catalog calls it consistent; a macro has a definition, which is read below.

    The list is of the newest release that is supported: an older one lacks some of the names.
    """
    for name in DUCKDB.scalar - SYNTAX["duckdb"] - (set() if IS_NEWEST else DUCKDB.scalar - in_duckdb.keys()):
        kinds = {(kind, stability) for kind, stability in in_duckdb[name] if kind not in {"table", "table_macro"}}
        assert kinds, name
        assert kinds <= {
            *(("scalar", "CONSISTENT"), ("aggregate", "CONSISTENT"), ("window", "CONSISTENT"), ("macro", None)),
        }, name


def test_consistent_functions_of_duckdb_are_listed_or_corrected(in_duckdb):
    """A new function of the database shows here, and is read by a person before it is listed."""
    known = DUCKDB.scalar | corrected(DUCKDB)
    missing = {
        name
        for name, kinds in in_duckdb.items()
        if name.isidentifier() and not name.startswith("__") and {kind for _, kind in kinds} == {"CONSISTENT"}
    } - known
    assert {name for name in missing if IS_NEWEST or not name.startswith("icu_collate_")} == set()


def test_functions_that_duckdb_calls_impure_are_never_deterministic(in_duckdb):
    """No name that the catalog calls volatile is taken for deterministic, but for error(), which returns nothing."""
    impure = {
        name for name, kinds in in_duckdb.items() if {"VOLATILE", "CONSISTENT_WITHIN_QUERY"} & {one for _, one in kinds}
    }
    assert {name for name in impure if DUCKDB.is_listed(name, 1) or DUCKDB.is_listed(name, 0)} == {"error"}


def test_macros_of_duckdb_call_nothing_but_what_is_listed():
    """A built-in macro is on the list because its definition is understood, as it is read here."""
    with duckdb.connect() as connection:
        macros = connection.execute(
            "select function_name, macro_definition from duckdb_functions() where function_type = 'macro'"
        ).fetchall()
    listed = [(name, text) for name, text in macros if name in DUCKDB.scalar]
    assert len(listed) > 50
    for name, text in listed:
        read = read_function(text, "duckdb")
        assert (read.unknown, read.volatile, read.relations) == ((), (), set()), (name, text)
    own = {name for name, _ in macros if not name.startswith(("pg_", "has_"))}
    assert {name for name in own if read_function(dict(macros)[name], "duckdb").volatile} <= corrected(DUCKDB)


def test_table_functions_of_duckdb_exist(in_duckdb):
    """Each function that may be called in FROM is one."""
    assert all({kind for kind, _ in in_duckdb[name]} & {"table"} for name in DUCKDB.in_from)


def test_corrections_name_what_exists(in_duckdb, in_postgres):
    """A correction of a function that is gone is removed; those of extensions of PostgreSQL are kept."""
    assert not IS_NEWEST or corrected(DUCKDB) - in_duckdb.keys() == set()
    gone = {name for name in corrected(POSTGRES) - in_postgres.keys() if not name.startswith("uuid_generate")}
    assert gone == set()


def test_functions_listed_for_postgres_are_immutable_there(in_postgres):
    """Each listed name exists in PostgreSQL, and all its overloads are immutable."""
    for name in POSTGRES.scalar - SYNTAX["postgres"]:
        assert {volatility for volatility, _ in in_postgres[name]} == {"i"}, name


def test_immutable_functions_of_postgres_are_listed_or_corrected(in_postgres):
    """A new function of the database shows here, and is read by a person before it is listed."""
    immutable = {name for name, kinds in in_postgres.items() if {volatility for volatility, _ in kinds} == {"i"}}
    assert not immutable - POSTGRES.scalar - corrected(POSTGRES)


def test_functions_that_postgres_calls_volatile_are_never_deterministic(in_postgres):
    """A correction may allow a stable function, for its settings are known, and never a volatile one."""
    for name, kinds in in_postgres.items():
        for volatility, arguments in kinds:
            assert volatility != "v" or not POSTGRES.is_listed(name, arguments), (name, arguments)


@pytest.mark.parametrize("adapter", ["duckdb", "postgres"])
def test_every_listed_function_is_understood_in_a_query(adapter):
    """Whatever class sqlglot makes of a call, a listed one is understood with some number of arguments."""
    functions = function_list(adapter)
    not_calls = {
        *("apply", "cast", "try_cast"),  # keywords of sqlglot's, and casts
        *("convert", "overlaps"),  # sqlglot's own meaning in PostgreSQL
    }
    for name in functions.scalar - not_calls:
        tried = (f"select {name}({arguments}) from t" for arguments in ("a", "", "a, b", "a, b, c", "a, b, c, d"))
        assert any(read_statement(sql, adapter).is_understood for sql in tried), name


@pytest.mark.parametrize("adapter", ["duckdb", "postgres"])
def test_every_impure_function_is_found_in_a_query(adapter, in_duckdb, in_postgres):
    """Whatever class sqlglot makes of a call, one that is not listed is not understood with any number of arguments."""
    functions = function_list(adapter)
    names = in_duckdb if adapter == "duckdb" else in_postgres
    impure = {name for name in names if name.isidentifier()} - functions.scalar - functions.in_from
    for name in impure:
        for count, arguments in enumerate(("", "a", "a, b", "a, b, c")):
            if not functions.is_listed(name, count):
                assert not read_statement(f"select {name}({arguments}) from t", adapter).is_understood, name


def test_names_that_are_calls_without_parentheses(in_duckdb):
    """What DuckDB evaluates without parentheses and without a column of that name is found."""
    with duckdb.connect() as connection:
        for name in [*in_duckdb, *POSTGRES.no_parentheses, "sysdate", "now", "today"]:
            if not name.isidentifier():
                continue
            try:
                connection.execute(f"select {name}").fetchall()
            except duckdb.Error:
                continue
            assert not read_statement(f"select {name}", "duckdb").is_understood, name


def test_types_of_duckdb_are_understood():
    """A cast to a type of the database's own is understood; user-defined types cannot take these names."""
    with duckdb.connect() as connection:
        types = {name.lower() for (name,) in connection.execute("select type_name from duckdb_types()").fetchall()}
    rare = {"enum", "geometry", "integral", "oid", "parquet_variant", "tuple", "type"}
    for name in types - rare:
        assert read_statement(f"select cast(a as {name}) from t", "duckdb").is_understood, name


def test_a_function_named_like_a_keyword_is_a_call():
    """A macro may have the name of a keyword that DuckDB does not reserve: wherever it is called, the call is seen."""
    from sqlglot.dialects import DuckDB

    with duckdb.connect() as connection:
        words = connection.execute("select keyword_name, keyword_category from duckdb_keywords()").fetchall()
    names = {word for word, category in words if category in {"unreserved", "type_function"}}
    names |= {
        name.lower() for name in {*DuckDB.Parser.FUNCTIONS, *DuckDB.Parser.FUNCTION_PARSERS} if name.isidentifier()
    }
    names -= {word for word, category in words if category in {"reserved", "column_name"}}
    for name in names:
        for sql in (
            "select {}(a) from t",
            "select b, {}(a, b) from t",
            "select a from t where b = 1 and not {}(a)",
            "select a from t join u on {}(a)",
            "select a from t order by {}(a)",
            "select (b) from t group by {}(a)",
            "select case when {}(a) then {}(b) end from t",
        ):
            read = read_statement(sql.replace("{}", name), "duckdb")
            assert name in read.calls or not read.is_understood, sql.replace("{}", name)
