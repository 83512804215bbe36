"""Reads the URLs of notifications: they come from the environment or a file, and no secret of them is in elt.yml."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from orchestrator.config.substitution import UnsetError, substitute

_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-(?P<default>[^}]*))?\}")
_WHOLLY = re.compile(rf"(?:{_REFERENCE.pattern.replace('?P<default>', '?:')})+")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_TOKEN = re.compile(r"[\w-]{16,}")
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|key|auth|signature|^sig$|credential", re.IGNORECASE)
_LONG = 8  # characters; a shorter word in the place of a token is a channel or a word such as `Apprise`
OPEN_SCHEMES = frozenset(
    {"dbus", "form", "forms", "http", "https", "json", "jsons", "mailto", "mailtos", "syslog", "xml", "xmls"}
)
"""Schemes whose URLs are addresses, which are no secret unless they contain a password or a token."""


@dataclass(frozen=True, slots=True)
class AsWritten:
    """A value as it is written in elt.yml. Its references to the environment are filled in when it is used.

    A notification is sent only where its variables are set; every other command works without them.
    """

    written: str

    def filled(self, environ: Mapping[str, str]) -> str:
        """Return the value; raises ValueError if a variable is not set."""
        try:
            return substitute(self.written, environ)
        except UnsetError as error:
            raise ValueError(error.reason) from None  # without the advice to write a default: these URLs are secret

    @property
    def scheme(self) -> str:
        """Return the scheme of the URL, in lower case; empty if the environment provides it."""
        found = _SCHEME.match(self.written)
        return found["scheme"].lower() if found is not None else ""


def secret_url(value: object) -> AsWritten:
    """Return a URL of Apprise as it is written; refuse one whose text contains a secret."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a URL, such as ${SLACK_URL}")
    _require_well_formed(value)
    if _WHOLLY.fullmatch(value.strip()) is None and _SCHEME.match(value.strip()) is None:
        raise ValueError("expected a URL of Apprise, such as ${SLACK_URL} or json://localhost:8000/")
    texts = [value.strip(), *(found["default"] for found in _REFERENCE.finditer(value) if found["default"])]
    for one in texts:
        if (part := next(_secret_parts(one), None)) is not None:
            raise ValueError(
                f"{part} is written in the file; put the whole URL into the environment and write ${{NAME}}, "
                "or into a file that 'file' names"
            )
    return AsWritten(value.strip())


def ping_url(value: object) -> AsWritten:
    """Return the URL of a dead-man's switch as it is written; refuse one that contains a secret."""
    found = secret_url(value)
    if found.scheme and found.scheme not in {"http", "https"}:
        raise ValueError("expected a URL that begins with https:// or http://, such as ${HEALTHCHECK_URL}")
    return found


def _require_well_formed(value: str) -> None:
    rest = _REFERENCE.sub("", value)
    if "${" in rest.replace("$${", ""):
        raise ValueError("'${' opens a reference that is not of the form ${NAME} or ${NAME:-default}")


def _secret_parts(text: str) -> Iterator[str]:
    """Yield the names of the parts of a URL whose literal text may be secret; references count as nothing."""
    found = _SCHEME.match(_REFERENCE.sub("", text))
    if found is None:
        return
    address, _, query = found["rest"].partition("?")
    authority, *path = address.split("/")
    userinfo, has_user, host = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    if password:
        yield "a password"
    for name, value in parse_qsl(query):
        if value and (_SECRET_NAME.search(name) or _is_random(value)):
            yield f"the value of '{name}'"
    if found["scheme"].lower() in OPEN_SCHEMES:
        yield from ("what looks like a token" for part in path if _is_random(unquote(part)))
        return
    if has_user and len(user) >= _LONG:
        yield "what may be a token"
    if len(host) >= _LONG and "." not in host and not host.startswith("localhost"):
        yield "what may be a token"
    yield from ("what may be a token" for part in path if len(part) >= _LONG and part[0] not in "#@")


def _is_random(text: str) -> bool:
    """Return whether a text contains a long word of letters and digits, as tokens and ids do."""
    return any(re.search(r"\d", word) and re.search(r"[A-Za-z]", word) for word in _TOKEN.findall(text))
