"""Describes dbt's target in a value of elt, from the profile as dbt read it."""

from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.dbt_duckdb_files import config_of
from orchestrator.adapters.dbt.profile_errors import targets_of
from orchestrator.config.settings import StorageVersion
from orchestrator.nodes.target import Target


def target_of(config: Any, profiles_dir: Path, storage: StorageVersion | None) -> Target:  # noqa: ANN401  # dbt's own
    """Return the target of dbt's configuration; its new DuckDB files have the format of `storage`."""
    credentials = config.credentials
    is_duckdb = credentials.type == "duckdb"
    return Target(
        name=config.target_name,
        adapter=credentials.type,
        threads=config.threads or 1,
        database=str(credentials.database),
        profile=str(config.profile_name),
        siblings=targets_of(profiles_dir, str(config.profile_name)),
        server=_server(credentials),
        path=_absolute(credentials.path) if is_duckdb else None,
        config=config_of(credentials, storage) if is_duckdb else {},
        only_dbt_executes=_only_dbt_executes(credentials) if is_duckdb else "",
        opened_by_dbt=_opened_by_dbt(credentials) if is_duckdb else "",
    )


def _only_dbt_executes(credentials: Any) -> str:  # noqa: ANN401  # dbt-duckdb's credentials
    """Return what makes dbt-duckdb execute statements in another way than on a plain connection to a file."""
    named = {
        "disable_transactions": credentials.disable_transactions,
        "retries": credentials.retries,
        "remote": credentials.remote,
        "is_ducklake": "ducklake:" in str(credentials.path).lower(),
        "attach": any(one.alias == credentials.database for one in credentials.attach or ()),
    }
    return ", ".join(name for name, is_set in named.items() if is_set)


def _opened_by_dbt(credentials: Any) -> str:  # noqa: ANN401  # dbt-duckdb's credentials
    """Return what dbt-duckdb sets up in a database when it opens it, besides the settings of its sessions."""
    names = ("extensions", "secrets", "filesystems", "plugins", "attach", "module_paths", "use_credential_provider")
    return ", ".join(name for name in names if getattr(credentials, name, None))


def _server(credentials: Any) -> str | None:  # noqa: ANN401  # the credentials of any adapter
    host, port = getattr(credentials, "host", None), getattr(credentials, "port", None)
    return f"{host}:{port}" if host and port else host


def _absolute(path: str) -> str:
    if path == ":memory:" or "://" in path or path.startswith(("md:", "motherduck:")):
        return path
    return str(Path(path).resolve())
