"""Runs a plan through the real loop, with a fake runner in every lane and everything it said at hand."""

import threading
import time

from orchestrator.execution.attempts import AttemptRules
from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.executor import thread_executors
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.lanes import Limits
from orchestrator.execution.loop import run_plan
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.terms import RunTerms
from tests.factories import make_plan
from tests.fakes.clock import FixedClock
from tests.fakes.listener import RecordingListener
from tests.fakes.step_runner import FakeStepRunner, one_runner


class TryOut:
    """One run of a drawn plan; `start` runs it on a thread of its own, so that the test can act meanwhile."""

    def __init__(
        self, drawing: str, runner: FakeStepRunner, *, listeners=(), writer=None, ledgers=(), rules=None, **terms
    ) -> None:
        self.plan = make_plan(drawing)
        self.runner = runner
        self.clock = FixedClock()
        self.inbox = Inbox(self.clock)
        self.stop = StopRequest()
        self.heard = RecordingListener()
        self.outcomes: tuple[Outcome, ...] = ()
        self._writer = writer
        self._ledgers = ledgers
        self._listeners = (*listeners, self.heard)
        self._terms = RunTerms(
            run_id="r1",
            database="shop.duckdb",
            **{"limits": Limits(), "attempts": self._rules(**rules or {})} | terms,
        )
        self._thread = threading.Thread(target=self.run, daemon=True)

    def _rules(self, **rules) -> AttemptRules:
        """Waits and limits go by the clock that the test sets."""

        def seconds() -> float:
            return self.clock.now.timestamp()

        return AttemptRules(**{"chance": lambda: 0.5, "seconds": seconds} | rules)

    def run(self) -> "TryOut":
        with Audience(self._listeners, self.clock) as audience:
            self.outcomes = run_plan(
                self.plan,
                thread_executors(one_runner(self.runner), self._terms.limits, self.inbox, self.clock),
                terms=self._terms,
                chronicle=Chronicle(audience, self.inbox, self.clock, writer=self._writer, ledgers=self._ledgers),
                inbox=self.inbox,
                clock=self.clock,
                stop=self.stop,
            )
        return self

    def start(self) -> "TryOut":
        self._thread.start()
        return self

    def until(self, words: str) -> None:
        """Wait until something with these words was heard."""
        while not any(words in line for line in self.heard.lines):
            assert self._thread.is_alive(), f"the run ended without: {words}"
            time.sleep(0.002)

    def join(self) -> "TryOut":
        self._thread.join(60)
        assert not self._thread.is_alive(), "the run does not end"
        return self

    @property
    def statuses(self) -> dict[str, str]:
        return {outcome.step_id: str(outcome.status) for outcome in self.outcomes}

    def message(self, step: str) -> str:
        return next(outcome.message for outcome in self.outcomes if outcome.step_id == step)
