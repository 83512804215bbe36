"""What a user's pipeline asks dlt to drop before a load, and arguments of `run()` that elt never calls."""

import pytest

from orchestrator.plan.status import Status

pytestmark = pytest.mark.functional

SHOP = """
    from pathlib import Path
    import dlt

    LAST = int(Path("last").read_text())

    @dlt.resource
    def orders(id=dlt.sources.incremental("id", range_start="open")):
        yield [{"id": n} for n in range(1, LAST + 1)]

    @dlt.resource
    def items(id=dlt.sources.incremental("id", range_start="open")):
        yield [{"id": n} for n in range(1, LAST + 1)]

    @dlt.source
    def shop():
        return orders, items

    pipe = dlt.pipeline("mine", dataset_name="raw", pipelines_dir="mine", refresh=REFRESH)
"""


@pytest.mark.parametrize("mode", ["drop_sources", "drop_resources", "drop_data"])
def test_a_pipeline_with_refresh_is_noted_and_loads_all_rows_each_time(project, mode):
    """dlt applies `refresh` to each load; what the load does not bring is never dropped."""
    project.write("ingestion/shop.py", SHOP.replace("REFRESH", repr(mode)))
    project.write("last", "2")
    found = project.discover()
    assert [note for note in found.notes if f"the dlt pipeline mine has refresh={mode!r}" in note], found.notes
    for last in ("2", "3"):
        project.write("last", last)
        outcome = project.load("pipe")
        assert outcome.status is Status.SUCCESS, outcome.message
        assert project.rows("select count(*) from raw.orders") == [(int(last),)]
    project.write("last", "4")
    outcome = project.load("pipe", resources=["orders"])
    assert outcome.status is Status.SUCCESS, outcome.message
    assert project.rows("select (select count(*) from raw.orders), (select count(*) from raw.items)") == [(4, 3)]


RUNS = """
    import subprocess
    import dlt

    shop = dlt.resource([{"id": 1}], name="shop")

    if __name__ == "__main__":
        subprocess.run(["true"], check=True)
        pipeline = dlt.pipeline("shop", destination="duckdb")
        pipeline.run(shop)
        pipeline.run(
            shop,
            refresh="drop_sources", write_disposition="merge",
        )
"""


def test_arguments_of_run_that_elt_does_not_apply_are_noted(project):
    """elt loads by itself, and calls no `run()` of the module: what only its arguments say does not hold."""
    project.write("ingestion/shop.py", RUNS)
    (note,) = project.discover().notes
    assert note == (
        "ingestion/shop.py, line 11: elt does not call this run(): refresh and write_disposition do not apply; set "
        "refresh in dlt.pipeline() at the top level of the module, write_disposition in @dlt.resource()"
    )
