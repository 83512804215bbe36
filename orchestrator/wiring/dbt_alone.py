"""Runs commands that need only dbt: no graph, no warehouse connection of elt's own, no ingestion."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.adapters.dbt_driver import DbtDriver
from orchestrator.adapters.dlt.dlt_extra import require_installed
from orchestrator.config.loader import load_settings
from orchestrator.config.settings import EVERY_MODULE, Settings
from orchestrator.errors import EltError, MissingExtraError
from orchestrator.nodes.prefix import Placement
from orchestrator.nodes.target import Target
from orchestrator.plan.consent import Consents, require_consent, require_consent_to_flags
from orchestrator.wiring.dbt_choice import dbt_of, program_of
from orchestrator.wiring.warehouse import known_storage

if TYPE_CHECKING:  # imported only for a project that names a program
    from orchestrator.adapters.dbt2.engine import DbtProgram

_DECLARED = Placement()
_WRITERS = frozenset({"run", "build", "seed", "snapshot", "run-operation", "clone", "retry"})
_PROFILES_DIR = "DBT_PROFILES_DIR"
_WITHOUT_PROJECT = frozenset({"init", "--version", "-V", "-v"})


def list_with_dbt(
    settings: Settings,
    dbt_args: tuple[str, ...],
    selection: tuple[tuple[str, ...], tuple[str, ...]],
    output: str,
    keys: tuple[str, ...],
    *,
    known_to_dbt: tuple[str, ...] = (),
    placement: Placement = _DECLARED,
) -> tuple[str, ...] | None:
    """Return the output of `dbt ls` for (select, exclude); opens only dbt, and builds no graph.

    Returns None if dbt does not know one of the names in `known_to_dbt`: it may be the name of a load.
    """
    with _opened(settings, dbt_args) as (dbt, _):
        dbt.parse(placement)
        if not all(dbt.selector.matching((name,)) for name in known_to_dbt):
            return None
        nodes = dbt.selector.select(select=selection[0], exclude=selection[1])
        return dbt.list_lines(nodes, output, keys)


def dbt_writer(words: tuple[str, ...]) -> str | None:
    """Return the dbt command in `words` if it writes to the warehouse, else None."""
    if _WRITERS.isdisjoint(words):  # the usual case, without importing dbt
        return None
    from orchestrator.adapters.dbt.passthrough import command_in

    command = command_in(words)  # an option's value may be spelled like a command
    return command if command in _WRITERS else None


@contextmanager
def _profiles_from_here() -> Iterator[None]:
    """Let dbt find a profiles.yml in the working folder, although it runs in the folder of the project."""
    # A variable and not an option: the words of the user reach dbt unchanged.
    if _PROFILES_DIR in os.environ or not Path("profiles.yml").exists():
        yield
        return
    os.environ[_PROFILES_DIR] = str(Path.cwd())
    try:
        yield
    finally:
        del os.environ[_PROFILES_DIR]


def dbt_command(words: tuple[str, ...], project_dir: Path | None, consents: Consents) -> int:
    """Run any dbt command in the project and return its exit code; some commands need no project.

    Raises:
        UsageError: The command empties or rebuilds tables of a protected target, and the user does not consent.
    """
    from orchestrator.adapters.dbt.passthrough import run_command

    # These must work where there is no project yet, so no settings are loaded.
    if words[0] in _WITHOUT_PROJECT or set(words) & {"--help", "-h"}:
        folder, program = project_dir or Path.cwd(), _program_here(project_dir)
        return run_command(words, folder) if program is None else _run_program(program, words, folder)
    settings = load_settings(project_dir)
    program = program_of(settings)
    with _profiles_from_here():
        if settings.protected_targets and dbt_writer(words):
            with _opened(settings, words) as (dbt, target):
                if dbt_writer(words) == "retry":  # it repeats the options and the target of an earlier command
                    danger = "dbt retry may drop tables: it repeats an earlier command, with its options and its target"
                    require_consent(settings, set(settings.protected_targets), danger, consents)
                require_consent_to_flags(settings, target.name, dbt.flags, consents)
        if program is not None:
            return _run_program(program, words, settings.dbt_project_dir)
        return run_command(words, settings.dbt_project_dir, known_storage(settings))


def _run_program(program: "DbtProgram", words: tuple[str, ...], folder: Path) -> int:
    from orchestrator.adapters.dbt2.dbt_process import run_in_terminal

    return run_in_terminal(program.words, words, folder)


def _program_here(project_dir: Path | None) -> "DbtProgram | None":
    """Return the program that runs dbt in a folder; None for the library, also where there is no project yet."""
    try:
        settings = load_settings(project_dir)
    except EltError:
        return None
    return program_of(settings)


@contextmanager
def _opened(settings: Settings, words: tuple[str, ...]) -> Iterator[tuple[DbtDriver, Target]]:
    dbt = dbt_of(settings)
    try:
        yield dbt, dbt.open(words)
    finally:
        dbt.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsSite:
    """The site that `dbt docs generate` writes, and the address at which `dbt docs serve` would serve it."""

    folder: Path
    host: str
    port: int
    opens_browser: bool

    @property
    def static_page(self) -> Path:
        """Return the path of the page that `--static` writes."""
        return self.folder / "static_index.html"

    @property
    def is_generated(self) -> bool:
        """Return whether the site is complete; `elt run` alone writes no catalog."""
        return all((self.folder / name).is_file() for name in ("index.html", "manifest.json", "catalog.json"))


def docs_site(words: tuple[str, ...], project_dir: Path | None) -> DocsSite:
    """Return where a project's docs site is, according to the options of `dbt docs serve`."""
    with _profiles_from_here(), _opened(load_settings(project_dir), ("docs", "serve", *words)) as (dbt, _):
        folder, host, port, opens_browser = dbt.docs_address
        return DocsSite(folder=folder, host=host, port=port, opens_browser=opens_browser)


def can_ingest(settings: Settings) -> bool:
    """Return whether ingestion modules can be imported: the extra is installed, or elt.yml names an interpreter."""
    if EVERY_MODULE in settings.ingestion_pythons:
        return True
    try:
        require_installed()
    except MissingExtraError:
        return False
    return True
