"""Holds a session of dbt that is opened when something is asked for which no answer is kept."""

from collections.abc import Callable, Mapping
from threading import RLock
from typing import TYPE_CHECKING

from orchestrator.adapters.dbt.answer_forms import HEAD, TARGET
from orchestrator.adapters.dbt.artifact_head import head_of
from orchestrator.adapters.dbt.bridge.access import begin_at, enter_invocation
from orchestrator.adapters.dbt.manifest_file import ParsedManifest
from orchestrator.adapters.dbt.project_answers import ProjectAnswers
from orchestrator.nodes.prefix import Placement
from orchestrator.nodes.target import Target

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.session import DbtSession


class LateSession:
    """One session, which any thread of a run may be the first to need."""

    def __init__(self, make: Callable[[], "DbtSession"], answers: ProjectAnswers) -> None:
        """Set what makes the session, which imports much, and the answers that may do without it."""
        self._make = make
        self._made: DbtSession | None = None
        self._answers = answers
        self._open: Callable[[], Target] | None = None  # None once the session is open
        self._placement = Placement()
        self._opening = RLock()
        self._refusal: Exception | None = None
        self.manifest: ParsedManifest | None = None
        """What dbt has parsed in this process."""

    def open(self, args: tuple[str, ...], run_vars: Mapping[str, str]) -> Target:
        """Return the target of a command line; the session is opened now if nothing is kept for it."""
        self._open = lambda: self.unopened.open(args, run_vars)
        return self._answers.get("target", self._start, TARGET)

    @property
    def unopened(self) -> "DbtSession":
        """The session, whether or not it is open."""
        if self._made is None:
            self._made = self._make()
        return self._made

    @property
    def is_open(self) -> bool:
        """Whether the session is open."""
        return self._answers.kept is None or self._open is None

    def get(self) -> "DbtSession":
        """Return the session for the calling thread; it is opened now if the answers so far were kept ones.

        Raises:
            EltError: It cannot be opened, or the project has changed since the kept answers were found. Every later
                call raises the same.
        """
        if self._answers.kept is None:
            return self.unopened
        with self._opening:
            if self._refusal is not None:
                raise self._refusal
            if self._open is not None:
                try:
                    self._open_late()
                except Exception as error:
                    self._refusal = error  # nobody may use a session of another state of the project
                    raise
            enter_invocation(self.unopened.invocation_context)  # another thread may have opened it
            return self.unopened

    def open_for(self, placement: Placement) -> None:
        """Open the session now, with its nodes where they are placed, whatever is kept."""
        self._placement = placement
        self.get()

    def parse(self, placement: Placement) -> ParsedManifest:
        """Have dbt parse the project, once, with its nodes where they are placed."""
        self._placement = placement
        if self.manifest is None:
            self._answers.get("parse", self._parse_now)
        assert self.manifest is not None
        return self.manifest

    def close(self) -> None:
        """Keep what dbt has answered, and close the session; idempotent."""
        with self._opening:  # a step that was abandoned may still be opening it
            try:
                if self.manifest is not None and self._refusal is None:
                    self._answers.keep()
                    self._answers.forget()
            finally:
                if self._made is not None:
                    self._made.close()

    def _start(self) -> Target:
        assert self._open is not None
        target = self._open()
        self._open = None
        return target

    def _open_late(self) -> None:
        with self._answers.silence():
            self._start()
            begin_at(self._answers.began_at)
            self.manifest = self._parse()
        self._answers.require_valid()
        self._answers.note_parse(self.unopened, self.manifest)

    def _parse_now(self) -> None:
        parsed = self.manifest = self._parse()
        if self._answers.keeps:  # now, because a run may change what is in the session
            self._answers.note_parse(self.unopened, parsed)
            self._answers.get("semantic", lambda: parsed.semantic)
            self._answers.get("artifact_head", lambda: head_of(self.unopened), HEAD)

    def _parse(self) -> ParsedManifest:
        written = self.unopened.parse(self._placement)
        return ParsedManifest(path=written.path, content=written.read(), semantic=written.semantic)
