"""Checks whether great-expectations is installed, without importing it."""

from importlib.util import find_spec

from orchestrator.adapters.versions import require_supported
from orchestrator.errors import MissingExtraError
from orchestrator.installing import install_hint

_NEEDED = ("great_expectations", "sqlalchemy")


def require_installed() -> None:
    """Raise if a tool that validations need is missing or has an unsupported version; called when planning."""
    missing = [name for name in _NEEDED if not _is_installed(name)]
    if missing:
        raise MissingExtraError(
            f"The plan validates expectation suites, but {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not installed.",
            hint=install_hint("elt-orchestrator[gx]"),
        )
    require_supported("great-expectations", "sqlalchemy")


def _is_installed(name: str) -> bool:
    """Return whether a package is installed; a mere folder of that name is found too, but has no origin."""
    spec = find_spec(name)
    return spec is not None and spec.origin is not None
