"""Defines where dlt looks for its configuration: next to the module, then in the project root, then in the home."""

import tomllib
from pathlib import Path

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import EnvironProvider
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.configuration.providers.toml import (
    CONFIG_TOML,
    SECRETS_TOML,
    SettingsTomlProvider,
    TomlProviderReadException,
)
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.runtime.run_context import DOT_DLT, RunContext

from orchestrator.errors import IngestionError


class ModuleRunContext(RunContext):  # type: ignore[misc]  # dlt ships its types unchecked
    """dlt's own run context, with the folder of the ingestion module before the project's."""

    def __init__(self, project_root: Path, module_folder: Path) -> None:
        super().__init__(str(project_root))
        self.module_folder = module_folder

    def initial_providers(self) -> list[ConfigProvider]:
        """Return the environment first, then the files, those nearest to the module first."""
        folders = [str(self.module_folder / DOT_DLT), self.settings_dir, self.global_dir]
        nearest_first = list(dict.fromkeys(str(Path(folder).absolute()) for folder in folders))
        return [
            EnvironProvider(),
            SettingsTomlProvider(SECRETS_TOML, True, SECRETS_TOML, nearest_first, self.global_dir),  # noqa: FBT003
            SettingsTomlProvider(CONFIG_TOML, False, CONFIG_TOML, nearest_first, self.global_dir),  # noqa: FBT003
        ]


def use_settings(project_root: Path, module: Path) -> None:
    """Make dlt look for configuration in elt's order of folders, for the rest of this process.

    Raises:
        IngestionError: A settings file cannot be read.
    """
    try:
        Container()[PluggableRunContext].reload(ModuleRunContext(project_root, module.parent))
    except TomlProviderReadException as error:
        file, reason = _unreadable(error)
        shown = file.relative_to(project_root) if file.is_relative_to(project_root) else file
        raise IngestionError(
            f"{shown}: dlt cannot read its settings: {reason}",
            hint="Fix the file. It is TOML: text values need quotes, and a table starts with [sources.name].",
        ) from error


def _unreadable(error: TomlProviderReadException) -> tuple[Path, str]:
    """Return the file that dlt could not read and the reason, without quoting a line: it may hold a secret."""
    files = [Path(path) for path in error.full_paths]
    for file in files:
        try:
            if file.is_file():
                tomllib.loads(file.read_text("utf-8"))
        except tomllib.TOMLDecodeError as reason:
            return file, str(reason)
        except UnicodeDecodeError as reason:
            return file, f"it is not UTF-8 text (byte {reason.start})"
        except OSError as reason:
            return file, reason.strerror or type(reason).__name__
    return next((file for file in files if file.is_file()), files[0]), "it is not valid TOML"
