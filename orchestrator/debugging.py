"""Switches debugging on, with --debug or ELT_DEBUG: tracebacks and elt's debug log are then shown on stderr.

The level of elt's logger is the switch, so that logging and tracebacks cannot disagree.
"""

import logging

LOGGER = logging.getLogger("orchestrator")


def set_debugging(*, on: bool) -> None:
    """Switch debugging on or off for this process."""
    LOGGER.setLevel(logging.DEBUG if on else logging.NOTSET)


def is_debugging() -> bool:
    """Return whether debugging is on."""
    return LOGGER.level == logging.DEBUG
