"""A project whose results follow from everything that a run can reuse by.

dlt: data/ships.json → raw.ships (appended), data/ports.json → raw.ports (replaced)
by somebody else: ext.arrivals, with a freshness check

raw.ships → stg_ships (view) → fleet (table) ─┬→ by_port (table) → top_ports (view)
raw.ports → stg_ports (view) → fleet          ├→ logbook (incremental) → log_size (table)
seed rates ──────────────────→ by_port        └→ fleet_history (snapshot)
ext.arrivals → stg_arrivals (view) → arrivals_by_day (table)
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import duckdb

FILES: Mapping[str, str] = {
    "dbt_project.yml": """
        name: harbour
        version: "1.0.0"
        profile: harbour
        vars: {floor: 0}
        models:
          harbour: {+materialized: table}
        """,
    "profiles.yml": """
        harbour:
          target: dev
          outputs:
            dev: {type: duckdb, path: harbour.duckdb, threads: 2}
            twin: {type: duckdb, path: twin.duckdb, threads: 2}
            other: {type: duckdb, path: other.duckdb, threads: 2}
        """,
    "elt.yml": 'ingestion: {folder: "${HARBOUR_INGESTION:-ingestion}"}\n',
    "no_ingestion/README.md": "For a target that is loaded by somebody else.\n",
    "ingestion/raw.py": """
        import json
        from pathlib import Path

        import dlt

        DATA = Path(__file__).parent.parent / "data"

        @dlt.source
        def raw():
            @dlt.resource(write_disposition="append", primary_key="id")
            def ships(last=dlt.sources.incremental("id", initial_value=0)):
                yield from json.loads((DATA / "ships.json").read_text())

            @dlt.resource(write_disposition="replace")
            def ports():
                yield from json.loads((DATA / "ports.json").read_text())

            return ships, ports
        """,
    "data/ships.json": '[{"id": 1, "port": "A", "tons": 5}, {"id": 2, "port": "B", "tons": 7}]\n',
    "data/ports.json": '[{"code": "A", "name": "Aden"}, {"code": "B", "name": "Bergen"}]\n',
    "seeds/rates.csv": "port,rate\nA,2\nB,3\n",
    "macros/fee.sql": "{% macro fee(tons) %}({{ tons }} * 10){% endmacro %}\n",
    "models/sources.yml": """
        sources:
          - name: raw
            tables: [{name: ships}, {name: ports}]
          - name: ext
            loaded_at_field: seen_at
            freshness: {warn_after: {count: 100, period: day}}
            tables: [{name: arrivals}]
        """,
    "models/stg_ships.sql": """
        {{ config(materialized='view') }}
        select id, port, tons from {{ source('raw', 'ships') }} -- one row a ship
        """,
    "models/stg_ports.sql": """
        {{ config(materialized='view') }}
        select code, name from {{ source('raw', 'ports') }}
        """,
    "models/stg_arrivals.sql": """
        {{ config(materialized='view') }}
        select day, ship, seen_at from {{ source('ext', 'arrivals') }}
        """,
    "models/fleet.sql": """
        select s.id, s.port, p.name, s.tons, {{ fee('s.tons') }} as fee
        from {{ ref('stg_ships') }} s join {{ ref('stg_ports') }} p on p.code = s.port
        where s.tons >= {{ var('floor') }}
        """,
    "models/by_port.sql": """
        select f.name, sum(f.fee * r.rate) as fees
        from {{ ref('fleet') }} f join {{ ref('rates') }} r using (port) group by f.name
        """,
    "models/top_ports.sql": """
        {{ config(materialized='view') }}
        select name from {{ ref('by_port') }} where fees > 0
        """,
    "models/logbook.sql": """
        {{ config(materialized='incremental', unique_key='id') }}
        select id, name, fee from {{ ref('fleet') }}
        """,
    "models/log_size.sql": "select count(*) as ships, sum(fee) as fees from {{ ref('logbook') }}\n",
    "models/arrivals_by_day.sql": "select day, count(*) as ships from {{ ref('stg_arrivals') }} group by day\n",
    "snapshots/fleet_history.yml": """
        snapshots:
          - name: fleet_history
            relation: ref('fleet')
            config: {unique_key: id, strategy: check, check_cols: [port, fee]}
        """,
    "models/models.yml": """
        models:
          - name: fleet
            columns:
              - {name: id, data_tests: [unique, not_null]}
              - name: tons
                data_tests:
                  - few_tons: {arguments: {most: 90}}
          - name: by_port
            columns:
              - name: name
                data_tests: [{not_null: {config: {severity: warn}}}]
        """,
    "tests/generic/few_tons.sql": """
        {% test few_tons(model, column_name, most) %}
        select * from {{ model }} where {{ column_name }} > {{ most }}
        {% endtest %}
        """,
}
DATABASE = "harbour.duckdb"


def write_harbour(root: Path) -> Path:
    """Write the project, with a first row of what somebody else loads; gives the folder."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text).lstrip())
    with duckdb.connect(str(root / DATABASE)) as connection:
        connection.execute("create schema ext")
        connection.execute("create table ext.arrivals (day integer, ship integer, seen_at timestamp)")
    arrive(root, 1, 1)
    return root


def arrive(root: Path, day: int, ship: int) -> None:
    """Let somebody else load a row."""
    with duckdb.connect(str(root / DATABASE)) as connection:
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute("insert into ext.arrivals values (?, ?, ?)", [day, ship, now])


def add(root: Path, name: str, row: Mapping[str, object]) -> None:
    """Add a row to what the source system `ships` or `ports` has."""
    file = root / "data" / f"{name}.json"
    file.write_text(json.dumps([*json.loads(file.read_text()), row]))


def ask(root: Path, statement: str, *, database: str = DATABASE) -> list[tuple[object, ...]]:
    """Ask the database, which nobody else has open."""
    with duckdb.connect(str(root / database)) as connection:
        return connection.execute(statement).fetchall()
