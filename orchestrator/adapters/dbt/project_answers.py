"""Answers questions about a dbt project from what dbt answered before, as long as nothing has changed."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.adapters.dbt.answer_forms import AS_IS, NODES, TYPES, Form
from orchestrator.adapters.dbt.kept_code import KeptCode, codes_from_json, codes_to_json
from orchestrator.adapters.dbt.manifest_file import ParsedManifest
from orchestrator.adapters.dbt.parse_cache import Answers, KeptParse, ParseCache
from orchestrator.adapters.dbt.parse_inputs import ParseInputs, TooManyInputsError, is_steady, state_of, variables_asked
from orchestrator.config.settings import StorageVersion
from orchestrator.errors import ProjectError
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.selection.node_selector import NodeSelector

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.invocation import Hear
    from orchestrator.adapters.dbt.session import DbtSession


_Value = TypeVar("_Value")
_CLOCK = 20_000_000
"""Nanoseconds: file systems round the time of a change down to a tick of their clock."""
_OTHER_MANIFESTS = ("STATE", "DEFER", "DEFER_STATE", "FAVOR_STATE")
"""Flags that let dbt read a manifest that is not the project's own."""


_CODES = "codes"


class ProjectAnswers:
    """The answers of one dbt command line: those of the cache, and those that dbt has given in this process.

    Without a cache, dbt answers everything.
    """

    def __init__(
        self,
        cache: ParseCache | None = None,
        knows_secret_in: Callable[[str], bool] = lambda _text: False,
        *,
        is_read: bool = True,
    ) -> None:
        """Set the cache, and what says whether a text contains a secret: such a text is not kept.

        With `is_read` false, dbt answers everything, and its answers are kept for other commands.
        """
        self._cache = cache
        self._is_read = is_read
        self._knows_secret_in = knows_secret_in
        self._asked: tuple[str, ...] = ()
        self._began = 0
        self._environ: Mapping[str, str] = {}
        self._hear: Hear = lambda *_: None
        self._heard: list[list[str]] = []
        self._is_silent = False
        self._new: Answers = {}
        self._codes: dict[str, KeptCode] = {}
        self._parsed: tuple[ParseInputs, str] | None = None
        self.kept: KeptParse | None = None
        """What the cache has for the command line, if that is valid."""

    def listening(self, hear: "Hear") -> "Hear":
        """Return a callback for dbt's warnings, which notes them with the answer to which they belong."""
        self._hear = hear

        def listen(kind: str, message: str, node: str) -> None:
            if not self._is_silent:
                self._heard.append([kind, message, node])
                hear(kind, message, node)

        return listen

    def begin(
        self,
        project_dir: Path,
        args: tuple[str, ...],
        run_vars: Mapping[str, str],
        storage: StorageVersion | None = None,
    ) -> None:
        """Look for the answers to a command line of dbt."""
        # The working folder too, because options may have relative paths; dbt changes it while it is open.
        # Of the vars of a run only the names: they differ in each run, and what reads one of them is not kept.
        self._asked = (str(project_dir), str(Path.cwd()), str(storage), *args, *(f"var {name}" for name in run_vars))
        self._began = time.time_ns()
        self._environ = {**os.environ}  # as it is now: dbt sets variables of its own while it is open
        if self._cache is not None and self._is_read:
            self.kept = self._cache.find(self._asked, self._environ)

    @property
    def began_at(self) -> datetime:
        """When the command line was begun."""
        return datetime.fromtimestamp(self._began / 1e9, UTC)

    @property
    def keeps(self) -> bool:
        """Whether answers are kept for other commands."""
        return self._cache is not None

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Do not pass on what dbt says meanwhile: it was said with the kept answers."""
        self._is_silent = True
        try:
            yield
        finally:
            self._is_silent = False

    def forget(self) -> None:
        """Have dbt answer everything, and keep nothing."""
        self.kept = self._cache = None

    def get(self, question: str, ask: Callable[[], _Value], form: Form = AS_IS) -> _Value:
        """Return the kept answer to a question, and repeat what dbt said then; without one, ask dbt."""
        if self.kept is not None and question in self.kept.answers:
            entry: Any = self.kept.answers[question]
            for kind, message, node in entry["heard"]:
                self._hear(kind, message, node)
            value: _Value = form.from_json(entry["value"])
            return value
        if self._cache is None:  # nothing is kept, so nothing need be written down
            return ask()
        first = len(self._heard)
        found = ask()
        self._new[question] = {"value": form.to_json(found), "heard": self._heard[first:]}
        return found

    def kept_manifest(self) -> ParsedManifest:
        """Return what the kept parse wrote."""
        kept = self.kept
        assert kept is not None
        semantic: Mapping[str, str] = self.get("semantic", dict)
        return ParsedManifest(path=Path(kept.manifest_path), content=kept.manifest, semantic=semantic)

    def note_codes(self, codes: Mapping[NodeId, KeptCode], is_steady: Callable[[NodeId], bool]) -> None:
        """Keep what nodes were compiled to, if they compile to it again, and if dbt said nothing meanwhile."""
        if self._cache is not None:
            known = self.codes
            spoke = {node for _, _, node in self._heard}
            self._codes |= {
                node: code
                for node, code in codes.items()
                if node not in known and node not in spoke and is_steady(node)
            }

    @cached_property
    def codes(self) -> Mapping[NodeId, KeptCode]:
        """What nodes were compiled to, as far as it is kept."""
        entry: Any = {} if self.kept is None else self.kept.answers.get(_CODES, {})
        return {NodeId(node): code for node, code in codes_from_json(entry.get("value", {})).items()}

    def require_valid(self) -> None:
        """Raise ProjectError if the project has changed since the kept answers were found."""
        if self.kept is not None and state_of(self.kept.inputs, self._environ).digest != self.kept.digest:
            raise ProjectError("The project was changed while it was read.", hint="Run the command again.")

    def note_parse(self, session: "DbtSession") -> None:
        """Take note of what a session has read, if that can be compared later, and did not change meanwhile."""
        inputs = _inputs_of(session) if self._cache is not None and session.ignores_run_vars else None
        digest = None if inputs is None else self._digest(inputs)
        self._parsed = None if inputs is None or digest is None else (inputs, digest)

    def keep(self, manifest: bytes, manifest_path: Path) -> None:
        """Keep the answers of a session that has parsed, if they can be valid for a later command."""
        if self._cache is None or self._parsed is None:
            return
        inputs, digest = self._parsed
        known = self._cache.read(self._asked)
        before: Any = known.answers if known is not None and known.digest == digest else {}
        codes: Any = {**before.get(_CODES, {}).get("value", {}), **codes_to_json(self._codes)}
        answers: Answers = {**before, **self._new, **({_CODES: {"value": codes, "heard": []}} if codes else {})}
        if (
            before
            and before.keys() == answers.keys()
            and before.get(_CODES, {}).get("value", {}).keys() == codes.keys()
        ):
            return
        if self._digest(inputs) != digest:  # changed after the parse: the next command must have dbt parse again
            return
        text = json.dumps(answers, default=str)
        if json.loads(text) != answers or self._knows_secret_in(text + manifest.decode("utf-8", "replace")):
            return
        kept = KeptParse(
            inputs=inputs, digest=digest, manifest_path=str(manifest_path), answers=answers, manifest=manifest
        )
        self._cache.keep(self._asked, kept)

    def _digest(self, inputs: ParseInputs) -> str | None:
        """Return the digest of what the parse read; None if some of it may have changed since it began."""
        try:
            state = state_of(inputs, self._environ)
        except (OSError, TooManyInputsError):
            return None
        return state.digest if state.changed_at < self._began - _CLOCK else None


class KeptSelector:
    """dbt's selector, which is asked only for what is not kept."""

    def __init__(self, answers: ProjectAnswers, selector: Callable[[], NodeSelector]) -> None:
        self._answers = answers
        self._selector = selector

    def select(self, *, select: tuple[str, ...], exclude: tuple[str, ...], direct: bool = False) -> frozenset[NodeId]:
        """Return what dbt would run for these expressions."""
        question = json.dumps(["select", select, exclude, direct])

        def ask() -> frozenset[NodeId]:
            return self._selector().select(select=select, exclude=exclude, direct=direct)

        return self._answers.get(question, ask, NODES)

    def named(self, *, select: tuple[str, ...], exclude: tuple[str, ...]) -> frozenset[NodeId]:
        """Return every node of any type that these expressions name themselves."""
        question = json.dumps(["named", select, exclude])
        return self._answers.get(question, lambda: self._selector().named(select=select, exclude=exclude), NODES)

    def matching(self, expressions: tuple[str, ...]) -> frozenset[NodeId]:
        """Return every node of any type that one of the expressions names."""
        question = json.dumps(["matching", expressions])
        return self._answers.get(question, lambda: self._selector().matching(expressions), NODES)

    def deferred(self) -> frozenset[NodeId]:
        """Return the nodes of the manifest that `--defer` uses."""
        return self._answers.get("deferred", lambda: self._selector().deferred(), NODES)

    def kept_types(self) -> frozenset[ResourceType] | None:
        """Return the resource types that the options keep; None if no option limits them."""
        return self._answers.get("kept_types", lambda: self._selector().kept_types(), TYPES)


