"""Chooses the dbt that runs a project: the library, or the program that elt.yml names."""

from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.adapters.dbt.dbt_project import DbtProject
from orchestrator.adapters.dbt.parse_cache import ParseCache
from orchestrator.adapters.dbt.project_answers import ProjectAnswers
from orchestrator.adapters.dbt_driver import DbtDriver
from orchestrator.config.settings import Settings
from orchestrator.masking import Masker
from orchestrator.wiring.log_files import log_dir
from orchestrator.wiring.warehouse import known_storage

if TYPE_CHECKING:  # imported only when dbt is opened, or for a project that names a program
    from orchestrator.adapters.dbt.invocation import Hear
    from orchestrator.adapters.dbt2.engine import DbtProgram


class KeptUse(Enum):
    """What a command does with the answers of dbt that are kept."""

    NONE = auto()
    WRITE = auto()  # it executes nodes with dbt anyway, and keeps the answers for other commands
    READ = auto()  # it can do without dbt as long as the answers are valid


def dbt_of(
    settings: Settings,
    hear: "Hear" = lambda *_: None,
    mask: Callable[[str], str] = lambda text: text,
    answers: ProjectAnswers | None = None,
) -> DbtDriver:
    """Return dbt for a project, not open yet; the library need not answer again what is among the kept `answers`.

    Raises:
        DbtCommandError: elt.yml names a program that is not dbt 2.x.
    """
    program = program_of(settings)
    if program is None:
        return DbtProject(settings.dbt_project_dir, hear, mask, answers, known_storage(settings))
    from orchestrator.adapters.dbt2.program_project import DbtProgramProject

    return DbtProgramProject(program, settings.dbt_project_dir, log_dir(settings), hear, mask)


def kept_answers(settings: Settings, masker: Masker, *, is_read: bool) -> ProjectAnswers:
    """Return what dbt answered about the project before, or with `is_read` false only keep what it answers now.

    Nothing in which the masker knows a secret is kept.
    """
    return ProjectAnswers(ParseCache(kept_folder(settings)), masker.knows_any_in, is_read=is_read)


def kept_folder(settings: Settings) -> Path:
    """Return the folder of what is kept about a project from one command to the next."""
    return log_dir(settings).parent / "parsed"


def program_of(settings: Settings) -> "DbtProgram | None":
    """Return the program that elt.yml names, which has said which dbt it is; None for the library.

    Raises:
        DbtCommandError: The program is not dbt 2.x.
    """
    if not settings.dbt_command:
        return None
    from orchestrator.adapters.dbt2.engine import ask_dbt

    return ask_dbt(settings.dbt_command, settings.elt_yml, settings.dbt_project_dir)
