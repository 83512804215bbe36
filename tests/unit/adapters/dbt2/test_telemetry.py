"""dbt 2.x's telemetry is read as its published schema defines it; nothing is taken for a success by mistake."""

import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.dbt2.node_report import NodeReport
from orchestrator.adapters.dbt2.telemetry import DbtMessage, Telemetry
from orchestrator.plan.status import HALTING, Status
from tests.unit.adapters.dbt2.streams import (
    BEGAN,
    SPELLINGS,
    evaluated,
    invocation,
    log,
    node,
    outcome,
    span,
    written,
)

MODEL, TEST, SOURCE = "model.shop.orders", "test.shop.unique_orders_id.1a2b", "source.shop.raw.orders"


def read(some: bytes, *cuts: int) -> tuple[dict[str, NodeReport], Telemetry]:
    telemetry = Telemetry()
    places = [0, *sorted(cuts), len(some)]
    reports = [one for first, last in pairwise(places) for one in telemetry.feed(some[first:last])]
    reports += telemetry.end()
    assert len({report.unique_id for report in reports}) == len(reports), "a node was reported twice"
    return {report.unique_id: report for report in reports}, telemetry


def report_of(unique_id: str, records: list[dict]) -> NodeReport:
    return read(written(records))[0][unique_id]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    ("unique_id", "ending", "status", "word"),
    [
        (MODEL, {"word": "success"}, Status.SUCCESS, "success"),
        (MODEL, {"word": "error"}, Status.ERROR, "error"),
        (MODEL, {"word": "canceled"}, Status.CANCELLED, "canceled"),
        (MODEL, {"word": "skipped", "skip": "upstream"}, Status.SKIPPED, "skipped"),
        (MODEL, {"word": "skipped", "skip": "no_op"}, Status.SUCCESS, "no-op"),
        (MODEL, {"word": "skipped", "skip": "cached"}, Status.REUSED, "success"),
        (MODEL, {"word": "skipped", "skip": "phase_disabled"}, Status.ERROR, "error"),
        (MODEL, {"word": "skipped", "skip": "phase_skipped"}, Status.ERROR, "error"),
        (MODEL, {"word": "skipped", "skip": "unspecified"}, Status.ERROR, "error"),
        (MODEL, {"word": "skipped"}, Status.ERROR, "error"),
        (MODEL, {"word": "unspecified"}, Status.ERROR, "error"),
        (TEST, {"word": "success", "test": "passed"}, Status.SUCCESS, "pass"),
        (TEST, {"word": "success", "test": "warned", "rows": 3}, Status.WARN, "warn"),
        (TEST, {"word": "success", "test": "failed", "rows": 2}, Status.FAIL, "fail"),
        (TEST, {"word": "error"}, Status.ERROR, "error"),
        (f"unit_{TEST}", {"word": "success", "test": "failed", "rows": 1}, Status.FAIL, "fail"),
    ],
)
def test_an_outcome_means_the_same_in_every_spelling(spelling, unique_id, ending, status, word):
    """As the name of the schema, as its number, and as the documentation's word."""
    report = report_of(unique_id, invocation(node(unique_id, outcome(spelling=spelling, **ending))))
    assert (report.status, report.word, report.is_finished) == (status, word, True)


def test_a_failed_test_is_not_a_success_although_its_node_succeeded():
    """dbt's node outcome says only that the query ran."""
    report = report_of(TEST, node(TEST, outcome("success", test="failed", rows=1803)))
    assert (report.status, report.failures, report.message) == (Status.FAIL, 1803, "Got 1,803 failing rows")


def test_a_test_whose_result_is_omitted_passed():
    """JSON of protobuf omits values with the number 0, and 0 means passed and no failing rows."""
    report = report_of(TEST, node(TEST, {**outcome("success"), "node_test_detail": {}}))
    assert (report.status, report.failures) == (Status.SUCCESS, 0)


def test_a_test_without_a_result_is_an_error():
    """Its node succeeded, which says nothing about its rows."""
    report = report_of(TEST, node(TEST, outcome("success")))
    assert report.status is Status.ERROR
    assert "did not report its result" in report.message


