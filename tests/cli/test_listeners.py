"""What listeners of a run receive: everything, also an error that keeps the run from starting."""

import io
import json
import socket
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.api import Command, OnBusy, run
from orchestrator.config.loader import load_settings
from orchestrator.continued_runs import resume, retry
from orchestrator.errors import EltError
from orchestrator.execution import audience
from orchestrator.execution.events import Event, Noticed, RunEnded, RunNotStarted, StepEnded
from orchestrator.execution.liveness import this_process
from orchestrator.execution.recorded import Lease
from orchestrator.report.run_json import JsonReport
from orchestrator.wiring.project_store import open_store
from tests.fakes.listener import RecordingListener
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A small project."""
    return write_shop(tmp_path / "shop")


@dataclass
class SlowJson:
    """Writes JSON lines, and needs a while for each."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.report = JsonReport(self.stream)

    def hear(self, event: Event) -> None:
        time.sleep(0.02)
        self.report.hear(event)

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


def refused(listener: RecordingListener) -> RunNotStarted:
    """Return the only event of a run that did not start."""
    (event,) = [event for event in listener.events if isinstance(event, RunNotStarted)]
    assert listener.events[-1] == event
    assert not any(isinstance(event, StepEnded) for event in listener.events)
    return event


def test_a_slow_reader_of_json_misses_nothing(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a queue of two events, the lines and dbt's artifacts have every step, as those of a quick reader have."""
    monkeypatch.setattr(audience, "MOST_QUEUED", 2)
    slow, quick = SlowJson(), RecordingListener()
    ran = run(Command(project_dir=shop), [slow, quick])
    assert slow.lines[0]["event"] == "run_started"
    assert slow.lines[-1]["event"] == "run_ended"
    ended = [line for line in slow.lines if line["event"] == "step_ended"]
    assert {line["step_id"]: line["status"] for line in ended} == {
        outcome.step_id: outcome.status.value for outcome in ran.outcomes
    }
    again = io.StringIO()
    report = JsonReport(again)
    for event in quick.events:
        report.hear(event)
    assert slow.stream.getvalue() == again.getvalue()
    results = json.loads((shop / "target" / "run_results.json").read_text())["results"]
    assert {result["unique_id"] for result in results} == {
        outcome.step_id for outcome in ran.outcomes if outcome.dbt_results
    }


def test_an_error_of_the_configuration_is_an_event(tmp_path: Path) -> None:
    """Its message and hint, and the exit code; the error is raised as before."""
    shop, listener = write_shop(tmp_path, {"elt.yml": "lock_timout: 5\n"}), RecordingListener()
    with pytest.raises(EltError) as error:
        run(Command(project_dir=shop), [listener])
    event = refused(listener)
    assert (event.message, event.hint, event.exit_code) == (error.value.message, error.value.hint, 2)


def test_an_empty_selection_is_an_event(shop: Path) -> None:
    """Also an error that appears when the project is already open."""
    listener = RecordingListener()
    with pytest.raises(EltError):
        run(Command(project_dir=shop, select=("nothing_of_this_name",)), [listener])
    assert "nothing_of_this_name" in refused(listener).message


def test_a_busy_target_is_an_event(shop: Path) -> None:
    """Another run holds the lease on the target, and this one was not to wait."""
    listener, now = RecordingListener(), datetime.now(UTC)
    ran = run(Command(project_dir=shop, select=("stg_customers",)))
    with closing(open_store(load_settings(shop))) as store:
        identity = store.reader().run(ran.run_id).head.target_identity
        lease = Lease(target_identity=identity, run_id="other", process=this_process(), taken_at=now, beaten_at=now)
        assert store.take(lease)
        with pytest.raises(EltError):
            run(Command(project_dir=shop, on_busy=OnBusy.REFUSE), [listener])
        store.let_go(lease)
    assert "The run other works in this target" in refused(listener).message
    assert socket.gethostname() in refused(listener).message


def test_a_resume_and_a_retry_that_cannot_start_are_events(shop: Path) -> None:
    """Nothing is recorded yet."""
    for verb in (resume, retry):
        listener = RecordingListener()
        with pytest.raises(EltError):
            verb(None, Command(project_dir=shop), [listener])
        assert "Nothing is recorded yet" in refused(listener).message


def test_a_bug_is_an_event(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that is no EltError has exit code 3."""
    listener = RecordingListener()
    monkeypatch.setattr("orchestrator.api.requested", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(Command(project_dir=shop), [listener])
    event = refused(listener)
    assert (event.message, event.exit_code) == ("ZeroDivisionError: division by zero", 3)


def test_a_listener_that_blocks_does_not_keep_the_run(shop: Path) -> None:
    """The run returns after the patience, and the others have received everything."""

    class Blocking:
        def hear(self, event: Event) -> None:
            if isinstance(event, StepEnded):
                time.sleep(3600)

    listener = RecordingListener()
    command = Command(project_dir=shop, select=("stg_customers",))
    ran = run(command, [Blocking(), listener], patience=timedelta(seconds=0.5))
    assert ran.exit_code == 0
    assert listener.lines[-1] == "end success"


def test_artifacts_that_cannot_be_written_are_a_recorded_warning(shop: Path) -> None:
    """The steps succeeded, so the run does; the warning comes before its end, and `elt show` has it too."""
    (shop / "target" / "run_results.json" / "in_the_way").mkdir(parents=True)
    listener = RecordingListener()
    ran = run(Command(project_dir=shop, select=("stg_customers",)), [listener])
    assert ran.exit_code == 0
    told = f"dbt's artifacts of this run could not be written into {shop / 'target'}"
    (at,) = [at for at, line in enumerate(listener.lines) if told in line]
    assert at == len(listener.lines) - 2
    with closing(open_store(load_settings(shop))) as store:
        recorded = store.reader().events(ran.run_id)
    warning, end = recorded[-2:]
    assert isinstance(warning, Noticed)
    assert isinstance(end, RunEnded)
    assert told in warning.message
