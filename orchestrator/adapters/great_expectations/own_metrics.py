"""Replaces the metrics of great-expectations that do not work here: column types, and the rows of comparisons.

GX registers a metric when its class is created, and uses the last one of a name: these replace GX's own.
"""

from typing import Any

import sqlalchemy as sa
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.query_metric_provider import QueryMetricProvider
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.expectations.metrics.util import CaseInsensitiveNameDict

WAREHOUSE = "warehouse"


class ColumnTypes(TableMetricProvider):  # type: ignore[misc]  # GX is not followed by mypy here
    """The relation's columns and types as the database describes them; GX would query them by names that lose case."""

    metric_name = "table.column_types"
    value_keys = ("include_nested",)

    @metric_value(engine=SqlAlchemyExecutionEngine)  # type: ignore[untyped-decorator]
    def on_sqlalchemy(
        cls,  # noqa: N805  # GX makes it a class method
        execution_engine: SqlAlchemyExecutionEngine,
        **_: object,
    ) -> list[CaseInsensitiveNameDict]:
        """Return the columns with their types."""
        columns = execution_engine.batch_manager.active_batch_data.columns
        return [CaseInsensitiveNameDict({"name": name, "type": type_}) for name, type_ in columns.items()]


class AllRowsOfBaseQuery(QueryMetricProvider):  # type: ignore[misc]  # GX is not followed by mypy here
    """Every row of the relation's side of a comparison; GX would compare only the first 200 of each side."""

    metric_name = "base_query.table"
    value_keys = ("base_query",)
    query_param_name = "base_query"

    @metric_value(engine=SqlAlchemyExecutionEngine)  # type: ignore[untyped-decorator]
    def on_sqlalchemy(
        cls,  # noqa: N805  # GX makes it a class method
        execution_engine: SqlAlchemyExecutionEngine,
        metric_value_kwargs: dict[str, Any],
        **_: object,
    ) -> list[dict[str, Any]]:
        """Return the rows."""
        batch = execution_engine.batch_manager.active_batch_data.selectable
        return _all_rows(execution_engine, metric_value_kwargs["base_query"].format(batch=batch))


class AllRowsOfComparisonQuery(QueryMetricProvider):  # type: ignore[misc]  # GX is not followed by mypy here
    """Every row of the other side, which is in the same warehouse: elt supports one data source."""

    metric_name = "comparison_query.data_source_table"
    value_keys = ("comparison_query", "comparison_data_source_name")
    query_param_name = "comparison_query"

    @metric_value(engine=SqlAlchemyExecutionEngine)  # type: ignore[untyped-decorator]
    def on_sqlalchemy(
        cls,  # noqa: N805  # GX makes it a class method
        execution_engine: SqlAlchemyExecutionEngine,
        metric_value_kwargs: dict[str, Any],
        **_: object,
    ) -> list[dict[str, Any]]:
        """Return the rows; raise LookupError for another data source."""
        name = metric_value_kwargs["comparison_data_source_name"]
        if name != WAREHOUSE:
            msg = f'"{name}" is not known: the only data source to compare with is "{WAREHOUSE}", the target itself'
            raise LookupError(msg)
        return _all_rows(execution_engine, metric_value_kwargs["comparison_query"])


def _all_rows(execution_engine: SqlAlchemyExecutionEngine, query: str) -> list[dict[str, Any]]:
    wrapped = f"select * from (\n{query.rstrip().rstrip(';')}\n) as compared"  # noqa: S608  # the suite's own SQL
    rows = execution_engine.execute_query(sa.text(wrapped.replace(":", "\\:"))).mappings()
    return [dict(row) for row in rows]
