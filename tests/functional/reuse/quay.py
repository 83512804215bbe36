"""A project that plain dbt builds: sources, a seed, views, tables, an incremental model, a snapshot, tests.

ext.boats, loaded by somebody else → stg_boats (view) → berths (table) ─┬→ by_port (table) → busy (view)
seed ports ───────────────────────────────────────────→ by_port        ├→ log (incremental)
                                                        clock (table)   └→ berth_history (snapshot)
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from textwrap import dedent

import duckdb

FILES: Mapping[str, str] = {
    "dbt_project.yml": """
        name: quay
        version: "1.0.0"
        profile: quay
        vars: {least: 1}
        models:
          quay: {+materialized: table}
        """,
    "profiles.yml": """
        quay:
          target: dev
          outputs:
            dev: {type: duckdb, path: quay.duckdb, threads: 2}
        """,
    "seeds/ports.csv": "code,name\nA,Aden\nB,Bergen\n",
    "macros/twice.sql": "{% macro twice(column) %}({{ column }} * 2){% endmacro %}\n",
    "models/models.yml": """
        sources:
          - name: ext
            tables: [{name: boats}]
        models:
          - name: berths
            columns:
              - {name: id, data_tests: [unique, not_null]}
        """,
    "models/stg_boats.sql": """
        {{ config(materialized='view') }}
        select id, port, tons from {{ source('ext', 'boats') }} -- one row a boat
        """,
    "models/mid.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('stg_boats') }}\n",
    "models/berths.sql": """
        {{ config(post_hook="delete from {{ this }} where tons < 0") }}
        select id, port, {{ twice('tons') }} as tons from {{ ref('mid') }} where tons >= {{ var('least') }}
        """,
    "models/by_port.sql": """
        select p.name, sum(b.tons) as tons from {{ ref('berths') }} b join {{ ref('ports') }} p on p.code = b.port
        group by p.name
        """,
    "models/busy.sql": "{{ config(materialized='view') }} select name from {{ ref('by_port') }} where tons > 0\n",
    "models/log.sql": """
        {{ config(materialized='incremental', unique_key='id') }}
        select id, tons from {{ ref('berths') }}
        {% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
        """,
    "models/clock.sql": "select id, now() as seen_at from {{ ref('berths') }}\n",
    "snapshots/berth_history.yml": """
        snapshots:
          - name: berth_history
            relation: ref('berths')
            config: {unique_key: id, strategy: check, check_cols: [port, tons]}
        """,
}
DATABASE = "quay.duckdb"
ADOPTED = frozenset({"ports", "stg_boats", "berths", "by_port", "busy", "log", "berth_history"})


def write_quay(root: Path) -> Path:
    """Write the project, and the table that somebody else loads; returns the folder."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text).lstrip())
    ask(root, "create schema ext; create table ext.boats (id integer, port varchar, tons integer)")
    ask(root, "insert into ext.boats values (1, 'A', 5), (2, 'B', 7)")
    return root


def ask(root: Path, statement: str) -> list[tuple[object, ...]]:
    """Ask the database, which no other process has open."""
    with duckdb.connect(str(root / DATABASE)) as connection:
        return connection.execute(statement).fetchall()


def by_hand(root: Path, statement: str) -> None:
    """Change the database some time after dbt ended."""
    ask(root, statement)
    later = ended_at(root) + 60
    os.utime(root / DATABASE, (later, later))


def ended_at(root: Path, artifacts: str = "built") -> float:
    """Return when dbt had ended."""
    results = json.loads((root / artifacts / "run_results.json").read_text())
    return datetime.fromisoformat(results["metadata"]["generated_at"]).timestamp()


def dbt(root: Path, *words: str, artifacts: str = "built") -> None:
    """Run plain dbt, and copy its artifacts, as a user does."""
    program = Path(sys.executable).with_name("dbt")
    line = [str(program), *words, "--profiles-dir", str(root), "--project-dir", str(root)]
    subprocess.run(line, check=True, capture_output=True, cwd=root)
    keep_artifacts(root, artifacts)


def keep_artifacts(root: Path, artifacts: str = "built") -> None:
    """Copy the artifacts of what dbt has just run."""
    (root / artifacts).mkdir(exist_ok=True)
    for name in ("manifest.json", "run_results.json"):
        (root / artifacts / name).write_bytes((root / "target" / name).read_bytes())
    # on a busy machine dbt may need more than the allowed seconds to end
    os.utime(root / DATABASE, (ended_at(root, artifacts), ended_at(root, artifacts)))
