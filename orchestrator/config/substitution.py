"""Replaces `${NAME}` and `${NAME:-default}` in a value with the environment's values."""

import re
from collections.abc import Iterator, Mapping

from orchestrator.masking import is_secret_name

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{")
_MALFORMED = "'${' opens a reference that is not of the form ${NAME} or ${NAME:-default}"


class UnsetError(Exception):
    """A value refers to a variable that is not set, or the reference is not well-formed."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(f"{reason}; {advice}" if advice else reason)
        self.reason = reason


def variables_in(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield the variables that a text refers to, each with its default, if it has one.

    Raises:
        UnsetError: a reference is not well-formed.
    """
    for match in _REFERENCE.finditer(text):
        if match[0] == "$${":
            continue
        if match["name"] is None:
            raise UnsetError(_MALFORMED)
        yield match["name"], match["default"]


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """Return the text with the environment's values; `$${` is an escaped `${`."""

    def replace(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        if match[0] == "$${":
            return "${"
        if name is None:
            raise UnsetError(_MALFORMED)
        value = environ.get(name)
        # As in a shell, `:-` also applies if the variable is set but empty.
        if default is not None:
            return value or default
        if value is None:
            # A default would write a secret into the file.
            advice = "" if is_secret_name(name) else f"set it, or write ${{{name}:-a default}}"
            raise UnsetError(f"the environment variable {name} is not set", advice)
        return value

    return _REFERENCE.sub(replace, text)
