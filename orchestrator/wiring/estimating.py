"""Estimates the end of a run on threads of its own, and warns if it misses a deadline.

Nothing here delays a run for longer than a moment, and no error of it changes a run.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Protocol, Self, TypeVar

from orchestrator.config.settings import Settings
from orchestrator.estimates.deadlines import SOON, Deadline, Lateness, LateWatch, deadlines_of, late_words
from orchestrator.estimates.forecast import Forecast, forecast_of
from orchestrator.estimates.past_durations import MOST
from orchestrator.estimates.robust import quantile
from orchestrator.estimates.run_progress import RunProgress
from orchestrator.execution.audience import Audience
from orchestrator.execution.events import Estimated, Event, NoticeKind, RunStarted
from orchestrator.execution.knowledge import Knowledge
from orchestrator.execution.ports import Notices, RunReader
from orchestrator.plan.command import Command
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.placement import places_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import StepId
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.wiring.open_project import OpenProject
from orchestrator.wiring.project_store import open_store
from orchestrator.wiring.schedule_notes import is_notifying, note_late

_Found = TypeVar("_Found")
_log = logging.getLogger(__name__)
_PATIENCE = 0.25  # seconds that the start of a run waits at most for its estimate
_EVERY = 2.0  # seconds between two estimates, at least
_SHARE = 0.01  # of the time is spent on estimates, at most
_WORTH_SAYING = 10.0  # seconds; the end of a run that is nearly done is not estimated again


class LateListener(Protocol):
    """Is informed that a run is expected to miss a deadline, before it does."""

    def late(self, run_id: str | None, lateness: Lateness, now: datetime) -> None:
        """Take note of it, on a thread of the estimates; errors are logged, and change nothing."""


class NobodyToTell:
    """A `LateListener` that does nothing."""

    def late(self, run_id: str | None, lateness: Lateness, now: datetime) -> None:
        """Do nothing."""
        del run_id, lateness, now


class NotifiedOfLateness:
    """Notes that a scheduled run is late, so that notifications are sent."""

    def __init__(self, settings: Settings, scheduled: ScheduledTime) -> None:
        self._settings = settings
        self._scheduled = scheduled

    def late(self, run_id: str | None, lateness: Lateness, now: datetime) -> None:
        """Note it, and start the process that sends."""
        end, deadline = lateness.expected_end, lateness.deadline
        with closing(open_store(self._settings)) as store:
            record = store.notification_record()
            note_late(
                record, self._settings, self._scheduled, end, deadline.at, now, subject=deadline.name, run_id=run_id
            )


def estimate_of(project: OpenProject, known: Knowledge, plan: Plan) -> Estimate | None:
    """Return how long a plan takes from the start of the command; None if that is not known."""

    def estimated() -> Estimate | None:
        forecast = _forecast(project, known.reader, plan)
        return None if forecast is None else forecast.estimate(with_start=True)

    return _unless_it_raises(estimated, None)


def _forecast(project: OpenProject, reader: RunReader | None, plan: Plan) -> Forecast | None:
    if reader is None or not plan.steps:
        return None
    places = places_of(project.graph, [step.id for step in plan.steps])
    return forecast_of(plan, project.parallel(), reader.durations(project.target.identity, places, MOST))


def _unless_it_raises(work: Callable[[], _Found], otherwise: _Found) -> _Found:
    """Return the result of some work; log its error and go on, because an estimate is never worth a run."""
    try:
        return work()
    except Exception:  # noqa: BLE001  # see above
        _log.warning("the end of the run could not be estimated", exc_info=True, extra={"action": "estimate_error"})
        return otherwise


class RunEstimates:
    """The estimates of one run: a listener of its events, and a thread that estimates."""

    def __init__(
        self,
        forecast: Callable[[], Forecast | None],
        deadlines: Sequence[Deadline],
        audience: Audience,
        notices: Notices,
        late: LateListener,
    ) -> None:
        self._watch = LateWatch(deadlines)
        self._audience = audience
        self._notices = notices
        self._late = late
        self._state = RunProgress()
        self._run_id: str | None = None
        self._lock = threading.Lock()
        self._begun = threading.Event()
        self._ended = threading.Event()
        self._is_known = threading.Event()
        self._estimate: Estimate | None = None
        self._expected: Mapping[StepId, float] = {}
        self._said: datetime | None = None
        # Only the thread holds the forecast, and with it the project: a blocked listener may outlive the run.
        self._thread = threading.Thread(target=self._work, args=(forecast,), name="elt-estimates", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the thread; a second call does nothing."""
        self._ended.set()
        self._begun.set()
        self._audience.leave(self)
        # It may still read the store, which is closed next. For a simulation nobody waits: it harms nothing.
        if not self._is_known.is_set():
            self._thread.join(timeout=1)

    def at_start(self) -> Estimate | None:
        """Return the estimate for the first event of the run; None if it is not known, or not known in time."""
        self._is_known.wait(_PATIENCE)
        return self._estimate

    def expected_seconds(self) -> Mapping[StepId, float]:
        """Return what each step is expected to take; empty if it is not known yet."""
        return self._expected

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        with self._lock:
            self._run_id = event.run_id if isinstance(event, RunStarted) else self._run_id
            self._state.hear(event)
            if self._state.has_begun:
                self._begun.set()
            if self._state.has_ended:
                self._ended.set()

    def _work(self, make: Callable[[], Forecast | None]) -> None:
        forecast = _unless_it_raises(partial(self._start, make), None)
        self._is_known.set()
        if forecast is not None or not self._watch.is_done:
            self._begun.wait()
            _unless_it_raises(lambda: self._follow(forecast), None)

    def _start(self, make: Callable[[], Forecast | None]) -> Forecast | None:
        forecast = make()
        if forecast is not None:
            self._expected = forecast.expected_seconds()
            self._estimate = forecast.estimate()
        return forecast

    def _follow(self, forecast: Forecast | None) -> None:
        """Estimate again and again, until the run has ended."""
        coming = self._watch.next_deadline()
        wait = 0.0 if coming is not None and coming <= _now() else _EVERY
        while not self._ended.wait(self._until_next(wait)):
            began = time.thread_time()
            with self._lock:
                state = self._state.copy()
            self._look(forecast, state, _now())
            wait = max(_EVERY, (time.thread_time() - began) / _SHARE)

    def _until_next(self, wait: float) -> float:
        """Return how long to wait: a deadline that comes soon is watched closely."""
        coming = self._watch.next_deadline()
        left = None if coming is None else (coming - _now()).total_seconds()
        if left is None or left < 0:
            return wait
        return min(wait, max(left - SOON, 1.0))

    def _look(self, forecast: Forecast | None, state: RunProgress, now: datetime) -> None:
        if forecast is not None:
            self._say_end(forecast, state, now)
        if self._watch.is_done:
            return
        for lateness in self._watch.decide(forecast, state, now):
            self._notices.post(NoticeKind.WARNING, late_words(lateness))
            _unless_it_raises(partial(self._late.late, self._run_id, lateness, now), None)

    def _say_end(self, forecast: Forecast, state: RunProgress, now: datetime) -> None:
        """Send the expected end to the listeners, if it differs from what was said."""
        (rest,) = forecast.remaining(state, now, (None,))
        if rest.expected < _WORTH_SAYING:
            return
        end, low, high = (now + timedelta(seconds=quantile(rest.seconds, share)) for share in (0.5, 0.1, 0.9))
        if self._said is not None and abs((end - self._said).total_seconds()) < max(1.0, 0.05 * rest.expected):
            return
        self._said = end
        self._audience.tell(Estimated(at=now, end=end, low=low, high=high, unknown=forecast.unknown(state)))


def start_estimates(
    project: OpenProject,
    known: Knowledge,
    plan: Plan,
    command: Command,
    audience: Audience,
) -> RunEstimates:
    """Start to estimate the end of a run, on a thread that ends with the run, or else with the project."""
    deadlines = _deadlines(project, plan, command)
    late: LateListener = NobodyToTell()
    if command.scheduled is not None and is_notifying(project.settings):
        late = NotifiedOfLateness(project.settings, command.scheduled)
    estimates = RunEstimates(partial(_forecast, project, known.reader, plan), deadlines, audience, project.inbox, late)
    if audience.is_heard or deadlines:
        audience.join(estimates)
    project.resources.callback(estimates.close)
    return estimates


def _deadlines(project: OpenProject, plan: Plan, command: Command) -> tuple[Deadline, ...]:
    schedules, scheduled = project.settings.schedules, command.scheduled
    return _unless_it_raises(lambda: deadlines_of(plan, project.graph, schedules, scheduled, _now()), ())


def _now() -> datetime:
    return datetime.now(UTC)
