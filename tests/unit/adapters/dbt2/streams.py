"""Lines of dbt 2.x's telemetry as its published schema defines them: every value in the two spellings of JSON."""

import json
from collections.abc import Iterable

FUSION = "v1.public.events.fusion"
TRACE = "f9a0a9e64c924b878133363ba3515e50"
BEGAN = 1_756_139_116_000_000_000
SECOND = 1_000_000_000

OUTCOMES = {"unspecified": 0, "success": 1, "error": 2, "canceled": 3, "skipped": 4}
SKIPS = {"unspecified": 0, "upstream": 1, "cached": 2, "phase_disabled": 3, "no_op": 4, "phase_skipped": 5}
TESTS = {"passed": 0, "warned": 1, "failed": 2}
SPELLINGS = ("name", "number", "word")


def spelt(prefix: str, numbers: dict[str, int], word: str, spelling: str) -> object:
    """Return the value of an enum by name as JSON of protobuf has it, by number, or as dbt's documentation has it."""
    return {"name": f"{prefix}_{word.upper()}", "number": numbers[word], "word": word}[spelling]


def outcome(word: str, spelling: str = "name", *, skip: str = "", test: str = "", rows: int = 0, **more) -> dict:
    """Return the attributes of the end of a node."""
    found: dict[str, object] = {"node_outcome": spelt("NODE_OUTCOME", OUTCOMES, word, spelling), **more}
    if skip:
        found["node_skip_reason"] = spelt("NODE_SKIP_REASON", SKIPS, skip, spelling)
    if test:
        found["node_test_detail"] = {
            "test_outcome": spelt("TEST_OUTCOME", TESTS, test, spelling),
            "failing_rows": rows,
        }
    return found


def span(kind: str, event: str, at: int, **attributes) -> dict:
    """Return the record of the start or the end of a span."""
    unique_id = attributes.get("unique_id", "")
    record = {
        "record_type": f"Span{kind}",
        "trace_id": TRACE,
        "span_id": f"{abs(hash((event, str(unique_id), str(attributes.get('phase'))))):016x}"[:16],
        "span_name": f"{event} ({unique_id})",
        "parent_span_id": "0000000000000001",
        "links": None,
        "start_time_unix_nano": str(BEGAN),
        "severity_number": 9,
        "severity_text": "INFO",
        "event_type": f"{FUSION}.{event}",
        "attributes": attributes,
    }
    if kind == "End":
        record |= {"end_time_unix_nano": str(BEGAN + at * SECOND), "status": None}
    return record


def log(body: str, severity: str = "ERROR", **attributes) -> dict:
    """Return the record of a message."""
    return {
        "record_type": "LogRecord",
        "trace_id": TRACE,
        "span_id": None,
        "span_name": None,
        "event_id": "0199a0a9-e64c-724b-8781-33363ba3515e",
        "time_unix_nano": str(BEGAN),
        "severity_number": {"ERROR": 17, "WARNING": 13, "INFO": 9}[severity],
        "severity_text": severity,
        "body": body,
        "event_type": f"{FUSION}.log.LogMessage",
        "attributes": attributes,
    }


def node(unique_id: str, ending: dict, *, messages: Iterable[str] = (), at: int = 2) -> list[dict]:
    """Return the records of a node that ran, from its start to its end."""
    run = {"unique_id": unique_id, "phase": "EXECUTION_PHASE_RUN"}
    return [
        span("Start", "node.NodeProcessed", 0, unique_id=unique_id, in_selection=True),
        span("Start", "node.NodeEvaluated", 0, **run),
        *(log(message, unique_id=unique_id) for message in messages),
        span("End", "node.NodeEvaluated", at, **run, **ending),
        span(
            "End",
            "node.NodeProcessed",
            at,
            unique_id=unique_id,
            last_phase="EXECUTION_PHASE_RUN",
            in_selection=True,
            **ending,
        ),
    ]


def evaluated(unique_id: str, ending: dict, phase: str = "EXECUTION_PHASE_RUN", at: int = 2) -> list[dict]:
    """Return the records of one phase of a node, without those that cover all of its phases."""
    names = {"unique_id": unique_id, "phase": phase}
    return [
        span("Start", "node.NodeEvaluated", 0, **names),
        span("End", "node.NodeEvaluated", at, **names, **ending),
    ]


def invocation(*records: list[dict]) -> list[dict]:
    """Return the records of a whole command around those of nodes."""
    return [
        span("Start", "invocation.Invocation", 0, invocation_id=TRACE),
        span("Start", "phase.PhaseExecuted", 0, phase="EXECUTION_PHASE_RUN"),
        *(one for part in records for one in part),
        span("End", "phase.PhaseExecuted", 8, phase="EXECUTION_PHASE_RUN"),
        span("End", "invocation.Invocation", 9, invocation_id=TRACE, metrics={"total_errors": "0"}),
    ]


def written(records: Iterable[dict]) -> bytes:
    """Return records as dbt writes them."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
