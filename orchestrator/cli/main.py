"""Defines the command `elt`, and converts errors to messages and exit codes."""

import atexit
import gc
import logging
import os
import platform
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click
from click.core import ParameterSource

from orchestrator.cli import completion
from orchestrator.cli.click_message import click_message
from orchestrator.cli.standard_streams import OutputFile, UnreadError, guard_streams, stop_waiting_for_readers
from orchestrator.cli.verbs import Verbs
from orchestrator.config.installed import installed_versions
from orchestrator.debugging import is_debugging, set_debugging
from orchestrator.errors import (
    CommandLineError,
    EltError,
    FullDiskError,
    InternalError,
    OutputError,
    UnsupportedPlatformError,
)
from orchestrator.full_disk import full_disk_error, is_full_disk
from orchestrator.interruption import INTERRUPTED, Interruption
from orchestrator.masking import Masker, masker_of
from orchestrator.report.words import visible

_IN_THE_RECORD = "What is missing of a run is in its record: elt show, or elt show --json --events."


class _OptionOrVariable(click.Option):
    """An option that an environment variable can set as well; an error names where the value comes from."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Return the variable if it sets the value, else the option."""
        if ctx is not None and self.name and ctx.get_parameter_source(self.name) is ParameterSource.ENVIRONMENT:
            return f"the environment variable {self.envvar}"
        return super().get_error_hint(ctx)


def _show_versions(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:  # noqa: FBT001  # click's
    if not wanted:
        return
    found = installed_versions()
    tools = ", ".join(f"{name} {number}" for name, number in found.items() if name != "elt")
    click.echo(f"elt, version {found['elt']}\n{tools}, Python {platform.python_version()}")
    ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    "-V",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_versions,
    help="Show the versions of elt and of the tools that it uses.",
)
@click.option(
    "--debug",
    cls=_OptionOrVariable,
    is_flag=True,
    envvar="ELT_DEBUG",
    help="Show tracebacks and elt's debug log on stderr.",
)
def cli(*, debug: bool) -> None:
    """Run dlt ingestion, dbt models and their checks as one graph.

    Exit codes: 0 success (warnings allowed), 1 a step failed or a gate closed, 2 usage or configuration,
    3 internal error, 130 interrupted.
    """
    if debug:
        set_debugging(on=True)


def main() -> NoReturn:
    """Run the command line, and exit with one of the codes in docs/commands.md."""
    refuse_windows(sys.platform)  # first of all: what follows uses signals that Windows does not have
    # dbt creates many short-lived objects. The default threshold of 700 makes garbage collection too frequent.
    gc.set_threshold(50_000, 20, 20)
    logging.raiseExceptions = False  # an unwritable log, for example on a full disk, must not fill the terminal
    interruption = Interruption()
    interruption.install()
    try:
        stdout = guard_streams()
        exit_code = run_command_line(sys.argv[1:], interruption)
        if exit_code == INTERRUPTED:
            stop_waiting_for_readers()
        exit_code = _with_lost_output(exit_code, stdout)
    except KeyboardInterrupt:  # after the command
        exit_code = interruption.exit_code
    _leave(exit_code)


def refuse_windows(platform: str) -> None:
    """Exit with a message if the platform is Windows."""
    if platform in {"win32", "cygwin"}:
        error = UnsupportedPlatformError(
            "elt does not run on Windows: it needs processes and file locks of a POSIX system.",
            hint="Run it on Linux, for example in the Windows Subsystem for Linux (WSL 2).",
        )
        show_error(error)
        sys.exit(error.exit_code)


def _with_lost_output(exit_code: int, stdout: OutputFile) -> int:
    """Report output that could not be written; a run that was otherwise green is then not green."""
    sys.stdout.flush()
    if reason := stdout.trouble():
        hint = _IN_THE_RECORD if isinstance(stdout.error, UnreadError) else ""
        show_error(OutputError(f"The output could not be written to stdout: {reason}.", hint=hint))
        return exit_code or OutputError.exit_code
    return exit_code


def _leave(exit_code: int) -> NoReturn:
    """Exit without the interpreter's cleanup, which takes half a second after dbt.

    Everything is closed before. A model that still computes after an interruption would see its modules torn down.
    """
    atexit._run_exitfuncs()  # noqa: SLF001  # cleanup of libraries, such as releasing semaphores
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(exit_code)


def run_command_line(words: list[str], interruption: Interruption | None = None) -> int:
    """Run `elt` with these words and return its exit code; messages go to stderr."""
    if completion.VARIABLE in os.environ:
        return _completed(words)
    set_debugging(on=False)
    try:
        result = cli.main(args=words, prog_name="elt", standalone_mode=False, obj=tuple(words))
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        show_command_line_error(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        stop_waiting_for_readers()
        code = INTERRUPTED if interruption is None else interruption.exit_code
        click.echo("Interrupted." if code == INTERRUPTED else "Interrupted after the run had ended.", err=True)
        return code
    except EltError as error:
        show_error(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # the outermost handler: a bug in elt
        if is_full_disk(error):
            show_error(full_disk_error(error, [Path.cwd(), Path(tempfile.gettempdir())]))
            return FullDiskError.exit_code
        show_internal_error(error)
        return InternalError.exit_code
    return result if isinstance(result, int) else 0


def _completed(words: list[str]) -> int:
    """Answer the shell's completion request; print nothing if that fails."""
    try:
        cli.main(args=words, prog_name="elt", standalone_mode=False, complete_var=completion.VARIABLE)
    except SystemExit as stop:  # click exits like this after completion
        return stop.code if isinstance(stop.code, int) else 0
    except Exception:  # noqa: BLE001  # a message would be written into the line that the user is typing
        return 1
    return 0


def show_error(error: EltError) -> None:
    """Print the error with its code and its hint; with --debug, also the traceback."""
    masker = masker_of(error)
    _print_head("Error", error.code)
    click.echo(visible(masker.text(str(error))), err=True)
    if is_debugging():
        _print_traceback(error, masker)


def show_command_line_error(error: click.ClickException) -> None:
    """Print why click does not accept the command line, after the usage of the command as click shows it."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()  # the help alone: nothing is wrong yet
        return
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} -h' for help.\n", err=True)
    _print_head("Error", CommandLineError.code)
    click.echo(visible(click_message(error)), err=True)


def show_internal_error(error: Exception) -> None:
    """Print that this is a bug, with the traceback for a bug report."""
    masker = masker_of(error)
    _print_head("Internal error", InternalError.code)
    click.echo(masker.text(f"{type(error).__name__}: {error}"), err=True)
    click.echo("This is a bug of elt. Please report it with the lines below.", err=True)
    _print_traceback(error, masker)


def _print_traceback(error: BaseException, masker: Masker) -> None:
    click.echo(masker.text("".join(traceback.format_exception(error))), err=True)


def _print_head(word: str, code: str) -> None:
    color = False if os.environ.get("NO_COLOR") else None  # None: depends on the terminal
    click.secho(f"{word} [{code}]: ", fg="red", bold=True, nl=False, err=True, color=color)
