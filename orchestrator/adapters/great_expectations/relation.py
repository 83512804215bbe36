"""Describes the relation under validation: its columns, and its name as SQL."""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
from great_expectations.expectations.legacy_row_conditions import ParseException, condition

from orchestrator.adapters.great_expectations.column_types import ColumnType
from orchestrator.adapters.great_expectations.read_only import quoted
from orchestrator.wording import did_you_mean, similar

_ABSENCE_IS_AN_ANSWER = frozenset(
    {"expect_column_to_exist", "expect_table_columns_to_match_ordered_list", "expect_table_columns_to_match_set"}
)


class ValidatedRelation(sa.Table):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """A table or view whose text is valid in SQL: GX inserts it for `{batch}` in a suite's own queries."""

    def __str__(self) -> str:
        return quoted(str(self.name))


class WholeRelation(SqlAlchemyBatchData):  # type: ignore[misc]  # GX is not followed by mypy here
    """All rows of one relation, whatever its name in the database."""

    def __init__(self, execution_engine: Any, table: str, columns: Mapping[str, ColumnType]) -> None:  # noqa: ANN401
        self.columns = columns
        self.relation = ValidatedRelation(sa.sql.quoted_name(table, quote=True), sa.MetaData())
        super().__init__(execution_engine=execution_engine, table_name=table, create_temp_table=False)

    @property
    def selectable(self) -> ValidatedRelation:
        """What GX reads from."""
        return self.relation


def missing_column(type_: str, kwargs: Mapping[str, Any], columns: Mapping[str, ColumnType]) -> str:
    """Return a message if an expectation names a column that does not exist; empty if not."""
    if type_ in _ABSENCE_IS_AN_ANSWER:
        return ""
    known = {name.casefold() for name in columns}
    for name in _asked_for(kwargs):
        if name.casefold() not in known:
            hint = did_you_mean(similar(name, columns))
            return f'there is no column "{name}"' + (f". {hint}" if hint else f"; it has {', '.join(columns)}")
    return ""


def unread_condition(kwargs: Mapping[str, Any]) -> str:
    """Return a message if GX would silently ignore the end of a row condition; empty if it parses all of it."""
    wanted = kwargs.get("row_condition")
    if not isinstance(wanted, str):
        return ""
    try:
        condition.parse_string(wanted, parse_all=True)
    except ParseException:
        return (
            f"great-expectations does not understand all of the row_condition {wanted}; "
            'several conditions are written as {"type": "and", "conditions": [...]}'
        )
    return ""


def _asked_for(kwargs: Mapping[str, Any]) -> Iterator[str]:
    for key in ("column", "column_A", "column_B"):
        if isinstance(kwargs.get(key), str):
            yield kwargs[key].strip('"')
    listed = kwargs.get("column_list")
    if isinstance(listed, list | tuple):
        yield from (name.strip('"') for name in listed if isinstance(name, str))
