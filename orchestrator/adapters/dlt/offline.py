"""Prevents a source's code from opening connections while its resources are listed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CONTACTS = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"})


class ContactRefusedError(BaseException):
    """Not an Exception, so that a source's own retries do not catch it."""


class _Guard:
    """Switches the audit hook on and off, because Python cannot remove an audit hook."""

    def __init__(self) -> None:
        self.installed = False
        self.refusing = False

    def hook(self, event: str, _: tuple[Any, ...]) -> None:
        if self.refusing and event in CONTACTS:
            raise ContactRefusedError(event)


_guard = _Guard()


@contextmanager
def contacting_nobody() -> Iterator[None]:
    """Raise ContactRefusedError from any attempt to open a connection or to resolve a host name."""
    if not _guard.installed:
        sys.addaudithook(_guard.hook)
        _guard.installed = True
    _guard.refusing = True
    try:
        yield
    finally:
        _guard.refusing = False
