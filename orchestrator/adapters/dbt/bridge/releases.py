"""Says what the releases of dbt-core can do, and asks each in its own way; no other module tells releases apart.

A release that is newer than the table counts as the newest one in it. The bounds in pyproject.toml decide which
releases are used at all.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.version import Version

from orchestrator.adapters.dbt.bridge.access import set_flag
from orchestrator.adapters.dbt.bridge.needed import NEEDED_SINCE
from orchestrator.adapters.probe import ToolAttribute, missing_packages
from orchestrator.adapters.versions import installed_of, refused_versions
from orchestrator.errors import EnvFileError, V2ParserError

V2_PARSER = "USE_V2_PARSER"
_HINTS = "HINTS_ENABLED"
_ENV_FILE = ".env"


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtRelease:
    """What a release of dbt-core does that others do not."""

    continues_after_errors: bool = False
    """Whether `on_error: continue` of a model lets its children run after an error of the model."""
    reads_env_file: bool = False
    """Whether a file `.env` sets environment variables."""
    defers_parse_warnings: bool = False
    """Whether a flag of the project makes dbt show the warnings of the parse together."""
    selects_by_selector: bool = False
    """Whether `selector:` is a method of selection, and not resolved when selectors.yml is read."""
    has_second_catalogs: bool = False
    """Whether catalogs.yml has a second version, which a flag of the project switches on."""
    knows_the_selected: bool = False
    """Whether foreign keys of a contract refer to deferred relations only for nodes that the run does not build."""
    has_v2_parser: bool = False
    """Whether `--use-v2-parser` makes another program parse the project."""
    makes_pointers: bool = False
    """Whether the latest version of a model can have a view besides, under the name of the model."""
    tasks_take_catalogs: bool = False
    """Whether a task is made with the catalogs, which it only counts."""
    needed: tuple[ToolAttribute, ...] = ()
    """The internal attributes that elt uses of this release and not of earlier ones."""


_1_11 = DbtRelease()
_1_12 = replace(
    _1_11,
    continues_after_errors=True,
    reads_env_file=True,
    defers_parse_warnings=True,
    selects_by_selector=True,
    has_second_catalogs=True,
    knows_the_selected=True,
    has_v2_parser=True,
    makes_pointers=True,
    tasks_take_catalogs=True,
    needed=NEEDED_SINCE["1.12"],
)
RELEASES = {Version("1.11"): _1_11, Version("1.12"): _1_12}


def release_of(number: str) -> DbtRelease:
    """Return what a version of dbt-core can do."""
    found = Version(number)
    reached = [since for since in RELEASES if since.release <= found.release[:2]]
    return RELEASES[max(reached)] if reached else _1_11


@cache
def installed_release() -> DbtRelease:
    """Return what the installed dbt-core can do; imports nothing of it."""
    return release_of(version("dbt-core"))


def load_env_file(project_dir: Path) -> None:
    """Set the variables of dbt's `.env` that are not set yet: of the first such file in the project or above it.

    Raises:
        EnvFileError: The file cannot be read.
        MissingExtraError: The package with which dbt reads it is not installed.
    """
    if refused_versions(installed_of("dbt-core")) or not installed_release().reads_env_file:
        return  # whoever opens this dbt refuses its version
    with missing_packages("dbt-core"):
        from dotenv import load_dotenv

    for folder in (project_dir, *project_dir.parents):
        if (folder / _ENV_FILE).is_file():
            try:
                load_dotenv(folder / _ENV_FILE, override=False)
            except (OSError, ValueError) as error:  # ValueError: it is no UTF-8, or has a value with a NUL character
                raise EnvFileError(
                    f"{folder / _ENV_FILE} cannot be read: {error}.",
                    hint="dbt 1.12 reads this file as environment variables, in UTF-8. Correct it, or move it away.",
                ) from error
            return


def begin_release(flags: Any) -> None:  # noqa: ANN401  # dbt's Flags
    """Set up, after the flags are known, what only some releases have.

    Raises:
        V2ParserError: the command, the environment or the project asks for dbt's parser of version 2.
    """
    from dbt_common.events.event_manager_client import get_event_manager

    refuse_v2_parser(flags)
    if installed_release().defers_parse_warnings:
        get_event_manager().allow_deferral = bool(flags.enable_grouped_warn_error_parser_logs)


def refuse_v2_parser(flags: Any) -> None:  # noqa: ANN401  # as above
    """Raise V2ParserError if dbt's flags ask for the parser of version 2."""
    if getattr(flags, V2_PARSER, False):
        raise V2ParserError(
            "dbt's parser of version 2 is switched on; elt needs the project as dbt-core's own parser reads it.",
            hint="Leave out --use-v2-parser, unset DBT_ENGINE_USE_V2_PARSER (also in .env), and remove `use_v2_parser`"
            " from `flags:` of dbt_project.yml and from ~/.dbt/user_settings.yml.",
        )


