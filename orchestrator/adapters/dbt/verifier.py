"""Verifies the existing table of a node that is to be reused: makes a shadow build and compares the two."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from orchestrator.adapters.comparison import Compared, Difference, compare_tables
from orchestrator.adapters.comparison_sql import ComparisonDialect
from orchestrator.adapters.dbt.dbt_error_class import error_class
from orchestrator.adapters.dbt.node_outcomes import node_outcome
from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.shadow_build import asking
from orchestrator.adapters.own_schemas import OwnSchemas
from orchestrator.errors import WarehouseError
from orchestrator.execution.outcome import ErrorClass, Outcome, Reason, ReasonCode
from orchestrator.execution.ports import Request, Verify
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep
from orchestrator.wording import count, some_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Verifies steps on the calling thread; removes its shadow build before it returns."""

    runs: NodeRuns
    schemas: OwnSchemas
    dialect: ComparisonDialect
    relation_of: Callable[[NodeId], Relation]
    missed: Callable[[NodeId, str | None, str], Sequence[str]]
    """Describes what a fingerprint may have missed, from the node's compiled code now and the run that built its
    table."""
    definition_of: Callable[[Relation], str]
    """Returns the query of a view as the database stores it, without the view's name; raises WarehouseError."""
    doubt: Callable[[Request, Relation], None]
    """Marks the recorded content of an existing relation in the target as no longer valid; raises WarehouseError."""

    def run(self, step: BuildStep, request: Request, verify: Verify) -> Outcome:
        """Return the step's outcome: reused, or an error that describes how the existing table differs."""
        started = datetime.now(UTC)
        self.runs.log.begin(step.node)
        try:
            found = self._look(step, request, verify, started)
        except WarehouseError as error:
            found = self._broken(step, started, error.message)
        logged = self.runs.log.take(step.node)
        return replace(found, log=logged if found.status is Status.ERROR else "")

    def _look(self, step: BuildStep, request: Request, verify: Verify, started: datetime) -> Outcome:
        with self.schemas.opened(step.id) as schema:
            beside = self.runs.run_shadow(step.node, schema)
            if beside.message:
                return self._broken(step, started, f"Its shadow build ended in an error:\n{beside.message}")
            compared = self._compared(step, schema)
        if compared.difference is None:
            return _verified(verify, compared, started, is_table=step.materialized != "view")
        existing = self.relation_of(step.node)
        # Before anything else: if the process dies now, the next run must still build the node.
        self.doubt(request, existing)
        missed = self.missed(step.node, beside.code, verify.of_run)
        message = _message(step, existing, compared.difference, missed, verify.of_run)
        # dbt did not run the node itself, but its artifacts and on-run-end hooks must show the error.
        outcome = node_outcome(step.id, self.runs.note_error(step.node, message), started)
        return replace(outcome, reason=Reason(code=ReasonCode.DIFFERS), error_class=ErrorClass.PERMANENT)

    def _compared(self, step: BuildStep, schema: str) -> Compared:
        existing = self.relation_of(step.node)
        beside = replace(existing, schema=schema)
        with asking(self.runs.adapter, f"verify_{step.node}") as ask:
            compared = compare_tables(ask, self.dialect, existing, beside)
        # The same rows today do not make it the same view.
        is_view = compared.difference is None and step.materialized == "view"
        if is_view and self.definition_of(existing) != self.definition_of(beside):
            return replace(compared, difference=Difference(definition=True))
        return compared

    def _broken(self, step: BuildStep, started: datetime, reason: str) -> Outcome:
        """Return the error of a verification that could not finish; if it will be retried, dbt keeps no result."""
        message = f"The existing result of {step.name} could not be verified. {reason}"
        # A later attempt that succeeds has no result of dbt that would replace this one.
        is_kept = error_class(Status.ERROR, reason) is not ErrorClass.TRANSIENT
        result = (self.runs.note_error if is_kept else self.runs.lost_result)(step.node, message)
        return node_outcome(step.id, result, started)


def _verified(verify: Verify, compared: Compared, started: datetime, *, is_table: bool) -> Outcome:
    return replace(
        verify.reused,
        reason=Reason(code=ReasonCode.VERIFIED),
        row_count=compared.rows if is_table else None,
        message=f"verified: built again beside it, {count(compared.rows, 'row')}, the same; {verify.reused.message}",
        started_at=started,
        ended_at=datetime.now(UTC),
    )


def _message(step: BuildStep, existing: Relation, difference: Difference, missed: Sequence[str], run_id: str) -> str:
    name = f"{step.name} ({step.path})"
    lines = [
        f"{name} was to be reused as built in run {run_id}, but it now builds another {existing}: {_how(difference)}."
    ]
    lines += ["The fingerprint may have missed:", *(f"  {one}" for one in missed)]
    lines.append(
        "The next run builds it and what is downstream. If it reads through ref() or source(), elt sees such a change."
        " Otherwise remove meta.elt.deterministic or set meta.elt.volatile: true, so that it always runs."
    )
    return "\n".join(lines)


def _how(difference: Difference) -> str:
    if difference.definition:
        return "its query is different, though it returns the same rows"
    if difference.columns:
        return f"of its columns, {some_of(difference.columns)}"
    rows = [
        f"{count(number, 'row')} only {where}"
        for number, where in (
            (difference.only_first, "in the existing table"),
            (difference.only_second, "in the rebuilt one"),
        )
        if number
    ]
    cells = f"; other values in the columns {some_of(difference.cells)}" if difference.cells else ""
    return ", ".join(rows) + cells
