"""Asks Apprise about its services: which schemes exist, and which of them keep incidents."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from orchestrator.adapters.versions import require_supported
from orchestrator.config.mistakes import meant
from orchestrator.errors import MissingExtraError
from orchestrator.installing import install_hint


def require_apprise() -> None:
    """Raise MissingExtraError if Apprise is missing or has an unsupported version."""
    if find_spec("apprise") is None:
        raise MissingExtraError(
            "Notifications need apprise, not installed in this environment.",
            hint=install_hint("elt-orchestrator[notify]"),
        )
    require_supported("apprise")


def unknown_scheme(scheme: str) -> str | None:
    """Return what is wrong with the scheme of a URL; None if Apprise knows it."""
    known = _schemes()
    if scheme in known:
        return None
    return f"Apprise has no service '{scheme}://'{meant(scheme, known, ('slack', 'mailtos', 'json', '…'))}"


def incident_argument(scheme: str) -> str | None:
    """Return the argument by which a service finds an incident again; None if it keeps no incidents.

    Such a service opens an incident for a failure, updates it for a repeated one, and closes it for a success.
    """
    if scheme not in _schemes():
        return None
    arguments: dict[str, Any] = plugin_of(scheme).template_args
    actions = arguments.get("action", {}).get("values") or ()
    return next((name for name in ("dedup", "alias") if name in arguments and "map" in actions), None)


def plugin_of(scheme: str) -> Any:  # noqa: ANN401  # a class of Apprise
    """Return Apprise's class for a scheme."""
    return _services()[scheme]


def _schemes() -> tuple[str, ...]:
    return tuple(sorted(_services().schemas()))


def _services() -> Any:  # noqa: ANN401  # Apprise's own table of its plugins
    manager_plugins: Any = import_module("apprise.manager_plugins")
    return manager_plugins.NotificationManager()