@contextmanager
def around_parse(flags: Any) -> Iterator[None]:  # noqa: ANN401  # as above
    """Keep dbt's hints quiet during a parse; at its end, show the warnings that dbt kept back, and raise the errors."""
    hints = getattr(flags, _HINTS, None)
    if hints is not None:
        set_flag(flags, _HINTS, value=False)  # a slow parse makes dbt advise the parser that elt refuses
    try:
        yield
    finally:
        if hints is not None:
            set_flag(flags, _HINTS, value=hints)
    if installed_release().defers_parse_warnings:
        from dbt_common.events.base_types import EventGroupType
        from dbt_common.events.functions import fire_deferred_events

        fire_deferred_events(event_group_type=EventGroupType.PARSE)


def write_integrations(flags: Any, config: Any, all_vars: Mapping[str, Any]) -> list[Any]:  # noqa: ANN401  # dbt's own
    """Return the catalogs of catalogs.yml that the project writes to."""
    from dbt.cli.requires import get_active_write_integration
    from dbt.config.catalogs import load_catalogs

    if installed_release().has_second_catalogs and flags.USE_CATALOGS_V2:
        return _second_catalogs(flags, config, all_vars)
    found = load_catalogs(flags.PROJECT_DIR, config.project_name, all_vars)
    return [get_active_write_integration(catalog) for catalog in found]


def _second_catalogs(flags: Any, config: Any, all_vars: Mapping[str, Any]) -> list[Any]:  # noqa: ANN401  # as above
    from dbt.cli.requires import _bridge_v2_catalogs
    from dbt.config.catalogs import load_catalogs_v2

    found = load_catalogs_v2(flags.PROJECT_DIR, config.project_name, all_vars)
    return list(_bridge_v2_catalogs(config, found)) if found else []


def make_task(kind: Callable[..., Any], session: Any) -> Any:  # noqa: ANN401  # an open session, and one of dbt's tasks
    """Return a task of this kind on the parsed project."""
    more = {"catalogs": None} if installed_release().tasks_take_catalogs else {}
    return kind(session.flags, session.config, session.manifest, **more)


def build_task(session: Any, nodes: Collection[str]) -> Any:  # noqa: ANN401  # an open session, and dbt's BuildTask
    """Return the task of a run that builds these nodes."""
    from dbt.task.build import BuildTask

    task = make_task(BuildTask, session)
    if installed_release().knows_the_selected:
        task.compiler.selected_node_ids = set(nodes)
    return task


def node_selector(task: Any) -> Any:  # noqa: ANN401  # dbt's task and NodeSelector
    """Return a selector of nodes of every type, which knows the definitions of selectors.yml."""
    from dbt.graph import NodeSelector

    more = {"selectors": task.config.selectors} if installed_release().selects_by_selector else {}
    return NodeSelector(task.graph, task.manifest, task.previous_state, **more)


def change_selectors(selector: Any, change: Callable[[Any], Any]) -> None:  # noqa: ANN401  # dbt's NodeSelector
    """Replace each definition of selectors.yml that the selector knows by what `change` returns for it."""
    known = getattr(selector, "_selectors", None)
    if known:  # a copy: the session has the same dictionaries
        selector._selectors = {
            name: {**entry, "definition": change(entry["definition"])} for name, entry in known.items()
        }


def makes_pointer(runner: Any, node: Any) -> bool:  # noqa: ANN401  # dbt's runner and model
    """Return whether dbt, after this version of a model, also makes the view named like the model."""
    return installed_release().makes_pointers and bool(runner._should_create_latest_version_pointer(node))


def refuse_v2_parser_of(words: Sequence[str]) -> None:
    """Raise V2ParserError if a command of dbt, run in the working folder, would use the parser of version 2."""
    if not installed_release().has_v2_parser:
        return
    from dbt.cli.flags import Flags, args_to_context

    try:
        flags = Flags(args_to_context(list(words)))
    except Exception:  # noqa: BLE001  # dbt itself refuses these words
        return
    refuse_v2_parser(flags)
