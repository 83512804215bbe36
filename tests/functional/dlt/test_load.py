"""Loading through the owner's warehouse: rows, load ids, selection of resources, no new data."""

import pytest

from orchestrator.execution.outcome import Status

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


def test_a_load_tells_the_rows_of_each_table(project):
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
    assert project.rows("select count(*) from raw.orders__items") == [(2,)]
