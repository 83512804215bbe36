"""Starts the interpreters that run ingestion modules, each on first use: elt's own, and those that elt.yml names."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestrator.adapters.children.child_access import ChildAccess
from orchestrator.adapters.children.child_host import ChildHost
from orchestrator.adapters.children.child_process import Child, ChildEndedError
from orchestrator.adapters.dlt.dlt_extra import NEEDED, require_in, require_installed
from orchestrator.adapters.versions import installed_of
from orchestrator.config.settings import EVERY_MODULE
from orchestrator.errors import IngestionError

_NONE: Mapping[str, Path] = MappingProxyType({})


class IngestionHost:
    """The interpreters of one project, by module; thread-safe."""

    def __init__(
        self,
        mask: Callable[[str], str] = lambda text: text,
        pythons: Mapping[str, Path] = _NONE,
        *,
        learn: Callable[[object], None] = lambda _secret: None,
    ) -> None:
        """Configure the interpreters; `mask` hides secrets in the output of the children, also those that `learn` got.

        `pythons` are the interpreters by the name of a module, or `*` for all others; without one it is elt's own.
        """
        self._pythons = {module: str(python) for module, python in pythons.items()}
        self._hosts = {
            python: ChildHost(
                "orchestrator.adapters.dlt.dlt_child",
                NEEDED,
                python=python,
                environment={"RUNTIME__DLTHUB_TELEMETRY": "false"},
                mask=mask,
                learn=learn,
            )
            for python in {*self._pythons.values(), sys.executable}
        }

    def start(self) -> None:
        """Start elt's own interpreter without waiting until it is warm; calling again does nothing."""
        self._hosts[sys.executable].start()

    def open_child(self, request: Mapping[str, Any], *, access: ChildAccess | None = None) -> Child:
        """Return a new process that answers the request; its output goes to the log that the request names.

        Raises:
            MissingExtraError: The interpreter lacks dlt, or has it in an unsupported version.
            IngestionError: The interpreter cannot be used.
        """
        key = Path(request["module"]).stem
        key = key if key in self._pythons else EVERY_MODULE
        setting = "ingestion.python" if key == EVERY_MODULE else f"ingestion.python.{key}"
        host = self._hosts[self._pythons.get(key, sys.executable)]
        # for DuckDB, rows are handed over as Parquet files
        is_duckdb = access is not None and access.kind == "duckdb"
        try:
            if key in self._pythons:
                require_in(host.facts(), host.python, setting)
            else:
                require_installed()
            child = host.open_child(access=access, log=Path(request["log"]), warms_further=is_duckdb)
        except ChildEndedError as error:
            raise IngestionError(
                f"{setting}: the interpreter {host.python} cannot be used: {error}",
                hint="Name the Python of an environment with dlt, such as .venv-ingest/bin/python.",
            ) from error
        child.send(request)
        return child

    def versions(self) -> dict[str, str]:
        """Return the version of dlt that loads, if elt.yml names interpreters; several, if theirs differ."""
        used = {python: dict(host.known_versions) for python, host in self._hosts.items() if python != sys.executable}
        if EVERY_MODULE not in self._pythons:
            used |= {sys.executable: installed_of(*NEEDED)}
        found = sorted({versions["dlt"] for versions in used.values() if "dlt" in versions})
        return {"dlt": ", ".join(found)} if found and self._pythons else {}

    def close(self) -> None:
        """Terminate the processes; their children end with them."""
        for host in self._hosts.values():
            host.close()
