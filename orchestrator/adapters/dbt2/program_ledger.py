"""Writes run_results.json of a whole run: each process of dbt 2.x leaves only that of its own nodes."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from orchestrator.adapters.dbt.artifacts import artifact, records
from orchestrator.adapters.dbt.manifest_file import replaced
from orchestrator.adapters.dbt.outcome_ledger import OutcomeLedger
from orchestrator.adapters.dbt2.program_outcomes import skipped_result
from orchestrator.errors import ProjectError
from orchestrator.full_disk import full_disk_error, is_full_disk
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, TestStep, node_of

_SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v6.json"
_DID_NOT_RUN = frozenset({Status.SKIPPED, Status.CANCELLED})


class DbtProgramLedger(OutcomeLedger):
    """Keeps the outcomes of a run, and writes dbt's artifact at its end."""

    def __init__(self, target_path: Path, dbt_version: str, command: str) -> None:
        super().__init__()
        self._target_path = target_path
        self._dbt_version = dbt_version
        self._command = command

    def finish(self, at: datetime) -> None:
        """Write run_results.json; raises ProjectError or FullDiskError if it cannot be written."""
        if self._started is None or not any(node_of(step) for step in self._started.plan.steps):
            return
        plan = self._started.plan
        document = artifact(
            metadata=self._metadata(at),
            results=records(plan, self._outcomes, self._skipped(), sources=False),
            elapsed=(at - self._started.at).total_seconds(),
            args={"which": self._command},
        )
        path = self._target_path / "run_results.json"
        try:
            self._target_path.mkdir(parents=True, exist_ok=True)
            with replaced(path) as beside:
                beside.write_text(json.dumps(document, default=str), encoding="utf-8")
        except OSError as error:
            if is_full_disk(error):
                raise full_disk_error(error, [self._target_path]) from error
            raise ProjectError(f"{path} could not be written: {error.strerror or error}.") from error

    def _skipped(self) -> Mapping[NodeId, Mapping[str, object]]:
        plan = self._started.plan if self._started is not None else None
        steps = (plan.by_id[one.step_id] for one in self._outcomes if plan and one.status in _DID_NOT_RUN)
        return {step.node: skipped_result(step.node) for step in steps if isinstance(step, BuildStep | TestStep)}

    def _metadata(self, at: datetime) -> Mapping[str, object]:
        return {
            "dbt_schema_version": _SCHEMA,
            "dbt_version": self._dbt_version,
            "generated_at": at.astimezone(UTC).isoformat(),
            "invocation_id": str(uuid4()),
            "env": {},
        }
