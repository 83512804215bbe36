"""What a command line selects: asked of dbt itself, over one parsed manifest, and of the command `elt`."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dbt.task.build
from dbt.adapters.factory import register_adapter
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.mp_context import get_mp_context
from dbt.task.build import BuildTask
from dbt_common.events.contextvars import task_contextvars

from orchestrator.adapters.dbt.bridge.access import close_environment
from orchestrator.adapters.dbt.manifest_file import ManifestFile
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.cli.main import run_command_line
from orchestrator.nodes.prefix import Placement
from tests.agreement.places import inside, surrounded
from tests.agreement.selection_answers import Answer

_QUIETLY = ("--quiet", "--no-send-anonymous-usage-stats")
_NOT_DBTS = frozenset({"ingest", "freshness", "suite", "hook"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedByDbt:
    """A project that dbt has parsed once, for every question after it."""

    folder: Path
    manifest: Any

    def listed(self, words: Sequence[str], environment: Mapping[str, str]) -> Answer:
        """Answer `dbt ls`."""
        answer = self._invoked([*_QUIETLY, "ls", *words, "--output", "json", "--output-keys", "unique_id"], environment)
        if answer.exception is not None:
            return Answer(refused=True, exit_code=2, said=str(answer.exception))
        return Answer(nodes=tuple(json.loads(line)["unique_id"] for line in answer.result))

    def built(self, words: Sequence[str], environment: Mapping[str, str]) -> Answer:
        """Answer what `dbt build` would run: the command itself, ended when its queue of nodes stands."""
        answer = self.prepared(words, environment)
        if answer.exception is not None:
            return Answer(refused=True, exit_code=2, said=str(answer.exception))
        return answer_of(answer.result)

    def prepared(self, words: Sequence[str], environment: Mapping[str, str]) -> dbtRunnerResult:
        """Let `dbt build` prepare its run; the result is its task."""
        with patch.object(dbt.task.build, "BuildTask", _PreparedBuild):
            return self._invoked([*_QUIETLY, "build", *words], environment)

    def _invoked(self, words: list[str], environment: Mapping[str, str]) -> dbtRunnerResult:
        with inside(self.folder), surrounded(environment), redirect_stdout(StringIO()):
            answer = dbtRunner(manifest=self.manifest).invoke(words)
            close_environment()
        return answer


class _PreparedBuild(BuildTask):
    """dbt's own build, which selects, compiles its graph and fills its queue, and goes no further."""

    def run(self) -> "_PreparedBuild":
        with task_contextvars(project_root=self.config.project_root):
            self._runtime_initialize()
        return self

    @classmethod
    def interpret_results(cls, results: object) -> bool:
        return True


def answer_of(build: BuildTask) -> Answer:
    """Read what a prepared build would run: its queue, and the selected unit tests of the models in it.

    Sources and analyses can be asked for by their type; dbt queues them, and breaks off at the first.
    """
    nodes = (build.manifest.expect(unique_id) for unique_id in build.job_queue.get_selected_nodes())
    queued = {node.unique_id for node in nodes if node.resource_type in build.RUNNER_MAP}
    with_their_model = {test for model in queued for test in build.model_to_unit_test_map.get(model, ())}
    return Answer(
        nodes=tuple(sorted(queued | with_their_model)),
        passed_over=frozenset(build.selected_unit_tests - with_their_model),
    )


def parse_with_dbt(folder: Path, words: Sequence[str], environment: Mapping[str, str]) -> ParsedByDbt:
    """Let dbt parse a project, with the options that change what is parsed."""
    with inside(folder), surrounded(environment), redirect_stdout(StringIO()):
        answer = dbtRunner().invoke([*_QUIETLY, "parse", *words])
        close_environment()
    if answer.exception is not None:
        raise answer.exception
    return ParsedByDbt(folder=folder, manifest=answer.result)


class EltCommands:
    """The commands `elt ls` and `elt plan`, in one project.

    With `parses_once` the project is parsed by the first command, and the others are given what it parsed, as
    `dbtRunner(manifest=…)` is: all else is done by each of them.
    """

    def __init__(self, folder: Path, *, parses_once: bool = False) -> None:
        self._folder = folder
        self._parses_once = parses_once
        self._manifest: Any = None

    def listed(self, words: Sequence[str], environment: Mapping[str, str]) -> Answer:
        """Answer `elt ls`."""
        code, out, said = self._run(["ls", *words, "--output", "json", "--output-keys", "unique_id"], environment)
        if code:
            return Answer(refused=True, exit_code=code, said=said)
        return Answer(nodes=tuple(json.loads(line)["unique_id"] for line in out.splitlines()), said=said)

    def planned(self, words: Sequence[str], environment: Mapping[str, str]) -> Answer:
        """Answer which of dbt's nodes `elt plan --upstream none` would run."""
        plain = ["--upstream", "none", "--no-ingest", "--no-freshness", "--allow-empty"]
        code, out, said = self._run(["plan", "--json", *plain, *words], environment)
        if code:
            return Answer(refused=True, exit_code=code, said=said)
        steps = json.loads(out)["steps"]
        return Answer(nodes=tuple(sorted(step["node"] for step in steps if step["kind"] not in _NOT_DBTS)), said=said)

    def _run(self, words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        out, said = StringIO(), StringIO()
        sharing = patch.object(DbtSession, "parse", self._parse) if self._parses_once else nullcontext()
        with surrounded(environment), redirect_stdout(out), redirect_stderr(said), sharing:
            code = run_command_line([*words, "--project-dir", str(self._folder)])
        return code, out.getvalue(), said.getvalue()

    @property
    def _parse(self) -> Callable[[DbtSession, Placement], ManifestFile]:
        for_itself = DbtSession.parse

        def parse(session: DbtSession, placement: Placement) -> ManifestFile:
            if self._manifest is None:
                written = for_itself(session, placement)
                self._manifest = session.manifest
                return written
            session.manifest = self._manifest
            register_adapter(session.config, get_mp_context())
            path = session.target_path / "manifest.json"
            session.manifest_file = ManifestFile(path, path)
            return session.manifest_file

        return parse
