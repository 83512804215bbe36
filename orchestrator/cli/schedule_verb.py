"""Implements `elt schedule`: shows schedules, and runs them when they are due."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.completion import complete_schedules
from orchestrator.cli.json_errors import JsonCommand
from orchestrator.cli.schedule_install_verb import install_command, remove_command
from orchestrator.cli.shared import as_json, events_as_json, project_dir

if TYPE_CHECKING:
    from orchestrator.api import Command


@click.group("schedule")
def command() -> None:
    """Show the schedules in elt.yml, and run them when they are due.

    To start: write a schedule into elt.yml, look at it with `elt schedule list`, try it with
    `elt schedule run NAME --now`, and let cron start it with `elt schedule install --as cron`.

    Times are written as 2026-11-28T02:00, in the time zone of the schedule.
    """


command.add_command(install_command)
command.add_command(remove_command)


@command.command("list", cls=JsonCommand, short_help="List schedules, with what is wrong.")
@click.option("--tag", "tags", multiple=True, help="Only schedules with this tag; may be repeated.")
@project_dir
@as_json
def list_command(project_dir: Path | None, tags: tuple[str, ...], *, json_lines: bool) -> int:
    """List the schedules: the next time, how long a run takes, the last time with its result, and what is wrong."""
    from orchestrator.schedules.schedule_views import list_schedules

    return list_schedules(project_dir, command_problem, as_json=json_lines, tags=tags)


@command.command("next", cls=JsonCommand, short_help="Show the coming times.")
@click.argument("name", required=False, shell_complete=complete_schedules)
@click.option("-n", "--count", type=click.IntRange(min=1, max=1000), default=10, show_default=True, help="How many.")
@project_dir
@as_json
def next_command(name: str | None, count: int, project_dir: Path | None, *, json_lines: bool) -> int:
    """Show the coming times of one schedule, or of all.

    A note says which times are skipped or paused, and what a change of the clocks does to a time.
    """
    from orchestrator.schedules.schedule_views import next_times

    return next_times(project_dir, name, most=count, as_json=json_lines)


@command.command("check", cls=JsonCommand, short_help="Exit with 1 if something is wrong.")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_schedules)
@project_dir
@as_json
def check_command(names: tuple[str, ...], project_dir: Path | None, *, json_lines: bool) -> int:
    """Exit with 1 if something is wrong with a schedule, for monitoring.

    That is: a time was missed, the last run did not succeed, a deadline cannot be met, or the options or the target of
    the schedule are wrong. Paused schedules are not checked.
    """
    from orchestrator.schedules.schedule_views import check_schedules

    return check_schedules(project_dir, names, command_problem, as_json=json_lines)


@command.command("pause", cls=JsonCommand, short_help="Pause a schedule.")
@click.argument("name", shell_complete=complete_schedules)
@project_dir
@as_json
def pause_command(name: str, project_dir: Path | None, *, json_lines: bool) -> int:
    """Pause a schedule. Its times do not run until `elt schedule unpause`; a run in progress goes on."""
    from orchestrator.schedules.schedule_views import pause_schedule

    return pause_schedule(project_dir, name, paused=True, as_json=json_lines)


@command.command("unpause", cls=JsonCommand, short_help="End the pause of a schedule.")
@click.argument("name", shell_complete=complete_schedules)
@project_dir
@as_json
def unpause_command(name: str, project_dir: Path | None, *, json_lines: bool) -> int:
    """End the pause of a schedule. Times during the pause do not run, not even later."""
    from orchestrator.schedules.schedule_views import pause_schedule

    return pause_schedule(project_dir, name, paused=False, as_json=json_lines)


@command.command("skip", cls=JsonCommand, short_help="Skip one coming time of a schedule.")
@click.argument("name", shell_complete=complete_schedules)
@click.argument("time")
@click.option("--undo", is_flag=True, help="Run a time after all that was to be skipped.")
@project_dir
@as_json
def skip_command(name: str, time: str, project_dir: Path | None, *, undo: bool, json_lines: bool) -> int:
    """Skip one coming time of a schedule.

    For example: elt schedule skip nightly 2026-12-24T02:00

    The time is in the zone of the schedule, or has an offset. `elt schedule next NAME` lists the times.
    """
    from orchestrator.schedules.schedule_views import skip_time

    return skip_time(project_dir, name, time, undo=undo, as_json=json_lines)


@command.command("run", short_help="Run a schedule, or all that are due.")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_schedules)
@click.option("--due", is_flag=True, help="Run all that is due, of the named schedules or of all.")
@click.option(
    "--time",
    "at",
    metavar="TIME",
    help="Run this time, such as 2026-11-28T02:00, not the latest.",
)
@click.option("--now", "by_hand", is_flag=True, help="Run now, whatever has run before; the logical time is now.")
@project_dir
@events_as_json
@click.option("-q", "--quiet", is_flag=True, help="Show only what failed.")
def run_command(
    names: tuple[str, ...],
    at: str | None,
    project_dir: Path | None,
    *,
    due: bool,
    by_hand: bool,
    json_lines: bool,
    quiet: bool,
) -> int:
    """Run one schedule for its latest time, or with --due all that is due.

    A time runs once. If its run has ended, a second start returns the recorded exit code. If it is in progress, the
    second start does what `on_busy` says: it waits, fails or exits with 0. If its process died, the run is resumed.
    """
    if due:
        if at or by_hand:
            raise click.UsageError("--due finds the times itself: omit --time and --now.")
        from orchestrator.schedules.schedule_process import run_due

        shown = (*(["--json"] if json_lines else []), *(["--quiet"] if quiet else []))
        return run_due(project_dir, names, shown)
    if len(names) != 1:
        raise click.UsageError("Name one schedule, or run all that are due with --due.")
    if at and by_hand:
        raise click.UsageError("Give --time or --now, not both.")
    from orchestrator.cli.output import chosen_output
    from orchestrator.schedules.scheduled_runs import run_scheduled

    output = chosen_output({"json_lines": json_lines, "quiet": quiet})
    return run_scheduled(project_dir, names[0], command_of, output, at=at, by_hand=by_hand)


@command.command("start", short_help="Run schedules as a service.")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_schedules)
@click.option("--health-port", type=click.IntRange(min=0, max=65535), help="Answer GET /healthz on this port.")
@click.option("--health-host", default="127.0.0.1", show_default=True, help="The address for --health-port.")
@project_dir
def start_command(names: tuple[str, ...], health_port: int | None, health_host: str, project_dir: Path | None) -> int:
    """Wait for the times of the schedules and run them, in the foreground: for containers and services.

    SIGTERM ends it. Runs in progress are interrupted, and the next start resumes them.
    """
    from orchestrator.schedules.schedule_health import no_health, served_health
    from orchestrator.schedules.schedule_process import start_schedules

    serve = no_health if health_port is None else served_health(health_host, health_port)
    return start_schedules(project_dir, names, serve)


def command_of(words: tuple[str, ...], project_dir: Path | None) -> "Command":
    """Return the command of a command line, as if a user had typed it."""
    from orchestrator.cli.run_verb import command_from
    from orchestrator.cli.verbs import VERBS, Verbs

    verb, *options = words
    click_command: Any = Verbs().get_command(click.Context(click.Group()), verb)
    assert verb in VERBS
    assert click_command is not None
    folder = [] if project_dir is None else ["--project-dir", str(project_dir)]
    context = click_command.make_context(verb, [*options, *folder], obj=words)
    return command_from("build" if verb == "run" else verb, context, context.params)


def command_problem(words: tuple[str, ...], project_dir: Path | None) -> str | None:
    """Return what is wrong with the words of a command line; None if nothing is."""
    from orchestrator.errors import EltError

    try:
        command_of(words, project_dir)
    except click.ClickException as error:
        return error.format_message()
    except EltError as error:
        return error.message
    return None
