"""What needs dbt alone: no graph, no warehouse of ours, no ingestion."""

from dataclasses import dataclass
from pathlib import Path

from orchestrator.adapters.dbt.listing import list_lines
from orchestrator.adapters.dbt.passthrough import run_command
from orchestrator.adapters.dbt.selector import DbtSelector
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.adapters.dlt.extra import require_installed
from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.errors import MissingExtraError

_WITHOUT_PROJECT = frozenset({"init", "--version", "-V", "-v"})


def list_with_dbt(
    settings: Settings,
    dbt_args: tuple[str, ...],
    selection: tuple[tuple[str, ...], tuple[str, ...]],
    output: str,
    keys: tuple[str, ...],
) -> tuple[str, ...]:
    """Answer `dbt ls` for (select, exclude) without a graph: nothing but dbt's part is opened."""
    session = DbtSession(settings.dbt_project_dir)
    try:
        session.open(dbt_args)
        session.parse()
        nodes = DbtSelector(session).select(select=selection[0], exclude=selection[1])
        return list_lines(session, nodes, output, keys)
    finally:
        session.close()


def dbt_command(words: tuple[str, ...], project_dir: Path | None) -> int:
    """Run any dbt command in the project and give its exit code; some commands need none."""
    if words[0] in _WITHOUT_PROJECT or set(words) & {"--help", "-h"}:
        return run_command(words, project_dir or Path.cwd())
    return run_command(words, load_settings(project_dir).dbt_project_dir)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsSite:
    """The site that `dbt docs generate` writes, and where `dbt docs serve` would serve it."""

    folder: Path
    host: str
    port: int
    opens_browser: bool

    @property
    def static_page(self) -> Path:
        """The page that `--static` writes."""
        return self.folder / "static_index.html"

    @property
    def is_generated(self) -> bool:
        """Whether it is complete; a run alone writes no catalog."""
        return all((self.folder / name).is_file() for name in ("index.html", "manifest.json", "catalog.json"))


def docs_site(words: tuple[str, ...], project_dir: Path | None) -> DocsSite:
    """Return where the site of a project is, by the options of `dbt docs serve`."""
    session = DbtSession(load_settings(project_dir).dbt_project_dir)
    try:
        session.open(("docs", "serve", *words))
        flags = session.flags
        return DocsSite(folder=session.target_path, host=flags.HOST, port=flags.PORT, opens_browser=bool(flags.BROWSER))
    finally:
        session.close()


def can_ingest() -> bool:
    """Say whether the extra for ingestion is installed."""
    try:
        require_installed()
    except MissingExtraError:
        return False
    return True
