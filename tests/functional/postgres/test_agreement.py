"""The dbt part on PostgreSQL agrees with `dbt build`: statuses, records and tables, green and broken."""

from dataclasses import dataclass, field, fields

import psycopg2
import pytest

from tests.agreement.compare import disagreements
from tests.agreement.sides import Side, dbt, elt
from tests.functional.postgres.shop import FILES, Shop, write_shop

pytestmark = pytest.mark.functional

BROKEN = {
    "models/marts/fct_rates.sql": "select nothing from {{ ref('stg_rates') }}",
    "seeds/countries.csv": "code,country\nDE,Germany\nDE,Allemagne\n",  # doubles Ann, leaves Bo without a country
}
UNSTEADY = "dbt_scd_id,dbt_updated_at,dbt_valid_from"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSide(Side):
    """A side whose tables are on the server; they were read before the other side ran."""

    found: dict = field(default_factory=dict)

    def tables(self):
        return self.found


RAW = """
    create schema raw;
    create schema rates;
    create table raw.customers as select * from (values (1, 'Ann', 'DE'), (2, 'Bo', 'FR')) as t(id, name, code);
    create table raw.orders as
        select n as id, 1 + n % 2 as customer_id, n / 2.0 as amount, now() as ordered_at from generate_series(1, 3) n;
    create table rates.rates as select * from (values ('EUR', 1.0), ('SEK', 11.2)) as t(currency, rate);
"""


@pytest.fixture(scope="module")
def loaded(server, new_database, tmp_path_factory):
    """The project with its raw tables, and nothing built."""
    nothing_of_ours = {name: None for name in FILES if name.startswith(("ingestion/", "expectations/"))}
    shop = write_shop(tmp_path_factory.mktemp("loaded") / "project", server, new_database(), nothing_of_ours)
    shop.rows(RAW)
    return shop


@pytest.mark.parametrize("changes", [{}, BROKEN], ids=["green", "broken"])
def test_the_dbt_part_agrees(loaded, new_database, tmp_path, changes):
    """The same project in the same database, built by dbt and by elt, leaves the same behind."""
    sides = []
    kept = new_database(template=loaded.database)
    for name in ("dbt", "elt"):
        shop = loaded.copied(tmp_path / name, new_database(template=kept))
        shop.server.rows(f"drop database {loaded.database} with (force)")
        shop.server.rows(f"alter database {shop.database} rename to {loaded.database}")
        sides.append(built(Shop(shop.folder, shop.server, loaded.database), name, changes))
    assert disagreements(*sides) == []
    assert sides[0].words()["model.shop.stg_orders"] == "success"
    assert (sides[1].exit_code == 0) is not changes


def built(shop, name, changes):
    """Build with one of the tools, from the same names."""
    for file, text in changes.items():
        shop.write(file, text)
    with shop.entered():
        side = dbt(shop.folder, "build") if name == "dbt" else elt(shop.folder)
    return ServerSide(**{each.name: getattr(side, each.name) for each in fields(Side)}, found=tables(shop))


def tables(shop):
    """Read the rows of every table and view, without what each run makes anew."""
    found = {}
    names = shop.rows(
        "select table_schema, table_name from information_schema.tables where table_schema !~ '^pg_|^inf|^_elt$'"
    )
    for schema, name in names:
        try:
            found[f"{schema}.{name}"] = sorted(
                map(
                    str,
                    shop.rows(f"""
                select to_jsonb(t) - '{{{UNSTEADY}}}'::text[] from "{schema}"."{name}" t
            """),
                )
            )
        except psycopg2.Error as error:
            found[f"{schema}.{name}"] = [str(error)]
    return found
