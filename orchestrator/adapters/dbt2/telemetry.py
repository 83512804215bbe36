"""Reads the telemetry that dbt 2.x writes as JSON lines while it works (`--otel-file-name`), and reports its nodes.

The schema only grows: records, attributes and values that are unknown here are ignored, except that an outcome that is
unknown is an error. docs/decisions/0026 lists what is read.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.adapters.dbt2.node_report import RUNNING_PHASES, NodeReport, ending_of
from orchestrator.adapters.dbt2.telemetry_words import (
    ERROR_TYPES,
    NODE_OUTCOMES,
    Attributes,
    attribute,
    moment,
    whole_number,
    word_of,
)
from orchestrator.plan.status import Status

_PROCESSED = ".node.NodeProcessed"
_EVALUATED = ".node.NodeEvaluated"
_INVOCATION = ".invocation.Invocation"
_PRINTED = ".log.UserLogMessage"
_INFO, _WARNING, _ERROR = 9, 13, 17  # severities of OpenTelemetry
_SEVERITIES = {"INFO": _INFO, "WARN": _WARNING, "WARNING": _WARNING, "ERROR": _ERROR}
_MOST_LOGGED = 200
"""Lines that are kept for each node."""
_NOT_ENDED = "dbt ended before it reported the end of this node"


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtMessage:
    """What dbt says to its user besides the ends of nodes."""

    kind: str
    """`warning`, or `printed` for what the project itself prints."""
    text: str
    node: str = ""


@dataclass(slots=True)
class _Node:
    """What is known so far about a node."""

    unique_id: str
    has_begun: bool = False
    started_at: datetime | None = None
    is_processed: bool = False
    """Whether a span over all of its phases has begun: then the end of that span decides."""
    is_reported: bool = False
    errors: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


class Telemetry:
    """Takes the lines of one process, in pieces of any size, and returns each node when it has ended."""

    def __init__(self) -> None:
        self._rest = b""
        self._nodes: dict[str, _Node] = {}
        self._spans: dict[str, str] = {}  # the nodes by the ids of their spans
        self._messages: list[DbtMessage] = []
        self.errors: list[str] = []
        """The errors that dbt logged about no node in particular."""
        self.has_begun = False
        """Whether there was a record at all."""
        self.is_whole = False
        """Whether dbt reported the end of its command."""
        self.is_torn = False
        """Whether the last line is incomplete; known after `end`."""
        self.unread = 0
        """The number of lines that are not records."""

    def feed(self, some: bytes) -> list[NodeReport]:
        """Take more of the output, and return the nodes that ended in it."""
        *lines, self._rest = (self._rest + some).split(b"\n")
        return [report for line in lines for report in self._line(line)]

    def take_messages(self) -> list[DbtMessage]:
        """Return the messages since the last call."""
        taken, self._messages = self._messages, []
        return taken

    def end(self) -> list[NodeReport]:
        """Take note that nothing follows; return the nodes that ended in the last line or never."""
        rest, self._rest = self._rest, b""
        before = self.unread
        reports = list(self._line(rest))
        if self.unread > before:  # a last line without its line break may still be whole
            self.is_torn, self.unread = True, before
        left = (node for node in self._nodes.values() if not node.is_reported and (node.has_begun or node.errors))
        return [*reports, *map(self._unfinished, left)]

    def _line(self, line: bytes) -> Iterator[NodeReport]:
        if not line.strip():
            return
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):  # also of bytes that are no text
            record = None
        if not isinstance(record, dict):
            self.unread += 1
            return
        self.has_begun = True
        attributes = record.get("attributes")
        yield from self._record(record, attributes if isinstance(attributes, dict) else {})

    def _record(self, record: dict[str, Any], attributes: Attributes) -> Iterator[NodeReport]:
        kind, event = str(record.get("record_type")), str(record.get("event_type"))
        if kind == "LogRecord":
            self._log(record, attributes)
        elif event.endswith(_INVOCATION):
            self.is_whole = self.is_whole or kind == "SpanEnd"
        elif event.endswith((_PROCESSED, _EVALUATED)) and kind in {"SpanStart", "SpanEnd"}:
            unique_id = attribute(attributes, "unique_id")
            if not isinstance(unique_id, str) or not unique_id:
                return
            node = self._nodes.setdefault(unique_id, _Node(unique_id))
            self._spans[str(record.get("span_id"))] = unique_id
            self._begin(node, record, attributes, event)
            if kind == "SpanEnd" and not node.is_reported:
                yield from self._ended(node, record, attributes, event)

    @staticmethod
    def _begin(node: _Node, record: dict[str, Any], attributes: Attributes, event: str) -> None:
        """Take note of when the node began to run: before that, it may have waited for others for a long time."""
        node.has_begun = True
        if event.endswith(_PROCESSED):
            node.is_processed = True
        elif _phase(attributes) in RUNNING_PHASES and node.started_at is None:
            node.started_at = moment(record.get("start_time_unix_nano"))

    def _ended(self, node: _Node, record: dict[str, Any], attributes: Attributes, event: str) -> Iterator[NodeReport]:
        phase = _phase(attributes)
        if event.endswith(_EVALUATED) and (node.is_processed or not _is_last(attributes, phase)):
            return  # one phase of several: another span says how the node ended
        ending = ending_of(node.unique_id, attributes, phase)
        node.is_reported = True
        status = record.get("status")
        told = str(status.get("message") or "") if isinstance(status, dict) else ""
        yield NodeReport(
            unique_id=node.unique_id,
            status=ending.status,
            word=ending.word,
            message=_message(node, ending.status, ending.message, told),
            started_at=node.started_at or moment(record.get("start_time_unix_nano")),
            ended_at=moment(record.get("end_time_unix_nano")),
            failures=ending.failures,
            rows_affected=whole_number(attribute(attributes, "rows_affected")),
            blame=ending.blame,
            error_type=word_of(attribute(attributes, "node_error_type"), ERROR_TYPES),
            log=tuple(node.log),
        )

    @staticmethod
    def _unfinished(node: _Node) -> NodeReport:
        """Return the report of a node that began and of which no end was reported: it may have done anything."""
        message = "\n".join([*node.errors, _NOT_ENDED])
        return NodeReport(
            unique_id=node.unique_id,
            status=Status.ERROR,
            word="error",
            message=message,
            started_at=node.started_at,
            log=tuple(node.log),
            is_finished=False,
        )

    def _log(self, record: dict[str, Any], attributes: Attributes) -> None:
        body = str(record.get("body") or "").strip()
        if not body:
            return
        unique_id = attribute(attributes, "unique_id") or self._spans.get(str(record.get("span_id")))
        node = unique_id if isinstance(unique_id, str) else ""
        severity = _severity(record)
        if str(record.get("event_type")).endswith(_PRINTED) and severity >= _INFO:
            self._messages.append(DbtMessage(kind="printed", text=body, node=node))
        elif not node and _WARNING <= severity < _ERROR:  # warnings about nodes belong to the log of the node
            self._messages.append(DbtMessage(kind="warning", text=body))
        if node:
            self._log_of(node, body, is_error=severity >= _ERROR)
        elif severity >= _ERROR:
            self.errors.append(body)

    def _log_of(self, unique_id: str, body: str, *, is_error: bool) -> None:
        node = self._nodes.setdefault(unique_id, _Node(unique_id))
        if len(node.log) < _MOST_LOGGED:
            node.log.append(body)
        if is_error:
            node.errors.append(body)


def _phase(attributes: Attributes) -> str:
    """Return the phase of a record by name; a number is no name, because the numbers are not read here."""
    found = attribute(attributes, "phase")
    return word_of(attribute(attributes, "last_phase") if found is None else found, {})


def _is_last(attributes: Attributes, phase: str) -> bool:
    """Return whether no later phase follows: the node ran, or an earlier phase ended in an error."""
    return phase in RUNNING_PHASES or word_of(attribute(attributes, "node_outcome"), NODE_OUTCOMES) == "error"


def _severity(record: dict[str, Any]) -> int:
    """Return the severity of a message as a number of OpenTelemetry."""
    number = whole_number(record.get("severity_number"))
    return number or _SEVERITIES.get(str(record.get("severity_text")).upper(), 0)


def _message(node: _Node, status: Status, ending: str, told: str) -> str:
    """Return what to show about the end of a node: of an error, what dbt logged; else what the result says."""
    if status is not Status.ERROR:
        return ending
    return "\n".join(filter(None, [ending, *node.errors])) or told or "dbt reported an error without a message"
