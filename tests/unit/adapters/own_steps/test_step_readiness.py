"""What keeps a step from running is told before the run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.adapters.own_steps.filling import filled, hidden_of, missing_variables, secrets_of
from orchestrator.adapters.own_steps.own_step_runner import environment_of
from orchestrator.adapters.own_steps.step_readiness import unready
from orchestrator.nodes.identity import NodeId
from orchestrator.nodes.own_step import CommandCall, HttpCall, OwnCall, Poll, PythonCall
from orchestrator.plan.step import Cause, OwnStep, StepId, Why
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime

ENVIRON = {"PATH": "/usr/bin:/bin", "TOKEN": 'a"b', "HOST": "bi"}


def step(call: OwnCall, *, env: tuple[str, ...] = ()) -> OwnStep:
    cause = Cause(why=Why.SELECTED)
    return OwnStep(
        id=StepId("step.x"), name="x", path="elt.yml", cause=cause, node=NodeId("step.x"), call=call, env=env
    )


def told(call: OwnCall, root: Path, *, env: tuple[str, ...] = ()) -> list[str]:
    return list(unready(step(call, env=env), root, ENVIRON))


def test_a_program_must_exist_and_be_executable(tmp_path: Path) -> None:
    """On the PATH, or relative to the folder of elt.yml."""
    assert told(CommandCall(words=("bash", "-c", "true")), tmp_path) == []
    assert told(CommandCall(words=("no-such-program",)), tmp_path) == ["the program no-such-program is not on the PATH"]
    assert told(CommandCall(words=("dbt run",)), tmp_path) == [
        'the program dbt run is not on the PATH; for a line of shell, write ["bash", "-c", "…"]'
    ]
    script = tmp_path / "bin" / "refresh"
    words = CommandCall(words=("bin/refresh",))
    assert told(words, tmp_path) == [f"the program {script} does not exist"]
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    assert told(words, tmp_path) == [f"{script} cannot be executed; make it executable with: chmod +x {script}"]
    script.chmod(0o755)
    assert told(words, tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "def main(): ...",
        "async def main(): ...",
        "main = print",
        "from json import dumps as main",
        "from os import *",
        "try:\n    import numpy\nexcept ImportError:\n    def main(): ...",
        "if True:\n    def main(): ...",
    ],
)
def test_a_function_is_found_without_importing_its_module(tmp_path: Path, text: str) -> None:
    """However the module defines it."""
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml" / "train.py").write_text(f"import no_such_package\n{text}\n")
    assert told(PythonCall(module="ml.train", function="main"), tmp_path) == []


def test_a_function_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    """A module that is nowhere, one that is not Python, and one without the function."""
    module = tmp_path / "train.py"
    call = PythonCall(module="train", function="main")
    assert told(call, tmp_path) == [f"there is no Python module train in {tmp_path}, and no installed one"]
    module.write_text("def other(): ...\n")
    assert told(call, tmp_path) == [f"{module} defines no main"]
    module.write_text("def main(:\n")
    assert told(call, tmp_path)[0].startswith(f"{module}:1 is not Python: ")
    assert told(PythonCall(module="json", function="dumps"), tmp_path) == []


def test_every_variable_must_be_set(tmp_path: Path) -> None:
    """Those that `env` names, and those that the call refers to without a default; those of elt are given."""
    call = HttpCall(method="POST", url="http://${HOST}/${ELT_RUN_ID}", headers=(("A", "${NONE}"), ("B", "${C:-1}")))
    assert told(call, tmp_path, env=("OTHER", "TOKEN")) == [
        "the environment variable OTHER is not set",
        "the environment variable NONE is not set",
    ]
    assert missing_variables(step(CommandCall(words=("${NONE}", "$${X}"))), ENVIRON) == ["NONE"]


def test_a_call_is_filled_in_and_its_secrets_are_known() -> None:
    """In words, URLs, headers, and the texts of a body, which stays JSON; headers and `env` are secret."""
    poll = Poll(
        url="/${HOST}/{response.id}", headers=(("T", "${TOKEN}"),), status_field="s", success=(), every_seconds=1
    )
    call = HttpCall(method="PUT", url="http://${HOST}", body='{"token": "${TOKEN}", "n": [1]}', poll=poll)
    found = filled(call, ENVIRON)
    assert isinstance(found, HttpCall)
    assert found.poll is not None
    assert (found.url, found.body) == ("http://bi", '{"token": "a\\"b", "n": [1]}')
    assert (found.poll.url, found.poll.headers) == ("/bi/{response.id}", (("T", 'a"b'),))
    assert filled(CommandCall(words=("$${HOST}", "${HOST}")), ENVIRON) == CommandCall(words=("${HOST}", "bi"))
    assert set(secrets_of(step(call, env=("HOST", "NONE")), ENVIRON)) == {"bi", 'a"b'}


def test_everything_that_is_filled_in_is_hidden() -> None:
    """Of a URL what follows its host; what elt gives to every step is no secret, wherever it is used."""
    environ = {
        **ENVIRON,
        "HOOK": "https://me:pass-word@chat:8/services/T0/B0/long-secret?key=another-one",
        "ELT_TARGET": "dev",
    }
    call = HttpCall(method="POST", url="${HOOK}/${ELT_TARGET}", headers=(("T", "${ELT_TARGET}"),), body='["${TOKEN}"]')
    assert set(hidden_of(step(call), environ)) - {""} == {
        *("me:pass-word", "me", "pass-word", "services/T0/B0/long-secret?key=another-one", "services"),
        *("long-secret", "another-one", 'a"b'),
    }
    assert set(secrets_of(step(call), environ)) == set()
    words = CommandCall(words=("sh", "${KEY}"))
    assert list(hidden_of(step(words), {"KEY": "one\nlong-line"})) == ["one\nlong-line", "long-line"]


def test_a_program_is_told_as_it_is_written(tmp_path: Path) -> None:
    """What fills it in may be a secret."""
    assert told(CommandCall(words=("bin/${HOST}",)), tmp_path) == [
        f"the program {tmp_path}/bin/${{HOST}} does not exist"
    ]


def test_a_scheduled_step_knows_its_schedule_and_interval() -> None:
    """And a step of any other run only its target."""
    day = datetime(2026, 11, 20, 1, tzinfo=UTC)
    interval = DataInterval(start=day - timedelta(days=1), end=day)
    scheduled = ScheduledTime(schedule="nightly", logical_time=day, interval=interval)
    assert environment_of("prod", None) == {"ELT_TARGET": "prod"}
    assert environment_of("prod", scheduled) == {
        "ELT_TARGET": "prod",
        "ELT_SCHEDULE": "nightly",
        "ELT_DATA_INTERVAL_START": "2026-11-19T01:00:00+00:00",
        "ELT_DATA_INTERVAL_END": "2026-11-20T01:00:00+00:00",
    }
