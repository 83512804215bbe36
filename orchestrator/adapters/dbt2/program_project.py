"""A dbt project that dbt 2.x runs: everything that elt asks of dbt, answered by calls of its program.

No other package knows the difference; what this dbt cannot do is refused, or is noted in the plan.
"""

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from orchestrator.adapters.dbt.dbt_project import DbtProject
from orchestrator.adapters.dbt.invocation import Hear
from orchestrator.adapters.dbt.manifest_file import ParsedManifest
from orchestrator.adapters.dbt.running_dbt import DbtRunStart, RunningDbt
from orchestrator.adapters.dbt2.dbt_process import DbtProcess, DbtProcesses
from orchestrator.adapters.dbt2.engine import DbtProgram
from orchestrator.adapters.dbt2.given_options import GivenOptions, flags_of, read_options, vars_of
from orchestrator.adapters.dbt2.ls_selector import DbtLs, LsSelector
from orchestrator.adapters.dbt2.program_calls import ProgramCall, QualifiedNames
from orchestrator.adapters.dbt2.program_ledger import DbtProgramLedger
from orchestrator.adapters.dbt2.program_limits import notes_on, refusals_of
from orchestrator.adapters.dbt2.program_runner import DbtProgramRunner
from orchestrator.adapters.dbt2.rendered_profile import read_target
from orchestrator.adapters.dbt2.written_manifest import WrittenManifest
from orchestrator.config.profile_file import find_profiles
from orchestrator.config.yaml_mapping import read_mapping
from orchestrator.errors import DbtLimitError, ParseError
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import LeftBatches, MarkedBatch
from orchestrator.execution.routes import ROUTES, Route, Tool
from orchestrator.nodes.dbt_flags import DbtFlags
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.nodes.manifest import has_default_selector, manifest_from, qualified_names
from orchestrator.nodes.prefix import Placement
from orchestrator.nodes.target import Target
from orchestrator.plan.plan import Plan
from orchestrator.reuse.fingerprints.surroundings import DbtSurroundings
from orchestrator.reuse.last_success import Marker

_DECLARED = Placement()
_NO_VARS: Mapping[str, str] = {}


