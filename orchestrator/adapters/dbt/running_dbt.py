"""Defines what a run needs of dbt, and what it is given to begin with."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.adapters.dbt.direct_session import DirectSession
from orchestrator.execution.ports import Ledger, StepRunner
from orchestrator.execution.recorded import LeftBatches
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.step import StepId
from orchestrator.ways.generated_sql import GeneratedKind

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.marking import Places
    from orchestrator.adapters.dbt.node_runs import NodeRuns
    from orchestrator.adapters.dbt.verifier import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtRunStart:
    """What dbt needs to know before a plan runs."""

    planned: Collection[NodeId]
    added: Collection[NodeId]
    """The nodes that the planner added: a full refresh does not apply to them."""
    places: "Places | None"
    """Where markers are written; None if none are."""
    left: Mapping[NodeId, LeftBatches]
    """The batches that an earlier run left undone."""
    recalled: Iterable[Mapping[str, object]]
    """dbt's results of the steps that ended before the run was resumed."""
    generated: Mapping[NodeId, GeneratedKind]
    """The nodes that are executed with generated statements."""
    replayable: Collection[NodeId]
    """The nodes for which what dbt sends is noted, to be sent again in a later run."""
    direct: DirectSession | None
    """Where nodes can be executed without dbt; None if they cannot."""
    is_steady: Callable[[NodeId], bool]
    """Returns whether a node compiles to the same code next time, if nothing is changed."""
    verifier: "Callable[[NodeRuns], Verifier | None]"
    certain: Collection[StepId]
    """The steps of dbt that certainly run. If all of them can be executed without dbt, it is not opened before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningDbt:
    """dbt during one run: what runs its steps, and what keeps their outcomes."""

    runner: StepRunner
    ledger: Ledger
    close: Callable[[], None]
