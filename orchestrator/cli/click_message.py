"""Words what click does not accept."""

import click

from orchestrator.wording import did_you_mean


def click_message(error: click.ClickException) -> str:
    """Return the message of click's error; similar options and commands are suggested as everywhere else."""
    if isinstance(error, click.NoSuchOption | click.exceptions.NoSuchCommand) and error.possibilities:
        return f"{error.message} {did_you_mean(error.possibilities)}"
    return error.format_message()