@pytest.mark.parametrize("where", ["node_outcome_detail", "test_outcome", "camel case"])
def test_a_result_is_found_wherever_a_version_of_dbt_writes_it(where):
    """Wrapped, as in dbt's other files; beside the outcome, as in its documentation; or in camel case."""
    failed = {
        "node_outcome_detail": {"NodeTestDetail": {"test_outcome": "TEST_OUTCOME_FAILED", "failing_rows": 4}},
        "test_outcome": "failed",
        "camel case": {"testOutcome": "TEST_OUTCOME_FAILED", "failingRows": 4},
    }[where]
    key = "nodeTestDetail" if where == "camel case" else where
    assert report_of(TEST, node(TEST, {**outcome("success"), key: failed})).status is Status.FAIL


@pytest.mark.parametrize("unknown", ["NODE_OUTCOME_DEFERRED", 9, "finished", True, None, "", [], {}])
def test_an_outcome_that_is_unknown_is_an_error(unknown):
    """Also one that a later version adds."""
    report = report_of(MODEL, node(MODEL, {"node_outcome": unknown}))
    assert report.status is Status.ERROR
    assert report.message


@pytest.mark.parametrize("unknown", ["TEST_OUTCOME_INCONCLUSIVE", 7])
def test_a_result_of_a_test_that_is_unknown_is_an_error(unknown):
    """The same for results of tests."""
    found = {**outcome("success"), "node_test_detail": {"test_outcome": unknown}}
    assert report_of(TEST, node(TEST, found)).status is Status.ERROR


def test_a_skip_names_the_ancestor_to_blame():
    """As dbt reports it."""
    blamed = {"node_skip_upstream_detail": {"upstream_unique_id": "model.shop.stg_orders"}}
    report = report_of(MODEL, node(MODEL, outcome("skipped", skip="upstream", **blamed)))
    assert (report.status, report.blame) == (Status.SKIPPED, "model.shop.stg_orders")


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(0, Status.SUCCESS, "pass"), (1, Status.WARN, "warn"), (2, Status.FAIL, "error")],
)
def test_a_stale_source_did_not_pass(number, status, word):
    """dbt's word for it is error; ours is fail."""
    name = f"SOURCE_FRESHNESS_OUTCOME_OUTCOME_{('PASSED', 'WARNED', 'FAILED')[number]}"
    for spelling in (name, number):
        detail = {"node_freshness_outcome": {"node_freshness_outcome": spelling, "age_seconds": "7200"}}
        report = report_of(SOURCE, node(SOURCE, {**outcome("success"), **detail}))
        assert (report.status, report.word, report.message) == (status, word, "newest rows are 7200 s old")


def test_a_source_without_a_result_is_an_error():
    """It was perhaps only read."""
    assert report_of(SOURCE, node(SOURCE, outcome("success"))).status is Status.ERROR


def test_an_error_has_the_messages_that_dbt_logged_for_the_node():
    """By the id of the node, or by the span in which it was logged."""
    ending = outcome("error", node_error_type="NODE_ERROR_TYPE_EXTERNAL")
    records = node(MODEL, ending, messages=["Database Error: no such table"])
    records.insert(2, {**log("and a hint"), "span_id": records[1]["span_id"]})
    report = report_of(MODEL, records)
    assert report.message == "and a hint\nDatabase Error: no such table"
    assert report.error_type == "external"
    assert report.log == ("and a hint", "Database Error: no such table")


def test_an_error_without_a_message_has_that_of_its_span():
    """No error is without words."""
    ended = node(MODEL, outcome("error"))
    ended[-1]["status"] = {"code": 2, "message": "1 nodes errored"}
    assert report_of(MODEL, ended).message == "1 nodes errored"
    assert report_of(MODEL, node(MODEL, outcome("error"))).message


def test_times_and_rows_are_those_of_the_run_of_the_node():
    """A count of 64 bits is a text in JSON of protobuf."""
    report = report_of(MODEL, node(MODEL, outcome("success", rows_affected="12"), at=5))
    began = datetime.fromtimestamp(BEGAN / 1e9, UTC)
    assert (report.started_at, (report.ended_at - began).total_seconds(), report.rows_affected) == (began, 5, 12)


def test_a_node_that_never_ended_is_an_error():
    """It may have done its work, half of it, or nothing."""
    records = node(MODEL, outcome("success"))[:-2]
    reports, telemetry = read(written(records))
    assert (reports[MODEL].status, reports[MODEL].is_finished) == (Status.ERROR, False)
    assert not telemetry.is_whole


