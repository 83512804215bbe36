"""The schema of the events, compared with the code and with the documentation."""

import re
from pathlib import Path
from typing import get_args

from jsonschema import Draft202012Validator

from orchestrator.execution.events import Event, NoticeKind
from orchestrator.execution.outcome import ErrorClass, ReasonCode
from orchestrator.execution.verdict import run_status
from orchestrator.plan.status import Status
from orchestrator.report.run_json import VERSION, error_json, refusal
from tests.event_schema import SCHEMA, fields_of, validate
from tests.factories import make_outcome
from tests.run_story import OUTCOMES, PLAN, again, broken_suite, noticed, told
from tests.unit.report.test_run_json import lines

DEFS = SCHEMA["$defs"]
WORDS = {ref["$ref"].rpartition("/")[2] for ref in SCHEMA["oneOf"]}


def test_the_schema_is_valid_and_of_this_version() -> None:
    """The version of the contract is in the schema too."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["version"]["const"] == VERSION


def test_every_class_of_event_has_an_entry() -> None:
    """`RunStarted` is `run_started`; `Noticed` is `noticed`. `error` is of a command that runs no steps."""
    classes = {kind for one in get_args(Event) for kind in (get_args(one) or (one,))}
    assert {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower() for kind in classes} == WORDS - {"error"}


def test_the_schema_has_every_word_of_the_code() -> None:
    """A new status, reason, kind of error or kind of notice must be added to the schema."""
    assert DEFS["status"]["enum"] == [one.value for one in Status]
    assert DEFS["reason"]["enum"] == [one.value for one in ReasonCode]
    assert DEFS["noticed"]["properties"]["notice"]["enum"] == [one.value for one in NoticeKind]
    for word in ("attempt_ended", "step_ended"):
        assert DEFS[word]["properties"]["error_class"]["enum"] == [*(one.value for one in ErrorClass), None]
    of_runs = {run_status([make_outcome("a", status)]).value for status in Status} | {"cancelled"}
    assert set(DEFS["run_ended"]["properties"]["status"]["enum"]) >= of_runs - {"reused", "no_data", "skipped"}


def test_every_event_that_is_written_is_valid() -> None:
    """Every field is required, and described."""
    events = [*told(PLAN, (*OUTCOMES, broken_suite()), noticed(NoticeKind.PRINTED, "x")), again("load_bts")]
    refused = refusal("no such project", "Name it.", "", 2)
    written = [*lines(events), *lines([refused]), error_json(refused, is_of_a_run=False)]
    assert {line["event"] for line in written} == WORDS
    validate(written)


def test_every_field_is_documented() -> None:
    """The page lists the fields of each event, no more and no less."""
    page = (Path(__file__).parents[3] / "docs" / "events.md").read_text().split("## Fields")[1]
    parts = re.split(r"\n### `?(\w+)", page.split("\n## ")[0])
    documented = {
        name: set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
        for name, text in zip(["every", *parts[1::2]], parts[0::2], strict=True)
    }
    every = documented.pop("every")
    documented["step_ended"] |= documented["step_started"] - {"verifies"}
    documented["attempt_ended"] |= documented["step_ended"]
    reasons = documented.pop("Reasons")
    assert {word: fields_of(word) for word in WORDS} == {word: fields | every for word, fields in documented.items()}
    assert reasons == {one.value for one in ReasonCode}
