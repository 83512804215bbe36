"""What is taken as not read by dbt's parse is not: dbt's own manifest is the same for other values."""

import json
from pathlib import Path

import pytest

from orchestrator.adapters.dbt.session import DbtSession
from tests.functional.shop import write_shop
from tests.unit.adapters.test_parse_time_vars import MACRO, ONLY_IN_SQL

pytestmark = pytest.mark.functional
OF_EACH_PARSE = {"created_at", "metadata"}


def parsed(folder: Path, at: str) -> dict[str, object]:
    heard: list[tuple[str, str]] = []
    session = DbtSession(folder, lambda kind, message, _: heard.append((kind, message)))
    words = ("--project-dir", str(folder), "--profiles-dir", str(folder), "--no-partial-parse")
    names = ("elt_data_interval_start", "elt_data_interval_end", "logical_date")
    try:
        session.open(("build", *words), dict.fromkeys(names, at))
        manifest = json.loads(session.parse().read())
    finally:
        session.close()
    assert [message for kind, message in heard if kind == "note"] == []  # nor do the macros of dbt itself matter
    return without_moments(manifest)


def without_moments(found):
    if isinstance(found, dict):
        return {key: without_moments(value) for key, value in found.items() if key not in OF_EACH_PARSE}
    return [without_moments(one) for one in found] if isinstance(found, list) else found


def test_the_manifest_is_the_same_for_any_values_of_vars_that_only_show_in_sql(tmp_path):
    models = [sql for sql in ONLY_IN_SQL if "{% snapshot" not in sql]
    snapshot = (
        "{% snapshot s %} {{ config(strategy='check', check_cols='all', unique_key='x') }}"
        " select '{{ var('logical_date') }}' as x from {{ ref('a') }} {% endsnapshot %}"
    )
    calls = [
        "select {{ dbt.dateadd('day', -1, \"'\" ~ var('elt_data_interval_start') ~ \"'\") }} from {{ ref('a') }}",
        "{% set found = run_query('select ' ~ var('elt_data_interval_end')[:4]) %} select 1",
        "select 1 where {{ since('at') }}",
    ]
    files = {f"models/m{number}.sql": sql for number, sql in enumerate((*models, *calls))}
    files |= {"models/a.sql": "select 1 as x", "snapshots/s.sql": snapshot, "macros/since.sql": MACRO}
    shop = write_shop(tmp_path, files)
    found = [parsed(shop, at) for at in ("2025-01-01T00:00:00+00:00", "2027-06-30T12:00:00+00:00")]
    assert found[0] == found[1]
    assert len([one for one in found[0]["nodes"] if ".m" in one]) == len(models) + len(calls)
