"""Opens one dbt session: profile, project and manifest are loaded once, then used for selection and single nodes.

The opening follows dbt.cli.requires (profile, project, catalogs, runtime_config, manifest) in dbt's own order. It is
split so that the run can act in between: the target is known before the project is parsed.
"""

import gc
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt import invocation
from orchestrator.adapters.dbt.bridge import releases
from orchestrator.adapters.dbt.bridge.needed import NEEDED, NEEDED_ON, TOOLS
from orchestrator.adapters.dbt.bridge.replacements import replace_functions, unhashed_vars
from orchestrator.adapters.dbt.crash import crashed, is_crash_of_dbt
from orchestrator.adapters.dbt.dbt_duckdb_files import files_of_dbt, require_one_format
from orchestrator.adapters.dbt.dbt_target import target_of
from orchestrator.adapters.dbt.manifest_file import ManifestFile, keep_unwritten, write_artifacts
from orchestrator.adapters.dbt.node_log import NodeLog
from orchestrator.adapters.dbt.placing import place_nodes, place_sources
from orchestrator.adapters.dbt.project_errors import refused_file, refused_options, refused_text, translate
from orchestrator.adapters.dbt.run_vars import NO_VARS, RunVars
from orchestrator.adapters.probe import require_attributes
from orchestrator.adapters.versions import require_supported
from orchestrator.config.settings import StorageVersion
from orchestrator.errors import ArtifactsError, EltError, UsageError, WarehouseError
from orchestrator.full_disk import full_disk_error, is_full_disk
from orchestrator.nodes.identity import NodeId
from orchestrator.nodes.prefix import Placement
from orchestrator.nodes.target import Target

_UNMOVED = Placement()


