"""Reports the runs of schedules in other processes, such as those that survived an earlier `elt schedule start`."""

from collections.abc import Collection, Iterable
from datetime import datetime

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.report.schedule_text import tell_of_schedules
from orchestrator.schedules.project_schedules import is_alive_now
from orchestrator.scheduling.claims import RecordedTime, TimeKey, TimeState
from orchestrator.timetable.shown_moment import shown_moment


class OtherRuns:
    """Reports each run when it is first seen, and its end."""

    def __init__(self) -> None:
        self._in_progress: set[TimeKey] = set()

    def tell(
        self, schedule: ScheduleSettings, times: Iterable[RecordedTime], own: Collection[TimeKey], now: datetime
    ) -> None:
        """Report what is new in the times of a schedule; `own` are those that this process runs."""
        for time in times:
            shown = f"{schedule.name}: the run for {shown_moment(time.key.logical_time, schedule.timezone)}"
            is_running = time.state is TimeState.RUNNING and is_alive_now(time)
            if is_running and time.key not in own and time.key not in self._in_progress:
                self._in_progress.add(time.key)
                process = f"process {time.process.pid} on {time.process.host}"
                tell_of_schedules(f"{shown} goes on in {process}; it is watched, and not started again", at=now)
            elif not is_running and time.key in self._in_progress:
                self._in_progress.discard(time.key)
                code = "" if time.exit_code is None else f" with exit code {time.exit_code}"
                how = "lost its process" if time.state is TimeState.RUNNING else f"ended{code}"
                tell_of_schedules(f"{shown} {how}", at=now)
