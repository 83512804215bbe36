"""`${NAME}` and `${NAME:-default}` in a value, from the environment."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{")


class UnsetError(Exception):
    """A value refers to a variable that is not set, or is not written as a reference."""


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """Put the environment's values in; `$${` stands for `${` itself."""

    def replace(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        if match[0] == "$${":
            return "${"
        if name is None:
            raise UnsetError("'${' opens a reference that is not of the form ${NAME} or ${NAME:-default}")
        value = environ.get(name)
        # As in a shell, `:-` also stands in for a variable that is set to nothing.
        if default is not None:
            return value or default
        if value is None:
            raise UnsetError(f"the environment variable {name} is not set; set it, or write ${{{name}:-a default}}")
        return value

    return _REFERENCE.sub(replace, text)
