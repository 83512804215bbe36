"""Evaluates a suite's expectations in the database: great-expectations decides, the database counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from great_expectations.core.batch import Batch
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.exceptions import ExpectationNotFoundError
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.registry import list_registered_expectation_implementations
from great_expectations.validator.validator import Validator

from orchestrator.adapters.great_expectations import own_metrics  # noqa: F401  # its import registers the metrics
from orchestrator.adapters.great_expectations.column_types import ColumnType
from orchestrator.adapters.great_expectations.coverage import WAYS, Way
from orchestrator.adapters.great_expectations.expectation_verdict import SAMPLES, error_of, verdict_of
from orchestrator.adapters.great_expectations.gx_bridge import silent
from orchestrator.adapters.great_expectations.messages import SuiteResult, ValidationRequest, Verdict
from orchestrator.adapters.great_expectations.plain_values import first_lines
from orchestrator.adapters.great_expectations.read_only import ProgrammingError
from orchestrator.adapters.great_expectations.relation import WholeRelation, missing_column, unread_condition
from orchestrator.adapters.great_expectations.result_reading import Reading
from orchestrator.wording import did_you_mean, similar

_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": SAMPLES}
_NOT_IN_SQL = (
    "great-expectations has no SQL for it on any database; use unexpected_rows_expectation or a dbt test instead"
)
_OWN_QUERY = "unexpected_rows_expectation"
_ALONE = frozenset({"expect_column_quantile_values_to_be_between", _OWN_QUERY})
"""Types that are evaluated separately.

GX gives two quantile expectations of one column the same key, so the second gets the first one's quantiles. A suite's
own query shares nothing with others, and returns its rows only in the most detailed result format.
"""

Results = dict[str, ExpectationValidationResult | str]


@dataclass(frozen=True, slots=True)
class _Expectation:
    """One expectation as written in the suite, and as parsed by GX."""

    written: Mapping[str, Any]
    configuration: ExpectationConfiguration | None = None
    error: str = ""


def evaluator(ask: ValidationRequest, reading: Reading) -> SuiteResult:
    """Return a verdict on every expectation of the suite; if one cannot be evaluated, its verdict says why."""
    try:
        connection = reading.open(ask.database, ask.schema)
    except ProgrammingError as error:
        return SuiteResult(error=first_lines(str(error)))
    with connection:
        try:
            columns = reading.columns(connection, ask.schema, ask.table)
        except ProgrammingError as error:
            return SuiteResult(error=first_lines(str(error)))
        return SuiteResult(verdicts=tuple(_verdicts(ask, reading.engine(connection), columns)))


def _verdicts(ask: ValidationRequest, engine: sa.Engine, columns: Mapping[str, ColumnType]) -> Iterator[Verdict]:
    execution = SqlAlchemyExecutionEngine(engine=engine, create_temp_table=False)
    data = WholeRelation(execution, ask.table, columns)
    validator = silent(Validator)(execution_engine=execution, batches=[Batch(data=data)])
    asked = [_understand(number, each, ask, columns) for number, each in enumerate(ask.expectations)]
    found = _evaluate(validator, [each.configuration for each in asked if each.configuration])
    for number, each in enumerate(asked):
        yield verdict_of(each.written, each.error or found.get(str(number), ""))


def _understand(
    number: int, written: Mapping[str, Any], ask: ValidationRequest, columns: Mapping[str, ColumnType]
) -> _Expectation:
    """Have GX parse one expectation; its id is its position in the suite."""
    type_, kwargs = written["type"], dict(written.get("kwargs") or {})
    if WAYS.get(type_) is Way.NOT_IN_SQL:
        return _Expectation(written, error=_NOT_IN_SQL)
    if mistake := missing_column(type_, kwargs, columns) or unread_condition(kwargs):
        return _Expectation(written, error=mistake)
    if kwargs.get("column_index") == 0:
        kwargs["column_index"] = -len(columns)  # GX treats 0 as 'not given'
    try:
        configuration = ExpectationConfiguration(type=type_, kwargs=kwargs, id=str(number))
        configuration.process_suite_parameters(dict(ask.suite_parameters))
        configuration.to_domain_obj()
    except ExpectationNotFoundError:
        hint = did_you_mean(similar(type_, sorted(list_registered_expectation_implementations())))
        told = "great-expectations has no such expectation"
        return _Expectation(written, error=f"{told}. {hint}" if hint else told)
    except Exception as error:  # noqa: BLE001  # the others are evaluated whatever GX raises here
        return _Expectation(written, error=first_lines(str(error) or type(error).__name__))
    return _Expectation(written, configuration)


def _evaluate(validator: Validator, asked: Sequence[ExpectationConfiguration]) -> Results:
    """Evaluate all expectations at once, which shares queries; then repeat those with errors one by one.

    GX combines many aggregates in one query, so one invalid aggregate makes all of them fail.
    """
    results = _validate(validator, [each for each in asked if each.type not in _ALONE])
    for each in asked:
        if each.type in _ALONE or error_of(results.get(each.id, "")):
            results |= _validate(validator, [each])
    return results


def _validate(validator: Validator, asked: Sequence[ExpectationConfiguration]) -> Results:
    try:
        return dict(_by_id(validator, asked))
    except Exception as error:  # noqa: BLE001  # GX raises what it cannot attribute to one expectation
        return {each.id: first_lines(str(error) or type(error).__name__) for each in asked}


def _by_id(
    validator: Validator, asked: Sequence[ExpectationConfiguration]
) -> Iterator[tuple[str, ExpectationValidationResult]]:
    own_query = all(each.type == _OWN_QUERY for each in asked)
    runtime = {"result_format": "COMPLETE" if own_query else _RESULT_FORMAT}
    for result in validator.graph_validate(configurations=list(asked), runtime_configuration=runtime):
        yield result.expectation_config.id, result