def test_a_node_that_was_only_compiled_did_not_run():
    """Also if a span over all phases says that it succeeded."""
    compiled = evaluated(MODEL, outcome("success"), "EXECUTION_PHASE_ANALYZE")
    assert report_of(MODEL, compiled).status is Status.ERROR
    whole = [
        span("Start", "node.NodeProcessed", 0, unique_id=MODEL),
        *compiled,
        span("End", "node.NodeProcessed", 2, unique_id=MODEL, last_phase="Analyze", **outcome("success")),
    ]
    report = report_of(MODEL, whole)
    assert report.status is Status.ERROR
    assert "analyze" in report.message


def test_a_test_that_dbt_checked_statically_passed_without_a_run():
    """dbt proves some tests from the code alone, and says so."""
    detail = {"node_test_detail": {"statically_checked": True}}
    records = [
        span("Start", "node.NodeProcessed", 0, unique_id=TEST),
        span(
            "End",
            "node.NodeProcessed",
            1,
            unique_id=TEST,
            last_phase="EXECUTION_PHASE_ANALYZE",
            **outcome("success"),
            **detail,
        ),
    ]
    assert report_of(TEST, records).word == "pass"


def test_without_a_span_over_all_phases_the_run_of_the_node_decides():
    """As in earlier versions of dbt 2.x, and in the example of its documentation."""
    compiled = evaluated(MODEL, outcome("success"), "Render")
    assert report_of(MODEL, compiled + evaluated(MODEL, outcome("success", "word"), "Run")).word == "success"
    broken = evaluated(MODEL, outcome("error"), "Render")
    skipped = evaluated(MODEL, outcome("skipped", skip="phase_skipped"), "Run")
    assert report_of(MODEL, broken + skipped).status is Status.ERROR


def test_the_phase_of_a_node_by_number_is_not_taken_for_a_run():
    """The numbers of the phases are not read, so the node counts as not finished."""
    assert report_of(MODEL, evaluated(MODEL, outcome("success"), phase=11)).status is Status.ERROR


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_torn_last_line_is_reported_and_its_node_is_not_finished(cut):
    """The process was killed while it wrote."""
    some = written(node(MODEL, outcome("success")))
    reports, telemetry = read(some[: -1 - cut])
    assert telemetry.is_torn
    assert telemetry.unread == 0
    assert (reports[MODEL].status, reports[MODEL].is_finished) == (Status.ERROR, False)


def test_a_last_line_that_lacks_only_its_line_break_counts():
    """It is whole."""
    reports, telemetry = read(written(invocation(node(MODEL, outcome("success"))))[:-1])
    assert not telemetry.is_torn
    assert telemetry.is_whole
    assert reports[MODEL].status is Status.SUCCESS


def test_lines_that_are_no_records_are_counted_and_ignored():
    """A program below dbt may print into the same output."""
    noise = b'hello\n[1, 2]\n"text"\nnull\n\xff\xfe\n\n{"record_type": "SpanEnd"}\n{"attributes": 3}\n'
    reports, telemetry = read(noise + written(node(MODEL, outcome("success"))) + noise)
    assert reports[MODEL].status is Status.SUCCESS
    assert telemetry.unread == 10
    assert list(reports) == [MODEL]


def test_errors_of_no_node_are_kept_for_the_whole_command():
    """An error of the parse has no node, or one that never began."""
    records = [log("dbt1005: no such ref"), log("of a node", unique_id="model.shop.other"), log("fine", "INFO")]
    reports, telemetry = read(written(records))
    assert telemetry.errors == ["dbt1005: no such ref"]
    assert reports["model.shop.other"].message.startswith("of a node")
    assert reports["model.shop.other"].status is Status.ERROR


