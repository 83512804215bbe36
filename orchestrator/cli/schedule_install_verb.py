"""Implements `elt schedule install` and `elt schedule remove`."""

from pathlib import Path

import click

from orchestrator.cli.completion import complete_schedules
from orchestrator.cli.shared import Decorator, consent, project_dir

_SCHEDULERS = ["cron", "systemd", "github", "gitlab", "kubernetes"]
_scheduler: Decorator = click.option(
    "--as", "scheduler", type=click.Choice(_SCHEDULERS), required=True, help="The scheduler that starts the runs."
)
_dry_run: Decorator = click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")


_yes = click.option("--yes", is_flag=True, help="Change the files without asking.")


@click.command("install", short_help="Let cron or another scheduler start them.")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_schedules)
@_scheduler
@click.option("--image", metavar="IMAGE", help="The container image, with --as kubernetes.")
@click.option(
    "--volume",
    metavar="[CLAIM:]FOLDER",
    help="A folder for DuckDB files that outlasts the jobs of GitHub, GitLab or Kubernetes; CLAIM is for Kubernetes.",
)
@_dry_run
@_yes
@project_dir
def install_command(
    names: tuple[str, ...],
    scheduler: str,
    image: str | None,
    volume: str | None,
    project_dir: Path | None,
    *,
    dry_run: bool,
    yes: bool,
) -> int:
    """Let a scheduler start all schedules, or the named ones. Shows what would change, and asks.

    cron and systemd wake elt every minute, and elt decides what is due. GitHub, GitLab and Kubernetes start each
    schedule at its times.
    """
    from orchestrator.schedules.schedule_install import install_schedules
    from orchestrator.scheduling.install_facts import ExternalScheduler

    return install_schedules(
        project_dir,
        ExternalScheduler(scheduler),
        names,
        dry_run=dry_run,
        image=image,
        volume=volume,
        consents=consent(yes=yes),
    )


@click.command("remove", short_help="Undo `elt schedule install`.")
@_scheduler
@_dry_run
@_yes
@project_dir
def remove_command(scheduler: str, project_dir: Path | None, *, dry_run: bool, yes: bool) -> int:
    """Remove what `elt schedule install` has written. Shows what would change, and asks.

    --project-dir may also be a folder that no longer exists.
    """
    from orchestrator.schedules.schedule_install import remove_schedules
    from orchestrator.scheduling.install_facts import ExternalScheduler

    return remove_schedules(project_dir, ExternalScheduler(scheduler), dry_run=dry_run, consents=consent(yes=yes))
