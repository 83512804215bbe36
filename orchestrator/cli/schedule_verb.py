"""Implements `elt schedule`: shows schedules, and runs them when they are due."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.json_errors import JsonCommand
from orchestrator.cli.schedule_install_verb import install_command, remove_command
from orchestrator.cli.shared import as_json, events_as_json, project_dir

if TYPE_CHECKING:
    from orchestrator.api import Command


@click.group("schedule")
def command() -> None:
    """Show the schedules of elt.yml, and run them when they are due.

    `elt schedule run --due` starts what is due, for cron and systemd. `elt schedule start` waits for the times itself.
    """


command.add_command(install_command)
command.add_command(remove_command)


@command.command("list", cls=JsonCommand)
@click.option("--tag", "tags", multiple=True, help="Only schedules with this tag; can be repeated.")
@project_dir
@as_json
def list_command(project_dir: Path | None, tags: tuple[str, ...], *, json_lines: bool) -> int:
    """List the schedules: the next time, the last one, and what is wrong."""
    from orchestrator.schedules.schedule_views import list_schedules

    return list_schedules(project_dir, as_json=json_lines, tags=tags)


@command.command("next", cls=JsonCommand)
@click.argument("name", required=False)
@click.option("-n", "--count", type=click.IntRange(min=1, max=1000), default=10, show_default=True, help="How many.")
@project_dir
@as_json
def next_command(name: str | None, count: int, project_dir: Path | None, *, json_lines: bool) -> int:
    """Show the coming times of a schedule or of all, with what is special about them."""
    from orchestrator.schedules.schedule_views import next_times

    return next_times(project_dir, name, most=count, as_json=json_lines)


@command.command("check", cls=JsonCommand)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@project_dir
@as_json
def check_command(names: tuple[str, ...], project_dir: Path | None, *, json_lines: bool) -> int:
    """Exit with 1 if a time was missed or the last run of a schedule did not succeed, for monitoring."""
    from orchestrator.schedules.schedule_views import check_schedules

    return check_schedules(project_dir, names, as_json=json_lines)


@command.command("pause", cls=JsonCommand)
@click.argument("name")
@project_dir
@as_json
def pause_command(name: str, project_dir: Path | None, *, json_lines: bool) -> int:
    """Pause a schedule: its times do not run until `elt schedule unpause`."""
    from orchestrator.schedules.schedule_views import pause_schedule

    return pause_schedule(project_dir, name, paused=True, as_json=json_lines)


@command.command("unpause", cls=JsonCommand)
@click.argument("name")
@project_dir
@as_json
def unpause_command(name: str, project_dir: Path | None, *, json_lines: bool) -> int:
    """End the pause of a schedule. Times during the pause do not run."""
    from orchestrator.schedules.schedule_views import pause_schedule

    return pause_schedule(project_dir, name, paused=False, as_json=json_lines)


@command.command("skip", cls=JsonCommand)
@click.argument("name")
@click.argument("time")
@click.option("--undo", is_flag=True, help="Let a skipped time run after all.")
@project_dir
@as_json
def skip_command(name: str, time: str, project_dir: Path | None, *, undo: bool, json_lines: bool) -> int:
    """Skip one coming time of a schedule: 2026-12-24T02:00, in the zone of the schedule."""
    from orchestrator.schedules.schedule_views import skip_time

    return skip_time(project_dir, name, time, undo=undo, as_json=json_lines)


@command.command("run")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--due", is_flag=True, help="Run what is due, of all schedules or the named ones.")
@click.option("--time", "at", metavar="TIME", help="The time to run: 2026-11-28T02:00, in the zone of the schedule.")
@click.option("--now", "by_hand", is_flag=True, help="Run it now, at a time of its own.")
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
    """Run a schedule for its latest time, or all that are due.

    A time runs once: a second start returns the recorded exit code if the run has ended, waits if it is running
    (`on_busy`), and resumes it if its process died.
    """
    if due:
        if at or by_hand:
            raise click.UsageError("--due finds the times itself: give it without --time and --now.")
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


@command.command("start")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--health-port", type=click.IntRange(min=0, max=65535), help="Answer GET /healthz on this port.")
@click.option("--health-host", default="127.0.0.1", show_default=True, help="The address for --health-port.")
@project_dir
def start_command(names: tuple[str, ...], health_port: int | None, health_host: str, project_dir: Path | None) -> int:
    """Wait for the times of the schedules and run them, in the foreground, for containers.

    SIGTERM ends it: runs in progress are interrupted, and the next start resumes them.
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
