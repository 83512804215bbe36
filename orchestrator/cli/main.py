"""The command `elt`, and what becomes of an error."""

import atexit
import gc
import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

import click

from orchestrator import __version__
from orchestrator.cli import completion
from orchestrator.cli.standard_streams import OutputFile, guard_streams
from orchestrator.cli.verbs import Verbs
from orchestrator.errors import EltError, OutputError
from orchestrator.masking import Masker

INTERRUPTED, INTERNAL, USAGE = 130, 3, 2


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", "-V", prog_name="elt")
def cli() -> None:
    """Run dlt ingestion, dbt models and their checks as one graph.

    Exit codes: 0 success (warnings allowed), 1 a step failed or a gate closed, 2 usage or configuration,
    3 internal error, 130 interrupted.
    """


def main() -> NoReturn:
    """Run the command line and exit with a code of the table in docs/commands.md."""
    # dbt makes many short-lived objects; collecting at every 700th of them is for programs of long life.
    gc.set_threshold(50_000, 20, 20)
    for number in (signal.SIGTERM, signal.SIGHUP):  # they mean what Ctrl-C means, wherever we are
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)
    stdout = guard_streams()
    exit_code = run_command_line(sys.argv[1:])
    _leave(_with_lost_output(exit_code, stdout))


def _with_lost_output(exit_code: int, stdout: OutputFile) -> int:
    """Report output that could not be written; what was otherwise green is not."""
    sys.stdout.flush()
    if reason := stdout.trouble():
        show_error(OutputError(f"The output could not be written to stdout: {reason}."))
        return exit_code or OutputError.exit_code
    return exit_code


def _leave(exit_code: int) -> NoReturn:
    """End without the interpreter's tidying, which takes half a second after dbt.

    Everything was closed before; and a model that computes on after an interruption would see its modules taken apart.
    """
    atexit._run_exitfuncs()  # noqa: SLF001  # what libraries want done at the end, such as giving semaphores back
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(exit_code)


def run_command_line(words: list[str]) -> int:
    """Run `elt` with these words and give its exit code; messages go to stderr."""
    if completion.VARIABLE in os.environ:
        return _completed(words)
    try:
        result = cli.main(args=words, prog_name="elt", standalone_mode=False, obj=tuple(words))
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except EltError as error:
        show_error(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # the last door: a bug of ours
        show_internal_error(error)
        return INTERNAL
    return result if isinstance(result, int) else 0


def _completed(words: list[str]) -> int:
    """Answer the shell, without a word where that is not possible."""
    try:
        cli.main(args=words, prog_name="elt", standalone_mode=False, complete_var=completion.VARIABLE)
    except SystemExit as stop:  # click's way out of completion
        return stop.code if isinstance(stop.code, int) else 0
    except Exception:  # noqa: BLE001  # it would be written into the line that is being typed
        return 1
    return 0


def show_error(error: EltError) -> None:
    """Say what happened and what to do next."""
    _say_in_red("Error: ")
    masker = Masker(os.environ)  # what was raised before a project was open
    click.echo(masker.text(error.message), err=True)
    if error.hint:
        click.echo(masker.text(error.hint), err=True)


def show_internal_error(error: Exception) -> None:
    """Say that this is a bug; the traceback is for the report of it."""
    _say_in_red("Internal error: ")
    masker = Masker(os.environ)
    click.echo(masker.text(f"{type(error).__name__}: {error}"), err=True)
    click.echo("This is a bug of elt. Please report it with the lines below.", err=True)
    click.echo(masker.text("".join(traceback.format_exception(error))), err=True)


def _say_in_red(word: str) -> None:
    color = False if os.environ.get("NO_COLOR") else None  # None: as the terminal can
    click.secho(word, fg="red", bold=True, nl=False, err=True, color=color)
