"""Asks one condition in a process of its own, and writes the answer: nothing of it remains open afterwards.

The process that waits can end this one at any time, whatever it hangs at: a server, a driver, a folder of a network.
"""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from orchestrator.adapters.conditions.database_condition import ask_database
from orchestrator.adapters.conditions.file_condition import ask_file
from orchestrator.adapters.conditions.http_condition import ask_http
from orchestrator.conditions.answer import Answer, impossible, not_yet, unknown
from orchestrator.conditions.condition import (
    FileCondition,
    HttpCondition,
    ScheduleCondition,
    SourceCondition,
    SqlCondition,
)
from orchestrator.conditions.condition_text import AskedQuestion, from_line, to_line
from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.config.substitution import UnsetError, substitute
from orchestrator.errors import (
    EltError,
    NothingRecordedError,
    StoreError,
    WarehouseConnectionError,
    WarehouseLockedError,
)

_GRACE = 5  # seconds


def answered(question: AskedQuestion, environ: Mapping[str, str] = os.environ) -> Answer:
    """Return the answer to a question; never raises because of what it asks."""
    try:
        return _answer(question, environ)
    except UnsetError as error:
        return impossible(str(error), "Set the variable where the run is started.")
    except WarehouseLockedError as error:
        return unknown(f"another process has locked the database: {error.command} (process {error.pid})")
    except (WarehouseConnectionError, StoreError) as error:
        return unknown(error.message)
    except EltError as error:
        return impossible(error.message, error.hint)


def _answer(question: AskedQuestion, environ: Mapping[str, str]) -> Answer:
    condition, folder = question.condition, question.folder
    match condition:
        case FileCondition():
            return ask_file(replace(condition, place=substitute(condition.place, environ)), folder)
        case HttpCondition():
            return ask_http(_with_environment(condition, environ))
        case SqlCondition(connection=None):
            # Imported here: only these questions need dbt.
            from orchestrator.wiring.target_questions import ask_target

            return ask_target(condition.statement, question)
        case SqlCondition():
            return ask_database(condition.statement, substitute(condition.connection or "", environ), folder)
        case SourceCondition():
            from orchestrator.wiring.target_questions import ask_source

            return ask_source(condition.source, question)
        case ScheduleCondition():
            return _ask_schedule(condition, load_settings(question.project))
        case _:
            assert_never(condition)


def _with_environment(condition: HttpCondition, environ: Mapping[str, str]) -> HttpCondition:
    headers = {name: substitute(value, environ) for name, value in condition.headers.items()}
    return replace(condition, url=substitute(condition.url, environ), headers=headers)


def _ask_schedule(condition: ScheduleCondition, settings: Settings) -> Answer:
    from orchestrator.scheduling.scheduled_command import project_name
    from orchestrator.scheduling.succeeded import last_time_succeeded
    from orchestrator.wiring.project_store import open_store

    schedule = settings.schedules.get(condition.schedule)
    if schedule is None:
        known = ", ".join(settings.schedules) or "none"
        return impossible(f"elt.yml has no schedule of this name; it has {known}", "Correct the name.")
    project = project_name(settings.dbt_project_dir)
    try:
        with closing(open_store(settings)) as store:
            until = condition.until or datetime.now(UTC)
            return last_time_succeeded(schedule, until, project, store.schedule_record())
    except NothingRecordedError:
        return not_yet("it has not run yet")


def main() -> None:
    """Answer the question on standard input; the answer goes to standard output, and all other output is lost."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)  # tools print
        question = from_line(sys.stdin.read(), AskedQuestion)
        signal.alarm(question.seconds + _GRACE)  # the process that waits may have been killed
        output.write(to_line(answered(question)))
        output.flush()
        os._exit(0)  # without the interpreter's cleanup, which a thread of a tool may delay


if __name__ == "__main__":
    main()
