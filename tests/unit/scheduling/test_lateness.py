"""The list of schedules says how long runs take, and which of them miss their deadlines."""

from datetime import UTC, datetime, time, timedelta

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.execution.recorded import Process
from orchestrator.report.schedule_text import overview_to_json
from orchestrator.scheduling.claims import RecordedSchedule, RecordedTime, TimeKey, TimeState
from orchestrator.scheduling.due import RecordedTimes, time_at
from orchestrator.scheduling.overview import ScheduleOverview, ScheduleProblem, overview_of

SCHEDULE = ScheduleSettings(name="nightly", cron=("0 2 * * *",), deadline=time(6))
FIRST = datetime(2026, 11, 1, 2, tzinfo=UTC)
PROCESS = Process(host="here", pid=1, started_at=None, user="ada")


def night(number: int, hours: float | None = 1, exit_code: int = 0) -> RecordedTime:
    """Say how long the run of a night took; None if it is in progress."""
    at = FIRST + timedelta(days=number)
    ended_at = None if hours is None else at + timedelta(hours=hours)
    return RecordedTime(
        key=TimeKey(project="shop", schedule="nightly", logical_time=at),
        interval=time_at(SCHEDULE, at).interval,
        state=TimeState.RUNNING if hours is None else TimeState.ENDED,
        exit_code=None if hours is None else exit_code,
        starts=1,
        claimed_at=at,
        beaten_at=at,
        ended_at=ended_at,
        process=PROCESS,
    )


def overview(*nights: RecordedTime, after: float) -> ScheduleOverview:
    """Give the overview so many hours after the first night, by which the schedule has existed for a day."""
    schedule = RecordedSchedule(schedule="nightly", since=FIRST - timedelta(days=1), definition="")
    recorded = RecordedTimes(schedule=schedule, times=sorted(nights, key=lambda one: one.claimed_at, reverse=True))
    return overview_of(SCHEDULE, recorded, FIRST + timedelta(hours=after), is_alive=lambda _time: True)


def kinds(found: ScheduleOverview) -> list[ScheduleProblem]:
    return [kind for kind, _ in found.problems]


def test_runs_take_what_the_last_ones_took() -> None:
    """Runs that failed say nothing of it."""
    found = overview(night(0, 1), night(1, 1), night(2, 0.1, exit_code=1), after=60)
    assert found.takes is not None
    assert found.takes.seconds == 3600
    assert found.takes.runs == 2
    assert overview(night(0, 1, exit_code=1), after=20).takes is None


def test_a_run_in_progress_has_an_expected_end() -> None:
    """Until it takes longer than usual."""
    nights = night(0, 2), night(1, None)
    assert overview(*nights, after=25).expected_end == FIRST + timedelta(hours=26)
    assert overview(*nights, after=26.5).expected_end is None
    assert overview_to_json(overview(*nights, after=25))["expected_end"] == "2026-11-02T04:00:00+00:00"


def test_a_run_in_progress_that_misses_its_deadline_is_a_problem() -> None:
    """Before the deadline, if runs take too long; else when it has passed."""
    assert kinds(overview(night(0, 1), night(1, None), after=25)) == []
    assert kinds(overview(night(0, 5), night(1, None), after=25)) == [ScheduleProblem.LATE]
    assert kinds(overview(night(0, 1), night(1, None), after=28.1)) == [ScheduleProblem.LATE]


def test_a_run_that_has_not_started_and_cannot_be_in_time_is_a_problem() -> None:
    """It takes three hours, so after 03:00 it is too late for a deadline at 06:00."""
    assert ScheduleProblem.LATE not in kinds(overview(night(0, 3), after=24.9))
    found = overview(night(0, 3), after=25.1)
    assert ScheduleProblem.LATE in kinds(found)
    assert found.problems[-1][1] == "the run of 2026-11-02 02:00 UTC has not started, and its deadline is 06:00 UTC"


def test_a_run_that_ended_after_its_deadline_was_late() -> None:
    """That is shown, and is no longer a problem."""
    found = overview(night(0, 4.5), after=20)
    assert found.late_by == timedelta(minutes=30)
    assert kinds(found) == []
    assert overview(night(0, 4), after=20).late_by is None
