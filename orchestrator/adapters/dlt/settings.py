"""Where dlt looks for its configuration: beside the module, then in the project root, then in the home."""

from pathlib import Path

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import EnvironProvider
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.configuration.providers.toml import CONFIG_TOML, SECRETS_TOML, SettingsTomlProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.runtime.run_context import DOT_DLT, RunContext


class ModuleRunContext(RunContext):  # type: ignore[misc]  # dlt ships its types unchecked
    """dlt's own run context, with the folder of the ingestion module before the project's."""

    def __init__(self, project_root: Path, module_folder: Path) -> None:
        super().__init__(str(project_root))
        self._module_folder = module_folder

    def initial_providers(self) -> list[ConfigProvider]:
        """Give the environment first, then the files, nearest to the module first."""
        folders = [str(self._module_folder / DOT_DLT), self.settings_dir, self.global_dir]
        nearest_first = list(dict.fromkeys(str(Path(folder).absolute()) for folder in folders))
        return [
            EnvironProvider(),
            SettingsTomlProvider(SECRETS_TOML, True, SECRETS_TOML, nearest_first, self.global_dir),  # noqa: FBT003
            SettingsTomlProvider(CONFIG_TOML, False, CONFIG_TOML, nearest_first, self.global_dir),  # noqa: FBT003
        ]


def use_settings(project_root: Path, module: Path) -> None:
    """Make dlt look for configuration as the orchestrator promises, for the rest of this process."""
    Container()[PluggableRunContext].reload(ModuleRunContext(project_root, module.parent))
