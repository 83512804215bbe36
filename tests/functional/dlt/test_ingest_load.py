"""Loading through the owner's warehouse: rows, load ids, selection of resources, no new data, users' pipelines."""

import threading

import pytest

from orchestrator.execution.ports import Request
from orchestrator.plan.status import Status
from tests.functional.dlt.ingest_project import Project, ingest_step

pytestmark = pytest.mark.functional

SHOP = """
    import dlt
    import pyarrow as pa

    @dlt.resource(primary_key="id", write_disposition="merge")
    def orders(updated=dlt.sources.incremental("updated", range_start="open")):
        yield [{"id": 1, "updated": 1, "items": [{"sku": "a"}, {"sku": "b"}]}, {"id": 2, "updated": 2}]

    @dlt.resource(write_disposition="replace")
    def customers():
        yield pa.table({"id": [1, 2, 3]})

    @dlt.source
    def shop():
        return orders, customers
"""


def test_a_load_reports_the_rows_of_each_table(project):
    """A load is a success whose parts are the tables it wrote, nested ones too, with rows and load ids."""
    project.write("ingestion/shop.py", SHOP)
    outcome = project.load()
    assert outcome.status is Status.SUCCESS, outcome.message
    assert {part.name: part.rows for part in outcome.parts} == {
        "raw.orders": 2,
        "raw.orders__items": 2,
        "raw.customers": 3,
    }
    assert outcome.rows_affected == 7
    assert outcome.bytes_processed
    loads = {load for (load,) in project.rows("select load_id from raw._dlt_loads")}
    assert {load for part in outcome.parts for load in part.detail["load_ids"]} == loads


def test_a_folder_whose_name_has_a_quote_loads(tmp_path, host):
    """dlt writes the path of each file into its SQL: a home such as /home/o'brien is one of many."""
    (tmp_path / "o'brien").mkdir()
    project = Project(root=tmp_path / "o'brien", host=host)
    project.write("ingestion/shop.py", SHOP)
    outcome = project.load()
    assert outcome.status is Status.SUCCESS, outcome.message
    assert project.rows("select count(*) from raw.customers") == [(3,)]
    project.close()


def test_arrow_tables_carry_their_load_id(project):
    """Rows that came as Arrow tables have dlt's load id, like all others."""
    project.write("ingestion/shop.py", SHOP)
    project.load()
    assert project.rows("select count(*), count(_dlt_load_id) from raw.customers") == [(3, 3)]


def test_only_the_named_resources_are_loaded(project):
    """A step that names some resources of a source leaves the others alone."""
    project.write("ingestion/shop.py", SHOP)
    outcome = project.load(resources=["customers"])
    assert [part.name for part in outcome.parts] == ["raw.customers"]


def test_a_load_without_new_rows_has_no_data(project):
    """An incremental resource that finds nothing new ends as no_data; replacing a table is always new data."""
    project.write("ingestion/shop.py", SHOP)
    project.load()
    assert project.load(resources=["orders"]).status is Status.NO_DATA
    assert project.load(resources=["customers"]).status is Status.SUCCESS


def test_values_of_every_type_arrive_unchanged(project):
    """Times, decimals, dates, bytes, nested values and nulls come through the pipe unchanged."""
    project.write(
        "ingestion/shop.py",
        """
        import dlt
        from datetime import date, datetime, timezone
        from decimal import Decimal

        @dlt.resource(columns={"note": {"data_type": "text"}, "tags": {"data_type": "json"}})
        def shop():
            yield {"at": datetime(2013, 1, 2, 3, 4, 5, 6, tzinfo=timezone.utc), "day": date(2013, 1, 2),
                   "price": Decimal("1.23"), "raw": b"x'y", "big": 2**62, "note": None, "tags": ["a'b"], "ok": True}
        """,
    )
    outcome = project.load()
    assert outcome.status is Status.SUCCESS, outcome.message
    query = 'select epoch_us("at"), day::text, price::text, raw, big, note, tags->>0, ok from raw.shop'
    expected = (1357095845000006, "2013-01-02", "1.230000000", b"x'y", 2**62, None, "a'b", True)
    assert project.rows(query) == [expected]


def test_a_users_pipeline_keeps_its_name_dataset_and_folder(project):
    """A pipeline object of the module loads all its sources under its own name, where it always did."""
    project.write(
        "ingestion/shop.py",
        f"""
        import dlt

        books = dlt.pipeline("my_books", dataset_name="library", pipelines_dir={str(project.root / "mine")!r})

        @dlt.source
        def fiction():
            return dlt.resource([{{"id": 1}}], name="novels")

        @dlt.resource
        def atlases():
            yield {{"id": 1}}
        """,
    )
    (source,) = project.discover().sources
    outcome = project.load(source.attribute)
    assert outcome.status is Status.SUCCESS, outcome.message
    assert (source.name, source.pipeline, source.dataset) == ("my_books", "my_books", "library")
    assert [r.name for r in source.resources] == ["novels", "atlases"]
    assert project.rows("select count(*) from library.novels union all select count(*) from library.atlases") == [
        (1,),
        (1,),
    ]
    assert (project.root / "mine" / "my_books").is_dir()
    assert project.rows("select distinct pipeline_name from library._dlt_pipeline_state") == [("my_books",)]


def test_sources_that_load_into_one_dataset_at_once_do_not_collide(project):
    """Steps that run at the same time and create the same dataset all end well."""
    names = [f"s{n}" for n in range(4)]
    for name in names:
        project.write(
            f"ingestion/{name}.py",
            f"import dlt\n\n@dlt.resource(name='{name}')\ndef {name}():\n    yield {{'id': 1}}\n",
        )
    runner, outcomes = project.runner(), {}

    def load(name):
        step = ingest_step(name, module=f"ingestion/{name}.py")
        (outcomes[name],) = runner.run([Request(run_id="r", step=step)], threading.Event())

    threads = [threading.Thread(target=load, args=(name,)) for name in names]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {name: outcome.status for name, outcome in outcomes.items()} == dict.fromkeys(names, Status.SUCCESS)
