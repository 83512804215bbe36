"""Checks whether dlt is installed, without importing it."""

from importlib.util import find_spec

from orchestrator.adapters.versions import require_supported
from orchestrator.errors import MissingExtraError
from orchestrator.installing import install_hint


def require_installed() -> None:
    """Raise MissingExtraError if dlt, or a library that its loads need, is missing or has an unsupported version."""
    missing = [name for name in ("dlt", "pyarrow") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"Ingestion needs {' and '.join(missing)}, not installed in this environment.",
            hint=install_hint("elt-orchestrator[ingest]"),
        )
    require_supported("dlt", "pyarrow")
