"""Reports the error of a command that writes JSON as one object on stdout, in addition to the message on stderr."""

import os
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.click_message import click_message
from orchestrator.errors import CommandLineError, EltError, InternalError
from orchestrator.full_disk import full_disk_error, is_full_disk
from orchestrator.interruption import INTERRUPTED
from orchestrator.masking import Masker, masker_of


class JsonErrors(click.Command):
    """A mixin, to be listed before a class of commands: with --json, an error is one JSON object on stdout."""

    is_reported_by_its_run = False
    """Whether a run reports its own errors, and only those of the command line are reported here."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the command line."""
        is_json = self._asks_for_json(args)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.ClickException as error:
            if is_json:
                self._write(error, info_name or "")
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        if not ctx.params.get("json_lines") and ctx.params.get(self._format.strip("-").replace("-", "_")) != "json":
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except (Exception, KeyboardInterrupt) as error:
            if isinstance(error, click.ClickException) or not self.is_reported_by_its_run:
                self._write(error, ctx.info_name or "")
            raise

    def _asks_for_json(self, args: list[str]) -> bool:
        """Return whether the words of a command line that could not be parsed ask for JSON."""
        return bool({"--json", f"{self._format}=json"} & set(args)) or (self._format, "json") in pairwise(args)

    @property
    def _format(self) -> str:
        """The option that asks for JSON in another way than --json."""
        return "--log-format" if self.is_reported_by_its_run else "--output"

    def _write(self, error: BaseException, verb: str) -> None:
        from orchestrator.report.run_json import error_json, json_line, refusal

        message, hint, code, exit_code = _described(error, verb)
        masker = Masker(os.environ) if isinstance(error, click.ClickException) else masker_of(error)
        event = refusal(masker.text(message), masker.text(hint), code, exit_code)
        sys.stdout.write(json_line(error_json(event, is_of_a_run=self.is_reported_by_its_run)) + "\n")
        sys.stdout.flush()


def _described(error: BaseException, verb: str) -> tuple[str, str, str, int]:
    """Return the message, the hint, the code and the exit code of any error that ends a command."""
    match error:
        case EltError():
            return error.message, error.hint, error.code, error.exit_code
        case click.ClickException():
            return click_message(error), f"`elt {verb} --help` lists the options.", CommandLineError.code, 2
        case KeyboardInterrupt() | click.Abort():
            return "Interrupted.", "", "", INTERRUPTED
        case _ if is_full_disk(error):
            return _described(full_disk_error(error, [Path.cwd(), Path(tempfile.gettempdir())]), verb)
        case _:
            return (
                f"{type(error).__name__}: {error}",
                "This is a bug of elt.",
                InternalError.code,
                InternalError.exit_code,
            )


class JsonCommand(JsonErrors):
    """A verb that reads the record, and may write JSON."""


class JsonGroup(JsonErrors, click.Group):
    """A group of such verbs."""
