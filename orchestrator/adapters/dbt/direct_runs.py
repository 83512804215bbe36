"""Executes views, tables and data tests without dbt, from the code that dbt compiled them to in an earlier run.

Only what ends well is reported from here. A node that breaks, a test that finds rows, an unusual relation, a second
attempt: all of these are left to dbt, which starts for them, so that statuses and messages are dbt's.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from orchestrator.adapters.dbt.dbt_error_class import error_class
from orchestrator.adapters.dbt.direct_markers import DirectMarkers
from orchestrator.adapters.dbt.direct_session import DirectCursor, DirectSession, RelationNames, relation_names
from orchestrator.adapters.dbt.kept_code import KeptCode
from orchestrator.adapters.dbt.run_records import KeptRecords
from orchestrator.adapters.dbt.sent_statements import OtherAnswerError, SentStatements, send_again
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request, Stop
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, StepId, TestStep
from orchestrator.ways.generated_sql import (
    BACKUP,
    KEYS_AND_INDEXES,
    GeneratedKind,
    Place,
    count_failures,
    drop,
    existing_kinds,
    replacement,
    replaces_one,
)

_log = logging.getLogger(__name__)


class TakesOver(Protocol):
    """dbt, once it has started."""

    def take_over(self, node: NodeId, record: Mapping[str, object] | None, code: KeptCode) -> None:
        """Take note of a node that was executed without it; an ephemeral model has no record."""


class NotDirectError(Exception):
    """dbt must execute the node."""


class DirectRuns:
    """Executes nodes on cursors of its own; may be used from any thread."""

    def __init__(
        self, session: DirectSession, codes: Mapping[NodeId, KeptCode], records: Callable[[], KeptRecords]
    ) -> None:
        self._session = session
        known = {*session.kinds, *session.ephemeral, *session.replayable}
        self._codes = {node: code for node, code in codes.items() if node in known}
        self._markers = DirectMarkers(session)
        self._records = records
        self._lock = threading.Lock()  # held for moments only: an interruption must not wait
        self._preparing = threading.Lock()
        self._names: RelationNames | None = None
        self._cursors: dict[StepId, DirectCursor] = {}
        self._interrupted: set[StepId] = set()
        self._untold: list[tuple[NodeId, Mapping[str, object] | None]] = []

    def can_run(self, node: NodeId) -> bool:
        """Return whether the code of a node is known."""
        return node in self._codes

    def run(self, request: Request, stop: Stop) -> Outcome | None:
        """Execute the node of a step; None if dbt must do that, from the beginning."""
        step = request.step
        if not isinstance(step, BuildStep | TestStep) or not self.can_run(step.node) or stop.is_set():
            return None
        if request.attempt > 1 or request.verify is not None:
            return None
        began = datetime.now(UTC)
        with self._lock:
            self._interrupted.discard(step.id)
        if step.node in self._session.ephemeral:
            return self._compiled(step, began)
        try:
            names = self._prepared()
            with self._cursor(step.id) as cursor:
                return self._executed(step, request, cursor, names, began)
        except (NotDirectError, OtherAnswerError):
            return None
        except Exception as error:  # noqa: BLE001  # whatever the database says, dbt is to say it
            _log.debug("%s is left to dbt", step.id, exc_info=error, extra={"action": "left_to_dbt"})
            was_interrupted = step.id in self._interrupted or stop.is_set()
            return self._broken(step, str(error), began) if was_interrupted else None

    def _executed(
        self, step: BuildStep | TestStep, request: Request, cursor: DirectCursor, names: RelationNames, began: datetime
    ) -> Outcome:
        sent = self._codes[step.node].sent
        if sent is not None and isinstance(step, TestStep):
            return self._replay_test(step, sent, cursor, began)
        if sent is not None:
            return self._replay(step, sent, request, cursor, names, began)
        if self._session.kinds[step.node] is GeneratedKind.TEST:
            return self._test(step, cursor, began)
        return self._build(step, request, cursor, names, began)

    def interrupt(self, steps: Collection[StepId]) -> None:
        """Interrupt the statements of these steps."""
        with self._lock:
            running = {step: cursor for step, cursor in self._cursors.items() if step in steps}
            self._interrupted |= running.keys()
        for cursor in running.values():
            with suppress(Exception):  # it may just have been closed
                cursor.interrupt()

    def _broken(self, step: BuildStep | TestStep, error: str, began: datetime) -> Outcome:
        """Return the outcome of a step that was interrupted, in dbt's words."""
        kind = "model" if isinstance(step, BuildStep) else "test"
        message = f"Runtime Error in {kind} {step.name} ({step.path})\n  {error}"
        return Outcome(
            step_id=step.id,
            status=Status.ERROR,
            tool_word="error",
            message=message,
            error_class=error_class(Status.ERROR, message),
            started_at=began,
            ended_at=datetime.now(UTC),
            path=step.path,
            dbt_results=(self._records().lost(step.node, message),),
        )

    def tell(self, dbt: TakesOver) -> None:
        """Let dbt, which has started meanwhile, know what was executed here: for its hooks, cache and manifest."""
        with self._lock:
            untold, self._untold = self._untold, []
        for node, record in untold:
            dbt.take_over(node, record, self._codes[node])

    def prepare(self) -> None:
        """List what exists before hooks run, as dbt does; an error shows with the first node."""
        with suppress(Exception):
            self._prepared()

    def _prepared(self) -> RelationNames:
        """Create the schemas and list the relations, once, as dbt does before its first node."""
        with self._preparing:
            if self._names is None:
                records = self._records()
                found = relation_names(self._session.open_cursor, records.schemas_of(self._session.planned))
                if self._session.places is not None:
                    self._session.places.make(sorted({records.place_of(node).database for node in self._session.kinds}))
                self._names = found
            return self._names

    @contextmanager
    def _cursor(self, step: StepId) -> Iterator[DirectCursor]:
        cursor = self._session.open_cursor()
        with self._lock:
            self._cursors[step] = cursor
        try:
            yield cursor
        finally:
            with self._lock:
                del self._cursors[step]
            with suppress(Exception):  # what was committed stays so
                cursor.close()

    def _build(
        self, step: BuildStep | TestStep, request: Request, cursor: DirectCursor, names: RelationNames, began: datetime
    ) -> Outcome:
        node, kind, records = step.node, self._session.kinds[step.node], self._records()
        place, code = records.place_of(node), self._codes[node]
        replaces = self._replaces(kind, place, cursor, names)
        statements = replacement(kind, place, code.code or "", replaces=replaces)
        self._write_files(code, statements[0])
        executing = datetime.now(UTC)
        for statement in ("BEGIN", *statements):
            cursor.execute(statement)
        content = self._markers.leave(cursor, request, kind, place)
        cursor.execute("COMMIT")
        cursor.execute(drop(kind, place, BACKUP))
        names[place.key] = (kind, place.identifier)
        count = self._markers.built(cursor, node, kind, place, content)
        return self._outcome(step, "success", began, executing, row_count=count)

    def _replay(  # what it sends, and where
        self,
        step: BuildStep | TestStep,
        sent: SentStatements,
        request: Request,
        cursor: DirectCursor,
        names: RelationNames,
        began: datetime,
    ) -> Outcome:
        """Send what dbt sent for an incremental model, snapshot or seed, if the answers are those that dbt had."""
        place = self._records().place_of(step.node)
        is_unmarked = self._markers.leaves_one(request, place) and None not in sent.statements
        if is_unmarked or existing_kinds(place, names.get) != sent.existed:
            raise NotDirectError
        self._write_files(self._codes[step.node], sent.run_text)
        executing, content = datetime.now(UTC), None

        def leave_marker() -> None:
            nonlocal content
            content = self._markers.leave(cursor, request, GeneratedKind.TABLE, place)

        send_again(cursor, sent, leave_marker)
        names[place.key] = (GeneratedKind.TABLE, place.identifier)
        count = self._markers.built(cursor, step.node, GeneratedKind.TABLE, place, content)
        return self._outcome(step, "success", began, executing, row_count=count)

    def _replay_test(self, step: TestStep, sent: SentStatements, cursor: DirectCursor, began: datetime) -> Outcome:
        """Send what dbt sent for a unit test that passed; it passes again if the answers are the same."""
        executing = datetime.now(UTC)
        send_again(cursor, sent, lambda: None)
        self._write_files(self._codes[step.node], sent.run_text)
        return self._outcome(step, "pass", began, executing)

    @staticmethod
    def _replaces(kind: GeneratedKind, place: Place, cursor: DirectCursor, names: RelationNames) -> bool:
        replaces = replaces_one(kind, place, names.get)
        if replaces is None:
            raise NotDirectError
        names_of_it = [place.database, place.schema, place.identifier]
        is_table = replaces and kind is GeneratedKind.TABLE
        if is_table and cursor.execute(KEYS_AND_INDEXES, names_of_it).fetchall():
            raise NotDirectError
        return replaces

    def _test(self, step: BuildStep | TestStep, cursor: DirectCursor, began: datetime) -> Outcome:
        code, (warn_if, error_if) = self._codes[step.node], self._records().limits_of(step.node)
        statement = count_failures(code.code or "", warn_if=warn_if, error_if=error_if)
        executing = datetime.now(UTC)
        [(_, warns, fails)] = cursor.execute(statement).fetchall()
        if warns or fails:
            raise NotDirectError
        self._write_files(code, statement)
        return self._outcome(step, "pass", began, executing)

    def _outcome(
        self,
        step: BuildStep | TestStep,
        word: str,
        began: datetime,
        executing: datetime,
        row_count: int | None = None,
    ) -> Outcome:
        ended, code = datetime.now(UTC), self._codes[step.node]
        record = self._records().executed(step.node, word, code, began, executing, ended)
        with self._lock:
            self._untold.append((step.node, record))
        return Outcome(
            step_id=step.id,
            status=Status.SUCCESS,
            tool_word=word,
            message=str(record["message"] or ""),
            started_at=began,
            ended_at=ended,
            row_count=row_count,
            query_seconds=(ended - executing).total_seconds(),
            failures=0 if word == "pass" else None,
            path=step.path,
            compiled_path=code.compiled_path,
            dbt_results=(record,),
        )

    def _compiled(self, step: BuildStep | TestStep, began: datetime) -> Outcome | None:
        """Return the outcome of an ephemeral model, which dbt only compiles; dbt records no result of it."""
        code = self._codes[step.node]
        try:
            self._write_files(code, "")
        except OSError:
            return None
        self._records().compiled(step.node, code)
        with self._lock:
            self._untold.append((step.node, None))
        return Outcome(
            step_id=step.id,
            status=Status.SUCCESS,
            tool_word="success",
            started_at=began,
            ended_at=datetime.now(UTC),
            path=step.path,
            compiled_path=code.compiled_path,
        )

    @staticmethod
    def _write_files(code: KeptCode, statement: str) -> None:
        for path, text in ((code.compiled_path, code.code), (code.build_path, statement)):
            if path is None or text is None:
                continue
            file = Path(path)
            if not file.exists() or file.read_bytes() != text.encode():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
