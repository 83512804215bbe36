"""Makes dbt list the relations of a schema again after a load wrote to it: dbt caches them at first use."""

from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.execution.events import Event, RunStarted, StepEnded
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import IngestStep


class LoadedSchemas:
    """Listens to a run and clears dbt's cache after each load.

    A step that waits for a load starts only after listeners have received the load's end, so it never uses the old
    cache.
    """

    def __init__(self, runs: NodeRuns) -> None:
        self._runs = runs
        self._plan = Plan(steps=())

    def hear(self, event: Event) -> None:
        """Forget the schemas of a load that has ended, whatever its status."""
        match event:
            case RunStarted():
                self._plan = event.plan
            case StepEnded():
                step = self._plan.by_id[event.outcome.step_id]
                if isinstance(step, IngestStep):
                    written = {(relation.database, relation.schema) for relation in step.writes}
                    self._runs.forget_schemas(sorted(written | {(None, step.dataset)}, key=str))
            case _:
                pass
