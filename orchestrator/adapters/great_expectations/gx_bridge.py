"""Lists every internal attribute of great-expectations that elt uses, and is the only module that uses private ones.

great-expectations is imported inside the function: the table is read before it is.
"""

from typing import Any

from orchestrator.adapters.probe import listed

NEEDED = listed(
    {
        "to evaluate a suite": (
            "great_expectations.core.batch:Batch",
            "great_expectations.core.expectation_validation_result:ExpectationValidationResult",
            "great_expectations.exceptions:ExpectationNotFoundError",
            "great_expectations.execution_engine:SqlAlchemyExecutionEngine",
            "great_expectations.expectations.expectation_configuration:ExpectationConfiguration",
            "great_expectations.expectations.registry:list_registered_expectation_implementations",
        ),
        "to validate a relation of any name": (
            "great_expectations.execution_engine.sqlalchemy_batch_data:SqlAlchemyBatchData.selectable",
        ),
        "to read column types and compared rows from the database": (
            "great_expectations.expectations.metrics.metric_provider:metric_value",
            "great_expectations.expectations.metrics.query_metric_provider:QueryMetricProvider",
            "great_expectations.expectations.metrics.table_metric_provider:TableMetricProvider",
            "great_expectations.expectations.metrics.util:CaseInsensitiveNameDict",
        ),
        "to find conditions that great-expectations would ignore": (
            "great_expectations.expectations.legacy_row_conditions:ParseException condition",
        ),
        "to show no progress bars": ("great_expectations.validator.validator:Validator._determine_progress_bars",),
    }
)


def silent(validator_class: type[Any]) -> type[Any]:
    """Return a subclass of GX's Validator without progress bars, which only a setting of a data context turns off."""
    return type("SilentValidator", (validator_class,), {"_determine_progress_bars": lambda _: False})
