"""Implements `elt docs generate` and `elt docs serve`: dbt's documentation site."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.dbt_verb import PASS_THROUGH, pass_to_dbt
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.api import DocsSite

_OF_SERVE = {"--host": 1, "--port": 1, "--browser": 0, "--no-browser": 0}
"""The options that only `dbt docs serve` has, and how many values each one takes."""

_USUAL_PORT, _LAST_PORT = 8080, 65_535


@click.group("docs")
def command() -> None:
    """Generate or serve the dbt docs."""


_project_dir = click.option(
    "--project-dir",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The dbt project, or a folder that holds it.",
)
_words = click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[DBT OPTIONS]...")


@command.command("generate", context_settings=PASS_THROUGH)
@_project_dir
@_words
def generate_command(project_dir: Path | None, words: tuple[str, ...]) -> int:
    """Write catalog.json and the site into the target folder; --static also writes it as one page.

    Every other option is one of `dbt docs generate`.
    """
    return _generate(project_dir and project_dir.absolute(), words)


@command.command("serve", context_settings=PASS_THROUGH)
@_project_dir
@_words
def serve_command(project_dir: Path | None, words: tuple[str, ...]) -> int:
    """Serve the site until Ctrl-C (exit code 0); generate it first if there is none.

    The options are those of `dbt docs serve`: --host HOST (127.0.0.1), --port PORT (8080), --no-browser.
    """
    from orchestrator.api import docs_site

    folder = project_dir and project_dir.absolute()
    site = docs_site(words, folder)
    if not site.is_generated:
        click.echo(f"There are no docs in {site.folder} yet: generating them (dbt docs generate).", err=True)
        code = _generate(folder, tuple(_without(words)))
        if code != 0:
            return code
    _serve(site)
    return 0


def _generate(project_dir: Path | None, words: tuple[str, ...]) -> int:
    from orchestrator.api import docs_site

    code = pass_to_dbt(("docs", "generate", *words), project_dir)
    if code == 0 and "--static" in words:
        where = ("--target-path", "--profiles-dir", "--profile", "--target", "--vars")
        page = docs_site(tuple(_only(words, where)), project_dir).static_page
        click.echo(f"The docs as one page: {page}")
    return code


def _without(words: tuple[str, ...]) -> Iterator[str]:
    """Yield the words without the options of `serve`."""
    rest = iter(words)
    for word in rest:
        name, has_value, _ = word.partition("=")
        if name not in _OF_SERVE:
            yield word
        elif _OF_SERVE[name] and not has_value:
            next(rest, None)


def _only(words: tuple[str, ...], names: tuple[str, ...]) -> Iterator[str]:
    """Yield the named options with their values."""
    rest = iter(words)
    for word in rest:
        if word.partition("=")[0] in names:
            yield word
            if "=" not in word:
                yield from (value for value in [next(rest, None)] if value is not None)


def _serve(site: "DocsSite") -> None:
    """Serve a site until the process is interrupted."""
    import webbrowser
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in the standard library
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Ignore a browser that closed its connection early."""
            if not isinstance(sys.exc_info()[1], ConnectionError):
                super().handle_error(request, client_address)

    try:
        server = Server((site.host, site.port), partial(Quiet, directory=str(site.folder)))
    except (OSError, OverflowError) as error:
        other = site.port + 1 if site.port < _LAST_PORT else _USUAL_PORT
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise UsageError(
            f"Cannot serve the docs at {site.host}, port {site.port}: {reason}.",
            hint=f"Choose another port: elt docs serve --port {other}.",
        ) from error
    with server:
        address = f"http://{site.host}:{server.server_port}"
        click.echo(f"Serving docs of {site.folder} at {address}; Ctrl-C ends it.")
        if site.opens_browser:
            webbrowser.open_new_tab(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
