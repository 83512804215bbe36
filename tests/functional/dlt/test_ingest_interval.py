"""A load of a scheduled run gets the data interval, as dlt's cursors and the ingestion module read it."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.plan.status import Status
from orchestrator.timetable.scheduled_time import DataInterval

pytestmark = pytest.mark.functional

SHOP = """
    import os
    from datetime import UTC, datetime, timedelta
    from pathlib import Path

    import dlt

    FIRST = datetime(2026, 11, 26, tzinfo=UTC)
    ROWS = [{"id": n, "at": FIRST + timedelta(hours=12 * n)} for n in range(int(Path("last").read_text()))]

    @dlt.resource(write_disposition="merge", primary_key="id")
    def by_interval(at=dlt.sources.incremental("at", initial_value=FIRST, allow_external_schedulers=True)):
        yield from ROWS

    @dlt.resource
    def by_cursor(at=dlt.sources.incremental("at", initial_value=FIRST, range_start="open")):
        yield from ROWS

    @dlt.resource
    def environment():
        yield {"since": os.environ.get("ELT_DATA_INTERVAL_START"), "till": os.environ.get("ELT_DATA_INTERVAL_END")}

    @dlt.source
    def shop():
        return by_interval, by_cursor, environment
"""


def night(day: int) -> DataInterval:
    start = datetime(2026, 11, day, tzinfo=UTC)
    return DataInterval(start=start, end=start + timedelta(days=1))


def ids(project, table: str) -> list[int]:
    return [row[0] for row in project.rows(f"select id from raw.{table} order by id")]


def test_a_cursor_that_opts_in_loads_exactly_the_interval_and_others_keep_their_state(project):
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "9")
    seen, by_cursor = [], []
    for day in (26, 27, 26):  # the last night is repeated, as a retry does
        project.interval = night(day)
        outcome = project.load()
        assert outcome.status is Status.SUCCESS, outcome.message
        seen.append(ids(project, "by_interval"))
        by_cursor.append(ids(project, "by_cursor"))
    assert seen == [[0, 1], [0, 1, 2, 3], [0, 1, 2, 3]]
    assert by_cursor == [list(range(1, 9))] * 3
    assert project.rows("select since, till from raw.environment")[0] == (
        night(26).start,
        night(26).end,
    )


def test_without_an_interval_a_cursor_that_needs_one_is_an_error_that_says_what_to_do(project):
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "3")
    assert project.load(resources=("by_cursor",)).status is Status.SUCCESS
    outcome = project.load(resources=("by_interval",))
    assert outcome.status is Status.ERROR
    assert "External scheduler interval is not available" in outcome.message
    assert "DLT_INTERVAL_START" in outcome.message
    assert "elt schedule run" in outcome.message