def test_warnings_and_what_the_project_prints_are_messages_for_the_user():
    """Warnings of nodes are in the log of the node, as the end of a test that warned is."""
    printed = {**log("hello", "INFO", unique_id=MODEL), "event_type": "v1.public.events.fusion.log.UserLogMessage"}
    quiet = {**log("only logged", "INFO"), "event_type": printed["event_type"], "severity_number": 5}
    records = [log("deprecated", "WARNING"), log("of a node", "WARNING", unique_id=MODEL), printed, quiet]
    telemetry = Telemetry()
    telemetry.feed(written([*node(MODEL, outcome("success"))[:2], *records]))
    assert telemetry.take_messages() == [
        DbtMessage(kind="warning", text="deprecated"),
        DbtMessage(kind="printed", text="hello", node=MODEL),
    ]
    assert telemetry.take_messages() == []


IDS = [MODEL, TEST, SOURCE, "model.shop.stg", "test.shop.not_null", "seed.shop.s"]
ENDINGS = st.builds(
    outcome,
    st.sampled_from(["success", "error", "canceled", "skipped", "unspecified"]),
    st.sampled_from(SPELLINGS),
    skip=st.sampled_from(["", "upstream", "cached", "no_op", "phase_disabled"]),
    test=st.sampled_from(["", "passed", "warned", "failed"]),
    rows=st.integers(0, 9),
)


@st.composite
def commands(draw) -> list[list[dict]]:
    """Draw the records of some nodes, one list for each."""
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, min_size=1))
    parts = []
    for unique_id in ids:
        made = draw(st.sampled_from([node, evaluated]))(unique_id, draw(ENDINGS))
        parts.append(made[: draw(st.integers(1, len(made)))] if draw(st.booleans()) else made)
    return parts


@given(commands(), st.data())
def test_the_pieces_in_which_a_stream_arrives_change_nothing(parts, data):
    """Not even a piece that ends inside a character."""
    some = written([*invocation(*parts), log("Straße, 雪", "INFO")])
    cuts = data.draw(st.lists(st.integers(0, len(some)), max_size=12))
    assert read(some, *cuts)[0] == read(some)[0]


@given(commands(), st.randoms(use_true_random=False))
def test_the_order_of_unrelated_records_changes_nothing(parts, random):
    """dbt works on several nodes at once."""
    expected, _ = read(written(invocation(*parts)))
    left, mixed = [list(part) for part in parts], []
    while left:
        part = random.choice(left)
        mixed.append(part.pop(0))
        left = [each for each in left if each]
    assert read(written(invocation(mixed)))[0] == expected


@given(commands(), st.data())
def test_records_and_attributes_that_are_unknown_change_nothing(parts, data):
    """The schema grows."""
    records = invocation(*parts)
    unknown = [
        {"record_type": "Metric", "value": 3},
        span("End", "query.QueryExecuted", 1, unique_id=MODEL, node_outcome="NODE_OUTCOME_ERROR"),
        span("Start", "node.NodeDreamed", 1, unique_id="model.shop.never", node_outcome=1),
        span("End", "node.NodeEvaluated", 1, phase="EXECUTION_PHASE_RUN", node_outcome=1),
        {"record_type": "LogRecord", "event_type": "later", "attributes": {"unique_id": "model.shop.never"}},
    ]
    more = [
        {**record, "later": [1], "attributes": {**record["attributes"], "later": {"x": None}}} for record in records
    ]
    for one in unknown:
        more.insert(data.draw(st.integers(0, len(more))), one)
    assert read(written(more))[0] == read(written(records))[0]


@given(commands(), st.data())
def test_a_stream_that_breaks_off_makes_no_node_greener(parts, data):
    """Wherever a process is killed: a node that was not known to be good is bad."""
    some = written(invocation(*parts))
    whole, _ = read(some)
    broken, _ = read(some[: data.draw(st.integers(0, len(some)))])
    assert broken.keys() <= whole.keys()
    for unique_id, report in broken.items():
        assert report.status in HALTING or report == whole[unique_id]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["node_outcome", "node_test_detail", "node_skip_reason", "unique_id", "phase", "rows_affected"]
                ),
                inner,
            )
        ),
    )
)
def test_no_value_of_an_attribute_breaks_the_reading(value):
    """The reading never raises, and never calls a node good whose outcome is not known."""
    for key in ("node_outcome", "node_test_detail", "unique_id", "phase", "node_outcome_detail", "rows_affected"):
        record = span("End", "node.NodeProcessed", 1, **{"unique_id": MODEL, "node_outcome": 1, key: value})
        record["start_time_unix_nano"] = value
        read(json.dumps(record).encode())