class DbtProgramProject:
    """One dbt project, opened for one command line of dbt."""

    def __init__(
        self,
        program: DbtProgram,
        project_dir: Path,
        log_dir: Path,
        hear: Hear = lambda *_: None,
        mask: Callable[[str], str] = lambda text: text,
    ) -> None:
        """Set the program, the callback for warnings, and the function that removes secrets from a text."""
        self.program = program
        self._project_dir = project_dir
        self._hear = hear
        self._processes = DbtProcesses(program.words, project_dir, log_dir / "dbt.log", mask)
        self._options = GivenOptions(command="")
        self._run_vars: Mapping[str, str] = _NO_VARS
        self._credentials: dict[str, Any] = {}
        self._target: Target
        self._parsed: ParsedManifest | None = None
        self._raw: dict[str, Any] = {}

    def open(self, args: tuple[str, ...], run_vars: Mapping[str, str] = _NO_VARS) -> Target:
        """Read the options, and the target from profiles.yml; starts no process.

        Raises:
            DbtLimitError: An option is one that elt cannot use with dbt 2.x.
            ProfileError: The profile or the target is missing or wrong.
        """
        self._options = read_options(args, self.program.name)
        self._run_vars = run_vars
        named = {name: self._options.one(f"--{name.replace('_', '-')}") for name in _PROFILE_OPTIONS}
        given = {name: value for name, value in named.items() if value}
        self._target, self._credentials = read_target(self._project_dir, given, self._vars, os.environ)
        return self._target

    @cached_property
    def _vars(self) -> Mapping[str, Any]:
        return {**self._run_vars, **vars_of(self._options)}

    def close(self) -> None:
        """End every process that is left; idempotent."""
        self._processes.close()

    @cached_property
    def flags(self) -> DbtFlags:
        """What the command line, the environment and the project set."""
        file = find_profiles(self._project_dir, self._options.one("--profiles-dir") or None, os.environ)
        folder = self._project_dir if file is None else file.parent
        return flags_of(self._options, folder, os.environ, self._project_file.get("flags"))

    @cached_property
    def _project_file(self) -> Mapping[str, object]:
        return read_mapping(self._project_dir / "dbt_project.yml")

    @property
    def target_path(self) -> Path:
        """The folder of dbt's artifacts."""
        given = self._options.one("--target-path") or os.environ.get("DBT_TARGET_PATH")
        return (self._project_dir / (given or str(self._project_file.get("target-path") or "target"))).resolve()

    def credentials(self) -> dict[str, Any]:
        """Return the active target's connection as profiles.yml has it; contains secrets, so never show it."""
        return self._credentials

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of the program."""
        return {"dbt": self.program.version}

    def threads_of(self, target: Target) -> int:
        """Return one: processes of dbt would replace each other's artifacts; each has the threads of the target."""
        del target
        return 1

    def parse(self, placement: Placement = _DECLARED) -> ParsedManifest:
        """Have dbt parse the project, and return the manifest that it wrote.

        Raises:
            ParseError: dbt could not parse the project, or wrote no manifest.
            ManifestError: What it wrote is no manifest.
            DbtLimitError: A schema prefix is asked for.
        """
        if placement.prefix:
            self._refuse("work in schemas with a prefix", "Leave out --schema-prefix")
        written = WrittenManifest(self.target_path / "manifest.json")
        process = self._called("parse")
        for message in process.telemetry.take_messages():
            self._hear(message.kind, message.text, message.node)
        if process.code != 0:
            raise ParseError(
                f"{self.program.name} could not parse the project: {process.how_it_ended()}",
                hint=f"Correct the project. The full output is in {self._processes.log}.",
            )
        self._parsed, self._raw = written.read(self.program.name, self._processes.log)
        return self._parsed

    def manifest_json(self) -> bytes:
        """Return the JSON of the manifest; empty before the parse."""
        return b"" if self._parsed is None else self._parsed.content

    @property
    def unmoved(self) -> Mapping[NodeId, str]:
        """Return nothing: a schema prefix is refused."""
        return {}

    def move_sources(self, placement: Placement, sources: Collection[NodeId]) -> None:
        """Refuse: a schema prefix is not supported."""
        del placement, sources
        self._refuse("work in schemas with a prefix", "Leave out --schema-prefix")

    @cached_property
    def selector(self) -> LsSelector:
        """Return what asks `dbt ls`."""
        manifest = manifest_from(self._raw, self.target_path / "manifest.json")
        types = {node.unique_id: node.resource_type for node in manifest.nodes.values()}
        types |= dict.fromkeys(manifest.sources, ResourceType.SOURCE)
        listed = {node: kind for node, kind in types.items() if kind is not ResourceType.OPERATION}
        return LsSelector(self._options, listed, self._ls.nodes, has_default=has_default_selector(self._raw))

    def list_lines(self, nodes: Collection[NodeId], output: str, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return nodes in the output format of `dbt ls`."""
        return self._ls.lines(sorted(nodes), self._names, output, keys)

    @cached_property
    def _names(self) -> QualifiedNames:
        return QualifiedNames(qualified_names(self._raw))

    @cached_property
    def _ls(self) -> DbtLs:
        return DbtLs(self.program.name, lambda words: self._processes.answer(("ls", *self._common(), *words)))

    def deferred_relations(self) -> Mapping[NodeId, Relation]:
        """Return nothing: `--defer` is refused."""
        return {}

    @property
    def routes(self) -> Sequence[Route]:
        """Whatever is ready for dbt goes to one process."""
        return tuple(
            Route(executor=route.executor, lane=route.lane, takes=route.takes, batch_size=_WHOLE)
            if route.executor == Tool.DBT
            else route
            for route in ROUTES
        )

    @property
    def continues_after_errors(self) -> bool:
        """Not known of dbt 2.x; to halt is safe."""
        return False

    @property
    def reuses(self) -> bool:
        """What results of dbt 2.x depend on is not known."""
        return False

    def refusals(self, plan: Plan) -> Iterator[tuple[str, str]]:
        """Yield what keeps dbt 2.x from running a plan."""
        return refusals_of(plan, self._target, self._names, self.program.name)

    def notes(self, plan: Plan) -> tuple[str, ...]:
        """Return how dbt 2.x runs a plan differently."""
        return notes_on(plan, self.program.name)

    def begin_run(self, start: DbtRunStart) -> RunningDbt:
        """Return what runs batches of steps, one process for each command that a batch needs."""
        del start  # markers, batches that are left and earlier results are not known to this dbt
        runner = DbtProgramRunner(
            self._started,
            self._names,
            full_refresh=self.flags.full_refresh,
            hear=self._hear,
        )
        ledger = DbtProgramLedger(self.target_path, self.program.version, self._options.command)
        return RunningDbt(runner=runner, ledger=ledger, close=lambda: None)

    def _started(self, call: ProgramCall) -> DbtProcess:
        words = [*call.command.split(), *self._common(), *self._options.of_run(call.command)]
        if call.full_refresh:
            words.append("--full-refresh")
        words += ["--select", *call.select]
        words += ["--exclude", *call.exclude] if call.exclude else []
        words += ["--indirect-selection", "empty"] if call.command != "source freshness" else []
        return self._processes.call(words)

    def _called(self, command: str, *words: str) -> DbtProcess:
        """Run a command to its end."""
        process = self._processes.call([command, *self._common(), *words])
        for _ in process.follow():
            pass
        return process

    def _common(self) -> tuple[str, ...]:
        run_vars = ("--vars", json.dumps(dict(self._vars))) if self._vars else ()
        given = [*self._options.without("--vars").of_project(), *run_vars]
        return (*given, "--project-dir", str(self._project_dir.resolve()), "--target-path", str(self.target_path))

    @property
    def docs_address(self) -> tuple[Path, str, int, bool]:
        """Refuse: dbt 2.x serves its own site."""
        self._refuse("serve the docs site", "Call dbt itself: dbt docs serve")

    def surroundings(self) -> DbtSurroundings:
        """Refuse: dbt 2.x does not show what results depend on."""
        self._refuse("explain or reuse results", "Leave out --skip-unchanged and `elt explain`")

    def compiled_code(self, node: NodeId) -> str | None:
        """Return None: a single node is not compiled."""
        del node
        return None

    def compiled_variants(self, node: NodeId) -> tuple[str, ...]:
        """Return nothing: a single node is not compiled."""
        del node
        return ()

    def attach(self) -> None:
        """Refuse: elt has no connection of dbt 2.x."""
        self._refuse("share its connection", "Leave it to dbt")

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Refuse: elt has no connection of dbt 2.x."""
        del statement
        self._refuse("run a query of a condition", "Use another condition")

    def library(self) -> DbtProject:
        """Refuse: dbt 2.x is no library."""
        self._refuse("build copies of nodes", "Leave it out")

    def found_outcome(self, marker: Marker, started_at: datetime | None) -> Outcome:
        """Refuse: dbt 2.x leaves no markers."""
        del marker, started_at
        self._refuse("leave markers", "Leave it out")

    def left_by_markers(self, node: NodeId, markers: Collection[MarkedBatch]) -> LeftBatches | None:
        """Return None: dbt 2.x leaves no markers, and runs all batches of a microbatch model."""
        del node, markers
        return None

    def _refuse(self, what: str, instead: str) -> NoReturn:
        raise DbtLimitError(
            f"{self.program.name} is a program of its own: elt cannot have it {what}.",
            hint=f"{instead}, or remove `dbt.command` from elt.yml to use dbt 1.x.",
        )


_WHOLE = 1_000_000
"""The most steps in one batch: all that are ready."""
_PROFILE_OPTIONS = ("profiles_dir", "profile", "target", "threads")
