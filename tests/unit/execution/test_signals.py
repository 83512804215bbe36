"""What Ctrl-C and SIGTERM do while a run goes on, and after it."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from orchestrator.execution import signals
from orchestrator.execution.signals import stop_on_signals
from orchestrator.execution.stopping import StepStop, StopRequest
from orchestrator.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_stops_the_second_ends_and_the_third_raises(number, monkeypatch):
    """Ctrl-C, SIGTERM and a terminal that hangs up mean the same."""
    monkeypatch.setattr(signals, "heeded_signals", lambda: (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    stop = StopRequest()
    with stop_on_signals(stop):
        signal.raise_signal(number)
        assert (stop.is_set(), stop.insisted) == (True, False)
        signal.raise_signal(number)
        assert stop.insisted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_the_previous_signal_handlers_are_restored():
    """After the run a signal means what it meant before, also when the run raised."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError), stop_on_signals(StopRequest()):
        raise RuntimeError
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_hangup_that_is_ignored_stays_ignored():
    """As `nohup` has it: the run goes on when its terminal has gone."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals(StopRequest()):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_on_another_thread_signals_are_left_alone():
    """Only the main thread may install handlers: elsewhere the run is stopped by its stop request."""
    seen = []

    def run() -> None:
        with stop_on_signals(StopRequest()):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


def test_a_step_stops_when_it_is_told():
    """A stop of the run reaches a step through the run, which may let it finish first."""
    alone, other = StepStop(), StepStop()
    alone.set()
    assert (alone.is_set(), other.is_set()) == (True, False)


def test_a_model_that_never_finishes_does_not_outlive_an_interrupted_run():
    """A process whose step never ends and hears nothing ends by itself soon after two interrupts."""
    program = """
import sys
from datetime import UTC, datetime
from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.executor import thread_executors
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.loop import run_plan
from orchestrator.execution.terms import RunTerms
from orchestrator.execution.signals import stop_on_signals
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.verdict import exit_code, run_status
from tests.factories import make_plan

class Endless:
    def run(self, requests, stop):
        print("running", flush=True)
        while True:
            pass
    def interrupt(self, steps):
        pass

clock, stop, inbox, terms = lambda: datetime.now(UTC), StopRequest(), Inbox(), RunTerms(run_id="r", database="d")
with stop_on_signals(stop):
    outcomes = run_plan(make_plan("a -> b"), thread_executors({"dbt": Endless()}, terms.limits, inbox, clock),
                        terms=terms, chronicle=Chronicle(Audience((), clock), inbox, clock), inbox=inbox,
                        clock=clock, stop=stop)
print(*(outcome.status for outcome in outcomes), flush=True)
sys.exit(exit_code(run_status(outcomes)))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    assert child.stdout.readline() == "running\n"
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    assert child.communicate(timeout=60)[0] == "cancelled cancelled\n"
    assert child.returncode == 130


def test_the_command_line_exits_with_the_code_of_a_run_that_has_ended():
    """A signal that comes later interrupts what is left to do, and changes nothing in how the run ended."""
    interruption = Interruption()
    before = {number: signal.signal(number, interruption) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with stop_on_signals(StopRequest()) as has_ended:
            assert interruption.exit_code == 130
            has_ended(1)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert interruption.exit_code == 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_whose_exception_was_swallowed_ends_the_run_that_then_begins() -> None:
    """Some of what is imported and opened before a run catches every exception."""
    interruption, stop = Interruption(), StopRequest()
    before = signal.signal(signal.SIGTERM, interruption)
    try:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        with stop_on_signals(stop):
            assert stop.is_set()
            assert not stop.insisted
        assert signal.getsignal(signal.SIGTERM) is interruption
    finally:
        signal.signal(signal.SIGTERM, before)


def test_without_a_signal_a_run_is_not_asked_to_end() -> None:
    """Although the command line handles signals."""
    interruption, stop = Interruption(), StopRequest()
    before = signal.signal(signal.SIGTERM, interruption)
    try:
        with stop_on_signals(stop):
            assert not stop.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)
