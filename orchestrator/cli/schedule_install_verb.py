"""Implements `elt schedule install` and `elt schedule remove`."""

from pathlib import Path

import click

from orchestrator.cli.shared import Decorator, consent, project_dir

_SCHEDULERS = ["cron", "systemd", "github", "gitlab", "kubernetes"]
_scheduler: Decorator = click.option(
    "--as", "scheduler", type=click.Choice(_SCHEDULERS), required=True, help="What starts the schedules."
)
_dry_run: Decorator = click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")


_yes = click.option("--yes", is_flag=True, help="Change the files without a question.")


@click.command("install")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_scheduler
@click.option("--image", metavar="IMAGE", help="The container image for Kubernetes.")
@_dry_run
@_yes
@project_dir
def install_command(
    names: tuple[str, ...], scheduler: str, image: str | None, project_dir: Path | None, *, dry_run: bool, yes: bool
) -> int:
    """Let a scheduler start all schedules, or the named ones: shows what changes, and asks.

    cron and systemd wake elt every minute, and elt decides what is due. Hosted schedulers get entries in UTC for each
    offset of the time zone.
    """
    from orchestrator.schedules.schedule_install import install_schedules
    from orchestrator.scheduling.installed_files import ExternalScheduler

    return install_schedules(
        project_dir, ExternalScheduler(scheduler), names, dry_run=dry_run, image=image, consents=consent(yes=yes)
    )


@click.command("remove")
@_scheduler
@_dry_run
@_yes
@project_dir
def remove_command(scheduler: str, project_dir: Path | None, *, dry_run: bool, yes: bool) -> int:
    """Remove what `elt schedule install` has written; nothing else is touched."""
    from orchestrator.schedules.schedule_install import remove_schedules
    from orchestrator.scheduling.installed_files import ExternalScheduler

    return remove_schedules(project_dir, ExternalScheduler(scheduler), dry_run=dry_run, consents=consent(yes=yes))
