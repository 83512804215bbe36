"""Reports the secrets of a load to the owner, which masks them in what the child prints.

The owner knows the environment and the secrets.toml of the project. Only dlt knows which other values are secret: it
resolves them where the code asks for them, from any place, under any name. Each is reported before the code gets it.
"""

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from dlt.common.configuration import is_secret_hint

from orchestrator.adapters.children.wire import Channel
from orchestrator.adapters.dlt.dlt_bridge import hear_environment, hear_resolved

_SECRETS_FILE = "secrets.toml"


def report_secrets(owner: Channel) -> None:
    """Report each secret that dlt resolves from now on, and each variable that the code sets in the environment."""
    report = _Reporter(owner)

    def hear(trace: Any) -> None:  # noqa: ANN401  # dlt's trace of a resolved value
        if is_secret_hint(trace.hint):
            report(trace.value)
        elif trace.provider_name == _SECRETS_FILE:
            report({"secret": trace.value})

    hear_resolved(hear)
    hear_environment(lambda name, value: report({name: value}))


class _Reporter:
    """Sends each value once, and returns when the owner knows it."""

    def __init__(self, owner: Channel) -> None:
        self._owner = owner
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._reported: set[str] = set()

    def __call__(self, value: object) -> None:
        known = repr(value)
        # A process that the code forks shares the channel, and must not take the replies of this one.
        if not isinstance(value, str | Mapping) or os.getpid() != self._process:
            return
        with self._lock:
            if known in self._reported:
                return
            with suppress(EOFError, OSError, ValueError):  # the owner has ended, and reads no output
                self._owner.ask({"secrets": [_plain(value)]})
            self._reported.add(known)


def _plain(value: object) -> object:
    """Return a value as JSON has it."""
    match value:
        case Mapping():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case str() | int():
            return value
        case _:
            return str(value)
