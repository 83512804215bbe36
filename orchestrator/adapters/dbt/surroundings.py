"""What an open session knows of the world around a project: vars, target, settings that change results."""

from typing import Any

from orchestrator.adapters.dbt.session import DbtSession

_LIMITING = ("EMPTY", "SAMPLE", "EVENT_TIME_START", "EVENT_TIME_END")


def vars_by_package(session: DbtSession) -> dict[str, dict[str, object]]:
    """Give the vars that the nodes of each package see: the command line's, then the project's, then its own."""
    config = session.config
    adapter = config.credentials.type
    found: dict[str, dict[str, object]] = {}
    for name, project in config.load_dependencies().items():
        lookup = _Package(name)
        own, active = project.vars.vars_for(lookup, adapter), config.vars.vars_for(lookup, adapter)
        found[name] = {**dict(own), **dict(active), **config.cli_vars}
    return found


def shown_target(session: DbtSession) -> dict[str, object]:
    """Give what `target` shows to Jinja of the connection; how many threads there are changes no result."""
    found: dict[str, object] = session.config.to_target_dict()
    return {name: value for name, value in found.items() if name != "threads"}


def limiting_settings(session: DbtSession) -> dict[str, object]:
    """Give the settings that change what a run leaves: fewer rows than all, or macros of another package first."""
    flags: Any = session.flags
    found = {name.lower(): str(getattr(flags, name, None)) for name in _LIMITING if getattr(flags, name, None)}
    return {**found, **({"dispatch": session.config.dispatch} if session.config.dispatch else {})}


class _Package:
    """What dbt looks vars up by."""

    def __init__(self, package_name: str) -> None:
        self.package_name = package_name
        self.fqn = [package_name]
