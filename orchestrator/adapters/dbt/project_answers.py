"""Answers questions about a dbt project from what dbt answered before, as long as nothing has changed."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.adapters.dbt.answer_forms import AS_IS, Form
from orchestrator.adapters.dbt.code_keys import CodeKeys
from orchestrator.adapters.dbt.kept_code import KeptCode, code_from_json, code_to_json
from orchestrator.adapters.dbt.manifest_file import ParsedManifest
from orchestrator.adapters.dbt.parse_cache import Answers, KeptParse, ParseCache
from orchestrator.adapters.dbt.parse_inputs import (
    InputState,
    ParseInputs,
    TooManyInputsError,
    is_steady,
    state_of,
    variables_asked,
)
from orchestrator.config.settings import StorageVersion
from orchestrator.errors import ProjectError
from orchestrator.nodes.identity import NodeId

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.invocation import Hear
    from orchestrator.adapters.dbt.session import DbtSession


_Value = TypeVar("_Value")
_CLOCK = 20_000_000
"""Nanoseconds: file systems round the time of a change down to a tick of their clock."""
_OTHER_MANIFESTS = ("STATE", "DEFER", "DEFER_STATE", "FAVOR_STATE")
"""Flags that let dbt read a manifest that is not the project's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parse:
    """A parse of this process whose inputs can be compared later, and did not change meanwhile."""

    inputs: ParseInputs
    state: InputState
    manifest: ParsedManifest
    keys: CodeKeys


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
        self._parsed: _Parse | None = None
        self._of_these_settings: KeptParse | None = None
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
            self._find(self._cache)

    def _find(self, cache: ParseCache) -> None:
        found = cache.read(self._asked)
        if found is None:
            return
        try:
            state = state_of(found.inputs, self._environ)
        except (OSError, TooManyInputsError):
            return
        if state.settings == found.settings:
            self._of_these_settings = found
            self.kept = found if state.digest == found.digest else None

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
        self.kept = self._of_these_settings = self._cache = None

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
                if known.get(node) != code and node not in spoke and is_steady(node)
            }

    @cached_property
    def codes(self) -> Mapping[NodeId, KeptCode]:
        """What nodes are known to compile to; asked for once the project is parsed, or known to be unchanged."""
        found = self._of_these_settings
        if found is None:
            return {}
        keyed = {NodeId(node): code_from_json(entry) for node, entry in found.codes.items()}
        if self.kept is not None:
            return {node: code for node, (_, code) in keyed.items()}
        if self._parsed is None:
            return {}
        keys = self._parsed.keys
        return {node: code for node, (key, code) in keyed.items() if key is not None and keys.of(node) == key}

    def require_valid(self) -> None:
        """Raise ProjectError if the project has changed since the kept answers were found."""
        if self.kept is not None and state_of(self.kept.inputs, self._environ).digest != self.kept.digest:
            raise ProjectError("The project was changed while it was read.", hint="Run the command again.")

    def note_parse(self, session: "DbtSession", manifest: ParsedManifest) -> None:
        """Take note of what a session has read, if that can be compared later, and did not change meanwhile."""
        inputs = _inputs_of(session) if self._cache is not None and session.ignores_run_vars else None
        state = None if inputs is None else self._unchanged(inputs)
        if inputs is not None and state is not None:
            self._parsed = _Parse(inputs=inputs, state=state, manifest=manifest, keys=CodeKeys(manifest.document))

    def keep(self) -> None:
        """Keep the answers of a session that has parsed, if they can be valid for a later command."""
        parsed = self._parsed
        if self._cache is None or parsed is None:
            return
        known = self._cache.read(self._asked)
        before = known if known is not None and known.digest == parsed.state.digest else None
        answers: Answers = {**self._new}
        codes = self._as_kept(self._codes if before is not None else dict(self.codes) | self._codes, parsed.keys)
        if before is not None:
            answers = {**before.answers, **answers}
            codes = {**before.codes, **codes}
        if before is not None and (before.answers.keys(), before.codes) == (answers.keys(), codes):
            return
        if self._unchanged(parsed.inputs) != parsed.state:  # the next command must have dbt parse again
            return
        text = json.dumps([answers, codes], default=str)
        content = parsed.manifest.content
        if json.loads(text) != [answers, codes] or self._knows_secret_in(text + content.decode("utf-8", "replace")):
            return
        kept = KeptParse(
            inputs=parsed.inputs,
            digest=parsed.state.digest,
            settings=parsed.state.settings,
            manifest_path=str(parsed.manifest.path),
            answers=answers,
            codes=codes,
            manifest=content,
        )
        self._cache.keep(self._asked, kept)

    @staticmethod
    def _as_kept(codes: Mapping[str, KeptCode], keys: CodeKeys) -> dict[str, object]:
        # Without a key, a code holds for this state of the project only.
        return {node: code_to_json(keys.of(node), code) for node, code in codes.items()}

    def _unchanged(self, inputs: ParseInputs) -> InputState | None:
        """Return the state of what the parse read; None if some of it may have changed since it began."""
        try:
            state = state_of(inputs, self._environ)
        except (OSError, TooManyInputsError):
            return None
        return state if state.changed_at < self._began - _CLOCK else None


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
