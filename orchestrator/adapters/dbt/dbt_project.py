"""A dbt project that is open: everything that elt asks of dbt, in values of elt.

No other package sees dbt's session, its flags or its manifest.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.dbt.answer_forms import FLAGS, SURROUNDINGS
from orchestrator.adapters.dbt.bridge.releases import installed_release
from orchestrator.adapters.dbt.kept_selector import KeptSelector
from orchestrator.adapters.dbt.late_session import LateSession
from orchestrator.adapters.dbt.manifest_file import ParsedManifest
from orchestrator.adapters.dbt.project_answers import ProjectAnswers
from orchestrator.adapters.dbt.run_beginner import RunBeginner
from orchestrator.adapters.dbt.running_dbt import DbtRunStart, RunningDbt
from orchestrator.config.settings import StorageVersion
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import LeftBatches, MarkedBatch
from orchestrator.execution.routes import ROUTES, Route
from orchestrator.nodes.dbt_flags import DbtFlags
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.nodes.prefix import Placement
from orchestrator.nodes.target import Target
from orchestrator.plan.plan import Plan
from orchestrator.reuse.fingerprints.surroundings import DbtSurroundings
from orchestrator.reuse.last_success import Marker
from orchestrator.selection.node_selector import NodeSelector
from orchestrator.ways.generated_sql import NOTHING_GENERATED, GeneratedKind

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.invocation import Hear
    from orchestrator.adapters.dbt.marking import Places
    from orchestrator.adapters.dbt.node_runs import NodeRuns
    from orchestrator.adapters.dbt.selector import DbtSelector
    from orchestrator.adapters.dbt.session import DbtSession


DECLARED = Placement()
_NO_VARS: Mapping[str, str] = MappingProxyType({})


class DbtProject:
    """One dbt project, opened for one command line of dbt; only one can be open in a process.

    What dbt answered to the same command line before may be kept. dbt is then started only for other questions.
    """

    def __init__(
        self,
        project_dir: Path,
        hear: "Hear" = lambda *_: None,
        mask: Callable[[str], str] = lambda text: text,
        answers: ProjectAnswers | None = None,
        storage: StorageVersion | None = None,
    ) -> None:
        """Set the callback for dbt's warnings, the function that removes secrets from a text, and the kept answers.

        `storage` is the format of DuckDB files that are created.
        """
        self._storage = storage
        self._answers = answers or ProjectAnswers()
        self._project_dir = project_dir
        heard = self._answers.listening(hear)

        def make() -> "DbtSession":
            from orchestrator.adapters.dbt import session

            return session.DbtSession(project_dir, heard, mask, storage)

        self._late = LateSession(make, self._answers)
        self._came_from: Path | None = None

    @property
    def _session(self) -> "DbtSession":
        """The session, which is opened now if the answers so far were kept ones."""
        return self._late.get()

    def open(self, args: tuple[str, ...], run_vars: Mapping[str, str] = _NO_VARS) -> Target:
        """Read options, profile and project for dbt's command line `args`; parses nothing yet.

        `run_vars` are vars of this run besides those of the command line, which win.
        """
        self._answers.begin(self._project_dir, args, run_vars, self._storage)
        if self._answers.kept is not None:
            self._came_from = Path.cwd()
            os.chdir(self._project_dir)  # as dbt does, so that relative paths mean the same
        return self._late.open(args, run_vars)

    def close(self) -> None:
        """Keep the answers of dbt, close its connections and log file, and restore the working folder; idempotent."""
        try:
            self._late.close()
        finally:
            if self._came_from is not None:
                os.chdir(self._came_from)
                self._came_from = None

    @cached_property
    def flags(self) -> DbtFlags:
        """What the command line, the environment and the project set."""

        def ask() -> DbtFlags:
            from orchestrator.adapters.dbt.dbt_surroundings import flags_of

            return flags_of(self._session)

        return self._answers.get("flags", ask, FLAGS)

    @property
    def docs_address(self) -> tuple[Path, str, int, bool]:
        """The folder of the docs site, the host and port to serve it at, and whether to open a browser."""
        flags = self._session.flags
        return self._session.target_path, flags.HOST, flags.PORT, bool(flags.BROWSER)

    @property
    def continues_after_errors(self) -> bool:
        """Whether `on_error: continue` of a model lets its children run after an error of the model."""
        return installed_release().continues_after_errors

    def credentials(self) -> dict[str, Any]:
        """Return the active target's connection as its adapter read it; contains secrets, so never show it."""
        return self._answers.get("credentials", lambda: self._session.credentials())  # noqa: PLW0108  # it may open dbt

    def parse(self, placement: Placement = DECLARED) -> ParsedManifest:
        """Parse the project with its nodes where they are placed, and return the manifest that dbt wrote."""
        if placement.prefix:
            self._late.open_for(placement)  # the kept manifest has the nodes where they are declared
            self._answers.forget()
        elif self._answers.kept is not None and self._late.manifest is None:
            self._answers.get("parse", lambda: None)
            return self._answers.kept_manifest()
        return self._late.parse(placement)

    def move_sources(self, placement: Placement, sources: Collection[NodeId]) -> None:
        """Read these dbt sources from prefixed schemas; the manifest is written again."""
        self._session.move_sources(placement, sources)

    def manifest_json(self) -> bytes:
        """Return the JSON of the manifest that dbt wrote last; empty before the parse."""
        if not self._late.is_open:
            return self._answers.kept_manifest().content
        written = self._late.unopened.manifest_file
        return b"" if written is None else written.read()

    @property
    def unmoved(self) -> Mapping[NodeId, str]:
        """The nodes that a run with a schema prefix cannot build, each with the reason."""
        return self._late.unopened.unmoved if self._late.is_open else {}  # without a prefix, none is

    @cached_property
    def selector(self) -> NodeSelector:
        """dbt's selector of the parsed project."""
        return KeptSelector(self._answers, lambda: self._dbt_selector)

    @cached_property
    def _dbt_selector(self) -> "DbtSelector":
        from orchestrator.adapters.dbt import selector

        return selector.DbtSelector(self._session)

    def deferred_relations(self) -> Mapping[NodeId, Relation]:
        """Return the relations that `--defer` may read in place of nodes; empty without it."""
        if self._answers.kept is not None:  # a command line with --defer is never kept
            return {}
        return self._dbt_selector.deferred_relations()

    def surroundings(self) -> DbtSurroundings:
        """Return what can change results besides the nodes; contains secrets until they are hashed."""

        def ask() -> DbtSurroundings:
            from orchestrator.adapters.dbt.dbt_surroundings import dbt_surroundings

            return dbt_surroundings(self._session)

        found = self._answers.get("surroundings", ask, SURROUNDINGS)
        if self._answers.kept is None:
            return found
        return replace(found, started_at=self._answers.began_at.replace(tzinfo=None))

    def list_lines(self, nodes: Collection[NodeId], output: str, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return nodes in the output format of `dbt ls`."""
        from orchestrator.adapters.dbt.ls_lines import list_lines

        return list_lines(self._session, nodes, output, keys)

    def compiled_code(self, node: NodeId) -> str | None:
        """Return the code that a node compiles to now; None if it cannot be compiled."""
        from orchestrator.adapters.dbt.compiling import compile_code

        return compile_code(self._session, node)

    def compiled_variants(self, node: NodeId) -> tuple[str, ...]:
        """Return each text that a node may have been compiled to, with and without a full refresh."""
        from orchestrator.adapters.dbt.compiling import compiled_variants

        return compiled_variants(self._session, node)

    def attach(self) -> None:
        """Open dbt's first connection, which attaches the databases that the profile names; raises WarehouseError."""
        self._session.attach()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the first row of a query on the target, without a parse; raises WarehouseError."""
        return self._session.ask(statement)

    def node_runs(
        self,
        planned: Collection[NodeId],
        added: Collection[NodeId] = (),
        places: "Places | None" = None,
        generated: Mapping[NodeId, GeneratedKind] = NOTHING_GENERATED,
        replayable: Collection[NodeId] = (),
    ) -> "NodeRuns":
        """Return what runs single nodes of the project."""
        from orchestrator.adapters.dbt import node_runs

        return node_runs.NodeRuns(self._session, planned, added, places, generated, replayable)

    def begin_run(self, start: DbtRunStart) -> RunningDbt:
        """Return what runs the steps of a plan: without dbt what can be, and one node in each call of dbt's runners.

        If dbt is not open, and may not be needed, the first step that it runs opens it.
        """
        return RunBeginner(self._late, self._answers, self.node_runs, lambda: self.flags.fail_fast).begin(start)

    @property
    def routes(self) -> Sequence[Route]:
        """One node at a time in each of dbt's threads."""
        return ROUTES

    @property
    def reuses(self) -> bool:
        """Results of dbt 1.x can be reused."""
        return True

    @property
    def versions(self) -> Mapping[str, str]:
        """Nothing: the packages of Python are known."""
        return {}

    def threads_of(self, target: Target) -> int:
        """Return the threads of the target."""
        return target.threads

    def refusals(self, plan: Plan) -> Iterator[tuple[str, str]]:
        """Yield nothing: this dbt runs every plan."""
        del plan
        yield from ()

    def notes(self, plan: Plan) -> tuple[str, ...]:
        """Return nothing: documentation is written for this dbt."""
        del plan
        return ()

    def library(self) -> "DbtProject":
        """Return this project."""
        return self

    def found_outcome(self, marker: Marker, started_at: datetime | None) -> Outcome:
        """Return the outcome of a build that was committed but not recorded, from its marker."""
        from orchestrator.adapters.dbt.found_results import found_outcome

        return found_outcome(self._session, marker, started_at)

    def left_by_markers(self, node: NodeId, markers: Collection[MarkedBatch]) -> LeftBatches | None:
        """Return the batches of an interrupted microbatch model, as done or not according to the markers."""
        from orchestrator.adapters.dbt.left_batches import left_by_markers

        return left_by_markers(self._session, node, markers)
