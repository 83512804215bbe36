"""A run as JSON lines."""

import io
import json
from datetime import UTC, date, datetime

from orchestrator.execution.events import Event, NoticeKind, RunNotStarted
from orchestrator.execution.outcome import Part
from orchestrator.plan.plan_words import plan_to_json
from orchestrator.plan.status import Status
from orchestrator.report.run_json import JsonReport
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import NOON
from tests.run_story import OUTCOMES, PLAN, again, noticed, told


def lines(events: list[Event]) -> list[dict[str, object]]:
    """Give the objects that are written for events."""
    stream = io.StringIO()
    report = JsonReport(stream)
    for event in events:
        report.hear(event)
    return [json.loads(line, parse_constant=refuse) for line in stream.getvalue().splitlines()]


def refuse(word: str) -> None:
    """Refuse what JSON does not know."""
    raise AssertionError(word)


def test_every_event_is_one_object() -> None:
    """The events of a run in their order, each with version, word and time."""
    events = told(PLAN, OUTCOMES[2:4], noticed(NoticeKind.PRINTED, "a\nb", "stg"))
    written = lines(events)
    assert [line["event"] for line in written] == [
        "run_started", "step_started", "step_ended", "step_ended", "noticed", "run_ended",
    ]  # fmt: skip
    assert {line["version"] for line in written} == {1}
    assert written[0]["plan"] == plan_to_json(PLAN)
    assert written[4]["message"] == "a\nb"
    assert all(datetime.fromisoformat(str(line["at"])).tzinfo == UTC for line in written)


def test_an_outcome_is_written_completely() -> None:
    """A consumer needs no other file to know how a step ended."""
    step_ended = lines(told(PLAN, OUTCOMES[2:3]))[2]
    assert step_ended == {
        "version": 1,
        "event": "step_ended",
        "run_id": "r1",
        "seq": None,
        "at": "2013-07-01T12:00:00.100000+00:00",
        "step_id": "test_key",
        "kind": "data_test",
        "name": "test_key",
        "attempt": None,
        "status": "fail",
        "tool_word": "",
        "reason": "ran",
        "blame": None,
        "error_class": None,
        "message": OUTCOMES[2].message,
        "started_at": "2013-07-01T12:00:00+00:00",
        "ended_at": "2013-07-01T12:00:00.100000+00:00",
        "elapsed": 0.1,
        "rows_affected": None,
        "row_count": None,
        "bytes_processed": None,
        "query_seconds": None,
        "failures": 12,
        "path": None,
        "compiled_path": "/home/ada/shop/target/compiled/shop/test_key.sql",
        "parts": [],
    }


def test_the_last_event_has_status_exit_code_and_counts() -> None:
    """The last line is the verdict."""
    assert lines(told(PLAN, OUTCOMES))[-1] == {
        "version": 1,
        "event": "run_ended",
        "run_id": "r1",
        "seq": None,
        "at": "2013-07-01T12:01:10+00:00",
        "status": "fail",
        "exit_code": 1,
        "elapsed": 70.0,
        "counts": {"success": 2, "warn": 1, "fail": 1, "skipped": 4},
    }


def test_numbers_without_a_json_form_are_written_anyway() -> None:
    """A tool's detail may hold dates and floats that are no number; they are written as the record keeps them."""
    detail = {"max": float("nan"), "seen": [date(2013, 1, 1), float("inf")], 3: {"x": 1.5}}
    part = Part(name="p", status=Status.SUCCESS, detail=detail)  # type: ignore[arg-type]
    step_ended = lines(told(make_plan("a"), (make_outcome("a", parts=(part,)),)))[2]
    assert step_ended["parts"] == [
        {"name": "p", "status": "success", "message": "", "rows": None,
         "detail": {"max": "nan", "seen": ["2013-01-01", "inf"], "3": {"x": 1.5}}},
    ]  # fmt: skip


def test_an_attempt_followed_by_another_says_when_the_next_starts() -> None:
    """A program that shows progress knows which try it was, why, and when the next one starts."""
    line = lines([*told(PLAN, ())[:1], again("load_bts")])[1]
    assert (line["event"], line["step_id"], line["status"]) == ("attempt_ended", "load_bts", "error")
    assert (line["attempt"], line["most"], line["error_class"]) == (1, 3, "transient")
    assert line["again_at"] == "2013-07-01T12:00:08+00:00"


def test_a_run_that_did_not_start_is_one_event() -> None:
    """It has the error, the remedy and the exit code, without secrets, once."""
    stream = io.StringIO()
    report = JsonReport(stream, lambda text: text.replace("hush", "*****"))
    event = RunNotStarted(at=NOON, message="no such target: hush", hint="See profiles.yml.", code="E003", exit_code=2)
    report.hear(event)
    report.hear(event)
    assert json.loads(stream.getvalue()) == {
        "version": 1,
        "event": "run_not_started",
        "run_id": None,
        "seq": None,
        "at": "2013-07-01T12:00:00+00:00",
        "code": "E003",
        "message": "no such target: *****",
        "hint": "See profiles.yml.",
        "exit_code": 2,
    }


def test_a_run_that_started_is_never_reported_as_not_started() -> None:
    """An error after the start, such as a full disk, is not an event of its own."""
    refused = RunNotStarted(at=NOON, message="the disk is full", exit_code=2)
    assert [line["event"] for line in lines([*told(PLAN, ())[:1], refused])] == ["run_started"]