def _inputs_of(session: "DbtSession") -> ParseInputs | None:
    """Return what the parse of an open session depends on; None if not all of it can be compared."""
    from dbt.plugins import get_plugin_manager

    config, flags = session.config, session.flags
    credentials = config.credentials
    reads_others = any(getattr(flags, name, None) for name in _OTHER_MANIFESTS)
    is_plain = credentials.type == "duckdb" and not credentials.plugins and not credentials.secrets
    if reads_others or not is_plain or not (flags.PARTIAL_PARSE and flags.WRITE_JSON):
        return None
    if get_plugin_manager(config.project_name).hooks:  # they add nodes of their own
        return None
    # Links are not resolved: a link of dbt_packages may point to another folder next time.
    projects = [(Path(one.project_root).absolute(), one) for one in config.load_dependencies().values()]
    trees = {root / path for root, one in projects for path in (*one.all_source_paths, *one.docs_paths)}
    if any(session.target_path.is_relative_to(tree.resolve()) for tree in trees):  # each command writes there
        return None
    found = ParseInputs(
        trees=tuple(sorted(str(tree) for tree in trees if trees.isdisjoint(tree.parents))),
        tops=tuple(sorted(str(root) for root, _ in projects)),
        lists=(str(Path(config.project_root, config.packages_install_path).absolute()),),
        files=(
            str(Path(flags.PROFILES_DIR, "profiles.yml").absolute()),
            str(Path.home() / ".dbt" / "user_settings.yml"),
        ),
    )
    try:
        return replace(found, variables=variables_asked(found)) if is_steady(found) else None
    except OSError:
        return None
