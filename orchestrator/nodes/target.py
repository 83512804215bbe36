"""Defines what is known about dbt's target without opening it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.masking import Masker


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The warehouse as described by the active target of the profile; contains no secret."""

    name: str
    adapter: str
    threads: int
    database: str
    profile: str = ""
    server: str | None = None
    """The host and port of a database server."""
    path: str | None
    """For DuckDB: the absolute path of the file, `:memory:`, or a remote address."""
    siblings: tuple[str, ...] = ()
    """The names of all targets of the profile."""
    config: Mapping[str, object] = field(default_factory=dict)
    """For DuckDB: the configuration that its connections are opened with."""
    only_dbt_executes: str = ""
    """The keys of the profile that change how dbt executes statements; with one of them, only dbt executes any."""
    opened_by_dbt: str = ""
    """The keys of the profile for which dbt sets up the database when it opens it; with one, only dbt opens it."""
    is_for_dbt_alone: bool = False
    """Whether only dbt opens the database, because dbt is a process of its own."""

    @property
    def is_file(self) -> bool:
        """Whether it is a DuckDB file on this machine, which the run can open and share."""
        return self.path is not None and self.path != ":memory:" and "://" not in self.path and self.path[:3] != "md:"

    @property
    def is_shared(self) -> bool:
        """Whether loads, validations and elt itself can work in it alongside dbt."""
        return not self.is_for_dbt_alone and (self.is_file or self.adapter == "postgres")

    @property
    def is_there(self) -> bool:
        """Whether the database exists; a database file that was never written does not."""
        return self.adapter == "postgres" or (self.path is not None and Path(self.path).exists())

    @property
    def identity(self) -> str:
        """Identifies the target regardless of its profile name: adapter, and absolute file or server and database."""
        if self.path is not None:
            return f"{self.adapter} {Masker().text(self.path)}"
        return f"{self.adapter} {self.server or ''}/{self.database}"

    @property
    def description(self) -> str:
        """The absolute path of the database file, or the adapter, database and server."""
        if self.path is not None:
            return Masker().text(self.path)
        return f"{self.adapter} database {self.database}" + (f" at {self.server}" if self.server else "")
