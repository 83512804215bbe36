"""Reads the versions and columns of dbt sources that are files; once, until a step of the run may have written them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from orchestrator.errors import WarehouseError
from orchestrator.nodes.dbt_nodes import DbtSource
from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.facts import StoredFunction
from orchestrator.reuse.fingerprints.value import SourceVersion
from orchestrator.reuse.open_target import OpenTarget
from orchestrator.reuse.source_files import READERS, files_of
from orchestrator.reuse.table_columns import columns_digest


@dataclass(slots=True)
class FileFacts:
    """The versions and the columns of dbt sources that are files."""

    project: OpenTarget
    _versions: dict[NodeId, SourceVersion | str] = field(default_factory=dict)
    _columns: dict[NodeId, str] = field(default_factory=dict)

    def version(
        self, source: DbtSource, functions: Mapping[str, StoredFunction], seconds: float
    ) -> SourceVersion | str:
        """Return a source's version from the bytes of its files, or why it has none within `seconds`."""
        if source.unique_id not in self._versions:
            self._versions[source.unique_id] = self._read(source, functions, seconds)
        return self._versions[source.unique_id]

    def columns(self, source: DbtSource) -> str:
        """Return a digest of the columns that DuckDB finds in the files; empty if they cannot be read."""
        if source.unique_id not in self._columns:
            found: list[tuple[str, str]] = []
            if not isinstance(files_of(source.external), str):
                with suppress(WarehouseError):  # then without columns, as for a table that cannot be read
                    rows = self.project.warehouse().ask(f"describe select * from {source.external}")  # noqa: S608  # dbt's own text
                    found = [(str(row[0]), str(row[1])) for row in rows]
            self._columns[source.unique_id] = columns_digest(found) if found else ""
        return self._columns[source.unique_id]

    def forget(self) -> None:
        """Forget all versions and columns."""
        self._versions.clear()
        self._columns.clear()

    def _read(self, source: DbtSource, functions: Mapping[str, StoredFunction], seconds: float) -> SourceVersion | str:
        names, stored = files_of(source.external), sorted(READERS & functions.keys())
        if isinstance(names, str):
            return names
        if stored:  # a macro of that name is called instead of DuckDB's reader
            return f"{stored[0]}() is a macro that is stored in the database"
        try:
            return SourceVersion(rows=f"files {self.project.warehouse().files_digest(names, seconds)}")
        except WarehouseError as error:
            return error.message.splitlines()[0]