class DbtSession:
    """An open dbt invocation; only one can be open in a process."""

    def __init__(
        self,
        project_dir: Path,
        hear: invocation.Hear = lambda *_: None,
        mask: Callable[[str], str] = lambda text: text,
        storage: StorageVersion | None = None,
    ) -> None:
        """Set the callback for dbt's warnings, and the function that removes secrets from a text that is kept.

        `storage` is the format of DuckDB files that are created.
        """
        self.project_dir = project_dir
        self._storage = storage
        self._resources = ExitStack()
        self.flags: Any = None
        self.config: Any = None
        self.manifest: Any = None
        self.invocation_context: Any = None
        self.node_log = NodeLog(mask)
        self._hear = hear
        self._args: tuple[str, ...] = ()
        self._integrations: list[Any] = []
        self._came_from: Path | None = None
        self.manifest_file: ManifestFile | None = None
        self._vars_of_run: RunVars
        self.placement = _UNMOVED
        self.unmoved: dict[NodeId, str] = {}
        """The nodes that a run with a schema prefix cannot build, each with the reason."""

    def open(self, args: Sequence[str], run_vars: Mapping[str, str] = NO_VARS) -> Target:
        """Read flags, profile and project for dbt's command line `args`; parses nothing yet.

        Changes to the project folder until `close`, so that relative paths in the profile mean the same as for dbt.
        `run_vars` are vars of this run besides those of the command line, which win.
        Raises UsageError or ProjectError.
        """
        require_supported(*TOOLS)
        # Before anything of dbt is wrapped: a wrapper around a missing function would silently never be called.
        # In the project folder, because dbt reads the .env of the working folder as soon as it is imported.
        with chdir(self.project_dir):
            require_attributes((*NEEDED, *releases.installed_release().needed), *TOOLS)
        from dbt_common.context import get_invocation_context

        replace_functions()
        self._args = tuple(args)
        self._came_from = Path.cwd()
        os.chdir(self.project_dir)
        releases.load_env_file(self.project_dir)
        try:
            self._begin(args)
            self.invocation_context = get_invocation_context()
            self._load_configuration(run_vars)
        except Exception as error:
            self.close()
            raise self._translated(error) from error
        # After the configuration, which names the target folder.
        self._check_state()
        self._check_threads()
        return target_of(self.config, Path(self.flags.PROFILES_DIR), self._storage)

    def parse(self, placement: Placement = _UNMOVED) -> ManifestFile:
        """Parse the project as dbt does (partial parse kept) and return the manifest, which no other run replaces.

        The nodes are moved to the schemas of the placement.
        """
        from dbt.parser.manifest import parse_manifest

        try:
            unhashed = self._vars_of_run.beside_the_parse(lambda reason: self._hear("note", reason, ""))
            with unhashed_vars(unhashed), releases.around_parse(self.flags):
                self.manifest = parse_manifest(
                    self.config,
                    False,  # noqa: FBT003  # write_perf_info; dbt's own signature
                    False,  # noqa: FBT003  # write: dbt would write in place, where another run may read or write
                    False,  # noqa: FBT003  # write_json
                    self._integrations,
                )
            self.placement = placement
            if placement.prefix:
                self.unmoved = place_nodes(self.manifest, self.config, placement)
            self.manifest_file = self._written()
        except Exception as error:
            raise self._translated(error) from error
        # The parsed objects live as long as the session. Scanning them at every garbage collection would take a tenth
        # of a run's CPU time.
        gc.freeze()
        return self.manifest_file

    def move_sources(self, placement: Placement, sources: Collection[NodeId]) -> None:
        """Read these dbt sources from prefixed schemas; the manifest is written again."""
        place_sources(self.manifest, self.config, placement, sources)
        if self.manifest_file is not None:
            self.manifest_file.close()
        self.manifest_file = self._written()

    def _written(self) -> ManifestFile:
        if self.flags.WRITE_JSON:
            return write_artifacts(self.manifest, self.config)
        return keep_unwritten(self.manifest)

    def translated(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401  # dbt's own
        """Call `work`, which uses the parsed project; translate dbt's exceptions into errors of the project."""
        try:
            return work()
        except Exception as error:
            raise self._translated(error) from error

    @property
    def ignores_run_vars(self) -> bool:
        """Whether the vars of this run make no difference to anything in the parsed project."""
        return self._vars_of_run.are_unread

    @property
    def unread_vars(self) -> frozenset[str]:
        """The vars of this run that nothing in the parsed project can read."""
        return self._vars_of_run.unread

    @property
    def target_path(self) -> Path:
        """dbt's target folder, absolute."""
        return Path(self.config.project_target_path).resolve()

    def credentials(self) -> dict[str, Any]:
        """Return the active target's connection as its adapter read it; contains secrets, so never show it."""
        found: dict[str, Any] = self.config.credentials.to_dict()
        return found

    def attach(self) -> None:
        """Open dbt's first connection, which attaches the databases that the profile names.

        Raises:
            WarehouseError: it cannot be opened.
        """
        from dbt.adapters.factory import get_adapter
        from dbt_common.exceptions import DbtBaseException

        adapter = get_adapter(self.config)
        try:
            with adapter.connection_named("attach") as connections:
                del connections
                adapter.connections.get_thread_connection().handle  # noqa: B018  # opens it
        except DbtBaseException as error:
            if isinstance(error.__cause__, WarehouseError):
                raise error.__cause__ from error
            raise WarehouseError(str(error), hint="Check the target in profiles.yml.") from error

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the first row of a query on the target; what it writes is rolled back. Needs no parse.

        Raises:
            WarehouseError: the target cannot be opened, or refuses the query.
        """
        from dbt.adapters.factory import get_adapter, register_adapter
        from dbt.mp_context import get_mp_context
        from dbt_common.exceptions import DbtBaseException

        register_adapter(self.config, get_mp_context())
        adapter = get_adapter(self.config)
        try:
            with adapter.connection_named("question"):
                _, table = adapter.execute(statement, auto_begin=True, fetch=True, limit=1)
                return [tuple(row) for row in table.rows]
        except DbtBaseException as error:
            if isinstance(error.__cause__, WarehouseError):
                raise error.__cause__ from error
            raise WarehouseError(str(error), hint="Check the query, and the target in profiles.yml.") from error

    def close(self) -> None:
        """Close the connections and the log file, and restore the working folder; idempotent."""
        if self._came_from is not None:
            # Cleared first, so that a second call does nothing even if this one raises.
            came_from, self._came_from = self._came_from, None
            # The next session of this process must be able to free what this one parsed.
            gc.unfreeze()
            try:
                invocation.end()
            finally:
                self._resources.close()
                os.chdir(came_from)
        if self.manifest_file is not None:
            self.manifest_file.close()

    def _begin(self, args: Sequence[str]) -> None:
        import click
        from dbt.cli.exceptions import DbtUsageException
        from dbt_common.exceptions import DbtBaseException

        try:
            self.flags = invocation.begin(args, self._hear, self.node_log.hear)
        except (DbtBaseException, DbtUsageException, click.ClickException) as error:
            raise refused_options(error, self.project_dir, args) from error

    def _check_threads(self) -> None:
        if self.config.threads is not None and self.config.threads < 1:
            self.close()
            raise UsageError(
                f"dbt cannot run with {self.config.threads} threads.",
                hint="Set --threads, or `threads` of the target in profiles.yml, to 1 or more.",
            )

    def _load_configuration(self, run_vars: Mapping[str, str]) -> None:
        from dbt.config import RuntimeConfig
        from dbt.config.runtime import load_profile, load_project
        from dbt.plugins import set_up_plugin_manager

        flags = self.flags
        all_vars = {**run_vars, **flags.VARS}
        profile = load_profile(
            flags.PROJECT_DIR, all_vars, flags.PROFILE, flags.TARGET, getattr(flags, "THREADS", None)
        )
        self.invocation_context.uses_adapter(profile.credentials.type)
        # Only now, because the profile names the adapter.
        require_attributes(NEEDED_ON.get(profile.credentials.type, ()), *TOOLS)
        if profile.credentials.type == "duckdb":
            if self._storage is not None:
                require_one_format(profile.credentials, self._storage)
            self._resources.enter_context(files_of_dbt(self._storage))
        project = load_project(flags.PROJECT_DIR, flags.VERSION_CHECK, profile, all_vars, validate=True)
        set_up_plugin_manager(project_name=project.project_name)
        self.config = RuntimeConfig.from_parts(project, profile, flags)
        self._integrations = releases.write_integrations(flags, self.config, all_vars)
        self._vars_of_run = RunVars(self.config, run_vars, Path(flags.PROFILES_DIR))

    def _check_state(self) -> None:
        """Refuse a folder of --state or --defer-state that does not exist, or that this command itself writes to."""
        for option in ("STATE", "DEFER_STATE"):
            given = getattr(self.flags, option, None)
            if not given:
                continue
            folder, name = (self.project_dir / given).resolve(), f"--{option.lower().replace('_', '-')}"
            mistake = ""
            # By the time of the comparison, the parse has overwritten the manifest there.
            if folder == self.target_path:
                mistake = f"{name} names the live target folder {given}, which this command writes to."
            elif not folder.is_dir():
                mistake = f"The folder of {name} does not exist: {folder}."
            if mistake:
                self.close()
                raise ArtifactsError(
                    mistake,
                    hint=f"Copy the artifacts to compare with to another folder, and give that to {name}.",
                )

    def _translated(self, error: Exception) -> Exception:
        from dbt_common.exceptions import DbtBaseException

        if is_full_disk(error):
            return full_disk_error(error, [self.project_dir])
        if isinstance(error, OSError) and error.filename:
            return refused_file(error)
        if isinstance(error, UnicodeDecodeError):
            return refused_text(error, self.project_dir)
        if not isinstance(error, DbtBaseException):
            is_own = isinstance(error, EltError) or not is_crash_of_dbt(error)
            return error if is_own else crashed(error, self.project_dir)
        profiles_dir = str(getattr(self.flags, "PROFILES_DIR", "") or self.project_dir)
        return translate(error, self.project_dir, Path(profiles_dir), self._args)
